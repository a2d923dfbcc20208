"""`freezes:` of a policies file, read: two moments, or a window that recurs, become a `Freeze`.

freezes:
  - {id: year-end, from: 2026-12-20T00:00, until: 2027-01-04T08:00, zone: Europe/Berlin, match: {labels: {env: prod}}}
  - {id: weekend, weekly: {from: "fri 16:00", until: "mon 08:00"}, zone: America/New_York, except: ["group:sre"]}
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from policy.matching import Match, Names, ReadPattern, read_match
from policy.reading.files import Fields, Read, several, text
from policy.reading.nodes import Faults, Node
from policy.sources.freezes import ALWAYS, NEVER, Freeze, changes
from policy.sources.periods import read_zone
from policy.sources.windows import DAYS, Every, Mark, Recurrence, Span, earlier, later

KEYS = ("id", "describe", "from", "until", *(every.value for every in Every), "unless", "zone", "match", "except")
_CLOCK = r"([01]?\d|2[0-3]):([0-5]\d)"
_FORMS = {
    Every.DAY: (re.compile(rf"(){_CLOCK}"), "like 22:00"),
    Every.WEEK: (re.compile(rf"({'|'.join(DAYS)})[a-z]*(?: {_CLOCK})?", re.IGNORECASE), 'like "fri 16:00"'),
    Every.MONTH: (re.compile(rf"([1-9]|[12]\d|3[01])(?: {_CLOCK})?"), 'like 28 or "28 16:00"'),
    Every.YEAR: (re.compile(rf"(\d\d-\d\d)(?:[T ]{_CLOCK})?"), 'like "12-20" or "12-20T16:00"'),
}
_LEAP_YEAR = 2000


def read_freeze(names: Names) -> "ReadFreeze":
    """A reader of one entry of `freezes:`."""
    return ReadFreeze(names)


class ReadFreeze:
    """Reads `{id: year-end, from: 2026-12-20T00:00, until: 2027-01-04T08:00, zone: Europe/Berlin, ...}`."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def __call__(self, node: Node, faults: Faults) -> Freeze | None:
        fields = Fields(node, faults, *KEYS)
        name = fields.need("id", text)
        zone = fields.get("zone", read_zone, ZoneInfo("UTC"))
        recurs, again = _recurrence(fields, faults)
        need = fields.get if again else lambda key, reader, _: fields.need(key, reader)
        start = need("from", _moment(zone, earlier), ALWAYS)
        end = need("until", _moment(zone, later), NEVER)
        match = fields.get("match", read_match(self._names), Match())
        exceptions = fields.get("except", self._exceptions, ())
        unless = fields.get("unless", several(_unless(zone)), ())
        if name is None or start is None or end is None or (again and recurs is None):
            return None
        if start >= end:
            faults.at(fields.child("until") or node, "must be later than from")
        at = fields.child("id") or node
        return Freeze(
            id=name,
            describe=fields.get("describe", text, ""),
            start=start,
            end=end,
            match=changes(match),
            file=at.file,
            line=at.line,
            zone=zone,
            recurs=recurs,
            exceptions=exceptions,
            unless=unless,
        )

    def _exceptions(self, node: Node, faults: Faults) -> tuple[Match, ...] | None:
        """Requesters, and matches; or one match alone."""
        if isinstance(node.value, Mapping):
            return tuple(filter(None, [self._exception(node, faults)]))
        requesters: list[str] = []
        found: list[Match | None] = []
        read_requester = ReadPattern("requester", self._names.groups)

        def entry(item: Node, faults: Faults) -> bool:
            if isinstance(item.value, Mapping):
                found.append(self._exception(item, faults))
            else:
                requesters.extend(filter(None, [read_requester(item, faults)]))
            return True

        several(entry)(node, faults)
        together = [Match((("requester", tuple(requesters)),))] if requesters else []
        return (*together, *filter(None, found))

    def _exception(self, node: Node, faults: Faults) -> Match | None:
        match = read_match(self._names)(node, faults)
        if match is not None and not match.tests:
            faults.at(node, "excepts everything", "name requester, tool, resource or labels, or remove the freeze")
        return match


def _recurrence(fields: Fields, faults: Faults) -> tuple[Recurrence | None, bool]:
    """The window that recurs, and whether one was asked for at all."""
    given = [every for every in Every if every.value in fields]
    if len(given) > 1:
        names = " and ".join(every.value for every in given)
        faults.at(fields.node, f"has {names}", "write a freeze for each")
    return (fields.get(given[0].value, _window(given[0]), None), True) if given else (None, False)


def _window(every: Every) -> Read[Recurrence]:
    """`{from: "fri 16:00", until: "mon 08:00"}`."""

    def read(node: Node, faults: Faults) -> Recurrence | None:
        fields = Fields(node, faults, "from", "until", *(("days",) if every is Every.DAY else ()))
        begins, ends = fields.need("from", _mark(every)), fields.need("until", _mark(every))
        days = fields.get("days", several(_day, lone=True), tuple(range(len(DAYS)))) if every is Every.DAY else ()
        if begins is None or ends is None:
            return None
        if every is Every.DAY and not days:
            faults.at(fields.child("days") or node, "names no day", f"any of {', '.join(DAYS)}")
        found = Recurrence(every=every, begins=begins, ends=ends, days=frozenset(days or range(len(DAYS))))
        if found.endless:
            faults.at(
                node, "never ends: it begins again where it ends", f"leave {every.value} out, and say from and until"
            )
        return found

    return read


def _mark(every: Every) -> Read[Mark]:
    """One end of a window."""
    form, like = _FORMS[every]

    def read(node: Node, faults: Faults) -> Mark | None:
        said = str(node.value) if every is Every.MONTH and isinstance(node.value, int) else text(node, faults)
        if said is None:
            return None
        found = form.fullmatch(said)
        mark = _marked(every, *found.groups()) if found else None
        if mark is None:
            faults.at(node, f'"{said}" is not a time of a {every.value} window', like)
        return mark

    return read


def _marked(every: Every, which: str, hour: str | None, minute: str | None) -> Mark | None:
    at = time(int(hour or 0), int(minute or 0))
    match every:
        case Every.DAY:
            return Mark(at=at)
        case Every.WEEK:
            return Mark(at=at, weekday=DAYS.index(which.lower()))
        case Every.MONTH:
            return Mark(at=at, day=int(which))
        case Every.YEAR:
            month, _, day = which.partition("-")
            try:
                datetime(_LEAP_YEAR, int(month), int(day), tzinfo=UTC)
            except ValueError:
                return None
            return Mark(at=at, month=int(month), day=int(day))


def _day(node: Node, faults: Faults) -> int | None:
    said = text(node, faults)
    if said is None:
        return None
    if said.lower()[:3] not in DAYS:
        faults.at(node, f'"{said}" is not a day of the week', f"one of {', '.join(DAYS)}")
        return None
    return DAYS.index(said.lower()[:3])


def _unless(zone: ZoneInfo) -> Read[Span]:
    """`{from, until, why}`: the freeze takes the longer reading, hence this the shorter."""

    def read(node: Node, faults: Faults) -> Span | None:
        fields = Fields(node, faults, "from", "until", "why")
        begins = fields.need("from", _moment(zone, later))
        ends = fields.need("until", _moment(zone, earlier))
        fields.need("why", text)
        if begins is None or ends is None:
            return None
        if begins >= ends:
            faults.at(fields.child("until") or node, "must be later than from")
        return begins.astimezone(UTC), ends.astimezone(UTC)

    return read


def _moment(zone: ZoneInfo, reading: Callable[[datetime, ZoneInfo], datetime]) -> Read[datetime]:
    """A moment, in the zone; one that names an offset of its own is that moment."""

    def read(node: Node, faults: Faults) -> datetime | None:
        said = text(node, faults)
        if said is None:
            return None
        try:
            moment = datetime.fromisoformat(said)
            moment = moment if moment.tzinfo else reading(moment, zone).astimezone(zone)
            moment.astimezone(UTC)  # the first and last days of the calendar do not exist everywhere
        except (ValueError, OverflowError):
            faults.at(node, f'"{said}" is not a time', "like 2026-12-20T00:00")
            return None
        return moment

    return read

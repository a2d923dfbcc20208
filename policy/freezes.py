"""Change freezes: between two moments, what matches does not change, whoever asks but the excepted.

A freeze stops CHANGE calls; one that names other effects stops those. Local times are read in the freeze's zone; where
the clock says a time twice, the freeze takes the longer reading.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from domain.decisions import Reason
from domain.organization import DeclaredFreeze
from domain.tiers import Effect
from policy.files import Fields, nearest, several, text
from policy.matching import Match, Names, ReadPattern, read_match
from policy.nodes import Faults, Node

DECLARED = "organization"  # where a declared freeze stands: in the log, not in a file
KEYS = ("id", "describe", "from", "until", "zone", "match", "except")


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Nothing that matches changes from `start` (included) to `end` (excluded)."""

    id: str
    describe: str
    start: datetime
    end: datetime
    match: Match
    excepted: tuple[str, ...]  # requesters: user:ID, group:NAME, token:NAME
    file: str
    line: int

    def holds(self, now: datetime) -> bool:
        """Whether `now` is within it."""
        return self.start <= now < self.end

    @property
    def reason(self) -> Reason:
        """Why a call is denied."""
        what = self.describe.rstrip(".") or f"the change freeze {self.id}"
        text = f"{what} (until {self.end:%Y-%m-%d %H:%M %Z})"
        return Reason(policy=self.id, file=self.file, line=self.line, sets="deny", to=text)

    @property
    def canonical(self) -> Mapping[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "from": self.start.astimezone(UTC).isoformat(),
            "until": self.end.astimezone(UTC).isoformat(),
            "match": self.match.canonical,
            "except": sorted(self.excepted),
        }


def declared_freeze(declared: DeclaredFreeze) -> Freeze:
    """A freeze that a person declared, as one of the rules."""
    match = Match(declared.where)
    if not match.speaks_of("effect"):
        match = Match((*match.tests, ("effect", (Effect.CHANGE.value,))))
    why = f" ({declared.why})" if declared.why else ""
    return Freeze(
        id=declared.id,
        describe=f"{declared.by} has frozen this{why}",
        start=declared.since,
        end=declared.until,
        match=match,
        excepted=(),
        file=DECLARED,
        line=0,
    )


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
        zone = fields.get("zone", _zone, ZoneInfo("UTC"))
        start, end = fields.need("from", text), fields.need("until", text)
        match = fields.get("match", read_match(self._names), Match())
        excepted = fields.get("except", several(_excepted(self._names.groups)), ())
        if name is None or start is None or end is None:
            return None
        first = _moment(start, zone, 0, fields.child("from") or node, faults)
        last = _moment(end, zone, 1, fields.child("until") or node, faults)
        if first is None or last is None:
            return None
        if first >= last:
            faults.at(fields.child("until") or node, "must be later than from")
        if not match.speaks_of("effect"):
            match = Match((*match.tests, ("effect", (Effect.CHANGE.value,))))
        at = fields.child("id") or node
        return Freeze(
            id=name,
            describe=fields.get("describe", text, ""),
            start=first,
            end=last,
            match=match,
            excepted=excepted,
            file=at.file,
            line=at.line,
        )


def _zone(node: Node, faults: Faults) -> ZoneInfo | None:
    name = text(node, faults)
    if name is None:
        return None
    known = available_timezones()
    if name not in known:
        close = nearest(name, known)
        faults.at(node, f'there is no time zone "{name}"', close or "like Europe/Berlin or UTC")
        return None
    return ZoneInfo(name)


def _moment(said: str, zone: ZoneInfo, fold: int, node: Node, faults: Faults) -> datetime | None:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        faults.at(node, f'"{said}" is not a time', "like 2026-12-20T00:00")
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone, fold=fold)


def _excepted(groups: Collection[str] | None) -> ReadPattern:
    return ReadPattern("requester", groups)

"""Change freezes: while one holds, what matches does not change, whoever asks but the excepted.

A freeze stops CHANGE calls; one that names other effects stops those. It holds between two moments, or again and again
(`windows`), bounded by `from` and `until`, and not within its `unless` windows. What an exception asks for must be
known to fit: where a rule takes what is unknown for fitting, an exception does not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.decisions import Reason
from domain.freezes import Frozen
from domain.organization import DeclaredFreeze
from domain.tasks import Principal
from domain.tiers import Effect
from policy.facts import Situation
from policy.globs import matches
from policy.matching import LABEL, Match
from policy.sources.windows import Recurrence, Span

DECLARED = "organization"  # where a declared freeze stands: in the log, not in a file
ALWAYS, NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_MOST_STEPS = 1_500  # from window to window; more than four years of days


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Nothing that matches changes from `start` (included) to `end` (excluded), or in the windows that recur within."""

    id: str
    describe: str
    start: datetime
    end: datetime
    match: Match
    file: str
    line: int
    zone: ZoneInfo
    recurs: Recurrence | None = None
    exceptions: tuple[Match, ...] = ()  # any of them spares a call
    unless: tuple[Span, ...] = ()
    by: Principal | None = None  # who declared it, where a person did
    why: str = ""

    @property
    def excepted(self) -> tuple[str, ...]:
        """The requesters that exceptions name: they can help."""
        return tuple(who for one in self.exceptions for name, who_ in one.tests if name == "requester" for who in who_)

    # ── When ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def holds(self, now: datetime) -> bool:
        """Whether `now` is within it."""
        now = now.astimezone(UTC)  # two times of one zone are compared by its clock, which shows some times twice
        if not self.start <= now < self.end or any(begins <= now < ends for begins, ends in self.unless):
            return False
        return self.recurs is None or any(now < ends for _, ends in self._begun(self.recurs, now))

    def until(self, now: datetime) -> datetime | None:
        """When it ends, if it holds at `now`, in its zone."""
        if not self.holds(now):
            return None
        moment = now.astimezone(UTC)
        for _ in range(_MOST_STEPS):
            moment = min(self._edges(moment))
            if not self.holds(moment):
                break
        return self._local(moment)

    def next(self, now: datetime) -> datetime | None:
        """When it begins to hold after `now`, and after the end of the window that holds now; None: never again."""
        moment = (self.until(now) or now).astimezone(UTC)
        for _ in range(_MOST_STEPS):
            if self.holds(moment):
                return self._local(moment)
            moment = min(self._edges(moment))
            if moment >= self.end:
                break
        return None

    def _begun(self, recurs: Recurrence, now: datetime) -> Iterator[Span]:
        for span in recurs.spans(self.zone, now):
            if span[0] > now:
                return
            yield span

    def _edges(self, now: datetime) -> Iterator[datetime]:
        """The moments after `now` at which it might begin or end; of what recurs, all up to the next begin."""
        yield NEVER
        bounds = (self.start.astimezone(UTC), self.end.astimezone(UTC))
        yield from (moment for span in (bounds, *self.unless) for moment in span if moment > now)
        for begins, ends in self.recurs.spans(self.zone, now) if self.recurs else ():
            if ends > now:
                yield ends
            if begins > now:
                yield begins
                return

    # ── Whom ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def stops(self, situation: Situation) -> bool:
        """Whether it stops this call at this moment."""
        fits = self.match.fits(situation.facts) and self.holds(situation.now)
        return fits and not any(_spares(one, situation) for one in self.exceptions)

    # ── Words ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def subject(self) -> str:
        """What it is called in a sentence."""
        return self.describe.rstrip(".") or f"the change freeze {self.id}"

    @property
    def words(self) -> str:
        """What it says, whenever it is said."""
        if self.recurs is None:
            return f"{self.subject} (until {spell(self._local(self.end))}{self._but})"
        bound = "" if self.end == NEVER else f", until {spell(self._local(self.end))}"
        return f"{self.subject} ({self.recurs.words} {self.zone.key}{bound}{self._but})"

    def reason(self, now: datetime) -> Reason:
        """Why a call is denied: until when, and who is excepted."""
        text = f"{self.subject} (until {spell(self.until(now) or self._local(self.end))}{self._but})"
        return Reason(policy=self.id, file=self.file, line=self.line, sets="deny", to=text)

    @property
    def covers(self) -> str:
        """What it freezes, in words."""
        tests = tuple(one for one in self.match.tests if one != ("effect", (Effect.CHANGE.value,)))
        return spell_match(Match(tests)) if tests else "everything"

    @property
    def spared(self) -> tuple[str, ...]:
        """Its exceptions, in words."""
        return tuple(spell_match(one) for one in self.exceptions)

    @property
    def canonical(self) -> Mapping[str, Any]:
        """As JSON."""
        said: dict[str, Any] = {
            "id": self.id,
            "from": self.start.astimezone(UTC).isoformat(),
            "until": self.end.astimezone(UTC).isoformat(),
            "match": self.match.canonical,
            "except": sorted((dict(one.canonical) for one in self.exceptions), key=str),
        }
        if self.recurs is not None:
            said |= {self.recurs.every.value: self.recurs.canonical, "zone": self.zone.key}
        if self.unless:
            said["unless"] = [[begins.isoformat(), ends.isoformat()] for begins, ends in self.unless]
        return said

    @property
    def _but(self) -> str:
        return f"; excepted: {', '.join(self.spared)}" if self.exceptions else ""

    def _local(self, moment: datetime) -> datetime:
        try:
            return moment.astimezone(self.zone)
        except OverflowError:  # the last moments of the calendar exist only in UTC
            return moment


def declared_freeze(declared: DeclaredFreeze) -> Freeze:
    """A freeze that a person declared, as one of the rules. It holds from its declaration on, by any clock."""
    why = f": {declared.why}" if declared.why else ""
    return Freeze(
        id=declared.id,
        describe=f"frozen by {declared.by}{why}",
        start=ALWAYS,
        end=declared.until,
        match=changes(Match(declared.where)),
        file=DECLARED,
        line=0,
        zone=zone_of(declared.zone),
        by=declared.by,
        why=declared.why,
    )


def in_force(freezes: Iterable[Freeze], now: datetime) -> tuple[Frozen, ...]:
    """Those that hold at `now`, or will hold again: the first to end, then the first to begin, first."""
    found = [
        Frozen(
            id=one.id,
            covers=one.covers,
            what=one.words,
            place="" if one.file == DECLARED else f"{one.file}:{one.line}",
            zone=one.zone.key,
            holds=until is not None,
            until=until,
            next=begins,
            spared=one.spared,
            by=one.by,
            why=one.why,
        )
        for one in freezes
        for until, begins in [(one.until(now), one.next(now))]
        if until is not None or begins is not None
    ]
    return tuple(
        sorted(found, key=lambda one: (not one.holds, (one.until or one.next or NEVER).astimezone(UTC), one.id))
    )


def changes(match: Match) -> Match:
    """The match of a freeze: it stops changes, unless it names effects."""
    if match.speaks_of("effect"):
        return match
    return Match((*match.tests, ("effect", (Effect.CHANGE.value,))))


def zone_of(name: str) -> ZoneInfo:
    """The zone of that name; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def spell(moment: datetime) -> str:
    """`2027-01-04 08:00 CET`."""
    return f"{moment:%Y-%m-%d %H:%M %Z}"


def spell_match(match: Match) -> str:
    """`group:sre for tool service.restart`, `env=prod`, `resource prod/*`."""
    who = [who for name, patterns in match.tests if name == "requester" for who in patterns]
    what = [
        " or ".join(f"{name.removeprefix(LABEL)}={one}" for one in patterns)
        if name.startswith(LABEL)
        else f"{name} {' or '.join(patterns)}"
        for name, patterns in match.tests
        if name != "requester"
    ]
    if who and what:
        return f"{' or '.join(who)} for {' and '.join(what)}"
    return " or ".join(who) or " and ".join(what) or "everything"


def _spares(exception: Match, situation: Situation) -> bool:
    """Whether the call is known to fit: everybody whose standing counts is among the requesters, and all else fits."""
    for name, patterns in exception.tests:
        if name == "requester":
            if not situation.excepted(patterns):
                return False
            continue
        values = situation.facts.values(name)
        if not values or not all(any(matches(pattern, value) for pattern in patterns) for value in values):
            return False
    return True

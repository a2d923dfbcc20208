"""The time within which amounts add up: the last hour, this month by the calendar of a zone, or ever since.

Where a zone's clock says midnight twice, or leaves it out, the longer reading counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from policy.reading.files import Fields, duration, nearest, spell_duration, text
from policy.reading.nodes import Faults, Node
from policy.sources.windows import MIDNIGHT, earlier, later

LONGEST_S = 31 * 86_400.0  # the store keeps what was drawn for a day longer than this
_INSTANT = timedelta(microseconds=1)


_UTC = ZoneInfo("UTC")


class Period(StrEnum):
    """A stretch of the calendar."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


_SAYS = {Period.DAY: "today", Period.WEEK: "this week", Period.MONTH: "this month"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Sliding, of so many seconds; or a period of the calendar; or neither: for ever."""

    seconds: float | None = None
    period: Period | None = None
    zone: ZoneInfo = _UTC

    @property
    def bounded(self) -> bool:
        """Whether it ever begins anew."""
        return self.seconds is not None or self.period is not None

    def after(self, now: datetime) -> datetime | None:
        """What was drawn after this moment counts; None: all of it."""
        if self.seconds is not None:
            return now.astimezone(UTC) - timedelta(seconds=self.seconds)
        if self.period is not None:
            first, _ = _bounds(self.period, now.astimezone(self.zone).date())
            return earlier(datetime.combine(first, MIDNIGHT), self.zone) - _INSTANT
        return None

    def renews(self, now: datetime, blocked_by: datetime | None) -> datetime | None:
        """When what was drawn at `blocked_by` stops counting."""
        if self.seconds is not None:
            return None if blocked_by is None else blocked_by + timedelta(seconds=self.seconds)
        if self.period is not None:
            _, following = _bounds(self.period, now.astimezone(self.zone).date())
            return later(datetime.combine(following, MIDNIGHT), self.zone)
        return None

    @property
    def words(self) -> str:
        """`in the last hour`, `this month`, or nothing."""
        if self.seconds is not None:
            spelled = spell_duration(self.seconds)
            return f"in the last {_ONE.get(spelled, spelled)}"
        return _SAYS[self.period] if self.period is not None else ""

    @property
    def canonical(self) -> Mapping[str, Any]:
        """As JSON."""
        if self.seconds is not None:
            return {"seconds": self.seconds}
        return {"period": self.period.value, "zone": self.zone.key} if self.period is not None else {}


_ONE = {"1h": "hour", "1m": "minute", "24h": "24 hours"}


def read_window(fields: Fields, faults: Faults) -> Window:
    """`every:` and `zone:`."""
    node = fields.child("every")
    zone = fields.get("zone", read_zone, _UTC)
    if node is not None and node.value in tuple(Period):
        return Window(period=Period(str(node.value)), zone=zone)
    if fields.child("zone") is not None:
        faults.at(fields.child("zone") or fields.node, "only tells when a day, week or month begins", "every: day")
    if node is None:
        return Window()
    seconds = duration(node, faults)
    if seconds is not None and seconds > LONGEST_S:
        faults.at(node, f"must be at most {spell_duration(LONGEST_S)}, not {node.value}", "or every: month")
    return Window(seconds=seconds)


def read_zone(node: Node, faults: Faults) -> ZoneInfo | None:
    """A time zone by its name."""
    name = text(node, faults)
    if name is None:
        return None
    known = _zones()
    if name not in known:
        near = "" if faults.full else nearest(name, known)
        faults.at(node, f'there is no time zone "{name}"', near or "like Europe/Berlin or UTC")
        return None
    return ZoneInfo(name)


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    """The names of all zones. Looking for them reads the disk."""
    return frozenset(available_timezones())


def _bounds(period: Period, day: date) -> tuple[date, date]:
    """The first day of the period that this day is in, and of the next."""
    match period:
        case Period.DAY:
            return day, day + timedelta(days=1)
        case Period.WEEK:
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=7)
        case Period.MONTH:
            first = day.replace(day=1)
            return first, (first + timedelta(days=32)).replace(day=1)

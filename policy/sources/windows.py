"""When a freeze holds, by the calendar of its zone: once, or again every day, week, month or year.

The law: where the clock says a time twice, or leaves it out, the freeze takes the longer reading; so does a day that a
month does not have: a window begins on the month's last day then, and ends with the month. Moments are in UTC.
"""

import calendar
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]  # from (included), until (excluded)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK, _YEAR = 7, 12
MIDNIGHT = time()


class Every(StrEnum):
    """How often a window comes again."""

    DAY = "daily"
    WEEK = "weekly"
    MONTH = "monthly"
    YEAR = "yearly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One end of a window within its period: a time of the day, on a weekday (0 is Monday), a day, a day of a month."""

    at: time = MIDNIGHT
    weekday: int = 0
    month: int = 1
    day: int = 1

    def ordinal(self, every: Every) -> tuple[int, ...]:
        """Where in the period it stands: an end that does not come after its start belongs to the next period."""
        clock = (self.at.hour, self.at.minute)
        match every:
            case Every.DAY:
                return clock
            case Every.WEEK:
                return (self.weekday, *clock)
            case Every.MONTH:
                return (self.day, *clock)
            case Every.YEAR:
                return (self.month, self.day, *clock)

    def spelled(self, every: Every) -> str:
        """As files write it."""
        clock = f"{self.at:%H:%M}"
        match every:
            case Every.DAY:
                return clock
            case Every.WEEK:
                return f"{DAYS[self.weekday]} {clock}"
            case Every.MONTH:
                return f"{self.day} {clock}"
            case Every.YEAR:
                return f"{self.month:02}-{self.day:02}T{clock}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A window that comes again. `days` are the weekdays on which a daily one begins."""

    every: Every
    begins: Mark
    ends: Mark
    days: frozenset[int] = frozenset(range(_WEEK))

    @property
    def wraps(self) -> bool:
        """Whether it ends in the period after the one in which it begins."""
        return self.ends.ordinal(self.every) <= self.begins.ordinal(self.every)

    @property
    def endless(self) -> bool:
        """Whether each window begins where the one before ends."""
        return self.ends == self.begins and (self.every is not Every.DAY or len(self.days) == _WEEK)

    @property
    def canonical(self) -> Mapping[str, Any]:
        """As JSON."""
        days = {"days": [DAYS[day] for day in sorted(self.days)]} if self.every is Every.DAY else {}
        return {"from": self.begins.spelled(self.every), "until": self.ends.spelled(self.every), **days}

    @property
    def words(self) -> str:
        """`weekly from fri 16:00 until mon 08:00`."""
        some = f" on {', '.join(DAYS[day] for day in sorted(self.days))}" if len(self.days) < _WEEK else ""
        return f"{self.every} from {self.begins.spelled(self.every)} until {self.ends.spelled(self.every)}{some}"

    def spans(self, zone: ZoneInfo, after: datetime) -> Iterator[Span]:
        """Its windows, the first of them begun well before `after`, in order; as far as the calendar goes."""
        try:
            for begins, ends in self._local(after.astimezone(zone).date()):
                yield earlier(begins, zone), later(ends, zone)
        except (OverflowError, ValueError):  # the calendar of this machine ends with the year 9999
            return

    def _local(self, around: date) -> Iterator[tuple[datetime, datetime]]:
        make = {Every.DAY: self._daily, Every.WEEK: self._weekly, Every.MONTH: self._monthly, Every.YEAR: self._yearly}
        period: Callable[[date, int], tuple[datetime, datetime] | None] = make[self.every]
        for number in count(-2):
            found = period(around, number)
            if found is not None:
                yield found

    def _daily(self, around: date, number: int) -> tuple[datetime, datetime] | None:
        day = around + timedelta(days=number)
        if day.weekday() not in self.days:
            return None
        last = day + timedelta(days=1) if self.wraps else day
        return datetime.combine(day, self.begins.at), datetime.combine(last, self.ends.at)

    def _weekly(self, around: date, number: int) -> tuple[datetime, datetime]:
        monday = around + timedelta(days=_WEEK * number - around.weekday())
        last = monday + timedelta(days=_WEEK) if self.wraps else monday
        return (
            datetime.combine(monday + timedelta(days=self.begins.weekday), self.begins.at),
            datetime.combine(last + timedelta(days=self.ends.weekday), self.ends.at),
        )

    def _monthly(self, around: date, number: int) -> tuple[datetime, datetime]:
        month = around.year * _YEAR + around.month - 1 + number
        last = month + 1 if self.wraps else month
        return _begin(month, self.begins.day, self.begins.at), _end(last, self.ends.day, self.ends.at)

    def _yearly(self, around: date, number: int) -> tuple[datetime, datetime]:
        year = (around.year + number) * _YEAR
        last = year + _YEAR if self.wraps else year
        return (
            _begin(year + self.begins.month - 1, self.begins.day, self.begins.at),
            _end(last + self.ends.month - 1, self.ends.day, self.ends.at),
        )


def earlier(local: datetime, zone: ZoneInfo) -> datetime:
    """The first moment that this local time may mean."""
    return min(_readings(local, zone))


def later(local: datetime, zone: ZoneInfo) -> datetime:
    """The last moment that this local time may mean."""
    return max(_readings(local, zone))


def _readings(local: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    one, other = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return one, other


def _begin(month: int, day: int, at: time) -> datetime:
    """That day, or the month's last. Months are counted from the year 0."""
    year, index = divmod(month, _YEAR)
    return datetime.combine(date(year, index + 1, min(day, _length(year, index + 1))), at)


def _end(month: int, day: int, at: time) -> datetime:
    """That day, or the end of the month."""
    year, index = divmod(month, _YEAR)
    if day <= _length(year, index + 1):
        return datetime.combine(date(year, index + 1, day), at)
    year, index = divmod(month + 1, _YEAR)
    return datetime.combine(date(year, index + 1, 1), MIDNIGHT)


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]

"""Moments as people write them: `2026-12-01 08:00`, `tomorrow 8:00`, `monday`, `18:00`, `in 4h`. Pure.

They are read where the person is; where the clock there says a time twice, or leaves it out, the later reading counts.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LIKE = "`2026-12-01 08:00`, `tomorrow 08:00`, `monday`, `18:00` or `4h`"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = r"(?:at\s+)?(\d{1,2})(?::(\d\d))?\s*(am|pm)?"
_SPAN = re.compile(
    r"(?:in\s+)?(?=\d)(?:(\d{1,3})\s*w(?:eeks?)?)?\s*(?:(\d{1,4})\s*d(?:ays?)?)?\s*"
    r"(?:(\d{1,5})\s*h(?:ours?|rs?)?)?\s*(?:(\d{1,6})\s*m(?:in(?:utes?)?)?)?"
)
_DATED = re.compile(rf"(\d{{4}})-(\d\d)-(\d\d)(?:[t\s]\s*{_CLOCK})?")
_NAMED = re.compile(rf"(today|tomorrow|(?:next\s+)?[a-z]{{3,9}})(?:\s+{_CLOCK})?")
_TIMED = re.compile(_CLOCK)
_WORDS = {"noon": "12:00", "midnight": "24:00"}


def read_when(said: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The moment, in that zone; None for what cannot be read. It may be past: the caller says what that means."""
    text = " ".join(said.strip(" .!`\"'").casefold().split())
    for word, clock in _WORDS.items():
        text = re.sub(rf"\b{word}\b", clock, text)
    try:
        here = now.astimezone(zone)
        for form, read in _FORMS:
            found = form.fullmatch(text)
            moment = read(found, here) if found else None
            if moment is not None:
                return moment
        exact = datetime.fromisoformat(said.strip())
        return exact.astimezone(zone) if exact.tzinfo else None
    except (ValueError, OverflowError):
        return None


def zone_of(name: str) -> ZoneInfo:
    """The zone of that name; UTC where nobody knows it."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def _span(found: re.Match[str], here: datetime) -> datetime | None:
    weeks, days, hours, minutes = (int(part or 0) for part in found.groups())
    span = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)
    return (here.astimezone(UTC) + span).astimezone(here.tzinfo) if any(found.groups()) else None


def _dated(found: re.Match[str], here: datetime) -> datetime | None:
    year, month, day, *clock = found.groups()
    return _at(date(int(year), int(month), int(day)), clock, here)


def _named(found: re.Match[str], here: datetime) -> datetime | None:
    name, *clock = found.groups()
    if name == "today":
        return _at(here.date(), clock, here) if clock[0] else None
    if name == "tomorrow":
        return _at(here.date() + timedelta(days=1), clock, here)
    word = name.removeprefix("next ").strip()
    fits = [index for index, day in enumerate(_DAYS) if len(word) >= 3 and day.startswith(word)]
    if len(fits) != 1:
        return None
    ahead = (fits[0] - here.weekday()) % 7 or 7
    return _at(here.date() + timedelta(days=ahead), clock, here)


def _timed(found: re.Match[str], here: datetime) -> datetime | None:
    """The next time that the clock says so. A bare number is no time."""
    clock = list(found.groups())
    if clock[1] is None and clock[2] is None:
        return None
    today = _at(here.date(), clock, here)
    if today is None or today.astimezone(UTC) > here.astimezone(UTC):
        return today
    return _at(here.date() + timedelta(days=1), clock, here)


def _at(day: date, clock: list[str | None], here: datetime) -> datetime | None:
    """That time of that day, later reading; midnight where no time is given. None for a time that no clock shows."""
    hour, minute, half = clock
    hours, minutes = int(hour or 0), int(minute or 0)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half == "pm" else 0)
    if hours == 24 and minutes == 0:
        day, hours = day + timedelta(days=1), 0
    local = datetime.combine(day, time(hours, minutes))
    readings = [local.replace(tzinfo=here.tzinfo, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return max(readings).astimezone(here.tzinfo)


_Read = Callable[[re.Match[str], datetime], datetime | None]
_FORMS: tuple[tuple[re.Pattern[str], _Read], ...] = (
    (_SPAN, _span),
    (_DATED, _dated),
    (_NAMED, _named),
    (_TIMED, _timed),
)

"""Freezes as people speak of them: what to freeze, and what is frozen."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from domain.tasks import Principal

Where = tuple[tuple[str, tuple[str, ...]], ...]  # attribute, patterns: as rules match; () is everything


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What somebody's words mean: `words` say it back, `fits` are the entries of the catalogue that it covers now."""

    where: Where
    words: str
    fits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """The words mean nothing that is known, or several things: `choices` are what would do."""

    why: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """One freeze, as it stands at a moment: it holds until `until`, or will from `next` on."""

    id: str
    covers: str
    what: str  # in words, with who is excepted
    place: str  # `policies/org.yaml:12`; empty for one that a person declared
    zone: str
    holds: bool
    until: datetime | None = None
    next: datetime | None = None
    by: Principal | None = None
    why: str = ""
    spared: tuple[str, ...] = ()


def spell_until(until: datetime, zone: str) -> str:
    """`until Tue 2026-12-01 08:00 CET (07:00 UTC)`."""
    return f"until {spell_moment(until, zone)}"


def spell_moment(moment: datetime, zone: str) -> str:
    """`Tue 2026-12-01 08:00 CET (07:00 UTC)`: where the person is, and in UTC."""
    local, plain = moment.astimezone(ZoneInfo(zone)), moment.astimezone(UTC)
    if local.utcoffset() == plain.utcoffset():
        return f"{plain:%a %Y-%m-%d %H:%M} UTC"
    day = "" if local.date() == plain.date() else f"{plain:%Y-%m-%d} "
    return f"{local:%a %Y-%m-%d %H:%M %Z} ({day}{plain:%H:%M} UTC)"

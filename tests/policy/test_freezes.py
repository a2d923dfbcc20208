"""When freezes hold, against the clock on the wall; whom they spare; and what is said of a file that is wrong."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.decisions import Deny
from domain.organization import DeclaredFreeze, Organization
from policy.engine import PolicySet
from policy.matching import Match
from policy.sources.freezes import ALWAYS, NEVER, Freeze
from policy.sources.windows import DAYS, Every, Mark, Recurrence
from tests.policy.world import PEOPLE, SPECS, call, faults_of, rules, run_of, task

MINUTE = timedelta(minutes=1)
# Each with changes of its clock in the years below: by an hour, by half an hour, at midnight, and by a whole day.
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo", "UTC")
YEAR = 2026


# ── The wall clock, minute by minute ──────────────────────────────────────────────────────────────────────────────────


@cache
def changes_of(zone: str) -> list[tuple[datetime, timedelta]]:
    """Where the offset changes, found by looking at every hour of some years, and at the minutes before a change."""
    found, tz = [], ZoneInfo(zone)
    moment, last = datetime(YEAR - 2, 12, 1, tzinfo=UTC), None
    while moment < datetime(YEAR + 3, 1, 15, tzinfo=UTC):
        offset = moment.astimezone(tz).utcoffset()
        if offset != last:
            exact = moment
            while last is not None and (exact - MINUTE).astimezone(tz).utcoffset() == offset:
                exact -= MINUTE
            found.append((exact, offset))
            last = offset
        moment += timedelta(hours=1)
    return found


def readings(local: datetime, zone: str) -> list[datetime]:
    """Every moment at which the clock shows this; where it never does, what it would mean before and after the gap."""
    changes = changes_of(zone)
    offsets = {offset for _, offset in changes}
    shown = [
        local.replace(tzinfo=UTC) - offset
        for offset in offsets
        if (local.replace(tzinfo=UTC) - offset).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local
    ]
    if shown:
        return shown
    for (_, before), (moment, after) in pairwise(changes):
        plain = moment.replace(tzinfo=None)
        if plain + before <= local < plain + after:
            return [local.replace(tzinfo=UTC) - after, local.replace(tzinfo=UTC) - before]
    raise AssertionError(f"{local} in {zone}")


def last_day(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def begin_of(year: int, month: int, mark: Mark) -> datetime:
    return datetime.combine(date(year, month, min(mark.day, last_day(year, month))), mark.at)


def end_of(year: int, month: int, mark: Mark) -> datetime:
    if mark.day <= last_day(year, month):
        return datetime.combine(date(year, month, mark.day), mark.at)
    return datetime.combine(date(year, month, last_day(year, month)), time()) + timedelta(days=1)


def windows(recurs: Recurrence) -> list[tuple[datetime, datetime]]:
    """Every window by the wall clock that could matter in the year, by walking through its days and months."""
    found = []
    begins, ends = recurs.begins, recurs.ends
    match recurs.every:
        case Every.DAY:
            for n in range(-3, 370):
                day = date(YEAR, 1, 1) + timedelta(days=n)
                if day.weekday() in recurs.days:
                    end = datetime.combine(day, ends.at)
                    found.append((datetime.combine(day, begins.at), end + timedelta(days=ends.at <= begins.at)))
        case Every.WEEK:
            for n in range(-9, 370):
                day = date(YEAR, 1, 1) + timedelta(days=n)
                if day.weekday() == begins.weekday:
                    start = datetime.combine(day, begins.at)
                    end = datetime.combine(day, ends.at) + timedelta(days=(ends.weekday - begins.weekday) % 7)
                    found.append((start, end if end > start else end + timedelta(days=7)))
        case Every.MONTH:
            over = (ends.day, ends.at) <= (begins.day, begins.at)
            for n in range(-2, 14):
                year, month = YEAR + n // 12, n % 12 + 1
                then = (YEAR + (n + over) // 12, (n + over) % 12 + 1)
                found.append((begin_of(year, month, begins), end_of(*then, ends)))
        case Every.YEAR:
            over = (ends.month, ends.day, ends.at) <= (begins.month, begins.day, begins.at)
            years = range(YEAR - 1, YEAR + 2)
            found += [(begin_of(y, begins.month, begins), end_of(y + over, ends.month, ends)) for y in years]
    return found


def holds_by_the_clock(recurs: Recurrence, zone: str, now: datetime) -> bool:
    plain = now.replace(tzinfo=None)
    return any(
        min(readings(a, zone)) <= now < max(readings(b, zone))
        for a, b in windows(recurs)
        if a - timedelta(days=2) <= plain <= b + timedelta(days=2)
    )


# Times about which clocks are changed, and the minutes beside them.
TIMES = st.sampled_from(
    [time(0), time(0, 30), time(1), time(1, 59), time(2), time(2, 15), time(2, 30), time(3), time(12), time(23, 59)]
)
MARKS = st.builds(
    Mark, at=TIMES, weekday=st.integers(0, 6), month=st.sampled_from([2, 3, 4, 9, 10, 11]), day=st.integers(1, 28)
)
DAYS_OF = st.frozensets(st.integers(0, 6), min_size=1)


def as_read(every: Every, begins: Mark, ends: Mark, days: frozenset[int]) -> Recurrence:
    """What a file can say: marks hold only what their period needs."""
    short = {
        Every.DAY: lambda m: Mark(at=m.at),
        Every.WEEK: lambda m: Mark(at=m.at, weekday=m.weekday),
        Every.MONTH: lambda m: Mark(at=m.at, day=m.day + (3 if m.day > 27 else 0)),
        Every.YEAR: lambda m: Mark(at=m.at, month=m.month, day=m.day),
    }[every]
    all_days = frozenset(range(7))
    return Recurrence(
        every=every, begins=short(begins), ends=short(ends), days=days if every is Every.DAY else all_days
    )


RECURRENCES = st.builds(as_read, st.sampled_from(list(Every)), MARKS, MARKS, DAYS_OF).filter(lambda r: not r.endless)


def freeze(recurs: Recurrence | None = None, zone: str = "UTC", **more: object) -> Freeze:
    base = {"start": ALWAYS, "end": NEVER, "match": Match(), "describe": "", "file": "x.yaml", "line": 1}
    return Freeze(id="f", zone=ZoneInfo(zone), recurs=recurs, **{**base, **more})


@st.composite
def moments(draw: st.DrawFn, zone: str) -> datetime:
    """Any minute of the year; more often than not, one about which the zone's clock is changed."""
    changes = [moment for moment, _ in changes_of(zone) if moment.year == YEAR]
    if changes and draw(st.integers(0, 3)):
        return draw(st.sampled_from(changes)) + MINUTE * draw(st.integers(-3_000, 3_000))
    return datetime(YEAR, 1, 1, tzinfo=UTC) + MINUTE * draw(st.integers(0, 365 * 1440 - 1))


@given(st.data(), st.sampled_from(ZONES), RECURRENCES)
@settings(max_examples=150, deadline=None)
def test_a_window_holds_when_the_clock_on_the_wall_says_so(data: st.DataObject, zone: str, recurs: Recurrence) -> None:
    now = data.draw(moments(zone))
    assert freeze(recurs, zone).holds(now) == holds_by_the_clock(recurs, zone, now), recurs.words


@given(st.data(), st.sampled_from(ZONES), RECURRENCES)
@settings(max_examples=60, deadline=None)
def test_it_ends_and_begins_at_the_minute_it_says(data: st.DataObject, zone: str, recurs: Recurrence) -> None:
    """Walk through the minutes until it changes, at most a fortnight: `until` and `next` name that minute."""
    one, now = freeze(recurs, zone), data.draw(moments(zone))
    held = one.holds(now)
    until, begins = (moment and moment.astimezone(UTC) for moment in (one.until(now), one.next(now)))
    assert (until is None) == (not held)
    moment = now
    for _ in range(14 * 24):
        step = moment + timedelta(hours=1)
        if one.holds(step) != held or (until or begins or NEVER) <= step:
            break
        moment = step
    else:
        return
    while one.holds(moment) == held:
        moment += MINUTE
    assert (until or begins) == moment
    if held:
        assert begins is None or begins > moment


@given(st.data(), st.sampled_from(ZONES), RECURRENCES)
@settings(max_examples=100, deadline=None)
def test_bounds_and_exceptions_only_ever_shorten_it(data: st.DataObject, zone: str, recurs: Recurrence) -> None:
    now = data.draw(moments(zone))
    start = now + timedelta(days=data.draw(st.integers(-40, 3)))
    end = start + timedelta(days=data.draw(st.integers(1, 60)))
    gap = (now - timedelta(hours=data.draw(st.integers(0, 5))), now + timedelta(hours=data.draw(st.integers(1, 9))))
    whole, bounded = freeze(recurs, zone), freeze(recurs, zone, start=start, end=end)
    assert bounded.holds(now) == (whole.holds(now) and start <= now < end)
    cut = freeze(recurs, zone, unless=(gap,))
    assert not cut.holds(now)
    again = cut.next(now)
    assert again is None or (again >= gap[1] and cut.holds(again) and not cut.holds(again - MINUTE))
    until = bounded.until(now)
    assert until is None or (until <= end and not bounded.holds(until) and bounded.holds(until - MINUTE))


ANY_MOMENT = st.datetimes(timezones=st.just(UTC)) | st.sampled_from([ALWAYS, NEVER])


@given(ANY_MOMENT, st.sampled_from(ZONES), RECURRENCES | st.none(), ANY_MOMENT, ANY_MOMENT)
@settings(deadline=None)
def test_nothing_makes_it_raise(
    now: datetime, zone: str, recurs: Recurrence | None, start: datetime, end: datetime
) -> None:
    for one in (freeze(recurs, zone), freeze(recurs, zone, start=start, end=end, unless=((start, end),))):
        assert (one.until(now) is None) == (not one.holds(now))
        one.next(now)
        assert one.reason(now).to
        assert one.words


@pytest.mark.parametrize(
    ("said", "now", "until"),
    [
        # 02:30 is left out on the 29th of March 2026 in Berlin: it begins an hour early rather than late.
        ('daily: {from: "02:30", until: "04:00"}', "2026-03-29T00:30", True),
        ('daily: {from: "02:30", until: "04:00"}', "2026-03-29T02:00", False),  # 04:00 CEST
        # 02:30 comes twice on the 25th of October: it ends with the second, and begins with the first.
        ('daily: {from: "01:00", until: "02:30"}', "2026-10-25T01:29", True),
        ('daily: {from: "01:00", until: "02:30"}', "2026-10-25T01:30", False),
        ('daily: {from: "02:30", until: "04:00"}', "2026-10-25T00:30", True),
        ('weekly: {from: "fri 16:00", until: "mon 08:00"}', "2026-11-22T12:00", True),
        ('weekly: {from: "fri 16:00", until: "mon 08:00"}', "2026-11-23T07:00", False),
        ("monthly: {from: 28, until: 3}", "2026-02-27T22:59", False),
        ("monthly: {from: 28, until: 3}", "2026-02-27T23:00", True),
        ("monthly: {from: 28, until: 3}", "2026-03-02T22:59", True),
        ("monthly: {from: 28, until: 3}", "2026-03-02T23:00", False),
        ("monthly: {from: 31, until: 5}", "2026-02-28T12:00", True),  # the last day of a shorter month
        ("monthly: {from: 28, until: 31}", "2026-02-28T12:00", True),  # to the end of a shorter month
        ("monthly: {from: 28, until: 31}", "2026-03-01T12:00", False),
        ('yearly: {from: "12-20T00:00", until: "01-04T08:00"}', "2026-01-04T06:59", True),
        ('yearly: {from: "12-20T00:00", until: "01-04T08:00"}', "2026-01-04T07:00", False),
        ('yearly: {from: "02-29", until: "03-02"}', "2026-02-28T12:00", True),
        ('daily: {from: "00:00", until: "00:00", days: [sat, sunday]}', "2026-11-22T22:59", True),
        ('daily: {from: "00:00", until: "00:00", days: [sat, sunday]}', "2026-11-22T23:00", False),
    ],
)
def test_windows_that_people_write(said: str, now: str, until: bool) -> None:
    (one,) = rules(f"freezes:\n  - {{id: f, zone: Europe/Berlin, {said}}}").freezes
    assert one.holds(datetime.fromisoformat(now).replace(tzinfo=UTC)) is until


# ── Whom it spares ────────────────────────────────────────────────────────────────────────────────────────────────────

SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)
WEEKEND = 'freezes:\n  - {id: weekend, weekly: {from: "fri 16:00", until: "mon 08:00"}, zone: Europe/Berlin'


def verdict(policies: PolicySet, tool: str = "service.restart", requester: str = "user:U1", **more: object) -> object:
    run = run_of(policies, task(requester=requester))
    asked = call(tool, policies, **more)
    return policies.check_call(run, asked, SPECS[tool], people=PEOPLE, now=SATURDAY)


def test_a_denial_says_until_when_in_the_zone_and_who_is_excepted() -> None:
    said = ', describe: The weekend., except: ["group:security", {requester: "group:sre", tool: service.scale}]}'
    denied = verdict(rules(WEEKEND + said))
    assert isinstance(denied, Deny)
    assert "The weekend (until 2026-11-23 08:00 CET; excepted: group:security, group:sre for tool service.scale)" in (
        denied.text
    )
    assert denied.help[:2] == ("group:security", "group:sre")


@pytest.mark.parametrize(
    ("said", "tool", "requester", "stopped"),
    [
        ("{requester: [user:U1]}", "service.restart", "user:U1", False),
        ("{requester: [user:U1], tool: service.restart}", "service.restart", "user:U1", False),
        ("{requester: [user:U1], tool: service.scale}", "service.restart", "user:U1", True),
        ("{tool: service.restart}", "service.restart", "user:U2", False),
        ("{labels: {team: shop}}", "service.restart", "user:U2", False),
        ("{labels: {team: pay}}", "service.restart", "user:U2", True),
        ("[user:U2, {tool: service.restart}]", "service.restart", "user:U1", False),
        ("[user:U2, user:U1]", "service.restart", "user:U1", False),
        ("[user:U2]", "service.restart", "user:U1", True),
    ],
)
def test_exceptions(said: str, tool: str, requester: str, stopped: bool) -> None:
    policies = rules(f"{WEEKEND}, except: {said}}}")
    denied = verdict(policies, tool, requester)
    assert (isinstance(denied, Deny) and "weekend" in denied.text) is stopped


def test_what_is_unknown_is_frozen_and_never_excepted() -> None:
    policies = rules(WEEKEND + ", match: {labels: {env: prod}}, except: {labels: {team: shop}}}", resources=None)
    assert isinstance(verdict(policies, labels=None, resource=None), Deny)


def test_what_was_asked_in_a_freeze_is_answered_anew_after_it() -> None:
    policies = rules(WEEKEND + "}")
    run = run_of(policies)
    asked = call("service.restart", policies)
    said = [
        isinstance(policies.check_call(run, asked, SPECS[asked.tool], people=PEOPLE, now=now), Deny)
        for now in (SATURDAY, SATURDAY + timedelta(days=3), SATURDAY + timedelta(days=7), SATURDAY - timedelta(days=3))
    ]
    assert said == [True, False, True, False]


def test_a_declared_freeze_says_who_why_and_until_when_where_they_are() -> None:
    declared = DeclaredFreeze(
        id="freeze-1", by="user:U9", why="demo day", since=SATURDAY, until=SATURDAY + timedelta(hours=2),
        where=(("label:env", ("prod",)),), zone="Europe/Berlin",
    )  # fmt: skip
    policies = rules("").under(Organization(seq=1, freezes={"freeze-1": declared}))
    denied = verdict(policies)
    assert isinstance(denied, Deny)
    assert denied.text.startswith("frozen by user:U9: demo day (until 2026-11-21 15:00 CET)")
    assert policies.declared[0].covers == "env=prod"


# ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ('{id: f, weekly: {from: "fry 16:00", until: "mon 08:00"}}', '"fry 16:00" is not a time of a weekly window'),
        ('{id: f, weekly: {from: "fri 16:00"}}', 'the key "until" is missing'),
        ('{id: f, weekly: {from: "fri 16:00", until: "fri 16:00"}}', "never ends: it begins again where it ends"),
        ('{id: f, daily: {from: "25:00", until: "06:00"}}', '"25:00" is not a time of a daily window (like 22:00)'),
        ('{id: f, daily: {from: "22:00", until: "06:00", days: [mon, tux]}}', '"tux" is not a day of the week'),
        ('{id: f, daily: {from: "22:00", until: "06:00", days: []}}', "names no day"),
        ('{id: f, daily: {from: "22:00", until: "06:00", dais: [mon]}}', 'did you mean "days"?'),
        ("{id: f, monthly: {from: 0, until: 3}}", '"0" is not a time of a monthly window'),
        ("{id: f, monthly: {from: 28, until: 32}}", '"32" is not a time of a monthly window'),
        ('{id: f, yearly: {from: "02-30", until: "03-01"}}', '"02-30" is not a time of a yearly window'),
        ('{id: f, daily: {from: "1:00", until: "2:00"}, monthly: {from: 1, until: 2}}', "has daily and monthly"),
        ("{id: f, from: 2026-01-01, until: 2027-01-01, unless: [{from: 2026-02-01, until: 2026-02-02}]}", '"why"'),
        ("{id: f, from: 2026-01-01, until: 2027-01-01, except: {}}", "excepts everything"),
        ("{id: f, from: 2026-01-01, until: 2027-01-01, except: {tools: [x]}}", 'did you mean "tool"?'),
        ("{id: f, from: 2026-01-01, until: 0001-01-01T00:00+14:00}", "is not a time"),
    ],
)
def test_faults_of_calendars(said: str, fault: str) -> None:
    found = faults_of(f"freezes:\n  - {said}")
    assert any(fault in one and one.startswith("policies/org.yaml:3:") for one in found), found


@given(st.text(max_size=12), st.sampled_from(["daily", "weekly", "monthly", "yearly", "from", "zone", "except"]))
def test_no_text_in_a_calendar_breaks_the_reader(said: str, key: str) -> None:
    quoted = "'" + "".join(c for c in said if c.isprintable()).replace("'", "''") + "'"
    faults_of(f"freezes:\n  - {{id: f, {key}: {{from: {quoted}, until: {quoted}}}}}")
    faults_of(f"freezes:\n  - {{id: f, until: 2027-01-01, {key}: {quoted}}}")


def test_the_hash_knows_the_calendar() -> None:
    one = 'freezes:\n  - {id: f, daily: {from: "22:00", until: "06:00"}, zone: UTC}'
    others = [
        one.replace("06:00", "06:01"),
        one.replace("UTC", "Europe/Berlin"),
        one.replace("zone: UTC", "except: [anyone]"),
    ]
    assert len({rules(said).hash for said in (one, *others)}) == 4


def test_days_are_those_of_the_calendar() -> None:
    assert [DAYS[(date(2026, 11, 23) + timedelta(days=n)).weekday()] for n in range(7)] == list(DAYS)

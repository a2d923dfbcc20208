"""When people mean, from what they write, where they are."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.slack.when import read_when, zone_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 13, 30, tzinfo=UTC)  # a Saturday, 14:30 in Berlin


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("2026-12-01", "2026-12-01T00:00+01:00"),
        ("2026-12-01 08:00", "2026-12-01T08:00+01:00"),
        ("2026-12-01T08:00", "2026-12-01T08:00+01:00"),
        ("2026-12-01T08:00Z", "2026-12-01T08:00+00:00"),
        ("2026-12-01T08:00-05:00", "2026-12-01T08:00-05:00"),
        ("2026-07-01 8", "2026-07-01T08:00+02:00"),
        ("tomorrow", "2026-11-22T00:00+01:00"),
        ("Tomorrow 08:00", "2026-11-22T08:00+01:00"),
        ("tomorrow at 8pm", "2026-11-22T20:00+01:00"),
        ("today 18:00", "2026-11-21T18:00+01:00"),
        ("today 09:00", "2026-11-21T09:00+01:00"),  # past: not for us to mend
        ("18:00", "2026-11-21T18:00+01:00"),
        ("6pm", "2026-11-21T18:00+01:00"),
        ("12am", "2026-11-22T00:00+01:00"),
        ("14:00", "2026-11-22T14:00+01:00"),
        ("midnight", "2026-11-22T00:00+01:00"),
        ("tomorrow noon", "2026-11-22T12:00+01:00"),
        ("monday", "2026-11-23T00:00+01:00"),
        ("mon 07:00", "2026-11-23T07:00+01:00"),
        ("saturday", "2026-11-28T00:00+01:00"),
        ("next friday", "2026-11-27T00:00+01:00"),
        ("in 4h", "2026-11-21T18:30+01:00"),
        ("4h", "2026-11-21T18:30+01:00"),
        ("90 min", "2026-11-21T16:00+01:00"),
        ("1d 2h30m", "2026-11-22T17:00+01:00"),
        ("2 weeks", "2026-12-05T14:30+01:00"),
    ],
)
def test_what_people_write(said: str, moment: str) -> None:
    assert read_when(said, NOW, BERLIN) == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    "said",
    ["", "soon", "8", "25:00", "18:61", "13pm", "2026-13-01", "2026-02-30", "t", "tu", "today", "the weekend", "in",
     "-4h", "2026-12-01 08:00 or so", "99999d", "next year", "١٢:٠٠ ☃", "0001-01-01T00:00+14:00",
     "9999-12-31T23:59-12:00"],
)  # fmt: skip
def test_what_is_no_moment(said: str) -> None:
    assert read_when(said, NOW, BERLIN) is None


def test_a_time_that_comes_twice_or_never_is_the_later_one() -> None:
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    twice = read_when("2026-10-25 02:30", before, BERLIN)
    assert twice is not None
    assert twice.astimezone(UTC) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    never = read_when("2026-03-29 02:30", before, BERLIN)
    assert never is not None
    assert never.astimezone(UTC) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_a_span_is_a_span_over_a_change_of_the_clock() -> None:
    before = datetime(2026, 10, 24, 23, tzinfo=UTC)
    found = read_when("4h", before, BERLIN)
    assert found is not None
    assert found.astimezone(UTC) - before == timedelta(hours=4)


def test_a_zone_that_nobody_knows_is_utc() -> None:
    assert zone_of("Mars/Olympus") == zone_of("../etc/passwd") == zone_of("") == ZoneInfo("UTC")


@given(st.text(max_size=30), st.datetimes(timezones=st.just(UTC)))
def test_no_text_breaks_it(said: str, now: datetime) -> None:
    read_when(said, now, BERLIN)


@given(st.from_regex(r"(in )?[0-9]{1,6} ?[wdhm]( [0-9]{1,4}[hm])?|[a-z]{3,9} [0-9]{1,2}:[0-9]{2}", fullmatch=True))
def test_nothing_that_looks_like_a_moment_breaks_it(said: str) -> None:
    read_when(said, NOW, BERLIN)

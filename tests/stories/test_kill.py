"""`kill -9` of the demo at any moment of stories 1 and 2: started again, the run goes on by itself, and everything that
may happen once has happened once.
"""

import random
from collections.abc import Iterator
from itertools import count

import pytest
from aiohttp import ClientSession

from tests.stories.demo import Demo
from tests.stories.outlived import Alert, Finding, outlive, restart
from tests.stories.page import Page
from tests.stories.truth import Infra, generation, no_message_twice, sound


async def finding(demo: Demo, session: ClientSession, fuses: Iterator[str], within: float = 100) -> None:
    """Story 1 through these deaths; then one branch, one change request, one merge."""
    page = Page(demo, session)
    run = await outlive(page, Finding(), fuses, within)
    await restart(demo)
    infra = Infra(demo.directory)
    assert infra.branches == [f"countersign/{run}"]
    assert [change["state"] for change in infra.changes] == ["merged"]
    assert infra.merges == 1
    assert infra.encrypted()
    await kept(page, run)


async def alert(demo: Demo, session: ClientSession, fuses: Iterator[str], within: float = 100) -> None:
    """Story 2 through these deaths; then one restart."""
    page = Page(demo, session)
    demo.start()
    await page.wedge()
    demo.kill()
    run = await outlive(page, Alert(), fuses, within)
    await restart(demo)
    assert generation(demo) == 2
    await kept(page, run)


async def kept(page: Page, run: str) -> None:
    """What holds after every death."""
    assert await sound(page.demo) == {run: "succeeded"}
    await no_message_twice(page)
    assert len(await page.by_key(run, "card")) == 1
    assert len(await page.by_key(run, "outcome")) == 1


@pytest.mark.slow
async def test_the_finding_outlives_three_deaths(fresh: Demo, session: ClientSession) -> None:
    await finding(fresh, session, iter(["commit:30", "spawned:20", "committed:50"]))


async def test_the_alert_outlives_its_deaths(fresh: Demo, session: ClientSession) -> None:
    await alert(fresh, session, iter(["committed:12", "commit:24", "spawned:3"]))


def any_time(longest: float) -> Iterator[str]:
    """Six deaths, each somewhere in the first seconds of its life, then peace."""
    return (f"after:{random.randint(500, int(longest * 1000))}" for _ in range(6))


def every(kind: str, least: int, spread: int) -> Iterator[str]:
    """A fuse for each life: deaths fall everywhere, and every third life is long enough for what five cannot do."""
    return (f"{kind}:{least + life * 7 % spread + (2 * spread if life % 3 == 2 else 0)}" for life in count())


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("kind", "least", "spread"),
    [("commit", 10, 41), ("committed", 11, 37), ("spawn", 6, 25), ("spawned", 7, 25), ("rename", 4, 17)],
)
async def test_the_finding_dies_again_and_again(
    fresh: Demo, session: ClientSession, kind: str, least: int, spread: int
) -> None:
    await finding(fresh, session, every(kind, least, spread), within=240)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("kind", "least", "spread"),
    [("commit", 8, 23), ("committed", 9, 19), ("spawn", 2, 6), ("spawned", 2, 6)],
)
async def test_the_alert_dies_again_and_again(
    fresh: Demo, session: ClientSession, kind: str, least: int, spread: int
) -> None:
    await alert(fresh, session, every(kind, least, spread), within=240)


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("attempt", range(3))
async def test_the_finding_dies_at_any_time(fresh: Demo, session: ClientSession, attempt: int) -> None:
    await finding(fresh, session, any_time(6))


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("attempt", range(2))
async def test_the_alert_dies_at_any_time(fresh: Demo, session: ClientSession, attempt: int) -> None:
    await alert(fresh, session, any_time(3))

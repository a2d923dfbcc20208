"""A backtest over a real store: nothing in it yet, erased runs, a damaged row, a part of the past."""

import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.backtesting import latest, shown_to_all
from bot.clock import SystemClock
from domain.events import ORGANIZATION_STREAM, PolicyLoaded, Recorded, TaskReceived
from domain.tasks import Place
from state.errors import Damaged
from state.store import Store
from tests.loop.house import propose, task
from tests.loop.test_backtest import judged, past
from tests.loop.test_reload import RESTART, TWO, RealHouse, policies


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "state.sqlite", clock=SystemClock())
    try:
        yield store
    finally:
        await store.close()


async def written(store: Store, runs: int = 1) -> list[str]:
    """The runs of a house, in the store."""
    async with RealHouse(RESTART, propose("restart")) as house:
        ids = []
        for n in range(runs):
            run_id = await house.ask(str(n))
            await house.vote(run_id, "SRE1")
            house.clock.move(minutes=1)
            ids.append(run_id)
        for recorded in await past(house):
            seq = len(await store.journal.read(recorded.stream))
            await store.journal.append(recorded.stream, seq, [recorded.event])
    return ids


async def heard(store: Store) -> tuple[list[Recorded], list[str]]:
    events, erased = [], []
    async for said in store.past.events():
        if isinstance(said, str):
            erased.append(said)
        else:
            events.append(said)
    return events, erased


async def test_what_everybody_is_told_of_holds_no_private_run(store: Store) -> None:
    began = {"r-open": task("1"), "r-private": task("2", place=Place(channel="G1")), "r-api": task("3", place=None)}
    for run_id, one in began.items():
        await store.journal.append(run_id, 0, [TaskReceived(task=one, agent="agent", body="b")])

    async def public(channel: str) -> bool:
        return channel == "C1"

    assert await shown_to_all(store.journal, [*began, "r-none"], public) == ["r-open", "r-api"]


async def test_an_empty_log_says_nothing(store: Store) -> None:
    assert await heard(store) == ([], [])
    assert judged([], policies(RESTART), policies(TWO)).judged == 0


async def test_the_log_comes_whole_and_in_order_and_is_judged(store: Store) -> None:
    await written(store, 3)
    await store.journal.append(ORGANIZATION_STREAM, 0, [PolicyLoaded(policy_hash="sha256:x")])
    events, _ = await heard(store)
    assert [recorded.position for recorded in events] == list(range(1, len(events) + 1))
    report = judged(events, policies(RESTART), policies(TWO))
    assert (report.runs, len(report.flips)) == (3, 6)
    later = events[-2].at + timedelta(seconds=1)
    assert judged(events, policies(RESTART), policies(TWO), since=later).judged == 0


async def test_erased_runs_are_named_and_not_judged(store: Store) -> None:
    gone, kept = await written(store, 2)
    await store.journal.erase(gone)
    events, erased = await heard(store)
    assert set(erased) == {gone}
    report = judged([one for one in events if one.stream not in erased], policies(RESTART), policies(TWO))
    assert {flip.run_id for flip in report.flips} == {kept}


async def test_a_row_that_cannot_be_read_is_an_error_that_names_it(store: Store, tmp_path: Path) -> None:
    [run_id] = await written(store)
    raw = sqlite3.connect(tmp_path / "state.sqlite")
    raw.execute("UPDATE payloads SET payload = ? WHERE position = 3", (b'{"torn',))
    raw.commit()
    raw.close()
    with pytest.raises(Damaged, match=run_id):
        await heard(store)


async def test_the_latest_runs_are_those_that_changed_last(store: Store) -> None:
    ids = await written(store, 3)
    assert await latest(store.views, 2) == ids[:0:-1]
    assert set(await latest(store.views, 99)) == set(ids)

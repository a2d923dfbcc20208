"""A command beside a running server: both write, neither loses anything, both see it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.events import ORGANIZATION_STREAM, EverythingStopped, PersonSpoke
from loop.ports import Conflict, GuardRefused, SwitchOff
from state.errors import StoreBusy
from state.store import Store
from state.verify import verify
from tests.state.samples import SteppingClock, received

SPOKE = PersonSpoke(by="user:U1", text="hello")


@pytest.fixture
async def beside(store: Store, path: Path, clock: SteppingClock) -> AsyncIterator[Store]:
    other = await Store.open(path, clock=clock, exclusive=False)
    yield other
    await other.close()


async def test_stopping_from_beside_holds_for_the_very_next_append(store: Store, beside: Store) -> None:
    await store.journal.append("r-1", 0, [received()], [SwitchOff()])
    await beside.journal.append(ORGANIZATION_STREAM, 0, [EverythingStopped(by="user:U2")])
    with pytest.raises(GuardRefused):
        await store.journal.append("r-1", 1, [SPOKE], [SwitchOff()])
    assert await store.journal.switched_off()


async def test_followers_see_what_another_process_wrote(store: Store, beside: Store) -> None:
    events = store.journal.follow(0)
    await store.journal.append("r-1", 0, [received()])
    assert (await anext(events)).stream == "r-1"
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.01)
    (written,) = await beside.journal.append("r-2", 0, [received("2")])
    async with asyncio.timeout(2):
        assert await waiting == written
    mixed = [
        *await beside.journal.append("r-2", 1, [SPOKE]),
        *await store.journal.append("r-1", 1, [SPOKE]),
        *await beside.journal.append("r-2", 2, [SPOKE]),
    ]
    async with asyncio.timeout(2):
        assert [await anext(events) for _ in range(3)] == mixed
    await events.aclose()


async def test_one_stream_written_by_both_has_no_gap(store: Store, beside: Store) -> None:
    await store.journal.append("r-1", 0, [received()])

    async def write(which: Store, count: int) -> None:
        while count:
            seq = len(await which.journal.read("r-1"))
            try:
                await which.journal.append("r-1", seq, [SPOKE])
            except Conflict:
                continue
            count -= 1

    async with asyncio.timeout(20):
        await asyncio.gather(write(store, 25), write(beside, 25))
    assert [each.seq for each in await store.journal.read("r-1")] == list(range(1, 52))
    found = await verify(store.database, store.key)
    assert (found.events, found.broken) == (51, None)


async def test_a_lock_held_for_too_long_is_said_and_costs_nothing(store: Store, path: Path) -> None:
    await store.database.commits._hop(lambda: store.database.commits._driver._conn.execute("PRAGMA busy_timeout = 50"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        await store.journal.append("r-1", 0, [received()])
    other.execute("ROLLBACK")
    other.close()
    assert not store.fatal.done()
    assert len(await store.journal.append("r-1", 0, [received()])) == 1


async def test_a_command_reads_while_another_writes(store: Store, path: Path, clock: SteppingClock) -> None:
    await store.journal.append("r-1", 0, [received()])
    writing = sqlite3.connect(path, isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")
    async with asyncio.timeout(2):
        beside = await Store.open(path, clock=clock, exclusive=False)
        assert await beside.journal.open_runs() == ["r-1"]
        await beside.close()
    writing.execute("ROLLBACK")
    writing.close()

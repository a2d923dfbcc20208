"""Projections follow from the log: delete them, compute them anew, and nothing has changed."""

import asyncio
import sqlite3

import pytest

from domain.events import ORGANIZATION_STREAM, EverythingStopped, PersonSpoke
from domain.evolve import replay
from state.rebuild import compare, rebuild
from state.store import Store
from tests.state.samples import asked, finished, granted, received, returned, started

TABLES = ("runs", "approvals", "deeds", "switch")


def projections(raw: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
    return {table: sorted(raw.execute(f"SELECT * FROM {table}").fetchall()) for table in TABLES}  # noqa: S608


async def write(store: Store, runs: int = 12) -> None:
    story = [received(), *asked(), *granted(), started(), returned(), finished()]

    async def live(n: int) -> None:
        events = [received(str(n), f"finding-{n % 3}"), *story[1:]][: n % len(story) + 1]
        for seq in range(0, len(events), n % 3 + 1):
            await store.journal.append(f"r-{n}", seq, events[seq : seq + n % 3 + 1])

    await asyncio.gather(*(live(n) for n in range(runs)))
    await store.journal.append(ORGANIZATION_STREAM, 0, [EverythingStopped(by="user:U1")])


async def test_rows_say_what_the_fold_says(store: Store) -> None:
    await write(store)
    rows = await store.database.read(lambda raw: raw.execute("SELECT run_id, status, seq FROM runs").fetchall())
    assert len(rows) == 12
    for run_id, status, seq in rows:
        run = replay(run_id, await store.journal.read(run_id))
        assert (status, seq) == (run.status.value, run.seq)


async def test_the_projections_equal_the_rebuilt_ones(store: Store) -> None:
    await write(store)
    found = await compare(store.database)
    assert (found.wrong, found.streams, found.kept) == (0, 13, [])


@pytest.mark.parametrize("table", TABLES)
async def test_deleted_rows_come_back(store: Store, table: str) -> None:
    await write(store)
    before = await store.database.read(projections)
    await store.database.write(lambda raw: raw.execute(f"DELETE FROM {table}"))  # noqa: S608
    assert (await compare(store.database)).wrong > 0
    found = await rebuild(store.database)
    assert found.wrong > 0
    assert found.differences[0].startswith(table)
    assert await store.database.read(projections) == before
    assert (await compare(store.database)).wrong == 0


async def test_wrong_and_orphaned_rows_are_put_right(store: Store) -> None:
    await write(store)
    before = await store.database.read(projections)

    def spoil(raw: sqlite3.Connection) -> None:
        raw.execute("UPDATE runs SET status = 'finished' WHERE run_id = 'r-1'")
        raw.execute("UPDATE approvals SET status = 'open'")
        raw.execute("INSERT INTO runs VALUES ('r-ghost', 'acme', NULL, 'sre', 'new', NULL, 1, 1, 1)")
        raw.execute("INSERT INTO approvals VALUES ('r-ghost', 'a', 'c', 'open', 1, 1)")
        raw.execute("UPDATE switch SET stopped = 0")

    await store.database.write(spoil)
    await rebuild(store.database)
    assert await store.database.read(projections) == before


async def test_an_erased_run_keeps_its_rows(store: Store) -> None:
    await store.journal.append("r-1", 0, [received(), finished()])
    await store.journal.erase("r-1")
    found = await rebuild(store.database)
    assert (found.kept, found.wrong) == (["r-1"], 0)
    assert (await store.views.runs()).run_ids == ("r-1",)


async def test_a_run_folded_from_the_disk_goes_on_like_one_at_hand(store: Store) -> None:
    await store.journal.append("r-1", 0, [received(), *asked(), *granted()])
    store.journal._heads._heads.clear()
    await store.journal.append("r-1", 6, [started(), returned()])
    store.journal._heads._heads.clear()
    await store.journal.append("r-1", 8, [PersonSpoke(by="user:U1", text="thanks"), finished()])
    assert (await compare(store.database)).wrong == 0

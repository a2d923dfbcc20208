"""One commit for all that is ready, and what becomes of those who wait when it fails."""

import asyncio
import sqlite3
from datetime import timedelta

import pytest

from domain.envelopes import Envelope
from domain.events import PersonSpoke
from loop.ports import Conflict
from state.errors import StoreClosed, StoreFailed
from state.store import Store
from tests.state.samples import NOON, received

SPOKE = PersonSpoke(by="user:U1", text="hello")


async def test_what_is_ready_together_shares_one_commit(store: Store) -> None:
    before = store.database.commits.commits
    await asyncio.gather(*(store.journal.append(f"r-{n}", 0, [received(str(n))]) for n in range(64)))
    assert store.database.commits.commits - before == 1


async def test_what_comes_during_a_commit_shares_the_next(store: Store) -> None:
    before = store.database.commits.commits

    async def write(n: int) -> None:
        await store.journal.append(f"r-{n}", 0, [received(str(n))])
        for seq in range(1, 10):
            await store.journal.append(f"r-{n}", seq, [SPOKE])

    await asyncio.gather(*(write(n) for n in range(32)))
    assert store.database.commits.commits - before <= 20  # 320 appends
    assert [len(await store.journal.read(f"r-{n}")) for n in range(32)] == [10] * 32


async def test_the_doors_share_the_commit_with_the_journal(store: Store) -> None:
    before = store.database.commits.commits
    envelope = Envelope(door="slack", key="k", lane="l", order="1", body={}, received_at=NOON)
    await asyncio.gather(
        store.journal.append("r-1", 0, [received()]),
        store.inbox.put(envelope),
        store.outbox.put([], reader="thread", position=1),
    )
    assert store.database.commits.commits - before == 1


async def test_an_answer_never_precedes_its_commit(store: Store) -> None:
    """Another connection sees what was acknowledged, at once."""
    other = sqlite3.connect(store.database.path)
    try:
        for seq in range(20):
            await store.journal.append("r-1", seq, [SPOKE if seq else received()])
            assert other.execute("SELECT max(seq) FROM events").fetchone() == (seq + 1,)
    finally:
        other.close()


async def test_a_raising_job_is_undone_alone(store: Store) -> None:
    def breaks(raw: sqlite3.Connection) -> None:
        raw.execute("INSERT INTO meta (key, value) VALUES ('half', 'done')")
        raise LookupError("half-way")

    answers = await asyncio.gather(
        store.journal.append("r-1", 0, [received()]),
        store.database.write(breaks),
        store.database.write(lambda raw: raw.execute("INSERT INTO meta (key, value) VALUES ('boot', '0')")),
        store.journal.append("r-2", 0, [received("2")]),
        return_exceptions=True,
    )
    assert [type(each) for each in answers] == [list, LookupError, sqlite3.IntegrityError, list]
    half = await store.database.read(lambda raw: raw.execute("SELECT * FROM meta WHERE key = 'half'").fetchall())
    assert half == []


async def test_who_stops_waiting_does_not_stop_the_others(store: Store) -> None:
    impatient = asyncio.create_task(store.journal.append("r-1", 0, [received()]))
    patient = asyncio.create_task(store.journal.append("r-2", 0, [received("2")]))
    await asyncio.sleep(0)
    impatient.cancel()
    assert [each.seq for each in await patient] == [1]
    written = await store.journal.read("r-1")
    if written:
        with pytest.raises(Conflict):
            await store.journal.append("r-1", 0, [received()])
    events = store.journal.follow(0)
    seen = [await anext(events) for _ in range(len(written) + 1)]
    assert [each.position for each in seen] == list(range(1, len(written) + 2))
    await events.aclose()


async def test_a_full_disk_ends_all_acknowledgements(store: Store) -> None:
    await store.journal.append("r-1", 0, [received()])
    await store.database.write(lambda raw: raw.execute("PRAGMA max_page_count = 40").fetchall())
    big = PersonSpoke(by="user:U1", text="x" * 200_000)
    answers = await asyncio.gather(
        store.journal.append("r-2", 0, [received("2")]),
        store.journal.append("r-1", 1, [big]),
        store.outbox.put([], reader="thread", position=1),
        return_exceptions=True,
    )
    assert [type(each) for each in answers] == [StoreFailed] * 3
    assert "SQLITE_FULL" in await asyncio.wait_for(store.fatal, 1)
    with pytest.raises(StoreFailed):
        await store.journal.append("r-1", 1, [SPOKE])
    assert len(await store.journal.read("r-1")) == 1
    assert await store.journal.read("r-2") == []


async def test_closing_finishes_what_waits_and_refuses_the_rest(store: Store) -> None:
    waiting = asyncio.create_task(store.journal.append("r-1", 0, [received()]))
    await asyncio.sleep(0)
    await store.close()
    assert len(await waiting) == 1
    with pytest.raises(StoreClosed):
        await store.journal.append("r-1", 1, [SPOKE])


async def test_times_are_kept_to_the_microsecond(store: Store) -> None:
    (first,) = await store.journal.append("r-1", 0, [received()])
    assert (await store.journal.read("r-1"))[0].at == first.at
    envelope = Envelope(
        door="api", key="k", lane="l", order="1", body={}, received_at=NOON + timedelta(microseconds=123_457)
    )
    await store.inbox.put(envelope)
    assert await store.inbox.pending() == [envelope]


async def test_a_writer_that_breaks_leaves_nobody_waiting(store: Store) -> None:
    def breaks(_raw: sqlite3.Connection) -> None:
        raise RuntimeError("a mistake of ours")

    store.database.commits.before_commit(breaks)
    answers = await asyncio.gather(
        *(store.journal.append(f"r-{n}", 0, [received(str(n))]) for n in range(3)), return_exceptions=True
    )
    assert [type(each) for each in answers] == [StoreFailed] * 3
    assert "the writer has stopped" in await asyncio.wait_for(store.fatal, 1)
    with pytest.raises(StoreFailed):
        await store.journal.append("r-9", 0, [received("9")])
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        await store.close()
    store.database.commits._task = asyncio.create_task(asyncio.sleep(0))  # for the fixture

"""Whoever edits the log is found out, and the first broken row is named."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest

from domain.events import PersonSpoke
from state.errors import PayloadErased
from state.store import Store
from state.verify import Verified, verify
from tests.state.samples import finished, received

CHANGES = {
    "edited payload": [
        "UPDATE payloads SET payload = CAST(replace(payload, 'word 4', 'word 9') AS BLOB) WHERE position = 5"
    ],
    "edited time": ["UPDATE events SET at = at + 1 WHERE position = 5"],
    "impossible version": ["UPDATE events SET version = -1 WHERE position = 5"],
    "edited type": ["UPDATE events SET type = 'Posted' WHERE position = 5"],
    "edited version": ["UPDATE events SET version = 2 WHERE position = 5"],
    "payload with its hash": [
        "UPDATE payloads SET payload = (SELECT payload FROM payloads WHERE position = 6) WHERE position = 5",
        "UPDATE events SET payload_hash = (SELECT payload_hash FROM events WHERE position = 6) WHERE position = 5",
    ],
    "deleted in the middle": ["DELETE FROM payloads WHERE position = 5", "DELETE FROM events WHERE position = 5"],
    "deleted and closed up": [
        "DELETE FROM payloads WHERE position = 5",
        "DELETE FROM events WHERE position = 5",
        "UPDATE events SET seq = seq - 1 WHERE stream = 'r-1' AND seq > 5",
    ],
    "two swapped": [
        "UPDATE events SET seq = 99 WHERE position = 5",
        "UPDATE events SET seq = 5 WHERE position = 6",
        "UPDATE events SET seq = 6 WHERE position = 5",
    ],
    "moved in the log": [
        "UPDATE events SET position = 900 WHERE position = 5",
        "UPDATE payloads SET position = 900 WHERE position = 5",
    ],
    "payload gone": ["DELETE FROM payloads WHERE position = 5"],
    "moved to another stream": ["UPDATE events SET stream = 'r-0', seq = 1 WHERE position = 5"],
}


async def write(store: Store) -> None:
    await store.journal.append("r-1", 0, [received()])
    for seq in range(1, 10):
        await store.journal.append("r-1", seq, [PersonSpoke(by="user:U1", text=f"word {seq}")])
    await store.journal.append("r-2", 0, [received("2"), finished()])


async def tampered(store: Store, statements: Sequence[str]) -> Verified:
    def change(raw: sqlite3.Connection) -> None:
        raw.execute("PRAGMA defer_foreign_keys = ON")
        for statement in statements:
            raw.execute(statement)

    await store.database.write(change)
    return await verify(store.database, store.key)


async def test_an_untouched_log_verifies(store: Store) -> None:
    await write(store)
    found = await verify(store.database, store.key)
    assert found.broken is None
    assert (found.events, found.erased) == (12, 0)
    heads = {stream: (await store.journal.read(stream))[-1] for stream in ("r-1", "r-2")}
    assert found.heads == {stream: (event.seq, event.hash) for stream, event in heads.items()}
    assert (await verify(store.database, store.key, found.heads)).broken is None


async def test_an_empty_log_verifies(store: Store) -> None:
    assert await verify(store.database, store.key) == Verified()


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_is_found_and_named(store: Store, change: str) -> None:
    await write(store)
    broken = (await tampered(store, CHANGES[change])).broken
    assert broken is not None
    named = ("r-0", 1) if change == "moved to another stream" else ("r-1", 6 if "moved in" in change else 5)
    assert (broken.stream, broken.seq) == named
    assert str(broken).startswith(f"{broken.stream} event {broken.seq}")


@pytest.mark.parametrize(
    ("statements", "stream", "seq"),
    [
        (["DELETE FROM payloads WHERE position > 8", "DELETE FROM events WHERE position > 8"], "r-1", 9),
        (
            [
                "DELETE FROM payloads WHERE position > 10",
                "DELETE FROM events WHERE position > 10",
                "DELETE FROM runs WHERE run_id = 'r-2'",
            ],
            "(unknown)",
            0,
        ),
    ],
)
async def test_a_cut_tail_is_found_by_what_stands_beside_it(
    store: Store, statements: list[str], stream: str, seq: int
) -> None:
    await write(store)
    broken = (await tampered(store, statements)).broken
    assert broken is not None
    assert (broken.stream, broken.seq) == (stream, seq)


async def test_who_rewrites_everything_is_found_by_an_anchor(store: Store) -> None:
    await write(store)
    anchors = (await verify(store.database, store.key)).heads
    await tampered(
        store,
        [
            "DELETE FROM payloads WHERE position > 10",
            "DELETE FROM events WHERE position > 10",
            "DELETE FROM runs WHERE run_id = 'r-2'",
            "UPDATE sqlite_sequence SET seq = 10 WHERE name = 'events'",
        ],
    )
    assert (await verify(store.database, store.key)).broken is None
    broken = (await verify(store.database, store.key, anchors)).broken
    assert broken is not None
    assert (broken.stream, broken.seq) == ("r-2", 1)
    forged = {**anchors, "r-1": (4, "00" * 32)}
    broken = (await verify(store.database, store.key, forged)).broken
    assert broken is not None
    assert (broken.stream, broken.seq) == ("r-1", 4)


async def test_another_key_verifies_nothing(store: Store) -> None:
    await write(store)
    broken = (await verify(store.database, b"x" * 32)).broken
    assert broken is not None
    assert broken.position == 1


async def test_an_erased_run_still_verifies_and_is_passed_over(store: Store) -> None:
    await write(store)
    await store.journal.append("r-3", 0, [received("3")])
    assert await store.journal.erase("r-2") == 2
    found = await verify(store.database, store.key)
    assert found.broken is None
    assert found.erased == 2
    with pytest.raises(PayloadErased, match="r-2 event 1"):
        await store.journal.read("r-2")
    late = store.journal.follow(9)
    await store.close()  # what is at hand in memory goes with it
    assert [each.position async for each in late] == []


@pytest.mark.parametrize("run", ["r-1", "r-9", "organization"])
async def test_only_a_finished_run_can_be_erased(store: Store, run: str) -> None:
    await write(store)
    with pytest.raises(ValueError, match=r"only a finished run|cannot be erased"):
        await store.journal.erase(run)


async def test_followers_pass_over_what_was_erased(store: Store) -> None:
    await write(store)
    await store.journal.append("r-3", 0, [received("3")])
    await store.journal.erase("r-2")
    store.journal._tail.jump(10**6)  # nothing is at hand any more: read back
    store.journal._tail.end = 13
    events = store.journal.follow(9)
    seen = [await anext(events), await anext(events)]
    await events.aclose()
    assert [each.stream for each in seen] == ["r-1", "r-3"]


class Growing:
    """The database, while somebody else writes to the end of the log after every page that is read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seq = 10

    async def read(self, action: Any) -> Any:
        found = await self._store.database.read(action)
        said = PersonSpoke(by="user:U1", text="meanwhile")
        await self._store.journal.append("r-1", self._seq, [said])
        self._seq += 1
        return found


async def test_a_log_that_grows_meanwhile_is_not_taken_for_a_cut_one(store: Store) -> None:
    await write(store)
    assert (await verify(Growing(store), store.key)).broken is None  # type: ignore[arg-type]

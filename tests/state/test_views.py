"""Listings: pages of runs, and what waits for votes."""

import pytest

from domain.events import PersonSpoke
from domain.runs import Status
from state.store import Store
from tests.state.samples import asked, finished, granted, received

SPOKE = PersonSpoke(by="user:U1", text="hello")


async def test_runs_come_in_pages_the_last_updated_first(store: Store) -> None:
    for n in range(5):
        await store.journal.append(f"r-{n}", 0, [received(str(n))])
    await store.journal.append("r-1", 1, [SPOKE])
    first = await store.views.runs(limit=2)
    assert first.run_ids == ("r-1", "r-4")
    second = await store.views.runs(limit=2, cursor=first.cursor)
    assert second.run_ids == ("r-3", "r-2")
    last = await store.views.runs(limit=2, cursor=second.cursor)
    assert (last.run_ids, last.cursor) == (("r-0",), None)
    assert (await store.views.runs(limit=5)).cursor is None


async def test_runs_of_one_status(store: Store) -> None:
    for n in range(4):
        await store.journal.append(f"r-{n}", 0, [received(str(n))])
    await store.journal.append("r-2", 1, [finished()])
    assert (await store.views.runs(status=Status.FINISHED)).run_ids == ("r-2",)
    page = await store.views.runs(status=Status.DECIDING, limit=2)
    assert page.run_ids == ("r-3", "r-1")
    assert (await store.views.runs(status=Status.DECIDING, limit=2, cursor=page.cursor)).run_ids == ("r-0",)


@pytest.mark.parametrize("cursor", ["", "7", "before-", "before-0", "before-1; DROP TABLE runs", "before-" + "9" * 30])
async def test_a_foreign_cursor_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(ValueError, match="is not a cursor of ours"):
        await store.views.runs(cursor=cursor)


async def test_open_approvals_are_those_that_wait_for_votes_oldest_first(store: Store) -> None:
    for n in (3, 1, 2, 4):
        await store.journal.append(f"r-{n}", 0, [received(str(n)), *asked(f"a{n}")])
    await store.journal.append("r-1", 4, granted("a1"))
    await store.journal.append("r-4", 4, [finished()])
    assert await store.views.open_approvals() == [("r-3", "a3"), ("r-2", "a2")]

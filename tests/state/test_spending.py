"""What is drawn from budgets: beside the log, in its transactions, and never more than there is."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain.budgets import Draw, Spent, Unit
from domain.decisions import Constraints, PolicyDecision
from domain.events import (
    CallsProposed,
    Cost,
    Event,
    GaveUp,
    PolicyDecided,
    ProposalDropped,
    Redirected,
)
from domain.tiers import Effect, Tier
from loop.ports import Conflict, GuardRefused, Journal, WithinBudget
from state.memory import MemoryJournal
from state.rebuild import compare, rebuild
from state.store import Store
from tests.state.samples import NOON, SteppingClock, asked, call, finished, granted, received, returned, started, task

RESTARTS = Draw(account="restarts resource=prod/web", of=Unit.ACTIONS, most=3)
RUNS = Draw(account="runs", of=Unit.RUNS, most=2)
MONEY = Draw(account="money agent=sre", of=Unit.USD, most=5_000_000)
TOKENS = Draw(account="tokens", of=Unit.TOKENS, most=1_000)


def decided(*draws: Draw, allowed: bool = True) -> PolicyDecided:
    decision = PolicyDecision(
        allowed=allowed, tier=Tier.PRODUCTION, reason="because", constraints=Constraints(), draws=draws
    )
    return PolicyDecided(decision=decision)


def start(*draws: Draw) -> Event:
    return replace(started(), draws=draws)


async def ready(journal: Journal, run_id: str) -> None:
    """A run with an approved call, about to start it."""
    await journal.append(run_id, 0, [received(run_id), *asked(), *granted()])


async def amount(journal: Journal, draw: Draw) -> int:
    found = (await journal.spent([draw])).of(draw.account)
    assert found is not None
    return found.amount


async def test_starts_draw_and_what_nobody_drew_on_holds_nothing(journal: Journal) -> None:
    await ready(journal, "r-1")
    assert await amount(journal, RESTARTS) == 0
    await journal.append("r-1", 6, [start(RESTARTS)], [WithinBudget(RESTARTS)])
    assert await amount(journal, RESTARTS) == 1
    assert await journal.accounts() == [RESTARTS.account]


async def test_only_what_was_drawn_within_the_window_counts(journal: Journal) -> None:
    records = []
    for n in range(3):
        await ready(journal, f"r-{n}")
        records += await journal.append(f"r-{n}", 6, [start(RESTARTS)])
    for n, recorded in enumerate(records):
        assert await amount(journal, replace(RESTARTS, after=recorded.at)) == 2 - n
        assert await amount(journal, replace(RESTARTS, after=recorded.at - timedelta(microseconds=1))) == 3 - n


async def test_an_empty_account_says_what_has_to_lapse(journal: Journal) -> None:
    at = []
    for n in range(4):
        await ready(journal, f"r-{n}")
        at.append((await journal.append(f"r-{n}", 6, [start(RESTARTS)]))[0].at)
    for most, blocked in ((5, None), (4, at[0]), (3, at[1]), (1, at[3])):
        found = await journal.spent([replace(RESTARTS, most=most)])
        assert found.of(RESTARTS.account) == Spent(amount=4, blocked_by=blocked)


async def test_an_append_that_would_overdraw_is_refused_and_writes_nothing(journal: Journal) -> None:
    one = replace(RESTARTS, most=1)
    for n in range(2):
        await ready(journal, f"r-{n}")
    await journal.append("r-0", 6, [start(one)], [WithinBudget(one)])
    with pytest.raises(GuardRefused) as caught:
        await journal.append("r-1", 6, [start(one)], [WithinBudget(one)])
    assert caught.value.guard == WithinBudget(one)
    assert len(await journal.read("r-1")) == 6
    assert await amount(journal, one) == 1


async def test_of_many_in_one_commit_as_many_start_as_there_is_room_for(journal: Journal) -> None:
    for n in range(8):
        await ready(journal, f"r-{n}")
    appends = (journal.append(f"r-{n}", 6, [start(RESTARTS)], [WithinBudget(RESTARTS)]) for n in range(8))
    answers = await asyncio.gather(*appends, return_exceptions=True)
    assert [type(answer) for answer in answers].count(list) == 3
    assert await amount(journal, RESTARTS) == 3


async def test_accepted_runs_draw_and_refused_ones_do_not(journal: Journal) -> None:
    await journal.append("r-1", 0, [received(), decided(RUNS)])
    await journal.append("r-2", 0, [received("2"), decided(RUNS, allowed=False)])
    assert await amount(journal, RUNS) == 1


async def test_costs_are_booked_to_the_accounts_of_the_latest_decision(journal: Journal) -> None:
    cost = Cost(usd=0.1, tokens=7)
    other = replace(MONEY, account="money agent=other")
    redirect = Redirected(by="user:U1", task=task("9"), agent="other")
    await journal.append("r-1", 0, [received(), decided(MONEY, TOKENS, RUNS)])
    await journal.append("r-1", 2, [CallsProposed(calls=(call("c1", Effect.READ),), cost=cost), redirect])
    await journal.append("r-1", 4, [ProposalDropped(why="it had moved on", cost=cost), decided(other)])
    await journal.append("r-1", 6, [GaveUp(why="no", cost=cost), finished(), ProposalDropped(why="late", cost=cost)])
    assert [await amount(journal, each) for each in (MONEY, TOKENS, other, RUNS)] == [200_000, 14, 200_000, 1]


async def test_no_cost_is_too_large_to_be_kept(journal: Journal) -> None:
    """A worker may say anything, and the sums must still be sums."""
    await journal.append("r-1", 0, [received(), decided(MONEY, TOKENS)])
    absurd = Cost(usd=1e300, tokens=10**17)
    await journal.append("r-1", 2, [ProposalDropped(why="no", cost=absurd)] * 12)
    assert [await amount(journal, each) for each in (MONEY, TOKENS)] == [12 * 10**12] * 2


async def test_runs_without_budgets_write_no_rows(store: Store) -> None:
    await store.journal.append("r-1", 0, [received(), *asked(), *granted(), started(), returned(), finished()])
    assert await store.database.read(lambda raw: raw.execute("SELECT count(*) FROM spending").fetchone()) == (0,)


async def test_two_processes_race_for_the_last_one_and_one_of_them_starts(
    store: Store, path: Path, clock: SteppingClock
) -> None:
    one = replace(RESTARTS, most=1)
    beside = await Store.open(path, clock=clock, exclusive=False)
    for n in range(20):
        await ready(store.journal, f"r-{n}")
    races = [
        (store if n % 2 else beside).journal.append(f"r-{n}", 6, [start(one)], [WithinBudget(one)]) for n in range(20)
    ]
    answers = await asyncio.gather(*races, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["GuardRefused"] * 19 + ["list"]
    assert await amount(beside.journal, one) == await amount(store.journal, one) == 1
    await beside.close()


# ── Rebuilding and forgetting ─────────────────────────────────────────────────────────────────────────────────────────


async def live(store: Store) -> None:
    for n in range(3):
        await store.journal.append(f"r-{n}", 0, [received(str(n)), decided(RUNS, MONEY, TOKENS), *asked()[1:]])
        await store.journal.append(f"r-{n}", 4, [*granted(), start(RESTARTS), returned()][: n + 2])
    await store.journal.append("r-2", 8, [GaveUp(why="no", cost=Cost(usd=0.001, tokens=3)), finished()])


async def rows(store: Store) -> list[tuple[object, ...]]:
    return await store.database.read(lambda raw: raw.execute("SELECT * FROM spending").fetchall())


async def test_what_was_drawn_follows_from_the_log(store: Store) -> None:
    await live(store)
    before = await rows(store)
    assert len(before) == 3 + 2 + 2
    assert (await compare(store.database)).wrong == 0
    await store.database.write(lambda raw: raw.execute("DELETE FROM spending"))
    await store.database.write(lambda raw: raw.execute("INSERT INTO spending VALUES ('runs', 1, 1, 'r-ghost', 9)"))
    found = await rebuild(store.database)
    assert found.wrong == len(before) + 1
    assert await rows(store) == before


async def test_an_erased_run_has_drawn_what_it_drew(store: Store) -> None:
    await live(store)
    before = await rows(store)
    await store.journal.erase("r-2")
    assert (await rebuild(store.database)).wrong == 0
    assert await rows(store) == before


async def test_what_finished_runs_drew_before_every_window_is_forgotten(path: Path) -> None:
    clock = SteppingClock()
    store = await Store.open(path, clock=clock)
    await live(store)
    await store.close()
    clock.moment = NOON + timedelta(days=33)
    store = await Store.open(path, clock=clock)
    assert len(await rows(store)) == 7  # by the log's own time it is still the same day
    await store.journal.append("r-9", 0, [received("9")])
    await store.close()
    store = await Store.open(path, clock=clock)
    assert {row[3] for row in await rows(store)} == {"r-0", "r-1"}
    assert (await compare(store.database)).wrong == 0
    await store.close()


async def test_both_journals_add_up_alike(store: Store) -> None:
    memory = MemoryJournal(SteppingClock())
    for journal in (store.journal, memory):
        await journal.append("r-1", 0, [received(), decided(MONEY, RUNS)])
        with pytest.raises(Conflict):
            await journal.append("r-1", 0, [received()])
        await journal.append("r-1", 2, [GaveUp(why="no", cost=Cost(usd=0.1)), finished()])
    draws = [MONEY, RUNS, RESTARTS, replace(MONEY, most=1), replace(RUNS, most=0)]
    for draw in draws:
        one, other = await store.journal.spent([draw]), await memory.spent([draw])
        assert one.of(draw.account) is not None
        assert one.of(draw.account).amount == other.of(draw.account).amount  # type: ignore[union-attr]

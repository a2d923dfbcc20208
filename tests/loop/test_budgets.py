"""Budgets in the loop: the last one goes to one run, what nobody started draws nothing, and the log adds up to it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from domain import events as e
from domain.budgets import Draw, Spending, Unit
from domain.outcomes import Outcome
from domain.runs import Status
from domain.tiers import Effect
from loop.controller import Controller
from loop.doors import Submitted
from loop.ports import GiveUp, Propose
from loop.replay import rederive
from state.memory import MemoryJournal
from tests.loop.house import House, ManualClock, SlowJournal, call, propose, task, wait_for
from tests.loop.test_crashes import STORY, DyingHands, DyingJournal, to_the_end
from tests.loop.test_organization import FROZEN
from tests.policy.world import rules

CHANGES = Draw(account="changes", of=Unit.ACTIONS, most=1)
RUNS = Draw(account="runs", of=Unit.RUNS, most=1)
MONEY = Draw(account="money", of=Unit.USD, most=1_000_000)
TOKENS = Draw(account="tokens", of=Unit.TOKENS, most=100)


def costly(proposal: Propose, usd: float = 0.0, tokens: int = 0) -> Propose:
    return replace(proposal, cost=e.Cost(usd=usd, tokens=tokens))


async def drawn(house: House, draw: Draw) -> int:
    found = (await house.journal.spent([draw])).of(draw.account)
    assert found is not None
    return found.amount


async def started(house: House, *run_ids: str) -> int:
    """How many calls above READ have started, by the log."""
    found = 0
    for run_id in run_ids:
        run = await house.run(run_id)
        first = [r.event.call_id for r in await house.events(run_id) if isinstance(r.event, e.ActionStarted)]
        found += sum(run.record(call_id).call.effect is not Effect.READ for call_id in set(first))
    return found


def slow() -> House:
    """A house in which whoever has looked what is left is not alone."""
    clock = ManualClock()
    return House(propose("restart"), journal=SlowJournal(clock), clock=clock, workers=3)


async def test_the_last_one_goes_to_one_of_two_runs_and_the_other_is_told() -> None:
    async with slow() as house:
        house.rules.budgets = (CHANGES,)
        one, other = await house.ask("1"), await house.ask("2")
        await asyncio.gather(house.vote(one, "SRE1"), house.vote(other, "SRE1"))
        await house.settle()
        assert house.hands.effects.total() == await drawn(house, CHANGES) == await started(house, one, other) == 1
        closed = [
            r.event for run in (one, other) for r in await house.events(run) if isinstance(r.event, e.ApprovalClosed)
        ]
        assert [(event.end, event.why) for event in closed] == [
            ("voided", "policy refuses it now: nothing is left of changes")
        ]


async def test_people_are_not_asked_about_what_finds_its_account_empty() -> None:
    async with House(propose("restart"), propose("restart"), GiveUp(why="no more", by="script")) as house:
        house.rules.budgets = (CHANGES,)
        run_id = await house.ask()
        await house.vote(run_id, "SRE1")
        denied = [r.event for r in await house.events(run_id) if isinstance(r.event, e.CallDenied)]
        assert [event.verdict.text for event in denied] == ["nothing is left of changes"]
        assert (await house.run(run_id)).outcome is Outcome.ESCALATED


async def test_reads_draw_nothing() -> None:
    async with House(propose("look", "look")) as house:
        house.rules.budgets = (CHANGES,)
        await house.ask()
        assert await drawn(house, CHANGES) == 0


async def test_to_repeat_a_call_in_doubt_draws_nothing_again() -> None:
    async with House(propose("restart")) as house:
        house.rules.budgets = (CHANGES,)
        house.hands.behave = lambda _, permit: "unknown-undone" if permit.attempt == 1 else "ok"
        run_id = await house.ask()
        await house.vote(run_id, "SRE1")
        assert (await house.log(run_id)).count("ActionStarted") == 2
        assert house.hands.effects.total() == await drawn(house, CHANGES) == 1


async def test_a_start_that_policy_refuses_draws_nothing() -> None:
    async with House(propose("restart")) as house:
        house.rules.budgets = (CHANGES,)
        run_id = await house.ask()
        await house.journal.append(e.ORGANIZATION_STREAM, 0, [FROZEN])
        await house.vote(run_id, "SRE1")
        assert house.hands.effects.total() == await drawn(house, CHANGES) == 0


async def test_a_click_of_a_person_draws_as_well() -> None:
    async with House(*STORY) as house:
        house.rules.budgets = (replace(CHANGES, most=9),)
        run_id = await house.ask()
        for _ in range(3):
            await house.vote(run_id, "SRE1")
        assert (await house.run(run_id)).outcome is Outcome.SUCCEEDED
        assert await drawn(house, CHANGES) == await started(house, run_id) == 3


async def test_other_rules_ask_nobody_anew_because_an_account_is_empty_now() -> None:
    """There may be more once people have decided; the start looks again."""
    async with House(propose("restart")) as house:
        house.rules.budgets = (CHANGES,)
        one, other = await house.ask("1"), await house.ask("2")
        await house.vote(one, "SRE1")
        assert await house.controller._engine.reconsider() == 0
        assert (await house.run(other)).status is Status.AWAITING_APPROVAL


# ── The door ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_too_many_is_denied_and_was_received_all_the_same() -> None:
    async with House(propose("look")) as house:
        house.rules.budgets = (RUNS,)
        one, other = await house.ask("1"), await house.ask("2")
        assert [(await house.run(run)).outcome for run in (one, other)] == [Outcome.SUCCEEDED, Outcome.DENIED]
        assert (await house.run(other)).summary == "nothing is left of runs"
        assert await drawn(house, RUNS) == 1


async def test_of_runs_that_come_at_once_as_many_are_accepted_as_there_is_room_for() -> None:
    async with slow() as house:
        house.rules.budgets = (replace(RUNS, most=2),)
        answers = await asyncio.gather(*(house.controller.submit(task(str(n))) for n in range(6)))
        await house.settle()
        await house.settle()
        runs = [await house.run(answer.run_id) for answer in answers if isinstance(answer, Submitted)]
        assert sorted(str(run.status) for run in runs) == ["awaiting_approval"] * 2 + ["finished"] * 4
        assert sum(run.outcome is Outcome.DENIED for run in runs) == 4
        assert await drawn(house, RUNS) == 2
        for run in runs:
            assert rederive(run.run_id, await house.events(run.run_id)).divergences == ()


async def test_a_run_that_lost_the_race_at_the_door_was_not_lost() -> None:
    """The refused append held the task as well: that is written all the same, and the door is asked again."""
    async with slow() as house:
        house.rules.budgets = (RUNS,)
        async with House(propose("restart"), journal=house.journal, clock=house.clock) as beside:
            beside.rules.budgets = (RUNS,)
            both = await asyncio.gather(house.controller.submit(task("1")), beside.controller.submit(task("2")))
            await house.settle()
            outcomes = [
                await outcome(each.controller, answer) for each, answer in zip((house, beside), both, strict=True)
            ]
        assert sorted(outcomes) == ["None", "denied"]


async def outcome(controller: Controller, answer: object) -> str:
    assert isinstance(answer, Submitted)
    run = await controller.run(answer.run_id)
    assert run is not None
    return str(run.outcome)


# ── Under real rules ──────────────────────────────────────────────────────────────────────────────────────────────────

HOURLY = "budgets:\n  - {id: hourly, describe: One an hour., of: actions, most: 1, per: [tool, requester], every: 1h}"


async def test_what_was_drawn_an_hour_ago_counts_no_more() -> None:
    async with House(propose("restart"), propose("wire"), GiveUp(why="enough", by="script")) as house:
        house.rules = replace(rules(HOURLY), agents={"agent": house.agent})  # type: ignore[assignment]
        first = await house.ask("1")
        await house.vote(first, "SRE1")
        house.clock.move(minutes=59, seconds=59)
        early = await house.ask("2")
        denied = [r.event for r in await house.events(early) if isinstance(r.event, e.CallDenied)]
        assert [event.verdict.text.split("; ") for event in denied] == [
            [
                "One an hour: 1 of 1 actions for requester user:REQUESTER, tool restart in the last hour",
                "next possible at 09:00 UTC (hourly, policies/org.yaml:3)",
            ]
        ]
        house.clock.move(seconds=2)
        assert (await house.run(await house.ask("3"))).status is Status.AWAITING_APPROVAL


async def test_accounts_of_real_rules_are_listed() -> None:
    async with House(propose("restart")) as house:
        house.rules = replace(rules(HOURLY), agents={"agent": house.agent})  # type: ignore[assignment]
        await house.vote(await house.ask("1"), "SRE1")
        (one,) = await house.controller.budgets("user:REQUESTER")
        assert (one.whose, one.used, one.most) == ((("requester", "user:REQUESTER"), ("tool", "restart")), 1, 1)
        assert one.renews == house.clock.now() + timedelta(hours=1)
        house.clock.move(hours=1)
        assert await house.controller.budgets("user:REQUESTER") == ()


# ── Money and tokens ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("draw", "usd", "tokens"), [(MONEY, 0.6, 0), (TOKENS, 0.0, 60)])
async def test_a_run_whose_account_is_empty_ends_escalated_and_the_next_is_denied(
    draw: Draw, usd: float, tokens: int
) -> None:
    async with House(*[costly(propose("look"), usd, tokens)] * 5) as house:
        house.rules.budgets = (draw,)
        run_id = await house.ask("1")
        run = await house.run(run_id)
        assert (run.outcome, run.summary) == (Outcome.ESCALATED, f"nothing is left of {draw.account}")
        assert run.iterations == 2
        assert (await house.log(run_id))[-2:] == ["BudgetExhausted", "RunFinished"]
        replayed = rederive(run_id, await house.events(run_id))
        assert (replayed.divergences, replayed.run) == ((), run)
        assert (await house.run(await house.ask("2"))).outcome is Outcome.DENIED


async def test_what_others_spend_stops_the_calls_of_a_run_under_way() -> None:
    async with House(costly(propose("restart"), usd=0.5)) as house:
        house.rules.budgets = (MONEY,)
        one, other = await house.ask("1"), await house.ask("2")
        await house.vote(one, "SRE1")
        assert house.hands.effects.total() == 0
        assert await drawn(house, MONEY) == 1_000_000
        assert (await house.run(one)).outcome is Outcome.ESCALATED
        assert (await house.run(other)).status is Status.AWAITING_APPROVAL


@pytest.mark.parametrize(("most", "ends"), [(1_000_000, Outcome.ESCALATED), (5_000_000, Outcome.SUCCEEDED)])
async def test_the_limit_is_todays_and_a_higher_one_lets_a_run_go_on(most: int, ends: Outcome) -> None:
    async with House(replace(wait_for("topic"), cost=e.Cost(usd=1.5)), propose("look")) as house:
        house.rules.budgets = (MONEY,)
        run_id = await house.ask()
        house.rules.budgets = (replace(MONEY, most=most),)
        house.watch.topics["topic"] = "passed"
        await house.controller.notice("topic")
        await house.settle()
        assert (await house.run(run_id)).outcome is ends


async def test_auditors_approvers_and_admins_see_every_account_and_others_their_own() -> None:
    async with House(propose("look")) as house:
        mine = replace(RUNS, account="runs requester=user:REQUESTER", most=9)
        house.rules.budgets = (mine, replace(CHANGES, account="other", most=9), replace(RUNS, most=9))
        await house.ask()
        house.directory.people["user:OTHER"] = replace(house.directory.people["user:OTHER"], groups=frozenset())
        seen = {who: await house.controller.budgets(f"user:{who}") for who in ("SRE1", "OTHER", "GUEST")}
        assert {(one.budget, one.whose, one.used) for one in seen["SRE1"]} == {
            ("runs", (), 1),
            ("runs", (("requester", "user:REQUESTER"),), 1),
        }
        assert seen["OTHER"] == seen["GUEST"] == ()
        house.directory.up = False
        assert [one.whose for one in await house.controller.budgets("user:REQUESTER")] == [
            (("requester", "user:REQUESTER"),)
        ]


# ── What it costs, and what survives ──────────────────────────────────────────────────────────────────────────────────


class AskedJournal(MemoryJournal):
    """Counts how often anybody asks what was drawn."""

    asked = 0

    async def spent(self, draws: Sequence[Draw]) -> Spending:
        self.asked += 1
        return await super().spent(draws)


async def test_where_there_are_no_budgets_nobody_asks_what_was_drawn() -> None:
    clock = ManualClock()
    journal = AskedJournal(clock)
    async with House(*STORY, journal=journal, clock=clock) as house:
        run_id = await house.ask()
        for _ in range(3):
            await house.vote(run_id, "SRE1")
        assert (await house.run(run_id)).outcome is Outcome.SUCCEEDED
        assert journal.asked == 0


async def test_reads_of_a_run_under_budgets_ask_only_at_the_door() -> None:
    clock = ManualClock()
    journal = AskedJournal(clock)
    async with House(propose("look"), propose("look", call("look")), journal=journal, clock=clock) as house:
        house.rules.budgets = (CHANGES, RUNS)
        await house.ask()
        assert journal.asked == 1


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("at", range(1, 22))
async def test_whenever_the_process_dies_as_much_is_drawn_as_was_started(at: int, durable: bool) -> None:
    clock = ManualClock()
    journal = DyingJournal(clock, at, durable=durable)
    async with House(*STORY, journal=journal, clock=clock) as house:
        house.rules.budgets = (replace(CHANGES, most=3), RUNS)
        run = await to_the_end(house, journal)
        assert run.outcome is Outcome.SUCCEEDED
        assert await drawn(house, CHANGES) == await started(house, run.run_id) == 3
        assert await drawn(house, RUNS) == 1


@pytest.mark.parametrize("happened", [False, True])
@pytest.mark.parametrize("at", range(1, 8))
async def test_around_whichever_effect_it_dies_it_is_drawn_once(at: int, happened: bool) -> None:
    async with House(*STORY) as house:
        house.rules.budgets = (replace(CHANGES, most=3),)
        house.hands = DyingHands(at, happened=happened)
        await house.crash()
        run = await to_the_end(house, house.hands)
        assert await drawn(house, CHANGES) == await started(house, run.run_id) == 3

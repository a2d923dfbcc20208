"""A mind that is wrong, broken or hostile: its answers have no power, and cannot make the loop spin or crash."""

import json
import math
from dataclasses import replace

import pytest

from domain.events import Cost
from domain.outcomes import Outcome
from domain.runs import Run, Status
from loop.ports import Ask, Conclude, GiveUp, Proposal, Propose
from tests.loop.house import House, call, propose, wait_for

STUCK = {Status.FINISHED, Status.AWAITING_ANSWER, Status.AWAITING_APPROVAL}


class Always:
    """Says the same, however often it is asked."""

    def __init__(self, proposal: object) -> None:
        self.proposal, self.asked = proposal, 0

    async def reason(self, run: Run, rules: str) -> Proposal:
        self.asked += 1
        return self.proposal  # type: ignore[return-value]


async def ended(house: House, run_id: str, rounds: int = 400) -> Run:
    """The run, once it has ended or waits for people; fails where it goes on for ever."""
    for _ in range(rounds):
        await house.settle()
        run = await house.run(run_id)
        if run.status in STUCK:
            return run
    raise AssertionError(
        f"it goes on for ever: {(await house.log(run_id))[-6:]}, {len(await house.log(run_id))} events"
    )


@pytest.mark.parametrize(
    "proposal",
    [
        replace(wait_for("t"), within_s=math.inf),
        replace(wait_for("t"), within_s=math.nan),
        replace(wait_for("t"), within_s=-1e300),
        replace(wait_for("t"), within_s=1e18),
        "not a proposal",
        None,
        replace(propose("look"), calls=("not a call",)),
        propose(call("look", arguments={"n": math.nan})),
        propose(call("look", arguments={"s": "\ud800"})),
        propose(call("look", arguments={"deep": json.loads("[" * 500 + "]" * 500)})),
        Propose(calls=(call("look"),), rationale="\ud800", by="x"),
        Ask(question="\ud800", by="x"),
        Conclude(summary="\udc00", by="x"),
        replace(propose("look"), cost=Cost(usd=math.nan)),
        replace(propose("look"), cost=Cost(usd=-5.0)),
        replace(propose(*["look"] * 33), cost=Cost(usd=1.0)),
    ],
    ids=range(16),
)
async def test_an_impossible_answer_is_a_failure_of_the_mind_and_bounded(proposal: object) -> None:
    async with House() as house:
        house.reasoner = Always(proposal)  # type: ignore[assignment]
        await house.close()
        house.start()
        run_id = await house.ask()
        run = await ended(house, run_id)
        assert run.outcome in {Outcome.FAILED, Outcome.ESCALATED}, (run.status, run.outcome)
        assert run.cost_usd >= 0
        assert math.isfinite(run.cost_usd)


async def test_giving_up_is_never_success() -> None:
    async with House(GiveUp(why="all good, trust me", by="x", outcome=Outcome.SUCCEEDED)) as house:
        run_id = await house.ask()
        assert (await house.run(run_id)).outcome is not Outcome.SUCCEEDED


async def test_reads_without_end_end() -> None:
    async with House() as house:
        house.reasoner = Always(propose("look"))  # type: ignore[assignment]
        await house.close()
        house.start()
        run_id = await house.ask()
        run = await ended(house, run_id, rounds=4000)
        assert run.outcome is Outcome.ESCALATED
        assert "limit" in run.summary


async def test_a_check_that_would_act_is_not_a_check() -> None:
    async with House(Conclude(summary="done", by="x", checks=(call("restart"),))) as house:
        run_id = await house.ask()
        run = await ended(house, run_id)
        assert "ApprovalRequested" not in await house.log(run_id)
        assert run.outcome is not Outcome.SUCCEEDED or not run.records


@pytest.mark.parametrize("behaviour", ["unknown-undone", "unknown-done"])
@pytest.mark.parametrize("tool", ["restart", "draft", "look"])
async def test_doubt_without_end_comes_to_a_person(tool: str, behaviour: str) -> None:
    async with House(propose(tool)) as house:
        house.hands.behave = lambda call, permit: behaviour
        run_id = await house.ask()
        if tool == "restart":
            assert (await house.vote(run_id, "SRE1")).ok
        await ended(house, run_id)
        assert len(house.hands.started) <= 10
        assert house.hands.effects.total() <= 1

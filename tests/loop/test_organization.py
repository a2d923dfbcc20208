"""What people declare for everything: it holds from the transaction on in which it is recorded, whoever recorded it."""

from datetime import timedelta

from domain import events as e
from domain.events import ORGANIZATION_STREAM
from domain.runs import Status
from tests.loop.house import START, House, propose

FROZEN = e.FreezeDeclared(
    id="f1", by="user:SRE1", until=START + timedelta(hours=1), where=(("resource", ("prod/*",)),), why="demo day"
)


async def test_a_freeze_that_another_process_declares_stops_a_start_that_was_approved_before() -> None:
    async with House(propose("restart")) as house:
        run_id = await house.ask()
        await house.journal.append(ORGANIZATION_STREAM, 0, [FROZEN])
        assert (await house.vote(run_id, "SRE1")).ok  # counted: the card was good, only the world has moved on
        assert house.hands.effects.total() == 0
        closed = [r.event for r in await house.events(run_id) if isinstance(r.event, e.ApprovalClosed)]
        assert [event.end for event in closed] == ["voided"]
        assert "frozen: f1" in closed[0].why


async def test_a_freeze_that_was_lifted_freezes_nothing() -> None:
    async with House(propose("restart")) as house:
        run_id = await house.ask()
        await house.journal.append(ORGANIZATION_STREAM, 0, [FROZEN, e.FreezeLifted(id="f1", by="user:SRE1")])
        await house.vote(run_id, "SRE1")
        assert house.hands.effects.total() == 1


async def test_what_another_process_wrote_costs_a_second_look_and_nothing_else() -> None:
    async with House(propose("look", "restart")) as house:
        await house.journal.append(ORGANIZATION_STREAM, 0, [e.PolicyLoaded(policy_hash="sha256:other")])
        run_id = await house.ask()
        await house.vote(run_id, "SRE1")
        assert house.hands.effects.total() == 1
        assert house.controller._engine.headquarters.now.policy_hash == "sha256:other"


async def test_a_run_that_could_not_look_anybody_up_looks_again_by_itself() -> None:
    async with House(propose("restart")) as house:
        house.directory.up = False
        run_id = await house.ask()
        assert (await house.run(run_id)).status is not Status.AWAITING_APPROVAL
        house.directory.up = True
        house.clock.move(seconds=3)
        await house.settle()
        assert (await house.run(run_id)).status is Status.AWAITING_APPROVAL

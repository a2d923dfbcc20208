"""The loop, told as stories in the house of house.py."""

import asyncio

import pytest

from domain import events as e
from domain.approvals import ApprovalEnd, Ballot
from domain.calls import Expectation
from domain.decisions import Constraints, Requirement
from domain.outcomes import Outcome
from domain.runs import CallStatus, Status
from domain.signals import SignalKind
from domain.tasks import Trigger
from domain.tiers import Tier
from loop.doors import Clash, Submitted
from loop.ports import Ask, Conclude, GiveUp, Unrouted
from loop.replay import rederive
from tests.loop.house import SRE, House, call, propose, task, wait_for

ANSWERS = Expectation(condition="true", describe="it answers 200")
PROBE = call("look", verifies_previous=True, expect=ANSWERS)
RESTART = propose(call("restart", prediction="it answers again"), PROBE)


async def test_reads_are_done_together_and_the_run_succeeds() -> None:
    async with House(propose("look", "look", "look")) as house:
        run_id = await house.ask()
        run = await house.run(run_id)
        assert (run.status, run.outcome, len(run.past)) == (Status.FINISHED, Outcome.SUCCEEDED, 3)
        assert house.hands.started == ["look", "look", "look"]
        assert (await house.log(run_id)).count("ActionStarted") == 3


async def test_a_change_parks_until_somebody_else_countersigns() -> None:
    async with House(RESTART) as house:
        run_id = await house.ask()
        assert (await house.run(run_id)).status is Status.AWAITING_APPROVAL
        assert not (await house.vote(run_id, "REQUESTER")).ok
        assert not (await house.vote(run_id, "GUEST")).ok
        assert not (await house.vote(run_id, "OTHER")).ok
        assert house.hands.effects.total() == 0
        assert (await house.vote(run_id, "SRE1")).ok
        run = await house.run(run_id)
        assert (run.outcome, house.hands.effects.total()) == (Outcome.SUCCEEDED, 1)
        refused = [r.event for r in await house.events(run_id) if isinstance(r.event, e.VoteRefused)]
        assert [r.by for r in refused] == ["user:REQUESTER", "user:GUEST", "user:OTHER"]


async def test_two_clicks_at_once_are_one_start() -> None:
    async with House(RESTART) as house:
        run_id = await house.ask()
        replies = await asyncio.gather(*(house.vote(run_id, by) for by in ("SRE1", "SRE2", "SRE1")))
        assert sorted(r.ok for r in replies) == [False, False, True]
        assert house.hands.effects.total() == 1


async def test_two_of_a_group_are_two_people() -> None:
    async with House(RESTART) as house:
        house.rules.requirements = (Requirement(approvers=SRE, count=2),)
        run_id = await house.ask()
        first = await house.vote(run_id, "SRE1")
        assert first.ok
        assert "Still missing: 1 of group:sre" in first.text
        assert not (await house.vote(run_id, "SRE1")).ok
        assert house.hands.effects.total() == 0
        assert (await house.vote(run_id, "SRE2")).ok
        assert house.hands.effects.total() == 1


async def test_a_denial_reaches_the_reasoner_with_its_reason_and_drops_the_rest() -> None:
    async with House(RESTART, GiveUp(why="they said no", by="script")) as house:
        run_id = await house.ask()
        assert (await house.vote(run_id, "SRE1", Ballot.DENY, reason="not during lunch")).ok
        run = await house.run(run_id)
        restart, probe = run.past
        assert (restart.approval_end, restart.note) == (ApprovalEnd.DENIED, "not during lunch")
        assert probe.status is CallStatus.DROPPED
        assert (run.outcome, house.hands.effects.total()) == (Outcome.ESCALATED, 0)


async def test_expired_is_not_denied() -> None:
    async with House(RESTART, GiveUp(why="nobody came", by="script")) as house:
        run_id = await house.ask()
        house.clock.move(hours=25)
        await house.settle()
        run = await house.run(run_id)
        assert run.past[0].approval_end is ApprovalEnd.EXPIRED
        assert not (await house.vote(run_id, "SRE1")).ok


async def test_what_policy_refuses_is_never_asked_about() -> None:
    async with House(RESTART, GiveUp(why="refused", by="script")) as house:
        house.rules.deny_tools = {"restart"}
        run_id = await house.ask()
        assert "ApprovalRequested" not in await house.log(run_id)
        assert (await house.run(run_id)).past[0].status is CallStatus.DENIED


async def test_a_refused_task_runs_nothing() -> None:
    async with House(RESTART) as house:
        house.rules.allowed = False
        run_id = await house.ask()
        assert await house.log(run_id) == ["TaskReceived", "PolicyDecided", "RunFinished"]
        assert (await house.run(run_id)).outcome is Outcome.DENIED


async def test_a_rule_that_changed_since_voids_the_approval_and_asks_again() -> None:
    async with House(RESTART, RESTART) as house:
        run_id = await house.ask()
        house.directory.up = False
        house.rules.requirements = (Requirement(approvers=SRE),)
        house.directory.up = True
        house.rules.hash = "sha256:newer"
        assert (await house.vote(run_id, "SRE1")).ok
        run = await house.run(run_id)
        assert run.past[0].approval_end is ApprovalEnd.VOIDED
        assert (run.status, house.hands.effects.total()) == (Status.AWAITING_APPROVAL, 0)
        assert (await house.vote(run_id, "SRE1")).ok
        assert house.hands.effects.total() == 1


async def test_an_approver_who_left_between_click_and_start_does_not_count() -> None:
    async with House(RESTART, GiveUp(why="void", by="script")) as house:
        house.rules.requirements = (Requirement(approvers=SRE, count=2),)
        run_id = await house.ask()
        await house.vote(run_id, "SRE1")
        del house.directory.people["user:SRE1"]
        await house.vote(run_id, "SRE2")
        run = await house.run(run_id)
        assert house.hands.effects.total() == 0
        assert run.status in (Status.AWAITING_APPROVAL, Status.FINISHED)


async def test_without_a_directory_nobody_can_approve_and_nothing_is_lost() -> None:
    async with House(RESTART) as house:
        run_id = await house.ask()
        house.directory.up = False
        assert not (await house.vote(run_id, "SRE1")).ok
        house.directory.up = True
        assert (await house.vote(run_id, "SRE1")).ok
        assert house.hands.effects.total() == 1


async def test_a_card_of_another_version_and_a_shared_channel_take_no_votes() -> None:
    async with House(RESTART) as house:
        run_id = await house.ask()
        house.rooms.shared.add("C9")
        assert not (await house.vote(run_id, "SRE1", digest="sha256:other")).ok
        assert not (await house.vote(run_id, "SRE1", digest="")).ok
        assert not (await house.vote(run_id, "SRE1", card=("C9", "1.0"))).ok
        assert house.hands.effects.total() == 0


async def test_an_unmet_prediction_never_closes_the_task() -> None:
    async with House(RESTART, GiveUp(why="it did not come back", by="script")) as house:
        house.hands.behave = lambda c, _: "unmet" if c.tool == "look" else "ok"
        run_id = await house.ask()
        await house.vote(run_id, "SRE1")
        run = await house.run(run_id)
        assert run.past[1].met is False
        assert run.outcome is Outcome.ESCALATED


async def test_success_needs_its_checks_now() -> None:
    check = call("look", expect=Expectation(condition="true", describe="clean"))
    conclude = Conclude(summary="done", by="script", checks=(check,))
    async with House(conclude, GiveUp(why="not clean", by="script")) as house:
        house.hands.behave = lambda *_: "unmet"
        assert (await house.run(await house.ask())).outcome is Outcome.ESCALATED
        house.hands.behave = lambda *_: "ok"
        assert (await house.run(await house.ask("2"))).outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(("how", "repeats"), [("unknown-done", 0), ("unknown-undone", 1)])
async def test_a_doubt_is_checked_and_repeated_only_if_nothing_happened(how: str, repeats: int) -> None:
    async with House(RESTART) as house:
        house.hands.behave = lambda c, p: how if c.tool == "restart" and p.attempt == 1 else "ok"
        run_id = await house.ask()
        await house.vote(run_id, "SRE1")
        log = await house.log(run_id)
        assert "ActionInDoubt" in log
        assert house.hands.effects.total() == 1
        assert house.hands.started.count("restart") == 1 + repeats
        assert (await house.run(run_id)).outcome is Outcome.SUCCEEDED


async def test_where_nothing_can_tell_a_person_is_asked_and_nothing_is_guessed() -> None:
    async with House(propose("wire")) as house:
        house.hands.behave = lambda c, _: "unknown-done"
        run_id = await house.ask()
        await house.vote(run_id, "SRE1")
        run = await house.run(run_id)
        assert run.status is Status.AWAITING_ANSWER
        assert run.open_question is not None
        assert not (await house.say(run_id, SignalKind.ANSWER, by="token:ci", text="It happened")).ok
        assert not (await house.say(run_id, SignalKind.ANSWER, text="maybe")).ok
        assert (await house.say(run_id, SignalKind.ANSWER, text="It happened")).ok
        run = await house.run(run_id)
        assert (run.outcome, house.hands.effects.total()) == (Outcome.SUCCEEDED, 1)


async def test_pause_holds_and_resume_goes_on_with_the_approval_kept() -> None:
    async with House(RESTART) as house:
        run_id = await house.ask()
        assert (await house.say(run_id, SignalKind.PAUSE, by="user:OTHER")).ok
        assert (await house.vote(run_id, "SRE1")).ok
        run = await house.run(run_id)
        assert (run.status, run.flags, house.hands.effects.total()) == (Status.APPROVED, ("paused",), 0)
        assert not (await house.say(run_id, SignalKind.RESUME, by="user:OTHER")).ok
        assert (await house.say(run_id, SignalKind.RESUME)).ok
        assert house.hands.effects.total() == 1


async def test_stop_while_an_action_runs_keeps_its_result() -> None:
    async with House(RESTART) as house:
        house.hands.gate = asyncio.Event()
        run_id = await house.ask()
        await house.vote(run_id, "SRE1")
        assert (await house.run(run_id)).status is Status.ACTING
        assert (await house.say(run_id, SignalKind.STOP, by="user:OTHER")).ok
        assert (await house.run(run_id)).status is Status.ACTING
        house.hands.gate.set()
        await house.settle()
        run = await house.run(run_id)
        assert (run.outcome, house.hands.effects.total()) == (Outcome.STOPPED, 1)
        assert run.past[0].observation is not None
        assert run.past[1].observation is None


async def test_redirect_revokes_the_decision_and_the_redirector_cannot_approve() -> None:
    async with House(RESTART, RESTART) as house:
        run_id = await house.ask()
        assert not (await house.say(run_id, SignalKind.REDIRECT, by="user:SRE1", text="nonsense")).ok
        assert (await house.say(run_id, SignalKind.REDIRECT, by="user:SRE1", text="restart it gently")).ok
        log = await house.log(run_id)
        assert log.count("PolicyDecided") == 2
        assert not (await house.vote(run_id, "SRE1")).ok
        assert (await house.vote(run_id, "SRE2")).ok
        assert house.hands.effects.total() == 1


async def test_redirect_while_an_action_runs_waits_for_it() -> None:
    async with House(RESTART, propose("look")) as house:
        house.hands.gate = asyncio.Event()
        run_id = await house.ask()
        await house.vote(run_id, "SRE1")
        await house.say(run_id, SignalKind.REDIRECT, text="look instead")
        assert "redirected" in (await house.run(run_id)).flags
        house.hands.gate.set()
        await house.settle()
        run = await house.run(run_id)
        assert run.received.goal == "look instead"
        assert run.outcome is Outcome.SUCCEEDED


async def test_the_switch_stops_everything_and_only_admins_turn_it_back() -> None:
    async with House(RESTART) as house:
        run_id = await house.ask()
        assert (await house.controller.stop_everything("user:OTHER", "smoke")).ok
        await house.vote(run_id, "SRE1")
        await house.settle()
        assert house.hands.effects.total() == 0
        assert not (await house.controller.resume_everything("user:OTHER", "")).ok
        assert not (await house.controller.resume_everything("token:ci", "")).ok
        assert (await house.controller.resume_everything("user:SRE1", "")).ok
        await house.settle()
        assert house.hands.effects.total() == 1


async def test_another_process_moves_the_switch_and_the_transaction_sees_it() -> None:
    async with House(RESTART) as house:
        run_id = await house.ask()
        await house.journal.append("organization", 0, [e.EverythingStopped(by="user:SRE1")])
        await house.vote(run_id, "SRE1")
        assert house.hands.effects.total() == 0


async def test_who_shaped_a_run_cannot_countersign_its_retry() -> None:
    async with House(RESTART) as house:
        house.rules.allowed = False
        run_id = await house.ask(requester="user:SRE1")
        house.rules.allowed = True
        again = await house.controller.retry(run_id, "user:SRE2", "again")
        assert isinstance(again, Submitted)
        await house.settle()
        assert not (await house.vote(again.run_id, "SRE1")).ok
        assert not (await house.vote(again.run_id, "SRE2")).ok
        assert (await house.vote(again.run_id, "REQUESTER")).ok
        assert house.hands.effects.total() == 1


async def test_a_refusal_is_recorded_once_however_often_it_is_clicked() -> None:
    async with House(RESTART) as house:
        run_id = await house.ask()
        for _ in range(5):
            assert not (await house.vote(run_id, "GUEST")).ok
        assert (await house.log(run_id)).count("VoteRefused") == 1


async def test_one_occurrence_is_one_run() -> None:
    async with House(propose("look")) as house:
        first = await house.controller.submit(task("1"))
        again = await house.controller.submit(task("1"))
        other = await house.controller.submit(task("1", "another goal"))
        assert isinstance(first, Submitted)
        assert isinstance(again, Submitted)
        assert (again.run_id, again.created) == (first.run_id, False)
        assert other == Clash(run_id=first.run_id)
        assert isinstance(await house.controller.submit(task("2", "nonsense")), Unrouted)


async def test_a_correlated_signal_joins_the_open_run_and_afterwards_starts_a_linked_one() -> None:
    def alert(occurrence: str) -> Trigger:
        return Trigger(source="alert", source_id=occurrence, timestamp=task("").trigger.timestamp, correlation="fp")  # type: ignore[arg-type]

    async with House(RESTART) as house:
        run_id = await house.ask("1", trigger=alert("fp@1"))
        joined = await house.controller.submit(task("2", trigger=alert("fp@2")))
        assert joined == Submitted(run_id=run_id, created=False, joined=True)
        again = await house.controller.submit(task("2", trigger=alert("fp@2")))
        assert again == joined
        assert (await house.log(run_id)).count("PersonSpoke") == 1
        await house.vote(run_id, "SRE1")
        assert await house.controller.submit(task("2", trigger=alert("fp@2"))) == joined
        later = await house.ask("3", trigger=alert("fp@3"))
        assert later != run_id
        assert (await house.run(later)).linked == run_id


async def test_limits_escalate() -> None:
    async with House(*[propose("look")] * 9) as house:
        house.rules.constraints = Constraints(max_iterations=3)
        run = await house.run(await house.ask())
        assert (run.outcome, run.iterations) == (Outcome.ESCALATED, 3)
    async with House(RESTART) as house:
        house.rules.constraints = Constraints(deadline_s=60)
        run_id = await house.ask()
        house.clock.move(seconds=61)
        await house.settle()
        assert (await house.run(run_id)).outcome is Outcome.ESCALATED


async def test_a_tier_denies_what_it_does_not_admit() -> None:
    async with House(RESTART, GiveUp(why="may not", by="script")) as house:
        house.rules.tier = Tier.DRAFT
        run = await house.run(await house.ask())
        assert run.past[0].status is CallStatus.DENIED


async def test_a_question_parks_and_its_answer_goes_on() -> None:
    async with House(Ask(question="which?", by="script", options=("a", "b")), propose("look")) as house:
        run_id = await house.ask()
        assert (await house.run(run_id)).status is Status.AWAITING_ANSWER
        assert (await house.say(run_id, SignalKind.ANSWER, text="a")).ok
        assert (await house.run(run_id)).outcome is Outcome.SUCCEEDED


async def test_a_wait_ends_by_notice_and_an_offer_only_by_a_person() -> None:
    async with House(wait_for("checks"), wait_for("merge", offer=call("merge"))) as house:
        run_id = await house.ask()
        house.watch.topics["checks"] = "passed"
        await house.controller.notice("checks")
        await house.settle()
        run = await house.run(run_id)
        assert (run.status, run.offer is not None) == (Status.WAITING, True)
        assert not (await house.vote(run_id, "REQUESTER")).ok
        assert (await house.vote(run_id, "SRE1")).ok
        run = await house.run(run_id)
        assert [w.what for w in run.waits] == ["passed", "done"]
        assert (run.outcome, house.hands.effects.total()) == (Outcome.SUCCEEDED, 1)


async def test_a_people_only_tool_cannot_be_proposed() -> None:
    async with House(propose("merge"), GiveUp(why="may not", by="script")) as house:
        run = await house.run(await house.ask())
        assert run.past[0].status is CallStatus.DENIED


async def test_private_runs_are_seen_by_members_and_approvers_only() -> None:
    async with House(RESTART) as house:
        house.rooms.private["C1"] = {"user:REQUESTER"}
        run_id = await house.ask()
        run = await house.run(run_id)
        assert not await house.controller.may_read("user:OTHER", run)
        assert not (await house.say(run_id, SignalKind.PAUSE, by="user:OTHER")).ok
        assert await house.controller.may_read("user:SRE2", run)


async def test_every_story_is_rederived_from_its_log() -> None:
    async with House(propose("look"), RESTART, wait_for("merge", offer=call("merge"))) as house:
        house.hands.behave = lambda c, p: "unknown-undone" if c.tool == "restart" and p.attempt == 1 else "ok"
        run_id = await house.ask()
        await house.vote(run_id, "SRE1")
        await house.vote(run_id, "SRE2")
        replayed = rederive(run_id, await house.events(run_id))
        assert replayed.divergences == ()
        assert replayed.steps > 10
        assert replayed.run == await house.run(run_id)

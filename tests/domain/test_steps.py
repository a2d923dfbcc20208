"""The control flow's promises, one crafted run each: what comes first when several things are true at once."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.calls import ToolCall
from domain.decisions import Constraints, PolicyDecision
from domain.outcomes import Outcome
from domain.runs import CallRecord, CallStatus, Ending, Redirect, Run, Status, Wait
from domain.steps import Act, Decide, Finish, Judge, Park, Reason, next_step
from domain.tasks import Context, Source, Task, Trigger
from domain.tiers import Effect, Tier

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
TRIGGER = Trigger(source=Source.USER, source_id="1", timestamp=NOW)
TASK = Task(type="chat", goal="Go.", trigger=TRIGGER, context=Context(organization_id="acme"))
ELSE = Redirect(by="user:U1", task=TASK, agent="operator")


def record(call_id: str, status: CallStatus, effect: Effect = Effect.READ, remedy: str = "") -> CallRecord:
    call = ToolCall(call_id=call_id, tool="t", version=1, effect=effect, arguments={})
    return CallRecord(call=call, status=status, remedy=remedy)


def run(status: Status, *batch: CallRecord, **more: Any) -> Run:
    return Run(run_id="r", status=status, batch=batch, **more)


def decided(*, allowed: bool = True, **limits: Any) -> PolicyDecision:
    constraints = Constraints(**limits)
    return PolicyDecision(allowed=allowed, tier=Tier.PRODUCTION, reason="Because.", constraints=constraints)


ACTING, DOUBT, ALLOWED = CallStatus.ACTING, CallStatus.IN_DOUBT, CallStatus.ALLOWED
PROPOSED, RETURNED = CallStatus.PROPOSED, CallStatus.RETURNED


def test_each_status_has_its_step() -> None:
    assert next_step(run(Status.FINISHED)) is None
    assert next_step(run(Status.NEW)) == Park("no task yet")
    assert next_step(run(Status.DECIDING)) == Decide()
    assert next_step(run(Status.REASONING)) == Reason()
    assert next_step(run(Status.PROPOSED, record("c1", PROPOSED))) == Judge(("c1",))
    assert next_step(run(Status.APPROVED, record("c1", ALLOWED))) == Act(("c1",))
    for status in (Status.WAITING, Status.AWAITING_APPROVAL, Status.AWAITING_ANSWER, Status.ACTING, Status.IN_DOUBT):
        assert isinstance(next_step(run(status)), Park)


def test_the_door_ends_a_run_only_once_it_has_refused_it() -> None:
    assert next_step(run(Status.DECIDING, decision=decided(allowed=False))) == Finish(Outcome.DENIED, "Because.")
    assert next_step(run(Status.DECIDING, decision=decided())) == Decide()


def test_only_calls_whose_turn_it_is_and_that_are_due_are_judged_or_done() -> None:
    reads = record("c1", PROPOSED), record("c2", RETURNED), record("c3", PROPOSED)
    change = record("c4", PROPOSED, Effect.CHANGE)
    assert next_step(run(Status.PROPOSED, *reads, change)) == Judge(("c1", "c3"))
    mixed = record("c1", ALLOWED), record("c2", PROPOSED)
    assert next_step(run(Status.PROPOSED, *mixed)) == Judge(("c2",))
    assert next_step(run(Status.APPROVED, *mixed)) == Act(("c1",))


# ── What a person said comes before what the reasoner wants, and what has started before both ─────────────────────────


@pytest.mark.parametrize("flag", [{}, {"stopping": "user:U1"}, {"paused": True}, {"limit": "deadline"}])
def test_an_action_under_way_is_always_waited_for(flag: dict[str, Any]) -> None:
    acting = run(Status.ACTING, record("c1", ACTING, Effect.CHANGE), **flag)
    assert next_step(acting) == Park("an action is under way")


def test_stopped_is_said_before_a_limit_and_a_limit_before_a_pause() -> None:
    told = run(Status.REASONING, stopping="user:U1", limit="timeout", paused=True)
    assert next_step(told) == Finish(Outcome.STOPPED, "Stopped by user:U1.")
    assert next_step(replace(told, stopping=None)) == Finish(Outcome.ESCALATED, "The timeout was reached.")
    assert next_step(replace(told, stopping=None, limit=None)) == Park("paused")
    assert next_step(run(Status.REASONING, paused=True, held_by="user:U2")) == Park("taken over by user:U2")


# ── Reads of one group start together ─────────────────────────────────────────────────────────────────────────────────


def test_reads_join_those_of_their_group_that_are_under_way() -> None:
    due = record("c2", ALLOWED), record("c3", PROPOSED), record("c4", DOUBT, remedy="repeat"), record("c5", DOUBT)
    assert next_step(run(Status.ACTING, record("c1", ACTING), *due)) == Act(("c2", "c4"))


def test_a_read_that_has_come_back_is_not_repeated_and_nothing_is_not_done() -> None:
    again = record("c2", RETURNED, remedy="repeat")  # it was repeated, and returned
    assert next_step(run(Status.ACTING, record("c1", ACTING), again)) == Park("an action is under way")


@pytest.mark.parametrize("flag", [{"stopping": "user:U1"}, {"paused": True}])
def test_no_read_starts_beside_another_once_people_have_said_stop(flag: dict[str, Any]) -> None:
    reads = record("c1", ACTING), record("c2", ALLOWED)
    assert next_step(run(Status.ACTING, *reads, **flag)) == Park("an action is under way")


def test_nothing_starts_beside_an_effect() -> None:
    reads = record("c1", ACTING), record("c2", ALLOWED)
    offer = record("m", ACTING, Effect.CHANGE)
    assert next_step(run(Status.WAITING, *reads, offer=offer)) == Park("an action is under way")


# ── Doubt ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("flag", [{}, {"stopping": "user:U1"}, {"paused": True}, {"redirect": ELSE}])
def test_what_can_be_checked_is_checked_first_whatever_people_said(flag: dict[str, Any]) -> None:
    checkable = record("c2", DOUBT, Effect.CHANGE, "check")
    unsure = run(Status.IN_DOUBT, record("c1", DOUBT, remedy="repeat"), checkable, **flag)
    assert next_step(unsure) == Act(("c2",), checking=True)


def test_who_stops_ends_a_doubt_about_reads_but_not_one_about_an_effect() -> None:
    reads = record("c1", DOUBT, remedy="repeat"), record("c2", DOUBT)
    assert next_step(run(Status.IN_DOUBT, *reads, stopping="user:U1")) == Finish(Outcome.STOPPED, "Stopped by user:U1.")
    effect = record("c3", DOUBT, Effect.CHANGE, "repeat")
    assert isinstance(next_step(run(Status.IN_DOUBT, *reads, effect, stopping="user:U1")), Park)
    assert next_step(run(Status.IN_DOUBT, *reads)) == Act(("c1",))


def test_a_repeat_waits_while_the_run_is_paused() -> None:
    effect = record("c1", DOUBT, Effect.CHANGE, "repeat")
    assert next_step(run(Status.IN_DOUBT, effect)) == Act(("c1",))
    assert isinstance(next_step(run(Status.IN_DOUBT, effect, paused=True)), Park)


def test_who_asks_for_something_else_has_no_old_effect_repeated_but_reads() -> None:
    effect, read = record("c1", DOUBT, Effect.CHANGE, "repeat"), record("c2", DOUBT, remedy="repeat")
    assert next_step(run(Status.IN_DOUBT, effect, read, redirect=ELSE)) == Act(("c2",))
    assert isinstance(next_step(run(Status.IN_DOUBT, effect, redirect=ELSE)), Park)


def test_what_nobody_can_tell_waits_for_a_person() -> None:
    asked = run(Status.IN_DOUBT, record("c1", DOUBT, Effect.CHANGE, "ask"))
    assert next_step(asked) == Park("nobody knows yet whether an action happened")


# ── Limits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("limits", "most"), [({}, 200), ({"max_iterations": 3}, 3)])
def test_iterations_end_at_the_limit_and_not_before(limits: dict[str, Any], most: int) -> None:
    going = run(Status.REASONING, decision=decided(**limits), iterations=most - 1)
    assert next_step(going) == Reason()
    assert next_step(replace(going, iterations=most)) == Finish(
        Outcome.ESCALATED, f"The limit of {most} iterations was reached."
    )
    assert next_step(run(Status.REASONING, iterations=200)) is not None  # without a decision as well
    assert isinstance(next_step(run(Status.REASONING, iterations=200)), Finish)


def test_a_budget_may_be_spent_to_the_last_cent_and_token_but_not_beyond() -> None:
    spent = run(Status.REASONING, decision=decided(budget_usd=2.5, max_tokens=100), cost_usd=2.5, tokens=100)
    assert next_step(spent) == Reason()
    assert next_step(replace(spent, cost_usd=2.51)) == Finish(Outcome.ESCALATED, "The budget of $2.50 was spent.")
    assert next_step(replace(spent, tokens=101)) == Finish(Outcome.ESCALATED, "The budget of 100 tokens was spent.")


def test_the_third_failure_of_the_reasoner_in_a_row_ends_the_run() -> None:
    failing = run(Status.REASONING, failures=2, rationale="timed out")
    assert next_step(failing) == Reason()
    assert next_step(replace(failing, failures=3)) == Finish(
        Outcome.FAILED, "The reasoner failed 3 times in a row: timed out"
    )


def test_an_ending_counts_even_where_a_limit_is_reached_with_it() -> None:
    ending = Ending(outcome=Outcome.SUCCEEDED, summary="Done.")
    assert next_step(run(Status.REASONING, iterations=200, ending=ending)) == Finish(Outcome.SUCCEEDED, "Done.")


# ── Waiting ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_offer_goes_its_way_beside_the_wait() -> None:
    wait = Wait(topic="merge", why="for a merge", until=NOW)
    waiting = run(Status.WAITING, waits=(wait,))
    assert next_step(waiting) == Park("for a merge")
    assert next_step(run(Status.WAITING)) == Park("waiting")
    for status, step in ((PROPOSED, Judge(("m",))), (ALLOWED, Act(("m",))), (RETURNED, Park("for a merge"))):
        assert next_step(replace(waiting, offer=record("m", status, Effect.CHANGE))) == step

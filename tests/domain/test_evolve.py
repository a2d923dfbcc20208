"""The fold, event by event: what is counted, who is excluded, what ends a wait, and what cannot have happened."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from domain import events as e
from domain.approvals import ApprovalEnd
from domain.budgets import Draw, Unit
from domain.evolve import evolve, replay
from domain.outcomes import Outcome
from domain.runs import CallStatus, Ending, Message, Question, Run, Status, Wait
from domain.settling import IllegalEvent
from domain.tiers import Effect, Tier
from tests.domain.logs import (
    BAD,
    DECIDED,
    DECISION,
    DOING,
    ELSEWHERE,
    IN_DOUBT,
    LATER,
    NOW,
    RECEIVED,
    TASK,
    WAITS,
    asks,
    call,
    folded,
    proposed,
    recorded,
    returned,
    started,
)

# ── What cannot have happened ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seq", [2, 4])
def test_a_log_has_no_gap_and_nothing_twice(seq: int) -> None:
    again = e.Recorded(stream="r", seq=seq, at=NOW, event=e.Paused(by="user:U1"))
    with pytest.raises(IllegalEvent, match="the log has a gap"):
        evolve(folded(), again)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ((RECEIVED,), "a run has one task"),
        ((e.Answered(by="user:U1", text="yes"),), "an answer without a question"),
        ((proposed(), started()), "starts while it is proposed"),
        ((*DOING, returned(), e.EverythingStopped(by="user:U1", why="")), "belongs to the organization's stream"),
        ((e.RunFinished(outcome=Outcome.SUCCEEDED, summary=""), e.Paused(by="user:U1")), "after the run has finished"),
        ((proposed(), e.ApprovalGranted(approval_id="a.c1", use_until=LATER, voters=())), "nothing was asked as a.c1"),
        ((WAITS, proposed()), "that is waiting cannot become proposed"),
    ],
)
def test_what_cannot_have_happened_is_refused(events: Sequence[e.Event], why: str) -> None:
    with pytest.raises(IllegalEvent, match=why):
        folded(*events)


OF_THE_ORGANIZATION: tuple[e.Event, ...] = (
    e.InstanceStarted(boot=1, version="1", sandbox="", policy_hash=""),
    e.EverythingStopped(by="user:U1", why=""),
    e.EverythingResumed(by="user:U1"),
    e.PolicyLoaded(policy_hash="", why=""),
    e.FreezeDeclared(id="f", by="user:U1", until=LATER, where=()),
    e.FreezeLifted(id="f", by="user:U1"),
    e.FreezeEnded(id="f"),
    e.TierEarned(agent="sre", tier=Tier.SANDBOX, run_id="r", by=()),
    e.TierLost(agent="sre", by="user:U1", why=""),
)


@pytest.mark.parametrize("event", OF_THE_ORGANIZATION)
def test_what_happens_to_the_organization_does_not_happen_to_a_run(event: e.Event) -> None:
    with pytest.raises(IllegalEvent, match=f"{type(event).__name__} belongs to the organization's stream"):
        folded(event)


def test_after_the_end_only_echoes_are_folded() -> None:
    ended = folded(
        e.RunFinished(outcome=Outcome.FAILED, summary="Over."),
        e.Posted(key="k", channel="C1", ts="1.0"),
        e.ProposalDropped(why="late", cost=e.Cost(usd=0.5)),
        e.VoteRefused(approval_id="a", by="user:U2", why="late"),
    )
    assert (ended.outcome, ended.summary, ended.cost_usd) == (Outcome.FAILED, "Over.", 0.5)
    assert ended.refusals == {("a", "user:U2", "late")}
    assert ended.posted == {"k": ("C1", "1.0")}


def test_nothing_that_was_recorded_is_forgotten_for_what_follows() -> None:
    question = e.QuestionAsked(question="?", options=("yes", "no"), step="s")
    run = folded(
        e.Posted(key="k", channel="C1", ts="1.0"),
        e.Posted(key="l", channel="C1", ts="2.0"),
        e.VoteRefused(approval_id="a", by="user:U2", why="late"),
        e.VoteRefused(approval_id="a", by="user:U3", why="late"),
        e.PersonSpoke(by="user:U2", text="a", occurrence="alert-2"),
        e.PersonSpoke(by="user:U2", text="b", occurrence="alert-3"),
        question,
        e.Answered(by="user:U2", text="yes"),
        question,
        e.Answered(by="user:U2", text="no"),
        replace(WAITS, step="w"),
        e.Noticed(topic="merge", what="merged"),
        proposed(),
    )
    assert run.posted == {"k": ("C1", "1.0"), "l": ("C1", "2.0")}
    assert {by for _, by, _ in run.refusals} == {"user:U2", "user:U3"}
    assert run.joined == ("alert-2", "alert-3")
    asked = Question(question="?", options=("yes", "no"), step="s", by="user:U2", answer="yes", turn=1)
    assert run.questions == (asked, replace(asked, answer="no", turn=2))
    assert [(wait.step, wait.turn) for wait in run.waits] == [("w", 3)]
    assert run.rationale == "why"
    assert folded(e.PersonSpoke(by="user:U2", text="a")).joined == ()


def test_the_accounts_of_a_runs_costs_are_those_of_its_latest_accepting_decision() -> None:
    dollars, tokens = (Draw(account=of.value, of=of, most=1) for of in (Unit.USD, Unit.TOKENS))
    run = replace(DECISION, draws=(dollars, Draw(account="runs", of=Unit.RUNS, most=1)))
    accepted = replay("r", recorded([RECEIVED, e.PolicyDecided(decision=run)]))
    assert accepted.draws == (dollars,)
    again = e.PolicyDecided(decision=replace(DECISION, draws=(tokens,)))
    redirect = e.Redirected(by="user:U2", task=ELSEWHERE, agent="other")
    assert evolve(evolve(accepted, _next(accepted, redirect)), _next(accepted, again, 2)).draws == (tokens,)
    refused = e.PolicyDecided(decision=replace(DECISION, allowed=False, draws=(tokens,)))
    assert evolve(evolve(accepted, _next(accepted, redirect)), _next(accepted, refused, 2)).draws == (dollars,)


def _next(run: Run, event: e.Event, by: int = 1) -> e.Recorded:
    return e.Recorded(stream="r", seq=run.seq + by, at=NOW + timedelta(seconds=run.seq + by), event=event)


# ── What is counted ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_costs_add_up_whoever_caused_them() -> None:
    cost = e.Cost(usd=0.25, tokens=100)
    run = folded(
        e.ReasoningFailed(why="x", retry=True, cost=cost),
        e.ProposalDropped(why="x", cost=e.Cost(tokens=7)),
        replace(proposed(), cost=e.Cost(usd=0.5)),
    )
    assert (run.cost_usd, run.tokens) == (0.75, 107)


def test_answers_of_the_reasoner_are_iterations_and_end_its_failures() -> None:
    failing = folded(e.ReasoningFailed(why="slow", retry=True), e.ReasoningFailed(why="slower", retry=True))
    assert (failing.iterations, failing.failures, failing.rationale, failing.ending) == (0, 2, "slower", None)
    for answer in (proposed(), WAITS, e.QuestionAsked(question="?"), e.Concluded(summary=""), e.GaveUp(why="")):
        run = folded(e.ReasoningFailed(why="slow", retry=True), answer)
        assert (run.iterations, run.failures) == (1, 0)


def test_a_failure_that_cannot_be_retried_ends_the_run() -> None:
    assert folded(e.ReasoningFailed(why="broken")).ending == Ending(outcome=Outcome.FAILED, summary="broken")


def test_calls_are_counted_so_that_the_next_ones_id_is_new() -> None:
    reads = call("c1", Effect.READ), call("c2", Effect.READ)
    run = folded(proposed(*reads))
    assert run.calls_made == 2
    assert [record.turn for record in run.batch] == [1, 1]
    waiting = folded(replace(WAITS, offer=call("c1")))
    assert (waiting.calls_made, waiting.offer and waiting.offer.turn) == (1, 1)
    assert (folded(WAITS).calls_made, folded(WAITS).offer) == (0, None)
    later = folded(*DOING, returned(), replace(WAITS, offer=call("c2")))
    assert later.calls_made == 2


def test_time_is_worked_only_outside_waits_and_pauses() -> None:
    log = recorded(
        [RECEIVED, DECIDED, e.Paused(by="user:U1"), e.Resumed(by="user:U1"), WAITS, e.Noticed(topic="merge", what="x")]
    )
    worked = [replay("r", log[:n]).working_s for n in range(1, 7)]
    assert worked == [0, 1, 2, 2, 3, 3]
    run = replay("r", log)
    assert (run.created_at, run.updated_at) == (log[0].at, log[-1].at)
    back = e.Recorded(stream="r", seq=3, at=NOW - timedelta(hours=1), event=e.Paused(by="user:U1"))
    assert evolve(replay("r", log[:2]), back).working_s == 1  # a clock that was set back takes nothing away


# ── Who counts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_asked_shaped_answered_or_redirected_approves_nothing() -> None:
    begun = replay("r", recorded([replace(RECEIVED, shaped_by=("user:U2", "user:U1"))]))
    assert (begun.excluded, begun.standing) == (("user:U1", "user:U2"), ("user:U1",))
    nobody = replay("r", recorded([replace(RECEIVED, task=replace(TASK, requester=None))]))
    assert (nobody.excluded, nobody.standing) == ((), ())
    answered = folded(e.QuestionAsked(question="?"), e.Answered(by="user:U3", text="yes"))
    assert (answered.excluded, answered.standing) == (("user:U1", "user:U3"), ("user:U1",))
    redirected = folded(e.Redirected(by="user:U4", task=ELSEWHERE, agent="other"))
    assert (redirected.excluded, redirected.standing) == (("user:U1", "user:U4"), ("user:U1", "user:U4"))
    again = folded(e.Redirected(by="user:U1", task=ELSEWHERE, agent="other"))
    assert (again.excluded, again.standing) == (("user:U1",), ("user:U1",))


# ── Waiting ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wait_is_over_once_and_says_by_what() -> None:
    first = folded(WAITS, e.Noticed(topic="merge", what="merged"))
    assert (first.status, first.waits[-1].what) == (Status.REASONING, "merged")
    assert first.waits[-1] == Wait(topic="merge", why="for a merge", until=LATER, turn=1, what="merged")
    late = folded(WAITS, e.Noticed(topic="merge", what="merged"), e.DeadlineReached(kind="wait", subject="merge"))
    assert late.waits == first.waits
    timed = folded(WAITS, e.Noticed(topic="merge", what="a"), WAITS, e.DeadlineReached(kind="wait", subject="merge"))
    assert [wait.what for wait in timed.waits] == ["a", "timed out"]


def test_a_notice_for_nobody_changes_nothing() -> None:
    run = folded(proposed(), e.Noticed(topic="merge", what="merged"))
    assert (run.status, run.waits) == (Status.PROPOSED, ())


def test_an_offer_that_nobody_took_is_dropped_with_its_wait() -> None:
    run = folded(replace(WAITS, offer=call("m")), e.Noticed(topic="merge", what="merged"))
    assert [(one.status, one.note) for one in run.past] == [(CallStatus.DROPPED, "merged")]
    assert run.offer is None


OFFERED = (replace(WAITS, offer=call("m")), asks("m"), e.ApprovalGranted(approval_id="a.m", use_until=LATER, voters=()))


def test_an_offer_under_way_ends_its_wait_by_its_own_return() -> None:
    doing = folded(*OFFERED, started("m"), e.Noticed(topic="merge", what="merged"))
    assert (doing.status, doing.offer is not None) == (Status.WAITING, True)
    for came, what in ((returned("m"), "done"), (returned("m", BAD), "failed")):
        done = folded(*OFFERED, started("m"), came)
        assert (done.status, done.offer, done.waits[-1].what) == (Status.REASONING, None, what)
        assert [one.call.call_id for one in done.past] == ["m"]
    doubt = e.ActionInDoubt(call_id="m", why="", remedy="ask")
    unsure = folded(*OFFERED, started("m"), doubt, e.Noticed(topic="merge", what="merged"))
    assert (unsure.status, unsure.waits[-1].what, unsure.offer is not None) == (Status.WAITING, "merged", True)
    asked = folded(*OFFERED, started("m"), doubt, e.DoubtPutToPerson(call_id="m", question="?", options=()))
    assert asked.status is Status.WAITING
    dropped = folded(OFFERED[0], e.CallsDropped(call_ids=("m",), why="moot"))
    assert (dropped.status, dropped.waits[-1].what) == (Status.REASONING, "closed")
    closed = folded(*OFFERED[:2], e.ApprovalClosed(approval_id="a.m", end=ApprovalEnd.EXPIRED, why=""))
    assert closed.waits[-1].what == "expired"


def test_an_offer_gets_a_number_of_its_own_after_the_calls_before_it() -> None:
    assert folded(*DOING, returned()).calls_made == 1
    assert folded(*DOING, returned(), OFFERED[0]).calls_made == 2
    assert folded(*DOING, returned(), WAITS).calls_made == 1


def test_a_question_about_a_doubt_forgets_no_question_before_it() -> None:
    earlier = (e.QuestionAsked(question="which?"), e.Answered(by="user:U1", text="web"))
    run = folded(*earlier, *IN_DOUBT, e.DoubtPutToPerson(call_id="c1", question="did it?", options=()))
    assert [one.question for one in run.questions] == ["which?", "did it?"]


# ── What people say ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_said_is_kept_in_order_with_its_turn_and_taint() -> None:
    run = folded(
        e.PersonSpoke(by="user:U2", text="first"),
        e.Concluded(summary=""),
        e.PersonSpoke(by="user:U3", text="second", tainted=True, occurrence="alert-2"),
        e.PersonSpoke(by="user:U3", text=""),
    )
    assert run.messages == (
        Message(by="user:U2", text="first", turn=0),
        Message(by="user:U3", text="second", turn=1, tainted=True),
    )
    assert run.joined == ("alert-2",)


def test_pause_take_over_and_resume() -> None:
    assert folded(e.Paused(by="user:U2")).paused
    taken = folded(e.TakenOver(by="user:U2"))
    assert (taken.paused, taken.held_by) == (True, "user:U2")
    back = folded(e.TakenOver(by="user:U2"), e.Resumed(by="user:U2", why="fixed it"))
    assert (back.paused, back.held_by, back.messages[-1].text) == (False, None, "fixed it")


def test_a_stop_says_who_and_why() -> None:
    assert folded(e.StopRequested(by="user:U2", why="")).stopping == "user:U2"
    assert folded(e.StopRequested(by="user:U2", why="enough")).stopping == "user:U2: enough"


# ── Redirects ─────────────────────────────────────────────────────────────────────────────────────────────────────────

REDIRECT = e.Redirected(by="user:U2", task=ELSEWHERE, agent="other")


def test_a_redirect_asks_the_door_anew_and_leaves_nothing_of_the_old_goal() -> None:
    run = folded(proposed(conclusion="Up."), asks(), REDIRECT)
    assert (run.status, run.task, run.agent, run.decision) == (Status.DECIDING, ELSEWHERE, "other", None)
    assert (run.redirect, run.batch, run.offer, run.conclusion, run.ending) == (None, (), None, None, None)
    assert [(one.status, one.note) for one in run.past] == [(CallStatus.DROPPED, "redirected")]
    assert run.goal_turn == 1
    assert run.messages == (Message(by="user:U2", text="Something else.", turn=1),)
    assert folded(e.Concluded(summary="x"), REDIRECT).ending is None


def test_a_redirect_closes_the_open_wait_and_question_only() -> None:
    waited = folded(WAITS, e.Noticed(topic="merge", what="came"), replace(WAITS, offer=call("m")), REDIRECT)
    assert [wait.what for wait in waited.waits] == ["came", "redirected"]
    assert waited.offer is None
    question = e.QuestionAsked(question="?")
    asked = folded(question, e.Answered(by="user:U3", text="yes"), question, REDIRECT)
    assert [(one.answer, one.by) for one in asked.questions] == [("yes", "user:U3"), ("(redirected)", "user:U2")]


def test_a_redirect_waits_for_what_is_under_way_or_in_doubt() -> None:
    doing = folded(*DOING, REDIRECT)
    assert (doing.status, doing.redirect is not None, doing.agent) == (Status.ACTING, True, "sre")
    assert folded(*DOING, REDIRECT, returned()).status is Status.DECIDING
    assert folded(*IN_DOUBT, REDIRECT).status is Status.IN_DOUBT

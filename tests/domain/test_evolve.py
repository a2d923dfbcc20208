"""The fold, event by event: what is kept, what is counted, what ends what, and what cannot have happened."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain import events as e
from domain.approvals import ApprovalEnd, ApprovalRequest, Ballot, Vote
from domain.calls import Doubt, Observation, ToolCall
from domain.decisions import Constraints, Deny, PolicyDecision
from domain.evolve import IllegalEvent, evolve, replay
from domain.outcomes import Outcome
from domain.runs import CallStatus, Ending, Message, Question, Run, Status, Wait
from domain.tasks import Context, Source, Task, Trigger
from domain.tiers import Effect, Tier

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
TASK = Task(
    type="chat",
    goal="Look after it.",
    trigger=Trigger(source=Source.USER, source_id="1", timestamp=NOW),
    context=Context(organization_id="acme"),
    requester="user:U1",
)
ELSEWHERE = replace(TASK, goal="Something else.")
DECISION = PolicyDecision(allowed=True, tier=Tier.PRODUCTION, reason="", constraints=Constraints())
RECEIVED, DECIDED = e.TaskReceived(task=TASK, agent="sre"), e.PolicyDecided(decision=DECISION)
GOOD, BAD = Observation(ok=True, summary="done"), Observation(ok=False, summary="failed")
WAITS = e.WaitStarted(topic="merge", why="for a merge", until=LATER)


def call(call_id: str, effect: Effect = Effect.CHANGE) -> ToolCall:
    return ToolCall(call_id=call_id, tool="t", version=1, effect=effect, arguments={})


def proposed(*calls: ToolCall, conclusion: str | None = None) -> e.CallsProposed:
    return e.CallsProposed(calls=calls or (call("c1"),), rationale="why", conclusion=conclusion)


def started(call_id: str = "c1", attempt: int = 1) -> e.ActionStarted:
    return e.ActionStarted(call_id=call_id, epoch=2, key="k", digest="d", attempt=attempt)


def returned(call_id: str = "c1", observation: Observation = GOOD) -> e.ActionReturned:
    return e.ActionReturned(call_id=call_id, observation=observation)


def asks(call_id: str = "c1") -> e.ApprovalRequested:
    return e.ApprovalRequested(
        request=ApprovalRequest(
            approval_id=f"a.{call_id}", call_id=call_id, digest="d", requirements=(), expires_at=LATER
        )
    )


def recorded(events: Sequence[e.Event], first: int = 1) -> list[e.Recorded]:
    return [
        e.Recorded(stream="r", seq=n, at=NOW + timedelta(seconds=n), event=event)
        for n, event in enumerate(events, start=first)
    ]


def folded(*events: e.Event) -> Run:
    """The run after its task, its decision and these."""
    return replay("r", recorded([RECEIVED, DECIDED, *events]))


DOING = (proposed(), e.CallAllowed(call_id="c1"), started())
IN_DOUBT = (*DOING, e.ActionInDoubt(call_id="c1", why="no word", remedy="check"))


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


# ── Doubt ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def found(finding: Doubt, observation: Observation | None = None) -> e.DoubtResolved:
    return e.DoubtResolved(call_id="c1", finding=finding, by="the tool", observation=observation)


def test_what_did_happen_has_come_back() -> None:
    (seen,) = folded(*IN_DOUBT, found(Doubt.HAPPENED, BAD)).past
    assert (seen.status, seen.observation) == (CallStatus.RETURNED, BAD)
    (told,) = folded(*IN_DOUBT, found(Doubt.HAPPENED)).past
    assert told.observation is not None
    assert (told.observation.ok, told.observation.summary) == (True, "It did happen, says the tool.")


def test_what_a_tool_finds_undone_is_repeated_unless_a_person_has_spoken() -> None:
    repeat = folded(*IN_DOUBT, found(Doubt.NOT_HAPPENED))
    assert (repeat.status, repeat.batch[0].remedy) == (Status.IN_DOUBT, "repeat")
    asked = e.DoubtPutToPerson(call_id="c1", question="Did it?", options=("yes", "no"))
    spoken: list[tuple[e.Event, ...]] = [
        (asked, e.Answered(by="user:U2", text="no")),
        (e.StopRequested(by="user:U2", why=""),),
        (e.Redirected(by="user:U2", task=ELSEWHERE, agent="other"),),
    ]
    for said in spoken:
        (record,) = folded(*IN_DOUBT, *said, found(Doubt.NOT_HAPPENED)).past
        assert (record.status, record.note) == (CallStatus.DROPPED, "It did not happen, says the tool.")


def test_a_doubt_that_nobody_could_end_stays_one() -> None:
    assert folded(*IN_DOUBT, found(Doubt.UNKNOWN)) == replace(
        folded(*IN_DOUBT), seq=7, updated_at=NOW + timedelta(seconds=7)
    )


def test_a_question_about_a_doubt_is_answered_before_the_doubt_is_resolved() -> None:
    question = e.DoubtPutToPerson(call_id="c1", question="Did it?", options=("yes", "no"))
    asked = folded(*IN_DOUBT, question)
    assert asked.status is Status.AWAITING_ANSWER
    assert asked.open_question == Question(question="Did it?", options=("yes", "no"), about="c1", turn=1)
    assert asked.batch[0].remedy == "ask"
    answered = folded(*IN_DOUBT, question, e.Answered(by="user:U2", text="no"))
    assert (answered.status, answered.questions[-1].answer) == (Status.AWAITING_ANSWER, "no")
    assert folded(*IN_DOUBT, question, e.Answered(by="user:U2", text="no"), found(Doubt.NOT_HAPPENED)).past


# ── Countersigning ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_gathers_votes_until_it_is_granted_or_closed() -> None:
    vote = Vote(approval_id="a.c1", by="user:U2", ballot=Ballot.APPROVE, digest="d")
    other = replace(vote, by="user:U3")
    asked = proposed(), asks(), e.VoteCast(vote=vote), e.VoteCast(vote=other)
    waiting = folded(*asked)
    assert (waiting.status, waiting.batch[0].votes) == (Status.AWAITING_APPROVAL, (vote, other))
    granted = folded(*asked, e.ApprovalGranted(approval_id="a.c1", use_until=LATER, voters=()))
    assert (granted.status, granted.batch[0].use_until) == (Status.APPROVED, LATER)
    closed = folded(*asked, e.ApprovalClosed(approval_id="a.c1", end=ApprovalEnd.EXPIRED, why="too late"))
    (record,) = closed.past
    assert (record.status, record.approval_end, record.note) == (CallStatus.DROPPED, ApprovalEnd.EXPIRED, "too late")
    void = (*asked, e.ApprovalGranted(approval_id="a.c1", use_until=LATER, voters=()))
    (record,) = folded(*void, e.ApprovalClosed(approval_id="a.c1", end=ApprovalEnd.EXPIRED, why="")).past
    assert record.use_until is None


def test_a_frozen_card_thaws() -> None:
    frozen = folded(proposed(), asks(), e.CallFrozen(approval_id="a.c1", text="until Monday"))
    assert frozen.batch[0].frozen == "until Monday"
    thawed = folded(proposed(), asks(), e.CallFrozen(approval_id="a.c1", text="x"), e.CallThawed(approval_id="a.c1"))
    assert thawed.batch[0].frozen == ""


def test_a_denied_call_says_why_and_a_started_one_how_it_began() -> None:
    (denied,) = folded(proposed(), e.CallDenied(call_id="c1", verdict=Deny(text="no"))).past
    assert (denied.status, denied.denial, denied.note) == (CallStatus.DENIED, Deny(text="no"), "no")
    (begun,) = folded(proposed(), e.CallAllowed(call_id="c1"), started(attempt=3)).batch
    assert (begun.status, begun.epoch, begun.attempt, begun.key, begun.digest) == (CallStatus.ACTING, 2, 3, "k", "d")


def test_what_came_back_is_kept_with_what_was_wrong_with_it() -> None:
    (record,) = folded(*DOING, replace(returned(), met=False, problems=("odd",))).past
    assert (record.observation, record.met, record.problems) == (GOOD, False, ("odd",))


# ── Endings ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("came", "ends"),
    [
        (returned(), True),
        (returned(observation=BAD), False),
        (replace(returned(), met=False), False),
        (replace(returned(), met=True), True),
        (replace(returned(), problems=("odd",)), False),
    ],
)
def test_a_conclusion_stands_only_if_its_checks_do(came: e.Event, ends: bool) -> None:
    run = folded(proposed(conclusion="It is up."), *DOING[1:], came)
    assert run.ending == (Ending(outcome=Outcome.SUCCEEDED, summary="It is up.") if ends else None)
    assert (run.status, run.conclusion, run.batch) == (Status.REASONING, None, ())


def test_every_check_of_a_conclusion_counts() -> None:
    reads = call("c1", Effect.READ), call("c2", Effect.READ)
    begun = [proposed(*reads, conclusion="Up."), *(e.CallAllowed(call_id=c) for c in ("c1", "c2"))]
    run = folded(*begun, started("c1"), started("c2"), returned("c1"), returned("c2", BAD))
    assert run.ending is None


def test_a_finished_run_leaves_no_call_open() -> None:
    two = call("c1", Effect.READ), call("c2")
    begun = [proposed(*two), e.CallAllowed(call_id="c1"), started("c1"), returned("c1")]
    ended = folded(*begun, e.RunFinished(outcome=Outcome.STOPPED, summary=""))
    assert [(one.call.call_id, one.status, one.note) for one in ended.past] == [
        ("c1", CallStatus.RETURNED, ""), ("c2", CallStatus.DROPPED, "the run ended"),
    ]  # fmt: skip
    assert (ended.batch, ended.offer, ended.status) == ((), None, Status.FINISHED)


def test_calls_that_are_over_are_not_dropped_again() -> None:
    two = call("c1", Effect.READ), call("c2")
    begun = [proposed(*two), e.CallAllowed(call_id="c1"), started("c1"), returned("c1")]
    run = folded(*begun, e.CallsDropped(call_ids=("c1", "c2"), why="moot"))
    assert [(one.status, one.note) for one in run.past] == [(CallStatus.RETURNED, ""), (CallStatus.DROPPED, "moot")]


@pytest.mark.parametrize(("kind", "limit"), [("timeout", "timeout"), ("deadline", "deadline"), ("approval", None)])
def test_deadlines_of_the_run_are_limits_and_an_approvals_is_none(kind: str, limit: str | None) -> None:
    assert folded(e.DeadlineReached(kind=kind, subject="r")).limit == limit


# ── Waiting ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wait_is_over_once_and_says_by_what() -> None:
    first = folded(WAITS, e.Noticed(topic="merge", what="merged"))
    assert (first.status, first.waits[-1].what) == (Status.REASONING, "merged")
    assert first.waits[-1] == Wait(topic="merge", why="for a merge", until=LATER, turn=1, what="merged")
    late = folded(WAITS, e.Noticed(topic="merge", what="merged"), e.DeadlineReached(kind="wait", subject="merge"))
    assert late.waits == first.waits
    timed = folded(WAITS, e.Noticed(topic="merge", what="a"), WAITS, e.DeadlineReached(kind="wait", subject="merge"))
    assert [wait.what for wait in timed.waits] == ["a", "timed out"]


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
    closed = folded(*OFFERED[:2], e.ApprovalClosed(approval_id="a.m", end=ApprovalEnd.EXPIRED, why=""))
    assert closed.waits[-1].what == "expired"


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

"""What the fold makes of a run's calls: doubt, countersigning, and how a conclusion ends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain import events as e
from domain.approvals import ApprovalEnd, Ballot, Vote
from domain.calls import Doubt, Observation
from domain.decisions import Deny
from domain.outcomes import Outcome
from domain.runs import CallStatus, Ending, Question, Status
from domain.tasks import Trust
from domain.tiers import Effect
from tests.domain.logs import (
    BAD,
    DOING,
    ELSEWHERE,
    GOOD,
    IN_DOUBT,
    LATER,
    NOW,
    WAITS,
    asks,
    call,
    folded,
    proposed,
    returned,
    started,
)

# ── Doubt ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def found(finding: Doubt, observation: Observation | None = None) -> e.DoubtResolved:
    return e.DoubtResolved(call_id="c1", finding=finding, by="the tool", observation=observation)


def test_what_did_happen_has_come_back() -> None:
    (seen,) = folded(*IN_DOUBT, found(Doubt.HAPPENED, BAD)).past
    assert (seen.status, seen.observation) == (CallStatus.RETURNED, BAD)
    (told,) = folded(*IN_DOUBT, found(Doubt.HAPPENED)).past
    assert told.observation is not None
    assert (told.observation.ok, told.observation.summary) == (True, "It did happen, says the tool.")
    assert told.observation.trust is Trust.MACHINE
    assert told.note == "no word"


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


def test_a_vote_that_comes_once_the_call_is_over_is_kept_with_it() -> None:
    vote = Vote(approval_id="a.c1", by="user:U2", ballot=Ballot.APPROVE, digest="d")
    other = call("c2")
    over = proposed(), asks(), e.ApprovalClosed(approval_id="a.c1", end=ApprovalEnd.EXPIRED, why="")
    run = folded(*over, proposed(other), e.VoteCast(vote=vote))
    assert [(one.call.call_id, one.votes) for one in run.records] == [("c1", (vote,)), ("c2", ())]


def test_a_freeze_of_what_was_never_asked_changes_nothing() -> None:
    frozen = folded(proposed(), asks(), e.CallFrozen(approval_id="a.c9", text="x"))
    assert frozen.batch == folded(proposed(), asks()).batch


def test_a_question_about_a_doubt_joins_those_before_it() -> None:
    asked = e.QuestionAsked(question="Which?"), e.Answered(by="user:U2", text="web")
    doubt = e.DoubtPutToPerson(call_id="c1", question="Did it?", options=())
    assert [one.question for one in folded(*asked, *IN_DOUBT, doubt).questions] == ["Which?", "Did it?"]


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


def test_a_start_uses_the_grant_up_and_broken_glass_is_no_vote() -> None:
    granted = proposed(), asks(), e.ApprovalGranted(approval_id="a.c1", use_until=LATER, voters=())
    assert folded(*granted, started()).batch[0].use_until is None
    broken = e.GlassBroken(approval_id="a.c1", by="user:U2", why="fire")
    asked = folded(proposed(), asks())
    assert folded(proposed(), asks(), broken).batch == asked.batch


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
    begun: list[e.Event] = [proposed(*reads, conclusion="Up."), *(e.CallAllowed(call_id=c) for c in ("c1", "c2"))]
    run = folded(*begun, started("c1"), started("c2"), returned("c1"), returned("c2", BAD))
    assert run.ending is None


def test_a_finished_run_leaves_no_call_open() -> None:
    two = call("c1", Effect.READ), call("c2")
    begun: list[e.Event] = [proposed(*two), e.CallAllowed(call_id="c1"), started("c1"), returned("c1")]
    ended = folded(*begun, e.RunFinished(outcome=Outcome.STOPPED, summary=""))
    assert [(one.call.call_id, one.status, one.note) for one in ended.past] == [
        ("c1", CallStatus.RETURNED, ""), ("c2", CallStatus.DROPPED, "the run ended"),
    ]  # fmt: skip
    assert (ended.batch, ended.offer, ended.status) == ((), None, Status.FINISHED)
    offered = folded(replace(WAITS, offer=call("m")), e.RunFinished(outcome=Outcome.STOPPED, summary=""))
    assert (offered.offer, [one.status for one in offered.past]) == (None, [CallStatus.DROPPED])


def test_calls_that_are_over_are_not_dropped_again() -> None:
    two = call("c1", Effect.READ), call("c2")
    begun: list[e.Event] = [proposed(*two), e.CallAllowed(call_id="c1"), started("c1"), returned("c1")]
    run = folded(*begun, e.CallsDropped(call_ids=("c1", "c2"), why="moot"))
    assert [(one.status, one.note) for one in run.past] == [(CallStatus.RETURNED, ""), (CallStatus.DROPPED, "moot")]


@pytest.mark.parametrize(("kind", "limit"), [("timeout", "timeout"), ("deadline", "deadline"), ("approval", None)])
def test_deadlines_of_the_run_are_limits_and_an_approvals_is_none(kind: str, limit: str | None) -> None:
    assert folded(e.DeadlineReached(kind=kind, subject="r")).limit == limit

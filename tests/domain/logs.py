"""Logs of one run, made of events by hand: a task, its decision, and what a test wants to follow."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain import events as e
from domain.approvals import ApprovalRequest
from domain.calls import Observation, ToolCall
from domain.decisions import Constraints, PolicyDecision
from domain.evolve import replay
from domain.runs import Run
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

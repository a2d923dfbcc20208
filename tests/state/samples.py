"""Small true stories for the store's tests: what a run's log looks like."""

from datetime import UTC, datetime, timedelta

from domain.approvals import ApprovalRequest, Ballot, Vote
from domain.calls import Observation, ToolCall
from domain.decisions import Approvers, Constraints, PolicyDecision, Requirement
from domain.events import (
    ActionReturned,
    ActionStarted,
    ApprovalGranted,
    ApprovalRequested,
    CallsProposed,
    Event,
    PolicyDecided,
    RunFinished,
    TaskReceived,
    VoteCast,
)
from domain.outcomes import Outcome
from domain.tasks import Context, Source, Task, Trigger
from domain.tiers import Effect, Tier

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class SteppingClock:
    """A clock that moves a second with each look."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment

    async def sleep_until(self, moment: datetime) -> None:
        self.moment = max(self.moment, moment)


def task(name: str = "1", correlation: str | None = None, organization: str = "acme") -> Task:
    trigger = Trigger(source=Source.USER, source_id=name, timestamp=NOON, correlation=correlation)
    return Task(type="chat", trigger=trigger, context=Context(organization_id=organization), goal="look after it")


def received(name: str = "1", correlation: str | None = None, organization: str = "acme") -> TaskReceived:
    return TaskReceived(task=task(name, correlation, organization), agent="sre")


def decided() -> PolicyDecided:
    decision = PolicyDecision(allowed=True, tier=Tier.PRODUCTION, reason="because", constraints=Constraints())
    return PolicyDecided(decision=decision)


def call(call_id: str = "c1", effect: Effect = Effect.CHANGE) -> ToolCall:
    return ToolCall(call_id=call_id, tool="service.restart", version=1, effect=effect, arguments={"service": "web"})


def asked(approval_id: str = "a1", call_id: str = "c1") -> list[Event]:
    """Up to the open request."""
    need = Requirement(approvers=Approvers(kind="group", name="sre"))
    request = ApprovalRequest(
        approval_id=approval_id,
        call_id=call_id,
        digest="sha256:0",
        requirements=(need,),
        expires_at=NOON + timedelta(days=1),
    )
    return [decided(), CallsProposed(calls=(call(call_id),)), ApprovalRequested(request=request)]


def granted(approval_id: str = "a1") -> list[Event]:
    vote = Vote(approval_id=approval_id, by="user:U2", ballot=Ballot.APPROVE, digest="sha256:0")
    grant = ApprovalGranted(approval_id=approval_id, use_until=NOON + timedelta(days=1), voters=("user:U2",))
    return [VoteCast(vote=vote), grant]


def started(approval_id: str | None = "a1", call_id: str = "c1", epoch: int = 1) -> ActionStarted:
    return ActionStarted(call_id=call_id, epoch=epoch, key="k", digest="sha256:0", approval_id=approval_id)


def returned(call_id: str = "c1") -> ActionReturned:
    return ActionReturned(call_id=call_id, observation=Observation(ok=True, summary="restarted"))


def finished() -> RunFinished:
    return RunFinished(outcome=Outcome.SUCCEEDED, summary="done")

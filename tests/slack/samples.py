"""True stories of runs, event by event, for what Slack shows of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from domain import events as e
from domain.approvals import ApprovalRequest, Ballot, Vote
from domain.calls import Expectation, Observation, Preview, ToolCall
from domain.decisions import Approvers, Constraints, PolicyDecision, Reason, Requirement
from domain.outcomes import Outcome
from domain.tasks import Context, Place, Source, Task, Trigger, Trust
from domain.tiers import Effect, Tier
from handlers.slack.show.story import Story, tell

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RUN = "r-abcdefghij"
APPROVAL = f"{RUN}.c1"
DIGEST = "sha256:" + "ab" * 32
WHY = Reason(policy="prod-needs-sre", file="policies/org.yaml", line=7, sets="approve", to="1 of group:sre")


def task(**changes: Any) -> Task:
    fields: dict[str, Any] = {
        "type": "chat",
        "goal": "restart prod/web",
        "trigger": Trigger(source=Source.USER, source_id="T0TEST:C1:1.0", timestamp=NOON),
        "context": Context(organization_id="acme"),
        "requester": "user:U1",
        "trust": Trust.PERSON,
        "place": Place(channel="C1"),
    }
    return Task(**(fields | changes))


def received(**changes: Any) -> e.TaskReceived:
    return e.TaskReceived(task=task(**changes), agent="operator")


def decided(**changes: Any) -> e.PolicyDecided:
    fields: dict[str, Any] = {
        "allowed": True,
        "tier": Tier.PRODUCTION,
        "reason": "Full members may.",
        "constraints": Constraints(max_iterations=10, timeout_s=900, budget_usd=2.5),
        "reasons": (Reason(policy="limits", file="policies/org.yaml", line=3, sets="max_iterations", to="10"),),
    }
    return e.PolicyDecided(decision=PolicyDecision(**(fields | changes)))


def call(call_id: str = "c1", **changes: Any) -> ToolCall:
    fields: dict[str, Any] = {
        "call_id": call_id,
        "tool": "service.restart",
        "version": 1,
        "effect": Effect.CHANGE,
        "arguments": {"service": "web"},
        "resource": "prod/web",
        "labels": {"env": "prod"},
        "preview": Preview(summary="web restarts; 0 requests in flight", diff="-down\n+up", facts=(("pid", "17"),)),
        "purpose": "it is wedged",
        "prediction": "healthy within 5 s",
        "rollback": "start the old process",
        "expect": Expectation(condition="result.ok", describe="the probe answers 200"),
    }
    return ToolCall(**(fields | changes))


def proposed(*calls: ToolCall, **changes: Any) -> e.CallsProposed:
    return e.CallsProposed(
        calls=calls or (call(),), rationale="The service is wedged.", by="runbook:restart", **changes
    )


def asked(approval_id: str = APPROVAL, call_id: str = "c1", **changes: Any) -> e.ApprovalRequested:
    fields: dict[str, Any] = {
        "approval_id": approval_id,
        "call_id": call_id,
        "digest": DIGEST,
        "requirements": (Requirement(approvers=Approvers(kind="group", name="sre"), within_s=14_400),),
        "expires_at": NOON + timedelta(hours=4),
        "excluded": ("user:U1",),
    }
    return e.ApprovalRequested(request=ApprovalRequest(**(fields | changes)), reasons=(WHY,))


def voted(by: str = "user:U2", ballot: Ballot = Ballot.APPROVE, reason: str = "") -> e.VoteCast:
    return e.VoteCast(vote=Vote(approval_id=APPROVAL, by=by, ballot=ballot, digest=DIGEST, reason=reason))


def granted() -> e.ApprovalGranted:
    return e.ApprovalGranted(approval_id=APPROVAL, use_until=NOON + timedelta(minutes=15), voters=("user:U2",))


def started(call_id: str = "c1") -> e.ActionStarted:
    return e.ActionStarted(call_id=call_id, epoch=1, key=f"{RUN}/{call_id}", digest=DIGEST, approval_id=APPROVAL)


def returned(call_id: str = "c1", summary: str = "restarted", **changes: Any) -> e.ActionReturned:
    return e.ActionReturned(
        call_id=call_id, observation=Observation(ok=True, summary=summary, seconds=1.2), met=True, **changes
    )


def finished(outcome: Outcome = Outcome.SUCCEEDED, summary: str = "web is healthy") -> e.RunFinished:
    return e.RunFinished(outcome=outcome, summary=summary)


def whole_run() -> list[e.Event]:
    """A restart, countersigned and done."""
    done = e.Concluded(summary="web is healthy", by="runbook:restart")
    return [received(), decided(), proposed(), asked(), voted(), granted(), started(), returned(), done, finished()]


def log(events: Sequence[e.Event], run_id: str = RUN, position: int = 0) -> list[e.Recorded]:
    return [
        e.Recorded(stream=run_id, seq=seq, at=NOON + timedelta(seconds=seq), event=event, position=position + seq)
        for seq, event in enumerate(events, 1)
    ]


def story(*events: e.Event) -> Story:
    return tell(RUN, log(events))

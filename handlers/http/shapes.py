"""Runs, tasks, decisions, approvals and events as JSON, in one shape for the API and the command line.

Pure. What is absent is null, moments are UTC with a `Z`, durations are spelled as rules spell them (`4h`).
"""

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum

from domain.canonical import Json
from domain.decisions import PolicyDecision, Requirement
from domain.events import Recorded
from domain.runs import CallRecord, CallStatus, Run
from domain.tasks import Task


def run_json(run: Run, thread_url: str | None) -> dict[str, Json]:
    """One run."""
    return {
        "run_id": run.run_id,
        "status": run.status.value,
        "outcome": run.outcome.value if run.outcome else None,
        "flags": list(run.flags),
        "task": task_json(run.task) if run.task else None,
        "decision": decision_json(run.decision) if run.decision else None,
        "approvals": approvals_json(run),
        "cost_usd": run.cost_usd,
        "iterations": run.iterations,
        "thread_url": thread_url,
        "created_at": moment(run.created_at),
        "updated_at": moment(run.updated_at),
    }


def task_json(task: Task) -> dict[str, Json]:
    """The task in the shape in which one would post it. Inputs, trust and place are the operator's own."""
    trigger, context = task.trigger, task.context
    return {
        "type": task.type,
        "goal": task.goal,
        "requester": task.requester,
        "trigger": {
            "source": trigger.source.value,
            "source_id": trigger.source_id,
            "timestamp": moment(trigger.timestamp),
            "correlation": trigger.correlation,
        },
        "context": {
            "organization_id": context.organization_id,
            "repository_id": context.repository_id,
            "agent_slug": context.agent_slug,
            "priority": context.priority.value,
        },
        "payload": plain(task.payload),
    }


def decision_json(decision: PolicyDecision) -> dict[str, Json]:
    """The door's answer as `policy explain` prints it without `--call`."""
    return {
        "allowed": decision.allowed,
        "tier": int(decision.tier),
        "reason": decision.reason,
        "required_approvals": [requirement_json(r) for r in decision.approvals] if decision.allowed else [],
        "constraints": plain(decision.constraints),
        "reasons": [plain(reason) for reason in decision.reasons],
        "overruled": [plain(reason) for reason in decision.overruled],
        "policy_hash": decision.policy_hash,
        "digest": decision.digest,
    }


def requirement_json(requirement: Requirement) -> dict[str, Json]:
    """So many from there, within so long."""
    return {
        "from": requirement.approvers.text,
        "count": requirement.count,
        "within": duration(requirement.within_s),
        "use_within": duration(requirement.use_within_s),
        "break_glass": requirement.break_glass,
        "stage": requirement.stage,
        "policies": list(requirement.policies),
    }


def approvals_json(run: Run) -> list[dict[str, Json]]:
    """Every request to countersign that the run has made, oldest first."""
    return [approval_json(record) for record in run.records if record.request is not None]


def approval_json(record: CallRecord) -> dict[str, Json]:
    """The request that `record` carries. Raises ValueError if it carries none."""
    request, call = record.request, record.call
    if request is None:
        raise ValueError(f"nobody was asked about call {call.call_id}")
    return {
        "approval_id": request.approval_id,
        "call_id": call.call_id,
        "tool": call.tool,
        "resource": call.resource,
        "arguments": plain(call.arguments),
        "digest": request.digest,
        "requirements": [requirement_json(r) for r in request.requirements],
        "votes": [{"by": v.by, "ballot": v.ballot.value, "reason": v.reason} for v in record.votes],
        "status": approval_status(record),
        "expires_at": moment(request.expires_at),
    }


def approval_status(record: CallRecord) -> str:
    """open | granted | used | denied | expired | voided."""
    if record.approval_end is not None:
        return record.approval_end.value
    match record.status:
        case CallStatus.PROPOSED | CallStatus.AWAITING:
            return "open"
        case CallStatus.ALLOWED:
            return "granted"
        case CallStatus.ACTING | CallStatus.IN_DOUBT | CallStatus.RETURNED:
            return "used"
        case CallStatus.DENIED | CallStatus.DROPPED:
            # Granted, then dropped before it started; or used, in doubt, and found not to have happened.
            return "used" if record.key else "voided"


def event_json(recorded: Recorded) -> dict[str, Json]:
    """One event of a run's log. `type` is its name, `data` its fields."""
    event = recorded.event
    return {
        "seq": recorded.seq,
        "at": moment(recorded.at),
        "type": type(event).__name__,
        "data": {f.name: plain(getattr(event, f.name)) for f in dataclasses.fields(event)},
    }


def plain(value: object) -> Json:
    """A value of the house as JSON."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, datetime):
        return moment(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    raise TypeError(f"a {type(value).__name__} has no JSON form")


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at is not None else None


def duration(seconds: float) -> str:
    """`4h`, `15m`, `90s`: as rules spell them."""
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{int(seconds // length)}{unit}"
    return f"{seconds:g}s"

"""Time, as far as runs are concerned: when the next limit of a run passes, and what is recorded then. Pure."""

from datetime import datetime, timedelta

from domain import events as e
from domain.approvals import ApprovalEnd
from domain.events import RunEvent
from domain.runs import WORKING, CallRecord, CallStatus, Run, Status
from loop.judgement import dropped, open_calls


def next_deadline(run: Run) -> datetime | None:
    """When something about `run` runs out; None if nothing does."""
    moments = [moment for moment, _ in _limits(run)]
    return min(moments, default=None)


def overdue(run: Run, now: datetime) -> list[RunEvent]:
    """The first limit that has passed, as events; [] if none has."""
    due = [events for moment, events in _limits(run) if moment <= now]
    return due[0] if due else []


def _limits(run: Run) -> list[tuple[datetime, list[RunEvent]]]:
    if run.status is Status.FINISHED:
        return []
    limits: list[tuple[datetime, list[RunEvent]]] = []
    for record in run.records:
        limits += _approval_limits(run, record)
    wait = run.waiting_for
    if run.status is Status.WAITING and wait is not None:
        limits.append((wait.until, [e.DeadlineReached(kind="wait", subject=wait.topic)]))
    return limits + _run_limits(run)


def _approval_limits(run: Run, record: CallRecord) -> list[tuple[datetime, list[RunEvent]]]:
    request = record.request
    if request is None:
        return []
    rest = [r.call.call_id for r in open_calls(run) if r is not record and record in run.batch]
    if record.status is CallStatus.AWAITING:
        why, kind, moment = "nobody decided in time", "approval", request.expires_at
    elif record.status is CallStatus.ALLOWED and record.use_until is not None:
        why, kind, moment = "it was approved, and did not start in time", "use", record.use_until
    else:
        return []
    closed = e.ApprovalClosed(approval_id=request.approval_id, end=ApprovalEnd.EXPIRED, why=why)
    reached = e.DeadlineReached(kind=kind, subject=request.approval_id)
    return [(moment, [reached, closed, *dropped(rest, why)])]


def _run_limits(run: Run) -> list[tuple[datetime, list[RunEvent]]]:
    if run.decision is None or run.limit is not None or run.created_at is None or run.updated_at is None:
        return []
    constraints = run.decision.constraints
    limits: list[tuple[datetime, list[RunEvent]]] = []
    if constraints.deadline_s is not None:
        moment = run.created_at + timedelta(seconds=constraints.deadline_s)
        limits.append((moment, [e.DeadlineReached(kind="deadline")]))
    if constraints.timeout_s is not None and run.status in WORKING and not run.paused:
        moment = run.updated_at + timedelta(seconds=constraints.timeout_s - run.working_s)
        limits.append((moment, [e.DeadlineReached(kind="timeout")]))
    return limits

"""What an append adds to a stream, and what the rows beside the log become. Pure; every journal uses it.

The rows are computed from the fold itself, so a row can never say what `domain.evolve` would not.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from domain.events import (
    ORGANIZATION_STREAM,
    Event,
    EverythingResumed,
    EverythingStopped,
    OrganizationEvent,
    Recorded,
    TaskReceived,
)
from domain.evolve import draws_after, evolve
from domain.runs import CallRecord, CallStatus, Run
from domain.settling import IllegalEvent
from state import chain
from state.codec import Encoded
from state.deeds import DeedRow, deed_rows
from state.spending import SpendingRow, spending_rows

OPEN, GRANTED, CONSUMED, CLOSED = "open", "granted", "consumed", "closed"


class Head(NamedTuple):
    """The end of a stream: what the next append follows. `run` is None in the organization's stream."""

    seq: int
    hash: bytes
    run: Run | None


class EventRow(NamedTuple):
    """An event without its payload, as stored."""

    position: int
    stream: str
    seq: int
    at: int
    type: str
    version: int
    payload_hash: bytes
    hash: bytes


class RunRow(NamedTuple):
    """A run, as listings need it. `updated` is the position of its last event."""

    run_id: str
    organization: str
    correlation: str | None
    agent: str
    status: str
    outcome: str | None
    seq: int
    updated: int


class ApprovalRow(NamedTuple):
    """A request to countersign. `requested` is the position at which it was first seen."""

    run_id: str
    approval_id: str
    call_id: str
    status: str
    requested: int
    expires_at: int


class Extension(NamedTuple):
    """All that one append writes."""

    records: list[Recorded]
    rows: list[EventRow]
    payloads: list[tuple[int, bytes]]
    head: Head
    approvals: list[ApprovalRow]
    deeds: list[DeedRow]
    spending: list[SpendingRow]
    stopped: bool | None  # the switch after it, None: untouched


def beginning(stream: str) -> Head:
    """The head of a stream that does not exist yet."""
    return Head(0, chain.FIRST, None if stream == ORGANIZATION_STREAM else Run(run_id=stream))


def extend(
    key: bytes,
    stream: str,
    head: Head,
    position: int,
    at: datetime,
    said: Sequence[tuple[Event, Encoded]],
    folded: Run | None = None,
) -> Extension:
    """`said` after `head`, the first at `position`. Raises IllegalEvent for what cannot have happened.

    `folded`, what the caller says the run is then, is believed where no approval is near: their rows name the event.
    """
    seq, previous, run = head
    told = folded if _plain(head, folded, len(said)) else None
    micros = chain.microseconds(at)
    records: list[Recorded] = []
    rows: list[EventRow] = []
    payloads: list[tuple[int, bytes]] = []
    approvals: list[ApprovalRow] = []
    stopped: bool | None = None
    spending: list[SpendingRow] = []
    draws = run.draws if run is not None else ()
    for event, (kind, version, payload) in said:
        seq += 1
        hashed = chain.payload_hash(key, payload)
        previous = chain.link(key, previous, stream, seq, micros, kind, version, hashed)
        recorded = Recorded(stream=stream, seq=seq, at=at, event=event, position=position, hash=previous.hex())
        if run is None:
            stopped = _switched(stopped, recorded)
        elif told is None:
            before, run = run, advance(run, recorded)
            approvals.extend(approval_changes(before, run, position))
        draws = draws_after(draws, event)
        spending.extend(spending_rows(draws, recorded))
        records.append(recorded)
        rows.append(EventRow(position, stream, seq, micros, kind, version, hashed, previous))
        payloads.append((position, payload))
        position += 1
    after = told or run
    deeds = deed_rows(after, [event for event, _ in said], at) if after is not None else []
    return Extension(records, rows, payloads, Head(seq, previous, after), approvals, deeds, spending, stopped)


def _plain(head: Head, folded: Run | None, count: int) -> bool:
    """Whether `folded` continues `head` by so many events, and neither has a call that asks for approval."""
    if folded is None or head.run is None or head.seq == 0:
        return False
    continues = folded.run_id == head.run.run_id and folded.seq == head.seq + count
    return continues and not any(record.request for run in (head.run, folded) for record in run.live)


def advance(run: Run, recorded: Recorded) -> Run:
    """`run` after `recorded`. Raises IllegalEvent; the first event must be TaskReceived."""
    if run.seq == 0 and not isinstance(recorded.event, TaskReceived):
        raise IllegalEvent(f"{run.run_id}: a run begins with TaskReceived, not {type(recorded.event).__name__}")
    try:
        return evolve(run, recorded)
    except KeyError as error:
        raise IllegalEvent(str(error.args[0])) from error


def run_row(run: Run, updated: int) -> RunRow:
    """The run's row after the event at `updated`."""
    task = run.received
    return RunRow(
        run.run_id,
        task.context.organization_id,
        task.trigger.correlation,
        run.agent,
        run.status.value,
        run.outcome.value if run.outcome else None,
        run.seq,
        updated,
    )


def approval_changes(before: Run, after: Run, position: int) -> Iterator[ApprovalRow]:
    """The approvals whose row differs between two folds of one run."""
    if before.batch is after.batch and before.offer is after.offer and before.past is after.past:
        return
    new = _approvals(after)
    if not new and not any(record.request for record in before.records):
        return
    old = _approvals(before)
    for approval_id, record in new.items():
        status = _approval_status(record)
        if approval_id not in old or _approval_status(old[approval_id]) != status:
            yield _approval_row(after.run_id, record, status, position)
    for approval_id, record in old.items():  # asked again under another id
        if approval_id not in new and _approval_status(record) in (OPEN, GRANTED):
            yield _approval_row(after.run_id, record, CLOSED, position)


def approval_status(run: Run | None, approval_id: str) -> str | None:
    """What this run's approval has come to; None: there is none of that id."""
    record = run.approval(approval_id) if run is not None else None
    return _approval_status(record) if record is not None else None


def _approvals(run: Run) -> dict[str, CallRecord]:
    return {record.request.approval_id: record for record in run.records if record.request is not None}


def _approval_status(record: CallRecord) -> str:
    if record.status is CallStatus.AWAITING:
        return OPEN
    if record.status is CallStatus.ALLOWED and record.use_until is not None:
        return GRANTED
    return CONSUMED if record.attempt else CLOSED


def _approval_row(run_id: str, record: CallRecord, status: str, position: int) -> ApprovalRow:
    request = record.request
    if request is None:
        raise ValueError(f"call {record.call.call_id} was never asked about")
    expires = chain.microseconds(request.expires_at)
    return ApprovalRow(run_id, request.approval_id, request.call_id, status, position, expires)


def _switched(stopped: bool | None, recorded: Recorded) -> bool | None:  # noqa: FBT001 the switch is a bool
    match recorded.event:
        case EverythingStopped():
            return True
        case EverythingResumed():
            return False
        case event if isinstance(event, OrganizationEvent):
            return stopped
        case event:
            raise IllegalEvent(f"{type(event).__name__} does not belong to the organization's stream")

"""The last look before an effect: may this call start, now? Pure. What has changed since it was approved voids it."""

from dataclasses import dataclass
from datetime import datetime

from changes.digest import idempotency_key
from changes.votes import Electorate, tally
from domain import events as e
from domain.approvals import ApprovalEnd, ApprovalRequest
from domain.budgets import NOTHING, UNKNOWN, Spending
from domain.calls import ErrorKind, Observation, ToolCall
from domain.decisions import Allow, Deny, RequireApproval, Requirement, Verdict
from domain.events import RunEvent
from domain.people import Snapshot
from domain.runs import CallRecord, CallStatus, Run
from domain.tiers import Effect
from loop.judgement import digest_of, dropped, open_calls, put_to_person, remedy_for, verdict_on
from loop.ports import ApprovalUnused, Guard, OrganizationAt, Permit, SwitchOff, WithinBudget
from loop.rulebook import Rulebook

MOST_ATTEMPTS = 5  # at one call whose outcome stays unknown; then a person is asked, or a read has failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The call may start: what to record, under which guards, and the permit that follows the commit."""

    events: tuple[RunEvent, ...]
    guards: tuple[Guard, ...]
    permit: Permit


@dataclass(frozen=True, slots=True, kw_only=True)
class NoStart:
    """The call may not start: why, and what that changes."""

    why: str
    events: tuple[RunEvent, ...] = ()


def start(
    run: Run,
    call_id: str,
    epoch: int,
    book: Rulebook,
    people: Snapshot,
    now: datetime,
    *,
    judged: bool = False,
    spending: Spending = UNKNOWN,
) -> Start | NoStart:
    """Everything that let this call through is checked again; `judged`: the boundary allowed it a moment ago."""
    record = run.record(call_id)
    if record.status is not CallStatus.ALLOWED and not (
        record.status is CallStatus.IN_DOUBT and record.remedy == "repeat"
    ):
        return NoStart(why=f"the call is {record.status}")
    if record.use_until is not None and record.use_until < now:
        return NoStart(why="it was approved, and did not start in time")
    verdict = Allow() if judged else verdict_on(run, record.call, book, people, now, spending)
    refused = _refused(run, record, verdict, book, people)
    if refused is not None:
        return refused
    return _granted(run, record, verdict, epoch, book)


def electorate(run: Run, book: Rulebook, people: Snapshot, excluded: tuple[str, ...]) -> Electorate:
    """Against whom votes about this run's calls are held."""
    return Electorate(people=people, peers=book.approvers, requester=run.received.requester, excluded=excluded)


def _refused(run: Run, record: CallRecord, verdict: Verdict, book: Rulebook, people: Snapshot) -> NoStart | None:
    """Why the verdict of this moment does not let the call start; None if it does."""
    request = record.request
    if isinstance(verdict, Deny):
        return _void(run, record, f"policy refuses it now: {verdict.text}", verdict)
    if request is None:
        asks = isinstance(verdict, RequireApproval)
        return _void(run, record, "policy asks now for a countersignature", None) if asks else None
    if digest_of(run, record.call, verdict, book) != request.digest:
        return _void(run, record, _changed(request, verdict), None)
    voters = electorate(run, book, people, request.excluded)
    missing = tally(request.requirements, record.votes, voters).missing
    if missing:
        lost = ", ".join(f"{m.count} of {m.approvers.text}" for m in missing)
        return _void(run, record, f"a vote no longer counts; missing: {lost}", None)
    return None


def outdated(run: Run, record: CallRecord, book: Rulebook, people: Snapshot, now: datetime) -> NoStart | None:
    """Why people need not be asked about this call as it was put to them; None if it still stands, frozen or not."""
    verdict = verdict_on(run, record.call, book, people, now, NOTHING)  # there may be more left once they have decided
    if isinstance(verdict, Deny):
        if book.rules.frozen_by(verdict):
            return None
        return _void(run, record, f"policy refuses it now: {verdict.text}", verdict)
    request = record.request
    if request is None or digest_of(run, record.call, verdict, book) == request.digest:
        return None
    return _void(run, record, _changed(request, verdict), None)


def _changed(request: ApprovalRequest, verdict: Verdict) -> str:
    """What the rules ask for now, beside what people were shown."""
    said = "the rules about it have changed since it was put to people"
    before, now = (
        _asks(request.requirements),
        _asks(verdict.requirements if isinstance(verdict, RequireApproval) else ()),
    )
    return f"{said}: they asked for {before}, and now for {now}" if before != now else said


def _asks(requirements: tuple[Requirement, ...]) -> str:
    return " and ".join(f"{one.count} of {one.approvers.text}" for one in requirements) or "nobody"


def _void(run: Run, record: CallRecord, why: str, verdict: Deny | None) -> NoStart:
    rest = [r.call.call_id for r in open_calls(run) if r is not record and record in run.batch]
    if record.status is CallStatus.IN_DOUBT:
        return NoStart(why=why, events=(put_to_person(record.call, f"It cannot be repeated: {why}."),))
    if record.request is not None:
        approval_id = record.request.approval_id
        closed = e.ApprovalClosed(approval_id=approval_id, end=ApprovalEnd.VOIDED, why=why)
        return NoStart(why=why, events=(closed, *dropped(rest, why)))
    denial = verdict or Deny(text=why)
    return NoStart(why=why, events=(e.CallDenied(call_id=record.call.call_id, verdict=denial), *dropped(rest, why)))


def _granted(run: Run, record: CallRecord, verdict: Verdict, epoch: int, book: Rulebook) -> Start:
    call, request = record.call, record.request
    digest = digest_of(run, call, verdict, book)
    first = record.attempt == 0
    draws = verdict.draws if first and not isinstance(verdict, Deny) else ()  # to repeat a call draws nothing again
    guards: list[Guard] = [SwitchOff(), OrganizationAt(book.organization_seq), *map(WithinBudget, draws)]
    if request is not None and first:
        guards.append(ApprovalUnused(request.approval_id))
    permit = Permit(
        organization=book.organization,
        run_id=run.run_id,
        call_id=call.call_id,
        subject=run.received.requester,
        verdict_hash=verdict.hash if isinstance(verdict, RequireApproval) else "",
        digest=digest,
        key=idempotency_key(run.run_id, call),
        epoch=epoch,
        attempt=record.attempt + 1,
        voters=tuple(dict.fromkeys(vote.by for vote in record.votes)),
    )
    started = e.ActionStarted(
        call_id=call.call_id,
        epoch=epoch,
        key=permit.key,
        digest=digest,
        attempt=permit.attempt,
        approval_id=request.approval_id if request else None,
        policy_hash=book.rules.hash,
        draws=draws,
    )
    return Start(events=(started,), guards=tuple(guards), permit=permit)


def in_doubt(run: Run, call: ToolCall, why: str, book: Rulebook) -> list[RunEvent]:
    """Nobody knows whether `call` happened: what to do about it, and the rest of its batch dropped."""
    remedy = remedy_for(call, book, stopping=bool(run.stopping or run.redirect))
    tried = run.record(call.call_id).attempt
    if remedy == "repeat" and tried >= MOST_ATTEMPTS:
        if call.effect is Effect.READ:
            return _unreadable(run, call, f"{call.tool} never answered in {tried} attempts: {why}")
        remedy, why = "ask", f"{tried} attempts all ended in doubt, the last so: {why}"
    said: list[RunEvent] = [e.ActionInDoubt(call_id=call.call_id, why=why, remedy=remedy)]
    if call.effect is not Effect.READ:
        rest = [r.call.call_id for r in open_calls(run)]
        said += dropped(rest, f"whether {call.tool} happened is in doubt")
    if remedy == "ask":
        said.append(put_to_person(call, why))
    return said


def _unreadable(run: Run, call: ToolCall, why: str) -> list[RunEvent]:
    """A read that cannot be read has failed; nothing outside has changed by it."""
    failed = Observation(ok=False, summary=why[:300], error=why, error_kind=ErrorKind.TRANSPORT)
    met = None if call.expect is None else False
    rest = [r.call.call_id for r in open_calls(run)]
    return [e.ActionReturned(call_id=call.call_id, observation=failed, met=met), *dropped(rest, why)]

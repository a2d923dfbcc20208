"""The steps that need nobody: deciding, judging, finishing. Pure: run, rules and directory in, events out."""

from dataclasses import replace
from datetime import datetime, timedelta

from changes.digest import call_digest
from domain import events as e
from domain.approvals import ApprovalEnd, ApprovalRequest
from domain.budgets import UNKNOWN, Spending
from domain.calls import ToolCall
from domain.decisions import Constraints, Deny, PolicyDecision, RequireApproval, Verdict
from domain.events import RunEvent
from domain.outcomes import Outcome
from domain.people import Snapshot
from domain.runs import CallRecord, CallStatus, Run
from domain.steps import Finish, Judge
from domain.tiers import Effect, Tier
from loop.rulebook import Rulebook


def decide(
    run: Run, book: Rulebook, people: Snapshot, now: datetime, spending: Spending = UNKNOWN
) -> list[e.PolicyDecided]:
    """The door's answer about the run's task, with what names the rules in words."""
    decision = decision_on(run, book, people, now, spending)
    if run.agent not in book.agents:
        return [e.PolicyDecided(decision=decision)]
    words = book.rules.in_words(run.received, run.agent, decision, standing=run.standing, people=people)
    return [e.PolicyDecided(decision=replace(decision, digest=words.hash))]


def decision_on(
    run: Run, book: Rulebook, people: Snapshot, now: datetime, spending: Spending = UNKNOWN
) -> PolicyDecision:
    """What the door says of the run's task now, and after so much spending."""
    task, agent = run.received, book.agents.get(run.agent)
    if agent is None:
        reason = f"There is no agent {run.agent!r} any more."
        return PolicyDecision(allowed=False, tier=Tier.OBSERVE, reason=reason, constraints=Constraints())
    return book.rules.evaluate(
        task,
        agent,
        standing=run.standing,
        people=people,
        catalog=book.catalog,
        now=now,
        run_id=run.run_id,
        spending=spending,
    )


def judge(
    run: Run, step: Judge, book: Rulebook, people: Snapshot, now: datetime, spending: Spending = UNKNOWN
) -> list[RunEvent]:
    """The boundary's answers about the calls of the current group, up to the first refusal."""
    said: list[RunEvent] = []
    for call_id in step.call_ids:
        record = run.record(call_id)
        verdict = verdict_on(run, record.call, book, people, now, spending)
        match verdict:
            case Deny():
                rest = [r.call.call_id for r in open_calls(run) if r.call.call_id != call_id]
                said = [s for s in said if not isinstance(s, e.CallAllowed)]
                return [*said, e.CallDenied(call_id=call_id, verdict=verdict), *dropped(rest, verdict.text)]
            case RequireApproval():
                request = _request(run, record.call, verdict, book, now)
                said.append(
                    e.ApprovalRequested(request=request, reasons=verdict.reasons, policy_hash=verdict.policy_hash)
                )
            case _:
                said.append(e.CallAllowed(call_id=call_id, reasons=verdict.reasons, policy_hash=verdict.policy_hash))
    return said


def verdict_on(
    run: Run, call: ToolCall, book: Rulebook, people: Snapshot, now: datetime, spending: Spending = UNKNOWN
) -> Verdict:
    """What the boundary says of this call now, and after so much spending."""
    if call.problem:
        return Deny(text=f"{call.tool}: {call.problem}", policy_hash=book.rules.hash)
    spec = book.catalog.spec(call.tool)
    if run.offer is not None and run.offer.call.call_id == call.call_id:
        return book.rules.check_offer(run, call, spec, people=people, now=now, spending=spending)
    return book.rules.check_call(run, call, spec, people=people, now=now, spending=spending)


def digest_of(run: Run, call: ToolCall, verdict: Verdict, book: Rulebook) -> str:
    """The digest that an approval of this call must name, and the start must recompute."""
    verdict_hash = verdict.hash if isinstance(verdict, RequireApproval) else ""
    return call_digest(
        call,
        organization=book.organization,
        run_id=run.run_id,
        subject=run.received.requester,
        verdict_hash=verdict_hash,
    )


def finish(run: Run, step: Finish) -> list[RunEvent]:
    """The end; whatever people were being asked is closed first, so that no card stays open."""
    help_ = run.decision.help if run.decision and step.outcome is Outcome.DENIED else ()
    return [
        *close_requests(run, "the run ended"),
        e.RunFinished(outcome=step.outcome, summary=step.summary, help=help_),
    ]


def close_requests(run: Run, why: str, end: ApprovalEnd = ApprovalEnd.VOIDED) -> list[RunEvent]:
    """Close every request that still waits for people, or for its start."""
    return [
        e.ApprovalClosed(approval_id=r.request.approval_id, end=end, why=why)
        for r in run.records
        if r.request is not None and r.status in (CallStatus.AWAITING, CallStatus.ALLOWED)
    ]


def open_calls(run: Run) -> list[CallRecord]:
    """Calls of the batch that have neither started nor ended."""
    return [r for r in run.batch if r.status in (CallStatus.PROPOSED, CallStatus.ALLOWED, CallStatus.AWAITING)]


def dropped(call_ids: list[str], why: str) -> list[RunEvent]:
    """The rest of a batch, recorded as dropped."""
    return [e.CallsDropped(call_ids=tuple(call_ids), why=why)] if call_ids else []


def remedy_for(call: ToolCall, book: Rulebook, *, stopping: bool) -> str:
    """What to do when nobody knows whether `call` happened: check | repeat | ask."""
    spec = book.catalog.spec(call.tool)
    if spec is not None and spec.checkable and call.effect is not Effect.READ:
        return "check"
    if call.effect is Effect.READ or (spec is not None and spec.idempotent and not stopping):
        return "repeat"
    return "ask"


DOUBT_OPTIONS = ("It happened", "It did not happen", "I will take over")


def put_to_person(call: ToolCall, why: str) -> e.DoubtPutToPerson:
    """The honest question about an effect whose outcome nothing can tell."""
    target = f" on {call.resource}" if call.resource else ""
    text = f"Did {call.tool}{target} happen? {why} Nothing will be guessed: please look, then say."
    return e.DoubtPutToPerson(call_id=call.call_id, question=text, options=DOUBT_OPTIONS)


def _request(run: Run, call: ToolCall, verdict: RequireApproval, book: Rulebook, now: datetime) -> ApprovalRequest:
    within = min(requirement.within_s for requirement in verdict.requirements)
    offered = run.offer is not None and run.offer.call.call_id == call.call_id
    return ApprovalRequest(
        approval_id=f"{run.run_id}.{call.call_id}",
        call_id=call.call_id,
        digest=digest_of(run, call, verdict, book),
        requirements=verdict.requirements,
        expires_at=now + timedelta(seconds=within),
        excluded=run.excluded,
        verb="merge" if offered else "approve",
    )

"""What a run has already done of its runbook: attempts at steps, in the order in which the reasoner took them.

Each answer of a reasoner is one *turn* of the run, and every record carries its turn. So the attempts are the turns
after the present goal was set, oldest first; a redirect starts afresh by itself. The log is the oracle of the way
taken: a condition is judged once, when its step is due, and what was chosen then stays chosen, whatever holds later.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.approvals import ApprovalEnd, Ballot
from domain.canonical import Json
from domain.runs import CallRecord, CallStatus, Question, Run, Wait
from reasoning.runbooks.model import Calls, CallTemplate, FailureKind, Runbook, Step, Waiting

VERIFY = "verify"  # the name, within its step, of the call that checks the one before it


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One turn spent on one step."""

    turn: int
    step: str
    records: tuple[CallRecord, ...] = ()
    wait: Wait | None = None
    question: Question | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an attempt did not do what its step is for."""

    kind: FailureKind
    why: str


def label(runbook: str, step: str, name: str = "") -> str:
    """How records name the step that they belong to: `encrypt-bucket/scan`, `service-down/look/logs`."""
    return f"{runbook}/{step}/{name}" if name else f"{runbook}/{step}"


def attempts(run: Run, runbook: str) -> tuple[Attempt, ...]:
    """The attempts made for the present goal, oldest first."""
    turns: dict[int, list[CallRecord | Wait | Question]] = {}
    things: tuple[CallRecord | Wait | Question, ...] = (*run.waits, *run.questions, *run.records)
    for thing in things:
        if thing.turn > run.goal_turn:
            turns.setdefault(thing.turn, []).append(thing)
    made = (_attempt(turn, turns[turn], runbook) for turn in sorted(turns))
    return tuple(attempt for attempt in made if attempt is not None)


def failure_of(attempt: Attempt, step: Step) -> Failure | None:
    """Why the attempt failed; None where it did what the step is for."""
    if isinstance(step.action, Waiting):
        return _wait_failure(attempt, step.action)
    spared = _spared(step)
    bad = [r for r in attempt.records if not r.good and name_of(r) not in spared]
    if bad:
        return None if check_due(attempt, step) else _call_failure(min(bad, key=_consequence))
    lost = [r for r in attempt.records if r.remedy and r.observation is not None and not r.observation.data]
    if lost and FailureKind.UNSEEN in step.on_failure.by_kind:
        return Failure(kind=FailureKind.UNSEEN, why=f"`{lost[0].call.tool}` was done, but its result was lost")
    return None


def check_due(attempt: Attempt, step: Step) -> CallTemplate | None:
    """The check of a call that was done, where a doubt about the call had dropped it."""
    if not isinstance(step.action, Calls):
        return None
    checks = [r for r in attempt.records if name_of(r) == VERIFY]
    done = all(r.good for r in attempt.records if r not in checks)
    return step.action.verify if done and all(_consequence(r) for r in checks) else None


def name_of(record: CallRecord) -> str:
    """The call's name within its step; '' for a sole one."""
    parts = (record.call.step or "").split("/")
    return parts[2] if len(parts) > 2 else ""


def result_of(attempt: Attempt, step: Step | None, count: int) -> dict[str, Json]:
    """The attempt as `steps.ID` of conditions and templates, to be laid over the earlier one."""
    failed = failure_of(attempt, step) if step is not None else None
    seen: dict[str, Json] = {name_of(r): _seen(r) for r in attempt.records if name_of(r)}
    sole = next((_seen(r) for r in attempt.records if not name_of(r)), {})
    wait, question = attempt.wait, attempt.question
    return {
        **seen,
        **sole,
        "ok": failed is None,
        "tried": count,
        "failure": "" if failed is None else str(failed.kind),
        "why": "" if failed is None else failed.why,
        "what": (wait.what or "") if wait else "",
        "answer": (question.answer or "") if question else "",
        "choice": _choice(question),
    }


def untried(names: tuple[str, ...]) -> dict[str, Json]:
    """`steps.ID` of a step that has not been reached: nothing in it is true."""
    empty: dict[str, Json] = {"ok": False, "result": {}, "summary": ""}
    words = {"tried": 0, "failure": "", "why": "", "what": "", "answer": "", "choice": ""}
    return {**dict.fromkeys(names, empty), **empty, **words}


def names_in(step: Step) -> tuple[str, ...]:
    """The names under which the step's calls can be read."""
    if not isinstance(step.action, Calls):
        return ()
    return tuple(name for name in step.action.calls if name) + ((VERIFY,) if step.action.verify else ())


def results(run: Run, book: Runbook) -> dict[str, Json]:
    """`steps` for conditions and templates: the latest attempt at each."""
    found: dict[str, Json] = {step.id: untried(names_in(step)) for step in book.steps}
    counts: dict[str, int] = {}
    for attempt in attempts(run, book.id):
        counts[attempt.step] = counts.get(attempt.step, 0) + 1
        index = book.index(attempt.step)
        step = None if index is None else book.steps[index]
        earlier = found.get(attempt.step, {})
        found[attempt.step] = {**earlier, **result_of(attempt, step, counts[attempt.step])}
    return found


def _attempt(turn: int, things: list[CallRecord | Wait | Question], runbook: str) -> Attempt | None:
    """The turn as an attempt at a step of ours; None where it belongs to nobody, or to another runbook."""
    step: str | None = None
    wait: Wait | None = None
    question: Question | None = None
    records: list[CallRecord] = []
    for thing in things:
        match thing:
            case CallRecord():
                records.append(thing)
                named = thing.call.step
            case Wait():
                wait, named = thing, thing.step
            case Question(about=None):
                question, named = thing, thing.step
            case Question():
                continue  # a doubt about a call, put to a person by the loop
        parts = (named or "").split("/")
        if step is None and len(parts) > 1 and parts[0] == runbook:
            step = parts[1]
    if step is None:
        return None
    return Attempt(turn=turn, step=step, records=tuple(records), wait=wait, question=question)


def _spared(step: Step) -> frozenset[str]:
    if not isinstance(step.action, Calls):
        return frozenset()
    return frozenset(name for name, call in step.action.calls.items() if call.may_fail)


def _consequence(record: CallRecord) -> bool:
    """Whether the call was dropped only because another one failed."""
    return record.status is CallStatus.DROPPED and record.approval_end is None


def _call_failure(record: CallRecord) -> Failure:
    tool = f"`{record.call.tool}`"
    if record.denial is not None:
        rules = "; ".join(f"{r.policy}, {r.file}:{r.line}" for r in record.denial.reasons)
        helpers = f" Who could help: {', '.join(record.denial.help)}." if record.denial.help else ""
        where = f" ({rules})" if rules else ""
        return Failure(kind=FailureKind.REFUSED, why=f"policy refused {tool}: {record.denial.text}{where}{helpers}")
    if record.approval_end is not None:
        return _unapproved(record, record.approval_end)
    seen = record.observation
    if record.status is not CallStatus.RETURNED or seen is None:
        return Failure(kind=FailureKind.DROPPED, why=f"{tool} was not done: {record.note or record.status}")
    if not seen.ok:
        kind = f" [{seen.error_kind}]" if seen.error_kind else ""
        return Failure(kind=FailureKind.FAILED, why=f"{tool} failed{kind}: {seen.error or seen.summary}")
    if record.problems:
        return Failure(kind=FailureKind.FAILED, why=f"the result of {tool} is not sound: {'; '.join(record.problems)}")
    expected = record.call.expect.describe if record.call.expect else "what was predicted"
    return Failure(kind=FailureKind.UNMET, why=f"{tool} does not show that {expected}; it shows: {seen.summary}")


def _unapproved(record: CallRecord, end: ApprovalEnd) -> Failure:
    tool = f"`{record.call.tool}`"
    note = f": {record.note}" if record.note else ""
    match end:
        case ApprovalEnd.DENIED:
            votes = [vote for vote in record.votes if vote.ballot is Ballot.DENY]
            who = votes[-1].by if votes else "a person"
            return Failure(kind=FailureKind.DENIED, why=f"{who} denied {tool}{note}")
        case ApprovalEnd.EXPIRED:
            asked = (
                ", ".join(f"{r.count} of {r.approvers.text}" for r in record.request.requirements)
                if record.request
                else ""
            )
            of = f" (asked: {asked})" if asked else ""
            return Failure(
                kind=FailureKind.EXPIRED,
                why=f"nobody denied {tool}, but it was not countersigned and started in time{of}{note}",
            )
        case ApprovalEnd.VOIDED:
            return Failure(kind=FailureKind.VOIDED, why=f"the approval of {tool} was voided{note}")


def _wait_failure(attempt: Attempt, action: Waiting) -> Failure | None:
    wait = attempt.wait
    what = (wait.what if wait else None) or "nothing"
    offered = attempt.records[0] if attempt.records else None
    if what in action.until or (offered is not None and offered.good):
        return None
    topic = wait.topic if wait else "the wait"
    if offered is not None and not offered.good and not _consequence(offered):
        return _call_failure(offered)
    if what == "timed out":
        return Failure(kind=FailureKind.TIMED_OUT, why=f"{topic} did not settle in time")
    wanted = " or ".join(action.until)
    return Failure(kind=FailureKind.UNMET, why=f"{topic} ended as `{what}`, not as {wanted}")


def _seen(record: CallRecord) -> dict[str, Json]:
    seen = record.observation
    data: Mapping[str, Json] = seen.data if seen else {}
    summary = (seen.summary if seen.ok else seen.error or seen.summary) if seen else record.note
    return {"ok": record.good, "result": dict(data), "summary": summary}


def _choice(question: Question | None) -> str:
    """The option that the answer spells, whatever its case."""
    said = (question.answer or "").strip().lower() if question else ""
    return next((o for o in question.options if o.lower() == said), "") if question else ""

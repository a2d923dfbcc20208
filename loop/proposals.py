"""From what a reasoner drafted to what the log records: typed calls with ids, located, sized, and still nobody's power.

The worker may be wrong or hostile: effect, version, resource and labels come from our own catalogue, never from it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from changes.digest import size_of
from domain import events as e
from domain.agents import Agent, SuccessCheck
from domain.calls import Expectation, ToolCall
from domain.canonical import NotCanonical
from domain.events import RunEvent
from domain.runs import Run
from domain.tiers import Effect
from loop import ports as p
from loop.rulebook import Rulebook
from loop.soundness import cost_of, fault, fault_of
from loop.templates import fill

LONGEST_BATCH = 32
LARGEST_ARGUMENTS = 256 * 1024  # bytes of canonical JSON
NOTHING = p.Prepared()


def drafts_of(proposal: p.Proposal) -> tuple[p.DraftCall, ...]:
    """The calls a proposal would have made, in order."""
    match proposal:
        case p.Propose(calls=calls):
            return calls
        case p.Conclude(checks=checks):
            return checks
        case p.AwaitTopic(offer=offer) if offer is not None:
            return (offer,)
        case _:
            return ()


def recorded(run: Run, proposal: p.Proposal, prepared: Sequence[p.Prepared], book: Rulebook, now: datetime) -> RunEvent:
    """The event that records `proposal`; of one that cannot be recorded, the mind's failure and what it cost."""
    objection = fault_of(proposal) or _unsound(drafts_of(proposal), prepared)
    if objection is not None:
        return e.ReasoningFailed(why=f"that is no proposal: {objection}", retry=True, cost=cost_of(proposal))
    calls = complete(run, drafts_of(proposal), prepared, book)
    match proposal:
        case p.Propose() if not calls:
            return e.ReasoningFailed(why="a proposal without calls", retry=True, cost=proposal.cost)
        case p.Propose(rationale=rationale, by=by, cost=cost):
            return e.CallsProposed(calls=calls, rationale=rationale, by=by, cost=cost)
        case p.Ask(question=question, options=options, step=step, cost=cost):
            return e.QuestionAsked(question=question, options=options, step=step, cost=cost)
        case p.AwaitTopic(topic=topic, why=why, within_s=within_s, step=step, cost=cost):
            until = now + timedelta(seconds=within_s)
            offer = calls[0] if calls else None
            return e.WaitStarted(topic=topic, why=why, until=until, offer=offer, step=step, cost=cost)
        case p.Conclude(summary=summary, by=by, cost=cost):
            declared = _declared(run, book.agents.get(run.agent))
            checks = calls + complete(run, declared, [NOTHING] * len(declared), book, len(calls))
            acting = next((check.tool for check in checks if check.effect is not Effect.READ), None)
            if acting is not None:
                return e.ReasoningFailed(why=f"a check only reads, and {acting} does not", retry=True, cost=cost)
            if not checks:
                return e.Concluded(summary=summary, by=by, cost=cost)
            return e.CallsProposed(calls=checks, rationale=summary, by=by, conclusion=summary, cost=cost)
        case p.GiveUp(why=why, outcome=outcome, cost=cost):
            return e.GaveUp(why=why, outcome=outcome, cost=cost)


def _unsound(drafts: object, prepared: Sequence[p.Prepared]) -> str | None:
    """What is wrong with the calls as they came, before anything is made of them."""
    if not isinstance(drafts, tuple) or not all(isinstance(draft, p.DraftCall) for draft in drafts):
        return "its calls are not calls"
    if len(drafts) > LONGEST_BATCH:
        return f"it holds {len(drafts)} calls, and {LONGEST_BATCH} are the most"
    return fault(list(prepared))


def complete(
    run: Run,
    drafts: Sequence[p.DraftCall],
    prepared: Sequence[p.Prepared],
    book: Rulebook,
    offset: int = 0,
) -> tuple[ToolCall, ...]:
    """The drafts as calls of this run: numbered, and located by our own catalogue."""
    calls: list[ToolCall] = []
    for index, draft in enumerate(drafts):
        extra = prepared[index] if index < len(prepared) else NOTHING
        before = calls[-1].call_id if calls and draft.verifies_previous else None
        call = _call(f"c{run.calls_made + offset + index + 1}", draft, extra, book, before)
        calls.append(replace(call, undoes=_undone(run, call, book)))
    return tuple(calls)


def _call(call_id: str, draft: p.DraftCall, extra: p.Prepared, book: Rulebook, verifies: str | None) -> ToolCall:
    arguments = draft.arguments if extra.arguments is None else extra.arguments
    spec = book.catalog.spec(draft.tool)
    resource, labels = book.rules.locate(spec, arguments) if spec else (None, None)
    call = ToolCall(
        call_id=call_id,
        tool=draft.tool,
        version=spec.version if spec else 0,
        effect=spec.effect if spec else Effect.CHANGE,  # an unknown tool counts as the most dangerous
        arguments=arguments,
        resource=resource,
        labels=labels,
        fingerprint=extra.fingerprint,
        preview=extra.preview,
        purpose=draft.purpose,
        step=draft.step,
        prediction=draft.prediction,
        rollback=draft.rollback,
        expect=draft.expect,
        verifies=verifies,
        tainted=draft.tainted,
        problem=extra.problem or "",
    )
    return call if call.problem else _with_problem(call, book)


def _undone(run: Run, call: ToolCall, book: Rulebook) -> str | None:
    """The latest call of the run that has started, at the same target, and is reversed by this one's tool."""
    for record in reversed(run.past if call.effect is not Effect.READ else ()):
        spec = book.catalog.spec(record.call.tool)
        if record.key and spec is not None and spec.undo == call.tool and record.call.resource == call.resource:
            return record.call.call_id
    return None


def _with_problem(call: ToolCall, book: Rulebook) -> ToolCall:
    """The call, with what is wrong with its arguments, if anything is."""
    try:
        size = size_of(call)
    except NotCanonical as error:
        problem = str(error)
    else:
        problem = "; ".join(book.catalog.problems(call.tool, call.arguments))
        if size > LARGEST_ARGUMENTS:
            problem = f"the arguments are {size} bytes; {LARGEST_ARGUMENTS} are allowed"
    return replace(call, problem=problem) if problem else call


def _declared(run: Run, agent: Agent | None) -> tuple[p.DraftCall, ...]:
    """The agent's own success checks. A worker cannot leave them out."""
    return tuple(_check(run, check) for check in (agent.success if agent else ()))


def _check(run: Run, check: SuccessCheck) -> p.DraftCall:
    expect = Expectation(condition=check.expect, describe=check.describe)
    return p.DraftCall(tool=check.tool, arguments=fill(check.arguments, run), purpose=check.describe, expect=expect)

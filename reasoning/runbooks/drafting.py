"""From a step of a runbook to the proposal that carries it out."""

from typing import assert_never

from domain.calls import Expectation
from loop.ports import Ask, AwaitTopic, Conclude, DraftCall, GiveUp, Proposal, Propose
from reasoning.runbooks.history import VERIFY, label
from reasoning.runbooks.model import (
    Calls,
    CallTemplate,
    Conclusion,
    ExpectTemplate,
    GivingUp,
    Jump,
    Question,
    Runbook,
    Step,
    Waiting,
)
from reasoning.runbooks.scope import RunScope
from reasoning.runbooks.templates import fill, literal_of, text_of


def proposal_for(step: Step, book: Runbook, scope: RunScope, aside: str, evidence: str) -> Proposal:
    """The proposal. `aside` is said beside the step's own words. Raises Missing where a template finds nothing."""
    by = f"runbook:{book.id}"
    named = label(book.id, step.id)
    match step.action:
        case Calls():
            drafts = _drafts(step.action, step, book, scope)
            return Propose(calls=drafts, rationale=text_of(step.say, scope) + aside, by=by)
        case Question(question=question, options=options):
            return Ask(question=text_of(question, scope) + aside, by=by, options=options, step=named)
        case Waiting(topic=topic, within_s=within_s, why=why, offer=offer):
            drafted = _draft(offer, label(book.id, step.id, "offer"), scope) if offer else None
            about, words = text_of(topic, scope), text_of(why, scope) + aside
            return AwaitTopic(topic=about, why=words, within_s=within_s, by=by, offer=drafted, step=named)
        case Conclusion(summary=summary, checks=checks):
            drafts = tuple(_draft(c, label(book.id, step.id, str(i)), scope) for i, c in enumerate(checks, start=1))
            return Conclude(summary=text_of(summary, scope).strip() + aside, by=by, checks=drafts)
        case GivingUp(why=why, outcome=outcome):
            return GiveUp(why=text_of(why, scope).strip() + evidence, by=by, outcome=outcome)
        case Jump(step=target):
            raise AssertionError(f"`{step.id}` only points to `{target}`: it is never taken")
        case _:
            assert_never(step.action)


def check_for(step: Step, check: CallTemplate, book: Runbook, scope: RunScope) -> Propose:
    """Only the check of a call that has been done. Raises Missing."""
    draft = _draft(check, label(book.id, step.id, VERIFY), scope)
    why = f"{draft.purpose} (runbook `{book.id}`; the call itself was done, its check was not)"
    return Propose(calls=(draft,), rationale=why, by=f"runbook:{book.id}")


def _drafts(action: Calls, step: Step, book: Runbook, scope: RunScope) -> tuple[DraftCall, ...]:
    made = [_draft(call, label(book.id, step.id, name), scope) for name, call in action.calls.items()]
    if action.verify is not None:
        made.append(_draft(action.verify, label(book.id, step.id, VERIFY), scope, verifies=True))
    return tuple(made)


def _draft(call: CallTemplate, named: str, scope: RunScope, *, verifies: bool = False) -> DraftCall:
    filled = {name: fill(node, scope) for name, node in call.arguments.items()}
    return DraftCall(
        tool=call.tool,
        arguments={name: each.value for name, each in filled.items()},
        purpose=text_of(call.purpose, scope).strip(),
        step=named,
        prediction=text_of(call.prediction, scope).strip() if call.prediction else "",
        rollback=text_of(call.rollback, scope).strip() if call.rollback else "",
        expect=_expected(call.expect, scope) if call.expect else None,
        verifies_previous=verifies,
        tainted=tuple(sorted(name for name, each in filled.items() if each.tainted)),
    )


def _expected(expect: ExpectTemplate, scope: RunScope) -> Expectation:
    return Expectation(condition=literal_of(expect.condition, scope), describe=text_of(expect.describe, scope))

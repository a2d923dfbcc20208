"""Why a call may not be made, whoever would countersign it: the objections, in the order in which they are raised."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.agents import Agent
from domain.approvals import ApprovalEnd
from domain.budgets import Draw
from domain.calls import ToolCall
from domain.decisions import Deny, Reason
from domain.runs import CallRecord, Run
from domain.tiers import Effect, admits
from policy.door import helpers
from policy.facts import CallView
from policy.lattice import Bounds
from policy.ruleset import RuleSet, place


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One call before the boundary. `by_person`: a person makes it by a click; the run's tier does not bound it."""

    policies: RuleSet
    run: Run
    agent: Agent | None
    view: CallView
    bounds: Bounds
    selectors: tuple[str, ...]
    by_person: bool = False
    draws: tuple[Draw, ...] = ()

    @property
    def target(self) -> str:
        """The call in a few words."""
        call = self.view.call
        return f"{call.tool} on {call.resource}" if call.resource else call.tool


def objection(question: Question) -> Deny | None:
    """The first objection to the call; None where nothing but people may stand in its way."""
    for each in _OBJECTIONS:
        found = each(question)
        if found is not None:
            return found
    return None


def _denied(question: Question) -> Deny | None:
    denials = sorted(question.bounds.denials, key=lambda r: (r.file, r.line, r.policy))
    return _deny(question, denials[0].to, denials) if denials else None


def _beyond_tier(question: Question) -> Deny | None:
    effect, tier = question.view.effect, question.bounds.tier
    if question.by_person or admits(tier, effect):
        return None
    text = f"{question.target} would {effect.words}, and this run may go up to {tier.label} only"
    return _deny(question, text, question.bounds.reasons_for("tier"))


def _no_tool(question: Question) -> Deny | None:
    bounds, tool = question.bounds, question.view.call.tool
    if bounds.admits_tool(tool):
        return None
    said = [
        claim.reason
        for claim in bounds.claims
        if (
            claim.reason.sets == "allowed_tools"
            and not Bounds(allowed_tools=frozenset({claim.value or ()})).admits_tool(tool)
        )
        or (
            claim.reason.sets == "denied_tools"
            and not Bounds(denied_tools=frozenset(claim.value or ())).admits_tool(tool)
        )
    ]
    return _deny(question, f"{tool} is not among the tools of this run", said)


def _only_by_change_request(question: Question) -> Deny | None:
    bounds = question.bounds
    if question.by_person or not bounds.requires_pr or question.view.effect is not Effect.CHANGE:
        return None
    text = f"{question.target} would change things directly; changes here go by change request, which people merge"
    return _deny(question, text, bounds.reasons_for("requires_pr"))


def _not_validated(question: Question) -> Deny | None:
    if not question.by_person or not question.bounds.requires_validation:
        return None
    if validated(question.run, question.view.call.arguments):
        return None
    text = "the exact head of this change request has not passed its checks"
    return _deny(question, text, question.bounds.reasons_for("requires_validation"))


def validated(run: Run, arguments: Mapping[str, object]) -> bool:
    """Whether the run waited for the checks of exactly this head, and they passed, as far as it heard last."""
    head, repository, number = (arguments.get(name) for name in ("head", "repository", "number"))
    if not isinstance(head, str) or not head:
        return False
    begins = f"checks:{repository}#" if repository is not None else "checks:"
    ends = f"#{number}@{head}" if number is not None else f"@{head}"
    heard = [
        wait.what
        for wait in run.waits
        if wait.what is not None and wait.topic.startswith(begins) and wait.topic.endswith(ends)
    ]
    return bool(heard) and heard[-1] == "passed"


def _no_action_left(question: Question) -> Deny | None:
    most, run, call_id = question.bounds.max_actions, question.run, question.view.call.call_id
    if most is None or question.view.effect is Effect.READ:
        return None
    others = run.actions - sum(1 for r in run.live if r.call.call_id == call_id and r.attempt)
    if others < most:
        return None
    text = f"{question.target} would be one action more than the {most} of this run"
    return _deny(question, text, question.bounds.reasons_for("max_actions"))


def _refused_before(question: Question) -> Deny | None:
    call = question.view.call
    for record in question.run.records:
        if record.approval_end is ApprovalEnd.DENIED and _same_class(record, call, exactly=question.by_person):
            people = [v.by for v in record.votes if v.ballot == "deny"]
            who = people[-1] if people else "a person"
            return _deny(question, f"{who} refused {question.target} in this run; it is not asked again", ())
    return None


def _same_class(record: CallRecord, call: ToolCall, *, exactly: bool) -> bool:
    """Same tool and resource. What people click themselves may come again with other arguments: a new head."""
    other = record.call
    if other.call_id == call.call_id or (other.tool, other.resource) != (call.tool, call.resource):
        return False
    return not exactly or dict(other.arguments) == dict(call.arguments)


_OBJECTIONS = (
    *(_denied, _beyond_tier, _no_tool, _only_by_change_request, _not_validated),
    *(_no_action_left, _refused_before),
)


def _deny(question: Question, text: str, reasons: Iterable[Reason]) -> Deny:
    said = tuple(reasons)
    where = f" ({place(said[0])})" if said else ""
    return Deny(
        text=f"{text}{where}",
        reasons=said,
        policy_hash=question.policies.hash,
        help=(*question.policies.excepted(said), *helpers(question.policies, question.agent)),
    )

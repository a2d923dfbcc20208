"""Why: the answer about a task, and about a call of it, with the rule, file and line behind each limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from domain.agents import Agent
from domain.budgets import Draw, Spending, Spent
from domain.calls import ToolCall, ToolSpec
from domain.decisions import Allow, Deny, PolicyDecision, Reason, RequireApproval, Requirement, Verdict
from domain.people import Snapshot
from domain.runs import Run
from domain.tasks import Principal, Task, Trust
from domain.tiers import Effect
from policy.asking import BUILT_IN
from policy.boundary import bounds_now, judge
from policy.door import decision, door_bounds
from policy.drawing import call_draws, overdrawn, run_draws
from policy.facts import CallView, Progress, Situation
from policy.lattice import Bounds
from policy.objections import Question
from policy.reading.files import spell_duration
from policy.ruleset import RuleSet
from policy.sources.budgets import budget_of, in_units
from policy.sources.rules import denial, spell_requirement
from policy.sources.subjects import CallSketch, Subject


class Tools(Protocol):
    """What explaining needs of the tool catalogue."""

    def names(self) -> tuple[str, ...]:
        """Installed tools, sorted."""
        ...

    def spec(self, name: str) -> ToolSpec | None:
        """The installed tool's specification."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer. `verdict` is None where only a task was asked about."""

    decision: PolicyDecision
    verdict: Verdict | None
    reasons: tuple[Reason, ...]  # who set what holds
    overruled: tuple[Reason, ...]  # who asked for less than what holds
    assumed: tuple[str, ...] = ()  # budgets that are taken to be untouched: nobody said how much was drawn

    @property
    def allowed(self) -> bool:
        """Whether it may happen, perhaps once people have countersigned it."""
        return self.decision.allowed if self.verdict is None else not isinstance(self.verdict, Deny)

    @property
    def approvals(self) -> tuple[Requirement, ...]:
        """Who has to countersign."""
        if isinstance(self.verdict, RequireApproval):
            return self.verdict.requirements
        return self.decision.approvals if self.verdict is None and self.allowed else ()

    @property
    def sentence(self) -> str:
        """The reason in one sentence."""
        match self.verdict:
            case None:
                return self.decision.reason
            case Allow():
                return "The call may run without anybody's countersignature."
            case Deny(text=text):
                return text
            case RequireApproval(requirements=requirements):
                return f"The call needs {' and '.join(map(spell_requirement, requirements))}."


def explain(policies: RuleSet, subject: Subject, *, people: Snapshot, catalog: Tools, now: datetime) -> Explanation:
    """What policy says of `subject`. Without an agent that fits, the rules alone are asked, from an unbounded start."""
    agent, standing, task = handler(policies, subject), standing_of(subject), _task(subject)
    at = subject.at or now
    bounds = door_bounds(policies, task, agent, standing=standing, people=people, now=at)
    if agent is None and task.context.agent_slug and policies.agents:
        bounds &= denial(_unknown_agent(task.context.agent_slug))
    draws = run_draws(policies, task, agent, run_id=_RUN, standing=standing, people=people, now=at)
    bounds &= overdrawn(policies, draws, given(draws, subject.spent), at)
    assumed = _assumed(draws, subject)
    decided = decision(policies, bounds, agent, catalog, draws)
    if agent is None and decided.allowed and policies.agents:
        alone = f"The rules alone allow up to {decided.tier.label}: no agent is named, and none follows from the type."
        decided = replace(decided, reason=alone)
    if subject.call is None:
        return Explanation(
            decision=decided, verdict=None, reasons=bounds.reasons, overruled=bounds.overruled, assumed=assumed
        )
    run = Run(
        run_id=_RUN,
        task=task,
        agent=agent.slug if agent else "",
        decision=decided,
        standing=standing,
        iterations=subject.run.iterations,
        cost_usd=subject.run.cost_usd,
    )
    spec = catalog.spec(subject.call.tool)
    view = _view(policies, subject.call, spec)
    drawn = call_draws(policies, run, view, people=people, now=at)
    said = bounds_now(policies, run, agent, view, decided=bounds, people=people, now=at)
    said &= overdrawn(policies, drawn, given(drawn, subject.spent), at)
    verdict = judge(
        Question(
            policies=policies,
            run=run,
            agent=agent,
            view=view,
            bounds=said,
            selectors=spec.selectors if spec else tuple(subject.call.tainted),
            by_person=spec is not None and not spec.proposable,
        )
    )
    reasons = _all_reasons(said, verdict, view if spec is None else None)
    whole = decision(policies, said, agent, catalog)
    assumed = _assumed((*draws, *drawn), subject)
    return Explanation(decision=whole, verdict=verdict, reasons=reasons, overruled=said.overruled, assumed=assumed)


def given(draws: Sequence[Draw], spent: Mapping[str, float]) -> Spending:
    """What the accounts of these draws hold, as somebody says by budget; nothing where nobody says."""
    named = [(draw, spent.get(budget_of(draw.account), 0.0)) for draw in draws]
    known = {draw.account: Spent(amount=in_units(draw.of, amount)) for draw, amount in named}
    return Spending(known=known)


def _assumed(draws: Sequence[Draw], subject: Subject) -> tuple[str, ...]:
    named = dict.fromkeys(budget_of(draw.account) for draw in draws)
    return tuple(name for name in named if name not in subject.spent)


def situation_of(policies: RuleSet, subject: Subject, *, people: Snapshot, catalog: Tools, now: datetime) -> Situation:
    """What is known of `subject`, as its rules see it; of how far the run is, nothing."""
    agent, task, call = handler(policies, subject), _task(subject), subject.call
    if agent is not None:
        task = replace(task, context=replace(task.context, agent_slug=agent.slug))
    return Situation(
        task,
        standing=standing_of(subject),
        people=people,
        groups=policies.groups,
        progress=Progress(),
        now=subject.at or now,
        view=None if call is None else _view(policies, call, catalog.spec(call.tool)),
    )


def standing_of(subject: Subject) -> tuple[Principal, ...]:
    """Whose standing counts: the requester's, and that of whoever redirected."""
    requester = subject.task.requester
    return tuple(dict.fromkeys((*((requester,) if requester else ()), *subject.standing)))


def _task(subject: Subject) -> Task:
    if subject.run.tainted is None:
        return subject.task
    return replace(subject.task, trust=Trust.UNTRUSTED if subject.run.tainted else Trust.PERSON)


def handler(policies: RuleSet, subject: Subject) -> Agent | None:
    """The agent the task names, else the only one that handles its type."""
    slug = subject.task.context.agent_slug
    if slug is not None:
        return policies.agents.get(slug)
    able = [agent for agent in policies.agents.values() if subject.task.type in agent.handles]
    return able[0] if len(able) == 1 else None


_RUN = "explain"


def _unknown_agent(slug: str) -> Reason:
    return Reason(policy="unknown-agent", file=BUILT_IN, line=0, sets="deny", to=f"There is no agent {slug}.")


def as_json(explanation: Explanation) -> dict[str, Any]:
    """What `policy explain --json` prints."""
    decided, limits = explanation.decision, explanation.decision.constraints
    said: dict[str, Any] = {
        "allowed": explanation.allowed,
        "tier": int(decided.tier),
        "reason": explanation.sentence,
        "required_approvals": [approval_json(one) for one in explanation.approvals],
        "constraints": {
            "max_iterations": limits.max_iterations,
            "timeout_s": _whole(limits.timeout_s),
            "deadline_s": _whole(limits.deadline_s),
            "budget_usd": limits.budget_usd,
            "max_actions": limits.max_actions,
            "max_tokens": limits.max_tokens,
            "allowed_tools": list(limits.allowed_tools),
            "denied_tools": list(limits.denied_tools),
            "requires_pr": limits.requires_pr,
            "requires_validation": limits.requires_validation,
        },
        "reasons": [reason_json(reason) for reason in explanation.reasons],
        "overruled": [reason_json(reason) for reason in explanation.overruled],
        "policy_hash": decided.policy_hash,
    }
    if explanation.verdict is not None:
        said["verdict"] = verdict_word(explanation.verdict)
    return said


def verdict_word(verdict: Verdict) -> str:
    """allow | deny | require_approval."""
    match verdict:
        case Allow():
            return "allow"
        case Deny():
            return "deny"
        case RequireApproval():
            return "require_approval"


def approval_json(one: Requirement) -> dict[str, Any]:
    """One requirement; `within` is spelt as rules spell it."""
    return {
        "from": one.approvers.text,
        "count": one.count,
        "within": spell_duration(one.within_s),
        "use_within": spell_duration(one.use_within_s),
        "break_glass": one.break_glass,
        "stage": one.stage,
        "policies": list(one.policies),
    }


def reason_json(reason: Reason) -> dict[str, Any]:
    """A reason, with where it stands; of a framework's rule also its control."""
    said = {"policy": reason.policy, "file": reason.file, "line": reason.line, "sets": reason.sets, "to": reason.to}
    return {**said, "control": reason.control} if reason.control else said


def _view(policies: RuleSet, call: CallSketch, spec: ToolSpec | None) -> CallView:
    effects = [e for e in (call.effect, spec.effect if spec else None) if e is not None]
    effect = max(effects, key=list(Effect).index) if effects else Effect.CHANGE
    resource, labels = policies.catalogue.locate(spec, call.arguments) if spec else (None, None)
    resource = resource if call.resource is None else call.resource
    if labels is None and resource is not None:
        labels = policies.catalogue.labels(resource)
    known: list[Mapping[str, str]] = [held for held in (call.labels, labels) if held is not None]
    made = ToolCall(
        call_id="call",
        tool=call.tool,
        version=spec.version if spec else 0,
        effect=effect,
        arguments=call.arguments,
        resource=resource,
        labels=call.labels if call.labels is not None else labels,
        tainted=call.tainted,
    )
    return CallView(
        call=made,
        effect=effect,
        resources=None if resource is None else (resource,),
        labels=tuple(known) or None,
    )


def _all_reasons(bounds: Bounds, verdict: Verdict, unknown: CallView | None) -> tuple[Reason, ...]:
    """Everything that holds, what the house itself insists on, and that the tool is not installed, if so."""
    said = list(bounds.reasons)
    said += [reason for reason in verdict.reasons if reason not in said]
    if unknown is not None:
        said.append(Reason(policy="unknown-tool", file=BUILT_IN, line=0, sets="effect", to=unknown.effect.value))
    return tuple(said)


def _whole(seconds: float | None) -> float | int | None:
    return int(seconds) if seconds is not None and seconds == int(seconds) else seconds

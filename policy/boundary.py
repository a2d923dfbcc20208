"""The boundary: may this call be made, now? The door's answer bounds every answer here, and doubt denies.

The order of the questions is fixed, so that people are never asked about what policy refuses anyway: denials, tier,
tools, obligations, what a person has already refused in this run; only then who countersigns.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from domain.agents import Agent
from domain.approvals import ApprovalEnd
from domain.budgets import UNKNOWN, Draw, Spending
from domain.calls import ToolCall, ToolSpec
from domain.decisions import Allow, Deny, Reason, RequireApproval, Verdict
from domain.people import Snapshot
from domain.runs import CallRecord, Run
from domain.tasks import Trust
from domain.tiers import Effect, Tier, admits
from policy.asking import BUILT_IN, hash_of_asking, insisted, required_by, who_asks
from policy.door import helpers, of_decision
from policy.drawing import actions, call_draws, overdrawn
from policy.facts import CallView, Progress, Situation, depth_of, tainted_task
from policy.lattice import Bounds, meet
from policy.ruleset import RuleSet, place

_SEVERITY = list(Effect)
T = TypeVar("T")


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


def check_call(
    policies: RuleSet,
    run: Run,
    call: ToolCall,
    spec: ToolSpec | None,
    *,
    people: Snapshot,
    now: datetime,
    spending: Spending = UNKNOWN,
) -> Verdict:
    """Whether a reasoner's call may run: now, once people have countersigned it, or not."""
    if spec is not None and not spec.proposable:
        return refuse(policies, run, "only-people", f"{call.tool} is made by a person's click, never proposed")
    return _check(policies, run, call, spec, people=people, now=now, spending=spending, by_person=False)


def check_offer(
    policies: RuleSet,
    run: Run,
    call: ToolCall,
    spec: ToolSpec | None,
    *,
    people: Snapshot,
    now: datetime,
    spending: Spending = UNKNOWN,
) -> Verdict:
    """Whether a person's click may make this call. It needs a person whatever its effect; rules may ask for more."""
    if spec is None or spec.proposable:
        return check_call(policies, run, call, spec, people=people, now=now, spending=spending)
    return _check(policies, run, call, spec, people=people, now=now, spending=spending, by_person=True)


def _check(
    policies: RuleSet,
    run: Run,
    call: ToolCall,
    spec: ToolSpec | None,
    *,
    people: Snapshot,
    now: datetime,
    spending: Spending,
    by_person: bool,
) -> Verdict:
    if spec is None:
        return refuse(policies, run, "unknown-tool", f"there is no tool {call.tool}")
    if spec.version != call.version or spec.name != call.tool:
        return refuse(policies, run, "changed-tool", f"{call.tool} has changed since the call was proposed")
    if run.decision is None:
        return refuse(policies, run, "undecided", "policy has not decided about this run yet")
    agent = policies.agents.get(run.agent)
    if agent is None and policies.agents:
        return refuse(policies, run, "unknown-agent", f"there is no agent {run.agent} any more")
    if not run.decision.allowed:
        return Deny(
            text=run.decision.reason,
            reasons=run.decision.reasons,
            policy_hash=policies.hash,
            help=run.decision.help,
        )
    view = seen(policies, call, spec)
    bounds = bounds_now(policies, run, agent, view, decided=of_decision(run.decision), people=people, now=now)
    draws = call_draws(policies, run, view, people=people, now=now)
    if draws:
        bounds &= overdrawn(policies, draws, spending, now)
    return judge(
        Question(
            policies=policies,
            run=run,
            agent=agent,
            view=view,
            bounds=bounds,
            selectors=spec.selectors,
            by_person=by_person,
            draws=actions(draws),
        )
    )


def bounds_now(
    policies: RuleSet,
    run: Run,
    agent: Agent | None,
    view: CallView,
    *,
    decided: Bounds,
    people: Snapshot,
    now: datetime,
) -> Bounds:
    """What was decided, narrowed by what door and boundary say of this call at this moment."""
    tier = run.decision.tier if run.decision else Tier.PRODUCTION
    progress = Progress(
        run_id=run.run_id,
        iterations=run.iterations,
        cost_usd=run.cost_usd,
        tier=int(tier),
        tainted=_tainted(run),
        depth=depth_of(run.received),
    )
    task = run.received
    if run.agent and task.context.agent_slug != run.agent:
        task = replace(task, context=replace(task.context, agent_slug=run.agent))
    situation = Situation(
        task, standing=run.standing, people=people, groups=policies.groups, progress=progress, now=now, view=view
    )
    start = policies.start(agent) if agent else Bounds()
    return meet([decided, start, *policies.door(situation), *policies.boundary(situation)])


def judge(question: Question) -> Verdict:
    """The verdict, once all bounds are known."""
    for objection in _OBJECTIONS:
        verdict = objection(question)
        if verdict is not None:
            return verdict
    built_in = insisted(question.view, question.selectors, by_person=question.by_person)
    above_read = question.view.effect is not Effect.READ or question.by_person
    required = required_by(question.bounds.approvals if above_read else (), built_in)
    if not required:
        return Allow(
            reasons=question.bounds.reasons_for("tier"), policy_hash=question.policies.hash, draws=question.draws
        )
    policies = question.policies
    named = [name for one in required for name in one.policies]
    return RequireApproval(
        requirements=required,
        reasons=who_asks(question.bounds, required),
        policy_hash=policies.hash,
        hash=hash_of_asking(policies.contents(named), required),
        draws=question.draws,
    )


def refuse(policies: RuleSet, run: Run, rule: str, text: str) -> Deny:
    """A denial that no rule of the organization's says, but the house."""
    reason = Reason(policy=rule, file=BUILT_IN, line=0, sets="deny", to=text)
    help_ = helpers(policies, policies.agents.get(run.agent))
    return Deny(text=f"{text} ({rule})", reasons=(reason,), policy_hash=policies.hash, help=help_)


# ── Objections, in order ──────────────────────────────────────────────────────────────────────────────────────────────


def _denied(question: Question) -> Deny | None:
    denials = sorted(question.bounds.denials, key=lambda r: (r.file, r.line, r.policy))
    return _deny(question, denials[0].to, denials) if denials else None


def _beyond_tier(question: Question) -> Deny | None:
    effect, tier = question.view.effect, question.bounds.tier
    if question.by_person or admits(tier, effect):
        return None
    text = f"{question.target} would {_SAYS[effect]}, and this run may go up to {tier.label} only"
    return _deny(question, text, question.bounds.reasons_for("tier"))


_SAYS = {
    Effect.READ: "read",
    Effect.DRAFT: "draft a change",
    Effect.EXECUTE: "execute in a lent environment",
    Effect.CHANGE: "change something real",
}


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


_OBJECTIONS = (
    *(_denied, _beyond_tier, _no_tool, _only_by_change_request, _not_validated),
    *(_no_action_left, _refused_before),
)


def _same_class(record: CallRecord, call: ToolCall, *, exactly: bool) -> bool:
    """Same tool and resource. What people click themselves may come again with other arguments: a new head."""
    other = record.call
    if other.call_id == call.call_id or (other.tool, other.resource) != (call.tool, call.resource):
        return False
    return not exactly or dict(other.arguments) == dict(call.arguments)


# ── What is known of the call ─────────────────────────────────────────────────────────────────────────────────────────


def seen(policies: RuleSet, call: ToolCall, spec: ToolSpec) -> CallView:
    """The call with the worse of both effects, and with resource and labels as proposed and as the catalogue has them
    now; None where neither knows.
    """
    resource, labels = policies.catalogue.locate(spec, call.arguments)
    if labels is None and call.resource is not None and resource is None:
        labels = policies.catalogue.labels(call.resource)
    return CallView(
        call=call,
        effect=call.effect if call.effect is spec.effect else max(call.effect, spec.effect, key=_SEVERITY.index),
        resources=_known(call.resource, resource),
        labels=_known(call.labels, labels),
    )


def _known(proposed: T | None, now: T | None) -> tuple[T, ...] | None:
    if proposed is None or proposed == now:
        return None if now is None else (now,)
    return (proposed,) if now is None else (proposed, now)


def _tainted(run: Run) -> bool:
    seen = (record.observation for record in run.records)
    return tainted_task(run.received) or any(o is not None and o.trust is Trust.UNTRUSTED for o in seen)


def _deny(question: Question, text: str, reasons: Iterable[Reason]) -> Deny:
    said = tuple(reasons)
    where = f" ({place(said[0])})" if said else ""
    return Deny(
        text=f"{text}{where}",
        reasons=said,
        policy_hash=question.policies.hash,
        help=(*question.policies.excepted(said), *helpers(question.policies, question.agent)),
    )

"""The boundary: may this call be made, now? The door's answer bounds every answer here, and doubt denies.

The order of the questions is fixed, so that people are never asked about what policy refuses anyway: denials, tier,
tools, obligations, what a person has already refused in this run; only then who countersigns.
"""

from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from domain.agents import Agent
from domain.budgets import UNKNOWN, Spending
from domain.calls import ToolCall, ToolSpec
from domain.decisions import Allow, Deny, Reason, RequireApproval, Verdict
from domain.people import Snapshot
from domain.runs import Run
from domain.tasks import Trust
from domain.tiers import Effect, Tier
from policy.asking import BUILT_IN, hash_of_asking, insisted, required_by, who_asks
from policy.door import helpers, of_decision
from policy.drawing import actions, call_draws, overdrawn
from policy.facts import DANGEROUS, CallView, Progress, Situation, depth_of, tainted_task
from policy.lattice import Bounds, meet
from policy.objections import Question, objection
from policy.ruleset import RuleSet

_SEVERITY = list(Effect)
T = TypeVar("T")


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
    if agent is None and run.agent:
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
    denied = objection(question)
    if denied is not None:
        return denied
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


# ── What is known of the call ─────────────────────────────────────────────────────────────────────────────────────────


def seen(policies: RuleSet, call: ToolCall, spec: ToolSpec) -> CallView:
    """The call with the worse of both effects, and with resource and labels as proposed and as the catalogue has them
    now; None where neither knows, and where the catalogue has since let go of what a dangerous call is labelled by.
    """
    resource, labels = policies.catalogue.locate(spec, call.arguments)
    if labels is None and call.resource is not None and resource is None:
        labels = policies.catalogue.labels(call.resource)
    effect = call.effect if call.effect is spec.effect else max(call.effect, spec.effect, key=_SEVERITY.index)
    forgotten = labels is None and resource is not None and effect in DANGEROUS
    return CallView(
        call=call,
        effect=effect,
        resources=_known(call.resource, resource),
        labels=None if forgotten else _known(call.labels, labels),
    )


def _known(proposed: T | None, now: T | None) -> tuple[T, ...] | None:
    if proposed is None or proposed == now:
        return None if now is None else (now,)
    return (proposed,) if now is None else (proposed, now)


def _tainted(run: Run) -> bool:
    seen = (record.observation for record in run.records)
    heard = any(message.tainted for message in run.messages)
    return heard or tainted_task(run.received) or any(o is not None and o.trust is Trust.UNTRUSTED for o in seen)

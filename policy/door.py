"""The door's answer: may this task run at all, how far, with which tools, and who countersigns what it does."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from domain.agents import Agent
from domain.budgets import UNKNOWN, Draw, Spending
from domain.decisions import Constraints, PolicyDecision
from domain.people import Snapshot
from domain.tasks import Principal, Task
from policy.drawing import overdrawn, run_draws
from policy.facts import Progress, Situation, depth_of, tainted_task
from policy.lattice import Bounds, Claim, meet
from policy.ruleset import RuleSet, place
from policy.sources.limits import NO_TOOLS


class Tools(Protocol):
    """What the door needs of the tool catalogue."""

    def names(self) -> tuple[str, ...]:
        """Installed tools, sorted."""
        ...


def evaluate(
    policies: RuleSet,
    task: Task,
    agent: Agent | None,
    *,
    standing: Sequence[Principal],
    people: Snapshot,
    catalog: Tools,
    now: datetime,
    run_id: str = "",
    spending: Spending = UNKNOWN,
) -> PolicyDecision:
    """The decision about `task`: what `agent` is granted (None: everything), narrowed by every rule that applies."""
    draws = run_draws(policies, task, agent, run_id=run_id, standing=standing, people=people, now=now)
    bounds = door_bounds(policies, task, agent, standing=standing, people=people, now=now)
    if draws:
        bounds &= overdrawn(policies, draws, spending, now)
    return decision(policies, bounds, agent, catalog, draws)


def door_bounds(
    policies: RuleSet,
    task: Task,
    agent: Agent | None,
    *,
    standing: Sequence[Principal],
    people: Snapshot,
    now: datetime,
) -> Bounds:
    """The decision as bounds."""
    start = policies.start(agent) if agent else Bounds()
    fresh = Progress(tier=int(start.tier), tainted=tainted_task(task), depth=depth_of(task))
    routed = task if agent is None else replace(task, context=replace(task.context, agent_slug=agent.slug))
    situation = Situation(routed, standing=standing, people=people, groups=policies.groups, progress=fresh, now=now)
    return meet([start, *policies.door(situation)])


def decision(
    policies: RuleSet, bounds: Bounds, agent: Agent | None, catalog: Tools, draws: tuple[Draw, ...] = ()
) -> PolicyDecision:
    """The bounds as the answer that is recorded: tools resolved against what is installed, reasons in words."""
    return PolicyDecision(
        allowed=bounds.allowed,
        tier=bounds.tier,
        reason=_sentence(bounds),
        constraints=Constraints(
            max_iterations=bounds.max_iterations,
            timeout_s=bounds.timeout_s,
            deadline_s=bounds.deadline_s,
            budget_usd=bounds.budget_usd,
            max_actions=bounds.max_actions,
            max_tokens=bounds.max_tokens,
            allowed_tools=tuple(name for name in sorted(catalog.names()) if bounds.admits_tool(name)),
            denied_tools=tuple(sorted(bounds.denied_tools)),
            requires_pr=bounds.requires_pr,
            requires_validation=bounds.requires_validation,
        ),
        approvals=bounds.approvals if bounds.allowed else (),
        reasons=bounds.reasons,
        policy_hash=policies.hash,
        help=helpers(policies, agent),
        draws=draws if bounds.allowed else (),
        overruled=bounds.overruled,
    )


def helpers(policies: RuleSet, agent: Agent | None) -> tuple[str, ...]:
    """Who could help: the agent's owners, then the organization's approvers."""
    owners = agent.owners if agent else ()
    return tuple(dict.fromkeys((*owners, *(one.text for one in policies.approvers))))


def of_decision(decision: PolicyDecision) -> Bounds:
    """A recorded decision as bounds again."""
    limits = decision.constraints
    held = {
        "tier": decision.tier,
        "max_iterations": limits.max_iterations,
        "timeout": limits.timeout_s,
        "deadline": limits.deadline_s,
        "budget_usd": limits.budget_usd,
        "max_actions": limits.max_actions,
        "max_tokens": limits.max_tokens,
    }
    claims = [
        Claim(reason=reason, value=_globs(reason.to) if reason.sets in _LISTS else held.get(reason.sets))
        for reason in decision.reasons
    ]
    return Bounds(
        tier=decision.tier,
        max_iterations=limits.max_iterations,
        timeout_s=limits.timeout_s,
        deadline_s=limits.deadline_s,
        budget_usd=limits.budget_usd,
        max_actions=limits.max_actions,
        max_tokens=limits.max_tokens,
        allowed_tools=frozenset({limits.allowed_tools}),
        denied_tools=frozenset(limits.denied_tools),
        requires_pr=limits.requires_pr,
        requires_validation=limits.requires_validation,
        approvals=decision.approvals,
        claims=frozenset(claims),
    )


_LISTS = frozenset({"allowed_tools", "denied_tools"})


def _globs(said: str) -> tuple[str, ...]:
    """The list that a claim about tools spells."""
    return () if said == NO_TOOLS else tuple(said.split(", "))


def _sentence(bounds: Bounds) -> str:
    if bounds.denials:
        first = min(bounds.denials, key=lambda r: (r.file, r.line, r.policy))
        return f"{_ended(first.to)} ({place(first)})"
    setter = next((reason for reason in bounds.reasons if reason.sets == "tier"), None)
    by = f" ({place(setter)})" if setter else ""
    return f"May go up to {bounds.tier.label}{by}."


def _ended(text: str) -> str:
    return text if text.rstrip()[-1:] in {".", "!", "?"} else f"{text}."

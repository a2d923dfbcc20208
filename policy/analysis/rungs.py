"""Rungs that no record can reach: nobody puts the promotion to people, or nothing that counts can ever happen."""

from collections.abc import Iterator

from domain.agents import Agent, Earning
from domain.calls import ToolSpec
from domain.tiers import Effect, Tier, admits
from policy.analysis.ground import Diagnostic, Ground, Kind
from policy.globs import matches
from policy.matching import LABEL
from policy.sources.autonomy import PROMOTION, RAISE
from policy.sources.rules import Rule


def out_of_reach(ground: Ground) -> Iterator[Diagnostic]:
    """What stands between agents and their rungs, whatever their records show."""
    for agent in ground.policies.agents.values():
        below = agent.tier
        for number, rung in enumerate(agent.earns):
            said = [*_putting(agent, rung, ground)] if number == 0 else []
            said += _counting(agent, rung, below, ground)
            yield from (_diagnostic(agent, rung, problem, hint) for problem, hint in said)
            below = rung.tier


def _diagnostic(agent: Agent, rung: Earning, problem: str, hint: str) -> Diagnostic:
    return Diagnostic(
        kind=Kind.RUNG,
        policy=f"agent:{agent.slug}",
        file=rung.file,
        line=rung.line,
        problem=f"the rung {rung.tier.label} {problem}",
        suggestion=hint,
    )


# ── Who puts it to people ─────────────────────────────────────────────────────────────────────────────────────────────


def _putting(agent: Agent, rung: Earning, ground: Ground) -> Iterator[tuple[str, str]]:
    """That no agent can propose the promotion."""
    able = [other for other in ground.policies.agents.values() if PROMOTION in other.handles]
    if not able:
        hint = f"an agent with handles: [{PROMOTION}], tier: production and tools: [{RAISE}]"
        yield f"can never be granted: no agent handles tasks of type {PROMOTION}", hint
        return
    wrong = {other.slug: _unable(other, agent, rung, ground) for other in able}
    if all(wrong.values()):
        yield f"can never be granted: {'; '.join(f'{slug} {why}' for slug, why in wrong.items())}", ""


def _unable(other: Agent, agent: Agent, rung: Earning, ground: Ground) -> str:
    """Why that agent cannot raise this one; empty where nothing is certain to be in the way."""
    if not any(matches(pattern, RAISE) for pattern in other.tools):
        return f"handles {PROMOTION}, and {RAISE} is not among its tools"
    if max([other.tier, *(one.tier for one in other.earns)]) < Tier.PRODUCTION:
        return f"handles {PROMOTION} and starts from {other.tier.label}, and {RAISE} needs production"
    followers = ground.followers.get(PROMOTION, frozenset()) if ground.followers is not None else {other.slug}
    if other.slug not in followers:
        return f"handles {PROMOTION}, and no runbook of its own takes such tasks"
    for rule in ground.policies.rules:
        if _refuses(rule) and _certain(rule, other, agent, rung):
            return f"is kept from {RAISE} by {rule.id} ({rule.file}:{rule.line})"
    return ""


def _refuses(rule: Rule) -> bool:
    """Whether nothing that the rule matches may raise anybody."""
    bounds = rule.bounds
    return not bounds.allowed or not bounds.admits_tool(RAISE) or bounds.tier < Tier.PRODUCTION or bounds.requires_pr


def _certain(rule: Rule, other: Agent, agent: Agent, rung: Earning) -> bool:
    """Whether the rule is certain to match the raise, whoever asks for it."""
    known = {
        "agent": other.slug,
        "type": PROMOTION,
        "tool": RAISE,
        "effect": Effect.CHANGE,
        "resource": f"agent/{agent.slug}/{rung.tier.label}",
        f"{LABEL}kind": "autonomy",
    }
    fits = (name in known and any(matches(p, known[name]) for p in patterns) for name, patterns in rule.match.tests)
    return rule.when is None and all(fits)


# ── What counts ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _counting(agent: Agent, rung: Earning, below: Tier, ground: Ground) -> Iterator[tuple[str, str]]:
    """That none of the calls which it asks for can come to be approved."""
    names = [name for name in ground.tools.names() if any(matches(pattern, name) for pattern in agent.tools)]
    for pattern in rung.tools:
        if not any(matches(pattern, name) for name in names):
            yield f"asks for {pattern}, and {agent.slug} has no such tool", "name tools that it has"
    specs = [ground.tools.spec(name) for name in names if any(matches(pattern, name) for pattern in rung.tools)]
    counting = [spec for spec in specs if spec is not None and spec.effect is not Effect.READ]
    started = [spec for spec in counting if admits(below, spec.effect) or not spec.proposable]
    asked = [spec for spec in started if spec.effect is Effect.CHANGE or _asked(spec, agent, ground)]
    said = f"asks for {rung.approved} approved of {', '.join(rung.tools)}"
    if not specs or asked:
        return
    if not counting:
        yield f"{said}, and reading is never put to people", "name tools that draft, execute or change"
    elif not started:
        why = f"from {below.label} {agent.slug} may call none that does more than read"
        yield f"{said}, and {why}", "name tools that it may call before"
    else:
        names_ = ", ".join(spec.name for spec in started)
        yield f"{said}, and no rule asks people about {names_}: it counts only where taint asks", "add an `approve:`"


def _asked(spec: ToolSpec, agent: Agent, ground: Ground) -> bool:
    """Whether some rule may ask people about a call of this tool."""
    for rule in ground.policies.rules:
        tests = dict(rule.match.tests)
        tools, agents = tests.get("tool", ("*",)), tests.get("agent", ("*",))
        if (
            rule.bounds.approvals
            and any(matches(pattern, spec.name) for pattern in tools)
            and any(matches(pattern, agent.slug) for pattern in agents)
        ):
            return True
    return False

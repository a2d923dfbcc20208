"""`limit:` of a rule, and what an agent's grant comes to: bounds, each with the claim of who set it."""

from typing import TypedDict

from domain.agents import Agent, Earning
from domain.decisions import Reason
from domain.tiers import Tier
from policy.lattice import Bounds, Claim
from policy.matching import ReadPattern
from policy.reading.files import Fields, boolean, choice, duration, integer, money, several, spell_duration
from policy.reading.nodes import Faults

NO_TOOLS = "none"
TIERS = tuple(tier.label for tier in Tier)
# A rule about one call cannot bound the run it belongs to.
OF_THE_RUN = ("max_iterations", "timeout", "deadline", "budget_usd", "max_actions", "max_tokens")
_MOST_STEPS, _MOST_TOKENS = 10_000, 1_000_000_000
KEYS = ("tier", *OF_THE_RUN, "allowed_tools", "denied_tools", "requires_pr", "requires_validation")


class LimitsOfARun(TypedDict):
    """What `OF_THE_RUN` says, by the names of `Bounds` and `Agent`; None sets no limit."""

    max_iterations: int | None
    timeout_s: float | None
    deadline_s: float | None
    budget_usd: float | None
    max_actions: int | None
    max_tokens: int | None


def limits_of_a_run(fields: Fields) -> LimitsOfARun:
    """`OF_THE_RUN` as these fields set it: of a rule, or of an agent's grant."""
    return LimitsOfARun(
        max_iterations=fields.get("max_iterations", integer(0, _MOST_STEPS), None),
        timeout_s=fields.get("timeout", duration, None),
        deadline_s=fields.get("deadline", duration, None),
        budget_usd=fields.get("budget_usd", money, None),
        max_actions=fields.get("max_actions", integer(0, _MOST_STEPS), None),
        max_tokens=fields.get("max_tokens", integer(0, _MOST_TOKENS), None),
    )


def tier_named(label: str) -> Tier:
    """The tier of that name. Raises KeyError."""
    return Tier[label.upper()]


def read_limits(fields: Fields, tools: ReadPattern, faults: Faults) -> Bounds:
    """The bounds that `KEYS` of these fields set, without claims."""
    label = fields.get("tier", choice(*TIERS), None)
    allowed = fields.get("allowed_tools", several(tools), None)
    for duty in ("requires_pr", "requires_validation"):
        child = fields.child(duty)
        if child is not None and child.value is False:
            faults.at(child, "can only be true", "leave it out: a rule only narrows")
    return Bounds(
        tier=Tier.PRODUCTION if label is None else tier_named(label),
        **limits_of_a_run(fields),
        allowed_tools=frozenset() if allowed is None else frozenset({allowed}),
        denied_tools=frozenset(fields.get("denied_tools", several(tools), ())),
        requires_pr=fields.get("requires_pr", boolean, False),
        requires_validation=fields.get("requires_validation", boolean, False),
    )


def claims_of(bounds: Bounds, *, policy: str, file: str, line: int, tier: bool) -> frozenset[Claim]:
    """One claim for each limit that `bounds` sets. `tier` says whether the tier was set at all."""

    def claim(sets: str, to: str, value: object = None) -> Claim:
        return Claim(reason=Reason(policy=policy, file=file, line=line, sets=sets, to=to), value=value)

    said: list[Claim] = [claim("tier", bounds.tier.label, bounds.tier)] if tier else []
    if bounds.max_iterations is not None:
        said.append(claim("max_iterations", str(bounds.max_iterations), bounds.max_iterations))
    if bounds.timeout_s is not None:
        said.append(claim("timeout", spell_duration(bounds.timeout_s), bounds.timeout_s))
    if bounds.deadline_s is not None:
        said.append(claim("deadline", spell_duration(bounds.deadline_s), bounds.deadline_s))
    if bounds.budget_usd is not None:
        said.append(claim("budget_usd", f"{bounds.budget_usd:.2f}", bounds.budget_usd))
    if bounds.max_actions is not None:
        said.append(claim("max_actions", str(bounds.max_actions), bounds.max_actions))
    if bounds.max_tokens is not None:
        said.append(claim("max_tokens", str(bounds.max_tokens), bounds.max_tokens))
    said += [claim("allowed_tools", ", ".join(globs) or NO_TOOLS, globs) for globs in bounds.allowed_tools]
    if bounds.denied_tools:
        denied = tuple(sorted(bounds.denied_tools))
        said.append(claim("denied_tools", ", ".join(denied), denied))
    said += [claim(duty, "true") for duty in ("requires_pr", "requires_validation") if getattr(bounds, duty)]
    return frozenset(said)


def grant(agent: Agent, tier: Tier, rung: Earning | None = None) -> Bounds:
    """The start of every decision: what the agent is granted, from `tier` on, which `rung` may have raised."""
    bounds = Bounds(
        tier=tier,
        max_iterations=agent.max_iterations,
        timeout_s=agent.timeout_s,
        deadline_s=agent.deadline_s,
        budget_usd=agent.budget_usd,
        max_actions=agent.max_actions,
        max_tokens=agent.max_tokens,
        allowed_tools=frozenset({agent.tools}),
    )
    given = claims_of(bounds, policy=f"agent:{agent.slug}", file=agent.file, line=agent.line, tier=rung is None)
    if rung is None:
        return bounds & Bounds(claims=given)
    reason = Reason(policy=earned_by(agent.slug), file=rung.file, line=rung.line, sets="tier", to=tier.label)
    return bounds & Bounds(claims=given | {Claim(reason=reason, value=tier)})


def earned_by(slug: str) -> str:
    """The name under which reasons speak of what this agent has earned."""
    return f"earned:{slug}"

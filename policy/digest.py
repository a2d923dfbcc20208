"""The rules in words, for the reasoner: what bounds this run, so that it does not propose what will be refused.

Only what the organization's own files say; deterministic, and bounded, so that it can go into every prompt.
"""

from collections.abc import Iterable, Iterator

from domain.decisions import PolicyDecision
from domain.tiers import Effect, admits
from policy.globs import matches
from policy.lattice import Bounds
from policy.matching import LABEL
from policy.rules import Rule, spell_requirement
from policy.ruleset import RuleSet

MOST_RULES = 100
LONGEST = 12_000  # characters


def digest_of(policies: RuleSet, decision: PolicyDecision, agent: str) -> str:
    """The digest for a run under `decision`: its limits, then the rules about calls that can concern this agent."""
    lines = ["What policy allows in this run:", *(f"- {line}" for line in _limits(decision))]
    rules = [rule for rule in policies.rules if rule.at_boundary and _concerns(rule, agent)]
    if rules:
        lines += ["Rules about single calls:", *(f"- {words(rule)}" for rule in rules[:MOST_RULES])]
        if len(rules) > MOST_RULES:
            lines.append(f"- and {len(rules) - MOST_RULES} more, which the boundary applies")
    frozen = [f"- {freeze.words}" for freeze in (*policies.freezes, *policies.declared)]
    if frozen:
        lines += ["Change freezes:", *frozen]
    lines.append("A proposal that a rule refuses is answered with the rule; do not try it in another form.")
    said = "\n".join(lines)
    return said if len(said) <= LONGEST else said[:LONGEST].rpartition("\n")[0] + "\n- and more"


def words(rule: Rule) -> str:
    """One rule in a sentence: when it applies, and what follows."""
    described = f"{rule.describe} " if rule.describe else ""
    return f"{described}[{rule.id}: {_when(rule)}{_then(rule.bounds)}]"


def _limits(decision: PolicyDecision) -> Iterator[str]:
    limits, tier = decision.constraints, decision.tier
    effects = ", ".join(effect.value for effect in Effect if admits(tier, effect))
    yield f"tier {tier.label}: calls that {effects}"
    if limits.requires_pr:
        yield "changes only by change request; people merge"
    if limits.requires_validation:
        yield "a change request counts only once its exact head has passed its checks"
    if limits.max_iterations is not None:
        yield f"at most {limits.max_iterations} iterations"
    if limits.budget_usd is not None:
        yield f"at most ${limits.budget_usd:.2f}"
    if limits.denied_tools:
        yield f"never these tools: {', '.join(limits.denied_tools)}"
    for one in decision.approvals:
        yield f"every call above read needs {spell_requirement(one)}"


def _concerns(rule: Rule, agent: str) -> bool:
    return all(any(matches(p, agent) for p in patterns) for name, patterns in rule.match.tests if name == "agent")


def _when(rule: Rule) -> str:
    tests = [f"{_attribute(name)} is {_either(patterns)}" for name, patterns in rule.match.tests]
    if rule.when is not None:
        tests.append(rule.when.text)
    return f"when {' and '.join(tests)}: " if tests else "always: "


def _attribute(name: str) -> str:
    return f"label {name.removeprefix(LABEL)}" if name.startswith(LABEL) else name


def _either(patterns: Iterable[str]) -> str:
    return " or ".join(patterns)


def _then(bounds: Bounds) -> str:
    said = []
    for claim in sorted(bounds.claims, key=lambda c: (c.reason.sets, c.reason.to)):
        match claim.reason.sets:
            case "deny":
                said.append("denied")
            case "approve":
                said.append(f"needs {claim.reason.to}")
            case sets:
                said.append(f"{sets.replace('_', ' ')} {claim.reason.to}")
    return ", ".join(said)

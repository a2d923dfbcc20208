"""Requirements that cannot be met: nobody, or not enough people, may give the approval that is asked for."""

from collections.abc import Iterator

from domain.calls import ToolSpec
from domain.decisions import Approvers, Requirement
from domain.tiers import Effect, Tier
from policy.analysis.containment import within
from policy.analysis.ground import Diagnostic, Ground, Kind
from policy.globs import matches
from policy.sources.approvers import independent
from policy.sources.rules import Rule

_BUILT_IN = "a change needs one of the approvers other than the requester"


def too_few(rule: Rule, ground: Ground) -> Iterator[Diagnostic]:
    """The requirements of a rule that there are not enough people for."""
    for one in rule.bounds.approvals:
        most = _most(one, ground)
        if most is not None and most < one.count:
            there = {0: "there is nobody", 1: "there is one"}.get(most, f"there are {most}")
            problem = f"asks for {one.count} from {one.approvers.text}, and {there}: what it matches can never start"
            hint = "add members" if one.approvers.kind != "peer" else "name people under `approvers:`"
            yield Diagnostic(
                kind=Kind.NOBODY,
                policy=rule.id,
                file=rule.file,
                line=rule.line,
                problem=problem,
                suggestion=hint,
            )


def no_peers(ground: Ground) -> Iterator[Diagnostic]:
    """That `approvers:` is empty although some agent's tools need one of them."""
    peers = _people(Approvers(kind="peer"), ground)
    if peers is None or peers:
        return
    needing = sorted(spec.name for spec in _asking(ground) if not _asked_elsewhere(spec, ground))
    if needing:
        file, line = ground.approvers_at
        problem = f"names nobody, and {_BUILT_IN}: {', '.join(needing)} can never start"
        hint = 'like approvers: ["group:sre"], with members'
        yield Diagnostic(kind=Kind.NOBODY, policy="approvers", file=file, line=line, problem=problem, suggestion=hint)


def _asking(ground: Ground) -> Iterator[ToolSpec]:
    """The installed tools of which a call needs a person, and that some agent may come to call or offer."""
    for name in ground.tools.names():
        spec = ground.tools.spec(name)
        if spec is None or (spec.effect is not Effect.CHANGE and spec.proposable):
            continue
        for agent in ground.policies.agents.values():
            reached = agent.tier is Tier.PRODUCTION or not spec.proposable
            if reached and any(matches(pattern, name) for pattern in agent.tools):
                yield spec
                break


def _asked_elsewhere(spec: ToolSpec, ground: Ground) -> bool:
    """Whether a rule asks somebody else for every call of the tool: then the house asks nobody."""
    for rule in ground.policies.rules:
        if rule.when is None and any(independent(one.approvers) for one in rule.bounds.approvals):
            tests = dict(rule.match.tests)
            tools, effects = tests.pop("tool", ("*",)), tests.pop("effect", ("*",))
            every_effect = any(within("*", p) or (p == Effect.CHANGE and spec.effect is Effect.CHANGE) for p in effects)
            if not tests and every_effect and any(matches(pattern, spec.name) for pattern in tools):
                return True
    return False


def _most(one: Requirement, ground: Ground) -> int | None:
    """How many people there are at most for it; None where only the directory knows."""
    people = _people(one.approvers, ground)
    return None if people is None else len(people)


def _people(who: Approvers, ground: Ground) -> frozenset[str] | None:
    """Everybody who may count for it, the requester included; None where only the directory knows."""
    match who.kind:
        case "user":
            return frozenset({f"user:{who.name}"})
        case "group":
            return ground.groups.get(who.name or "", None)
        case "peer":
            return _union(ground.policies.approvers, ground)
        case "any" | "all":
            return _union(who.of, ground) if who.kind == "any" else _each(who.of, ground)
        case _:
            return None


def _union(parts: tuple[Approvers, ...], ground: Ground) -> frozenset[str] | None:
    found: frozenset[str] = frozenset()
    for part in parts:
        people = _people(part, ground)
        if people is None:
            return None
        found |= people
    return found


def _each(parts: tuple[Approvers, ...], ground: Ground) -> frozenset[str] | None:
    """Somebody of each part has to: nobody, if one part has nobody."""
    if any(_people(part, ground) == frozenset() for part in parts):
        return frozenset()
    return None

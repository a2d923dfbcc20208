"""`diagnose`: everything that is strange about rules that load."""

from collections.abc import Iterator

from policy.analysis.ground import Diagnostic, Ground, Kind
from policy.analysis.quorum import no_peers, too_few
from policy.analysis.reach import Reach
from policy.analysis.rungs import out_of_reach
from policy.analysis.shadows import Shadow, absorbed, shadows
from policy.lattice import Bounds
from policy.sources.rules import Rule


def diagnose(ground: Ground) -> tuple[Diagnostic, ...]:
    """Warnings and notes, by file and line. Pure; ten thousand rules take about as long as loading them."""
    return tuple(sorted(_all(ground), key=lambda found: (found.file, found.line, found.policy, found.kind)))


def _all(ground: Ground) -> Iterator[Diagnostic]:
    reach = Reach(ground)
    never: set[str] = set()
    for rule in ground.policies.rules:
        found = [*reach.of_rule(rule), *too_few(rule, ground), *_idle(rule)]
        never |= {one.policy for one in found if one.kind is Kind.NEVER}
        yield from found
    for freeze in ground.policies.freezes:
        yield from reach.of_freeze(freeze)
    yield from no_peers(ground)
    yield from out_of_reach(ground)
    looked = shadows(ground.policies)
    yield from (_shadowed(shadow) for shadow in looked.found if shadow.rule.id not in never)
    if looked.unseen:
        rules = ground.policies.rules
        problem = f"{looked.unseen} rules could be contained by too many others to look at them all"
        yield Diagnostic(kind=Kind.UNSEEN, policy="policies", file=rules[0].file, line=1, problem=problem)


def _shadowed(shadow: Shadow) -> Diagnostic:
    rule, by = shadow.rule, shadow.by
    problem = f"adds nothing: {by.id} ({by.file}:{by.line}) matches whatever it matches, and narrows as far"
    return Diagnostic(
        kind=Kind.SHADOWED,
        policy=rule.id,
        file=rule.file,
        line=rule.line,
        problem=problem,
        suggestion="remove it, or narrow the other",
    )


def _idle(rule: Rule) -> Iterator[Diagnostic]:
    if rule.when is None and rule.bounds.allowed and absorbed(rule.bounds, Bounds()):
        yield Diagnostic(
            kind=Kind.IDLE,
            policy=rule.id,
            file=rule.file,
            line=rule.line,
            problem="narrows nothing: it asks for no less than what is allowed anyway",
        )

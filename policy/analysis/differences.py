"""What one version of the rules says otherwise than another, piece by piece; and a version with one piece put back."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from domain.agents import Agent
from domain.canonical import digest
from policy.engine import PolicySet
from policy.index import Index
from policy.sources.freezes import Freeze
from policy.sources.rules import Rule

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One piece that differs, and where it stands in the newer version, or stood in the older.

    `kind`: rule | freeze | budget | agent | resources | approvers | groups; `change`: added | removed | changed.
    """

    kind: str
    name: str
    change: str
    file: str = ""
    line: int = 0

    @property
    def text(self) -> str:
        """`rule no-bulk (added)`."""
        return f"{self.kind} {self.name} ({self.change})" if self.name else f"{self.kind} ({self.change})"


def differences(old: PolicySet, new: PolicySet) -> tuple[Difference, ...]:
    """Every piece of `new` that is not as it is in `old`. Where it stands and how it is described do not count."""
    return (
        *_by_name("rule", _rules(old), _rules(new), lambda rule: rule.contents),
        *_by_name("freeze", _freezes(old), _freezes(new), lambda freeze: digest(freeze.canonical)),
        *_by_name("budget", old.budgets, new.budgets, lambda budget: digest(budget.canonical)),
        *_by_name("agent", old.agents, new.agents, _unplaced),
        *_whole(old, new),
    )


def put_back(difference: Difference, *, old: PolicySet, new: PolicySet) -> PolicySet:
    """`new`, with this one piece as it is in `old`."""
    match difference.kind:
        case "rule":
            return _with_rules(new, _swapped(difference.name, _rules(old), _rules(new)))
        case "freeze":
            freezes = _swapped(difference.name, _freezes(old), _freezes(new))
            return replace(new, freezes=tuple(freezes))
        case "budget":
            budgets = _swapped(difference.name, old.budgets, new.budgets)
            return replace(new, budgets={budget.id: budget for budget in budgets})
        case "agent":
            agents = _swapped(difference.name, old.agents, new.agents)
            return replace(new, agents={agent.slug: agent for agent in agents})
        case "resources":
            return replace(new, catalogue=old.catalogue)
        case "approvers":
            return replace(new, approvers=old.approvers)
        case _:
            return replace(new, groups=old.groups)


def _rules(policies: PolicySet) -> Mapping[str, Rule]:
    return {rule.id: rule for rule in policies.rules}


def _freezes(policies: PolicySet) -> Mapping[str, Freeze]:
    return {freeze.id: freeze for freeze in policies.freezes}


def _unplaced(agent: Agent) -> object:
    earns = tuple(replace(one, file="", line=0) for one in agent.earns)
    return replace(agent, file="", line=0, describe="", earns=earns)


def _by_name(kind: str, old: Mapping[str, T], new: Mapping[str, T], key: Callable[[T], object]) -> Iterator[Difference]:
    for name in sorted({*old, *new}):
        if name in old and name in new and key(old[name]) == key(new[name]):
            continue
        change = "added" if name not in old else "removed" if name not in new else "changed"
        at = new[name] if name in new else old[name]
        yield Difference(kind=kind, name=name, change=change, file=getattr(at, "file", ""), line=getattr(at, "line", 0))


def _whole(old: PolicySet, new: PolicySet) -> Iterator[Difference]:
    if old.catalogue != new.catalogue:
        yield Difference(kind="resources", name="", change="changed", file="resources.yaml", line=1)
    if old.approvers != new.approvers:
        yield Difference(kind="approvers", name="", change="changed", file="countersign.yaml", line=1)
    if _members(old) != _members(new):
        yield Difference(kind="groups", name="", change="changed", file="countersign.yaml", line=1)


def _members(policies: PolicySet) -> object:
    held = {principal: frozenset(groups) for principal, groups in policies.groups.groups_of.items()}
    return held, frozenset(policies.groups.hidden)


def _swapped(name: str, old: Mapping[str, T], new: Mapping[str, T]) -> Iterable[T]:
    kept = {key: value for key, value in new.items() if key != name}
    return (kept | {name: old[name]} if name in old else kept).values()


def _with_rules(policies: PolicySet, rules: Iterable[Rule]) -> PolicySet:
    listed = tuple(rules)
    return replace(
        policies,
        rules=listed,
        by_id={rule.id: rule for rule in listed},
        at_door=Index([rule for rule in listed if not rule.at_boundary]),
        at_boundary=Index([rule for rule in listed if rule.at_boundary]),
    )

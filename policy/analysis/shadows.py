"""Rules that add nothing, because another rule matches wherever they do and narrows at least as far.

Only rules of one voice are compared: what a compliance framework asks is worth saying though the organization does so.

Rules are filed under one attribute of their match, so that a rule is compared with the few that could contain it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from domain.decisions import Requirement
from policy.analysis.containment import GroupsOf, match_within, within
from policy.facts import ANYONE
from policy.globs import exact, prefix
from policy.lattice import Bounds, merged
from policy.ruleset import RuleSet
from policy.sources.rules import Rule

MOST_COMPARED = 200  # rules that one rule is compared with: a set where more could contain it is looked at in part


Voice = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """`rule` adds nothing to `by`."""

    rule: Rule
    by: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadows:
    """What was found; `unseen` rules could be contained by more rules than they were compared with."""

    found: tuple[Shadow, ...]
    unseen: int


def shadows(policies: RuleSet) -> Shadows:
    """The rules that could all be removed at once without changing what may happen, or what a refusal says."""
    ordered = sorted(policies.rules, key=_place)
    first: dict[object, Rule] = {}
    found = [
        Shadow(rule=rule, by=kept) for rule in ordered if (kept := first.setdefault(_says(rule), rule)) is not rule
    ]
    distinct = list(first.values())
    cabinet = _Cabinet(distinct, policies.groups.groups_of)
    unseen = 0
    for rule in distinct:
        others = list(islice(cabinet.could_contain(rule), MOST_COMPARED + 1))
        unseen += len(others) > MOST_COMPARED
        by = next((one for one in others[:MOST_COMPARED] if _hides(one, rule, policies.groups.groups_of)), None)
        if by is not None:
            found.append(Shadow(rule=rule, by=by))
    return Shadows(found=tuple(sorted(found, key=lambda shadow: _place(shadow.rule))), unseen=unseen)


def voice_of(rule: Rule) -> Voice:
    """Who says it: the organization, a framework, an agent's file, a repository."""
    return rule.header.origin, rule.header.name


def covers(one: Rule, other: Rule, groups_of: GroupsOf) -> bool:
    """Whether `other` adds nothing where `one` is: neither to what may happen, nor to what a refusal says."""
    before = _place(one) < _place(other)  # the first of several denials is the one that is shown
    if other.when is None and one.when is not None:
        return False
    if other.when is not None and not before:
        return False  # should it fail, it denies in its own words
    if other.when is not None and one.when is not None and one.when.text != other.when.text:
        return False
    if other.when is not None and one.when is None and one.bounds.allowed:
        return False  # should it fail, it denies, and `one` does not
    if not other.bounds.allowed and (one.bounds.allowed or not before):
        return False
    if one.bounds.allowed and not absorbed(other.bounds, one.bounds):
        return False
    return match_within(other.match, one.match, groups_of)


def absorbed(more: Bounds, held: Bounds) -> bool:
    """Whether `more` adds nothing to `held`. Who asked is no matter; denials are not looked at."""
    least = ("tier", "max_iterations", "timeout_s", "deadline_s", "budget_usd", "max_actions", "max_tokens")
    for name in least:
        wanted, there = getattr(more, name), getattr(held, name)
        if wanted is not None and (there is None or there > wanted):
            return False
    if (more.requires_pr and not held.requires_pr) or (more.requires_validation and not held.requires_validation):
        return False
    if not more.denied_tools <= held.denied_tools:
        return False
    if not all(
        _everything(globs) or any(_all_within(own, globs) for own in held.allowed_tools) for globs in more.allowed_tools
    ):
        return False
    asked = _asked(held)
    return merged((*asked, *_asked(more))) == asked


def _hides(one: Rule, other: Rule, groups_of: GroupsOf) -> bool:
    """Whether `other` is to be called shadowed by `one`: of two that cover each other, it is the later."""
    if one is other or voice_of(one) != voice_of(other) or not covers(one, other, groups_of):
        return False
    return _place(one) < _place(other) or not covers(other, one, groups_of)


def _all_within(inner: Sequence[str], outer: Sequence[str]) -> bool:
    return all(any(within(p, q) for q in outer) for p in inner)


def _everything(globs: Sequence[str]) -> bool:
    return any(within("*", glob) for glob in globs)


def _asked(bounds: Bounds) -> tuple[Requirement, ...]:
    return merged(replace(one, policies=()) for one in bounds.approvals)


def _says(rule: Rule) -> object:
    """Two rules of which this is equal say the same, but for the words of a denial."""
    bounds = replace(rule.bounds, claims=frozenset(), denials=frozenset(), approvals=_asked(rule.bounds))
    return voice_of(rule), rule.match, rule.when.text if rule.when else None, rule.bounds.allowed, bounds


def _place(rule: Rule) -> tuple[str, int, str]:
    return rule.file, rule.line, rule.id


@dataclass(slots=True)
class _Drawer:
    """The rules filed under one attribute: by the value they want, or by how the wanted values begin."""

    exact: dict[str, list[Rule]] = field(default_factory=lambda: defaultdict(list))
    heads: dict[str, list[Rule]] = field(default_factory=lambda: defaultdict(list))
    lengths: set[int] = field(default_factory=set)

    def find(self, pattern: str) -> Iterator[Rule]:
        head = prefix(pattern)
        if exact(pattern):
            yield from self.exact.get(pattern, ())
        for length in self.lengths:
            if length <= len(head):
                yield from self.heads.get(head[:length], ())


class _Cabinet:
    """Rules, to find those that could contain another: under that attribute whose patterns the fewest share.

    Within each drawer they lie by how little they test, so that those that contain most are found first.
    """

    def __init__(self, rules: Sequence[Rule], groups_of: GroupsOf) -> None:
        self._groups_of = groups_of
        self._anywhere: list[Rule] = []
        self._drawers: dict[str, _Drawer] = defaultdict(_Drawer)
        shared = Counter((name, p) for rule in rules for name, patterns in rule.match.tests for p in patterns)
        for rule in sorted(rules, key=lambda one: len(one.match.tests)):
            usable = [(name, ps) for name, ps in rule.match.tests if all(prefix(pattern) for pattern in ps)]
            if not usable:
                self._anywhere.append(rule)
                continue
            name, patterns = min(usable, key=lambda test: (sum(shared[test[0], p] for p in test[1]), test[0]))
            self._file(self._drawers[name], rule, patterns)

    def could_contain(self, rule: Rule) -> Iterator[Rule]:
        """Every rule that could, each once."""
        seen = {id(rule)}
        for one in self._found(rule):
            if id(one) not in seen:
                seen.add(id(one))
                yield one

    def _found(self, rule: Rule) -> Iterator[Rule]:
        yield from self._anywhere
        for name, patterns in rule.match.tests:
            for pattern in self._also(name, patterns[0]) if patterns and name in self._drawers else ():
                yield from self._drawers[name].find(pattern)

    def _also(self, name: str, pattern: str) -> tuple[str, ...]:
        """The pattern, and what else whoever fits it is called."""
        if name != "requester":
            return (pattern,)
        return (pattern, ANYONE, *(f"group:{group}" for group in self._groups_of.get(pattern, ())))

    @staticmethod
    def _file(drawer: _Drawer, rule: Rule, patterns: Sequence[str]) -> None:
        for pattern in patterns:
            if exact(pattern):
                drawer.exact[pattern].append(rule)
            else:
                drawer.heads[prefix(pattern)].append(rule)
                drawer.lengths.add(len(prefix(pattern)))

"""Finds the rules that could match, without looking at the others: ten thousand cost about what ten do.

Each rule is filed under one attribute of its `match`, the one whose patterns the fewest rules share; under the exact
values there, or the prefixes before the first `*`. Looking up asks each attribute for its values and their prefixes.
A rule without a usable attribute is looked at every time, and so is every rule filed under a value that is unknown.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from policy.globs import exact, prefix
from policy.matching import Facts, Match


class Matching(Protocol):
    """What can be indexed."""

    @property
    def match(self) -> Match: ...


R = TypeVar("R", bound=Matching)


@dataclass(slots=True)
class _Drawer(Generic[R]):
    """The rules filed under one attribute."""

    exact: dict[str, list[tuple[int, R]]] = field(default_factory=dict)
    prefixes: dict[int, dict[str, list[tuple[int, R]]]] = field(default_factory=dict)
    every: list[tuple[int, R]] = field(default_factory=list)

    def file(self, place: int, rule: R, patterns: Iterable[str]) -> None:
        self.every.append((place, rule))
        for pattern in patterns:
            if exact(pattern):
                self.exact.setdefault(pattern, []).append((place, rule))
            else:
                head = prefix(pattern)
                self.prefixes.setdefault(len(head), {}).setdefault(head, []).append((place, rule))

    def find(self, values: Iterable[str]) -> Iterator[tuple[int, R]]:
        for value in values:
            yield from self.exact.get(value, ())
            for length, heads in self.prefixes.items():
                if length <= len(value):
                    yield from heads.get(value[:length], ())


class Index(Generic[R]):
    """Rules by what they match."""

    def __init__(self, rules: Sequence[R]) -> None:
        self._always: list[tuple[int, R]] = []
        self._drawers: dict[str, _Drawer[R]] = {}
        shared = Counter(
            (name, pattern) for rule in rules for name, patterns in rule.match.tests for pattern in patterns
        )
        for place, rule in enumerate(rules):
            usable = [(n, ps) for n, ps in rule.match.tests if all(prefix(pattern) for pattern in ps)]
            if not usable:
                self._always.append((place, rule))
                continue
            name, patterns = min(usable, key=lambda test: (sum(shared[test[0], p] for p in test[1]), test[0]))
            self._drawers.setdefault(name, _Drawer()).file(place, rule, patterns)

    def candidates(self, facts: Facts) -> Iterator[R]:
        """Every rule that could match, once, in the order in which they were given."""
        found = dict(self._always)
        for name, drawer in self._drawers.items():
            values = facts.values(name)
            found.update(drawer.every if values is None else drawer.find(values))
        for place in sorted(found):
            yield found[place]

    def matching(self, facts: Facts) -> list[R]:
        """The rules whose `match` fits."""
        return [rule for rule in self.candidates(facts) if rule.match.fits(facts)]

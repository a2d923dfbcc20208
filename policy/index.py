"""Finds the rules that could match without looking at the others: ten thousand cost about what ten do.

Each rule is filed under one attribute of its `match`, the one whose patterns the fewest rules share: under the exact
values there, or under what every fitting value begins or ends with. Where more than a few rules share a place, they
are filed again there, by what is left of their matches; so rules that have each value in common with many others, but
not all of them, part too. What filing has established is not tested again.

Looking up costs, at each level, one look for each attribute, each value and each length of prefix or suffix in use;
then one test for each rule that shares its places with the question. It is linear in the rules that nothing tells
apart: those that match, those whose patterns begin and end with `*` or that match by condition alone, and, where a
value is unknown, all that are filed under it, for an unknown value fits them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeAlias, TypeVar

from policy.globs import exact, prefix, suffix
from policy.matching import Facts, Match, Tests, fit

FEW = 8


class Matching(Protocol):
    """What can be indexed."""

    @property
    def match(self) -> Match: ...


R = TypeVar("R", bound=Matching)

_Entry: TypeAlias = tuple[int, R, Tests]  # its place among the rules, the rule, and what of its match is to be tested


class Index(Generic[R]):
    """Rules by what they match."""

    def __init__(self, rules: Sequence[R], *, few: int = FEW) -> None:
        filing = _Filing(few)
        self._shelf = _Shelf([(n, rule, rule.match.tests) for n, rule in enumerate(rules)], frozenset(), filing)

    def candidates(self, facts: Facts) -> Iterator[R]:
        """Every rule that is looked at, in the order in which they were given."""
        for _, rule, _ in sorted(self._shelf.find(facts), key=_place):
            yield rule

    def matching(self, facts: Facts) -> list[R]:
        """The rules whose `match` fits, once, in the order in which they were given."""
        found = {place: rule for place, rule, tests in self._shelf.find(facts) if not tests or fit(tests, facts)}
        return [found[place] for place in sorted(found)]


def _place(entry: "_Entry[R]") -> int:
    return entry[0]


@dataclass(slots=True)
class _Filing:
    """How to file: how many rules may share a place, and what is left to test, each kept once."""

    few: int
    left: dict[Tests, Tests] = field(default_factory=dict)

    def without(self, tests: Tests, name: str) -> Tests:
        """The tests but those of this attribute."""
        left = tuple(test for test in tests if test[0] != name)
        return self.left.setdefault(left, left)


class _Shelf(Generic[R]):
    """Rules in drawers, by attribute; and those that no attribute, or none but those already used, can file."""

    def __init__(self, entries: Sequence["_Entry[R]"], used: frozenset[str], filing: _Filing) -> None:
        self._always: list[_Entry[R]] = []
        drawers: dict[str, _Drawer[R]] = {}
        popular = Counter((name, p) for _, _, tests in entries for name, ps in tests for p in ps)
        for entry in entries:
            usable = [test for test in entry[2] if test[0] not in used and all(map(_tells, test[1]))]
            if not usable or len(entries) <= filing.few:
                self._always.append(entry)
                continue
            name, patterns = min(usable, key=lambda test: (sum(popular[test[0], p] for p in test[1]), test[0]))
            drawers.setdefault(name, _Drawer()).file(entry, name, patterns, filing)
        for name, drawer in drawers.items():
            drawer.close(used | {name}, filing)
        self._drawers = tuple(drawers.items())

    def find(self, facts: Facts) -> list["_Entry[R]"]:
        """What could match, perhaps twice, and some that does not."""
        found = list(self._always)
        for name, drawer in self._drawers:
            values = facts.values(name)
            if values is None:
                found += drawer.every
            else:
                for value in values:
                    drawer.find(value, facts, found)
        return found


@dataclass(slots=True)
class _Drawer(Generic[R]):
    """The rules filed under one attribute: by value, and by length and text of what values begin or end with."""

    exact: dict[str, "_Place[R]"] = field(default_factory=dict)
    heads: dict[int, dict[str, "_Place[R]"]] = field(default_factory=dict)
    tails: dict[int, dict[str, "_Place[R]"]] = field(default_factory=dict)
    every: list["_Entry[R]"] = field(default_factory=list)

    def file(self, entry: "_Entry[R]", name: str, patterns: Iterable[str], filing: _Filing) -> None:
        """Put the entry under each of these patterns of its attribute."""
        number, rule, tests = entry
        if all(map(_tells_all, patterns)):
            entry = (number, rule, filing.without(tests, name))
        self.every.append(entry)
        for pattern in patterns:
            if exact(pattern):
                found, key = self.exact, pattern
            elif len(prefix(pattern)) >= len(suffix(pattern)):
                key = prefix(pattern)
                found = self.heads.setdefault(len(key), {})
            else:
                key = suffix(pattern)
                found = self.tails.setdefault(len(key), {})
            place = found.setdefault(key, [])
            if isinstance(place, list):  # it is, until the drawer is closed
                place.append(entry)

    def close(self, used: frozenset[str], filing: _Filing) -> None:
        """Nothing more is filed: crowded places become shelves."""
        for places in (self.exact, *self.heads.values(), *self.tails.values()):
            for key, place in places.items():
                if isinstance(place, list) and len(place) > filing.few:
                    places[key] = _Shelf(place, used, filing)

    def find(self, value: str, facts: Facts, found: list["_Entry[R]"]) -> None:
        """Add what is filed under this value."""
        if value in self.exact:
            _take(self.exact[value], facts, found)
        for length, heads in self.heads.items():
            if value[:length] in heads:
                _take(heads[value[:length]], facts, found)
        for length, tails in self.tails.items():
            if value[-length:] in tails:
                _take(tails[value[-length:]], facts, found)


_Place: TypeAlias = list[_Entry[R]] | _Shelf[R]


def _take(place: "_Place[R]", facts: Facts, found: list["_Entry[R]"]) -> None:
    found += place if isinstance(place, list) else place.find(facts)


def _tells(pattern: str) -> bool:
    """Whether a pattern says how fitting values begin or end."""
    return bool(prefix(pattern) or suffix(pattern))


def _tells_all(pattern: str) -> bool:
    """Whether that is all it says: then a value found under it fits."""
    return pattern.count("*") < 2 and not (prefix(pattern) and "*" in pattern and suffix(pattern))

"""The index finds what a look at every rule finds, however few share a place; what is unknown finds them all."""

import random
from dataclasses import dataclass

import pytest

from policy.index import Index
from policy.matching import Facts, Match, fit

PATTERNS = ("a", "ab", "b", "a*", "*b", "a*b", "*", "*a*", "ab*", "*ab")
VALUES = ("a", "b", "ab", "aab", "ba", "acb", "")
NAMES = ("tool", "type", "label:env")


@dataclass(frozen=True)
class Stub:
    """A rule by its match alone."""

    name: int
    match: Match


def stubs(rng: random.Random, count: int) -> list[Stub]:
    return [
        Stub(
            n,
            Match(
                tuple(
                    (name, tuple(rng.sample(PATTERNS, rng.choice([1, 1, 2, 3]))))
                    for name in NAMES
                    if rng.random() < 0.6
                )
            ),
        )
        for n in range(count)
    ]


def facts(rng: random.Random) -> Facts:
    known = {
        name: rng.choice([None, (), (rng.choice(VALUES),), tuple(rng.sample(VALUES, 2))])
        for name in NAMES
        if rng.random() < 0.8
    }
    return Facts(known=known, labels_known=rng.random() < 0.7)


@pytest.mark.parametrize("few", [0, 1, 3, 8])
def test_it_finds_what_fits_once_and_in_order(few: int) -> None:
    rng = random.Random(few)
    for _ in range(60):
        listed = stubs(rng, rng.choice([1, 5, 12, 30]))
        index = Index(listed, few=few)
        for _ in range(6):
            asked = facts(rng)
            fitting = [one for one in listed if fit(one.match.tests, asked)]
            assert index.matching(asked) == fitting
            looked_at = [one.name for one in index.candidates(asked)]
            assert looked_at == sorted(looked_at)
            assert set(looked_at) >= {one.name for one in fitting}


def test_what_is_unknown_fits_every_rule_that_speaks_of_it() -> None:
    listed = [Stub(n, Match((("tool", (f"t{n}",)),))) for n in range(50)]
    assert Index(listed).matching(Facts(known={"tool": None})) == listed
    assert Index(listed).matching(Facts(known={"tool": ("t7",)})) == [listed[7]]


def test_one_pattern_of_a_list_that_says_too_little_is_tested_again() -> None:
    listed = [Stub(n, Match((("tool", ("x", "a*b")),))) for n in range(20)]
    assert Index(listed).matching(Facts(known={"tool": ("ac",)})) == []
    assert Index(listed).matching(Facts(known={"tool": ("acb",)})) == listed


def test_of_many_rules_few_are_looked_at() -> None:
    crowd = [
        Stub(n, Match((("tool", (f"t{n % 10}",)), ("type", (f"y{n // 10}",)), ("label:env", ("prod", "d*")))))
        for n in range(1000)
    ]
    asked = Facts(known={"tool": ("t3",), "type": ("y7",), "label:env": ("prod",)})
    assert len(list(Index(crowd).candidates(asked))) <= 10
    tails = [Stub(n, Match((("tool", (f"*-{n % 10}",)), ("type", (f"y{n // 10}-*",))))) for n in range(1000)]
    asked = Facts(known={"tool": ("x-3",), "type": ("y7-z",)})
    assert len(list(Index(tails).candidates(asked))) <= 10

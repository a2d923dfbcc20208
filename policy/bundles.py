"""The rules by the tasks that they can concern, so that saying what bounds one run does not look at every rule."""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.canonical import digest
from policy.globs import fits_any
from policy.matching import Facts, Tests
from policy.sources.headers import Origin
from policy.sources.rules import Rule

OF_TASKS = frozenset({"source", "type", "agent", "repository", "requester"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Rules of one origin that ask the same of a task, by id. `hash` names all that they say, as words have it."""

    origin: Origin
    tests: Tests
    rules: tuple[Rule, ...]
    hash: str

    def concerns(self, facts: Facts) -> bool:
        """Whether these rules can apply to such a task, or to some call of it. What a task lacks fits nothing."""
        return all(fits_any(patterns, facts.values(name) or ()) for name, patterns in self.tests)


def bundled(rules: Iterable[Rule]) -> tuple[Bundle, ...]:
    """Each rule in its bundle; the same bundles whatever order and files the rules are in."""
    found: dict[tuple[Origin, Tests], list[Rule]] = {}
    for rule in rules:
        tests = tuple(sorted((name, tuple(sorted(said))) for name, said in rule.match.tests if name in OF_TASKS))
        found.setdefault((rule.header.origin, tests), []).append(rule)
    return tuple(_bundle(origin, tests, listed) for (origin, tests), listed in sorted(found.items()))


def _bundle(origin: Origin, tests: Tests, rules: list[Rule]) -> Bundle:
    listed = tuple(sorted(rules, key=lambda rule: rule.id))
    said = [[rule.contents, rule.stands_for, rule.describe] for rule in listed]
    return Bundle(origin=origin, tests=tests, rules=listed, hash=digest([origin.value, said]))

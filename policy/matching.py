"""`match:` of rules and freezes: every key given must fit; a list is any-of; `*` globs; what is omitted is anything."""

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from domain.tasks import Source
from domain.tiers import Effect
from policy.globs import exact, fits_any, matches
from policy.reading.files import Fields, Read, label, nearest, several, text
from policy.reading.nodes import Faults, Node

KEYS = ("source", "type", "agent", "repository", "requester", "tool", "effect", "resource", "labels")
LABEL = "label:"  # attributes of the form `label:env`
_BOUNDARY = frozenset({"tool", "effect", "resource"})
MOST_PATTERNS = 1_000  # of one key: each is compared with every known name
_NAME = re.compile(r"[A-Za-z0-9_.@:/*+ -]{1,200}")  # ASCII: two names must not look alike
_PRINCIPAL = re.compile(r"(?:user|token|group):[A-Za-z0-9*][A-Za-z0-9_.@*-]{0,79}|anyone|nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names that rules may use; None where they are not known, and any will do."""

    groups: Collection[str] | None = None
    agents: Collection[str] | None = None
    tools: Collection[str] | None = None


Tests = tuple[tuple[str, tuple[str, ...]], ...]  # attribute and patterns


@dataclass(frozen=True, slots=True)
class Match:
    """Attribute -> patterns, any of which must fit. Labels are attributes of their own: `label:env`."""

    tests: Tests = ()

    @property
    def at_boundary(self) -> bool:
        """Whether it speaks of a call."""
        return any(attribute in _BOUNDARY or attribute.startswith(LABEL) for attribute, _ in self.tests)

    def speaks_of(self, attribute: str) -> bool:
        """Whether the attribute is tested."""
        return any(name == attribute for name, _ in self.tests)

    def fits(self, facts: "Facts") -> bool:
        """Whether every test fits."""
        return fit(self.tests, facts)

    @property
    def canonical(self) -> Mapping[str, list[str]]:
        """As JSON."""
        return {attribute: sorted(patterns) for attribute, patterns in self.tests}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a task and, at the boundary, of a call: attribute -> values. A value of None is unknown."""

    known: Mapping[str, tuple[str, ...] | None]
    labels_known: bool = True

    def values(self, attribute: str) -> tuple[str, ...] | None:
        """The values of an attribute; () where there is none, None where nobody knows."""
        if attribute in self.known:
            return self.known[attribute]
        return None if attribute.startswith(LABEL) and not self.labels_known else ()


def fit(tests: Tests, facts: Facts) -> bool:
    """Whether every test fits. An unknown value fits every pattern; a value that is not there fits none."""
    known = facts.known
    for attribute, patterns in tests:
        values = known[attribute] if attribute in known else facts.values(attribute)
        if values is not None and not fits_any(patterns, values):
            return False
    return True


def nearly(pattern: str, known: Collection[str]) -> bool:
    """Whether a pattern that fits no known tool looks like a slip of the pen: `git.comit`, `servce.*`."""
    families = {name.partition(".")[0] + ".*" for name in known}
    return bool(difflib.get_close_matches(pattern, {*known, *families} - {pattern}, n=1, cutoff=0.85))


def read_match(names: Names) -> "ReadMatch":
    """A reader of `match:`."""
    return ReadMatch(names)


class ReadMatch:
    """Reads `{effect: [change], labels: {env: prod}, tool: ["service.*"]}`."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def __call__(self, node: Node, faults: Faults) -> Match | None:
        fields = Fields(node, faults, *KEYS)
        tests: list[tuple[str, tuple[str, ...]]] = []
        for key in KEYS:
            if key == "labels":
                tests += self._labels(fields.child(key), faults)
            elif key in fields:
                tests.append((key, fields.get(key, _some(several(self._pattern(key), lone=True)), ())))
        return Match(tuple(tests))

    def _labels(self, node: Node | None, faults: Faults) -> list[tuple[str, tuple[str, ...]]]:
        if node is None:
            return []
        if not isinstance(node.value, Mapping):
            faults.at(node, f"must be a mapping of labels, not {node.kind}", "like {env: prod}")
            return []
        if not node.value:
            faults.at(node, "names no label", "leave the key out to match anything")
        read = _some(several(label, lone=True))
        return [(LABEL + name, read(value, faults) or ()) for name, value in node.value.items()]

    def _pattern(self, key: str) -> "ReadPattern":
        names = self._names
        match key:
            case "source":
                return ReadPattern("source", [source.value for source in Source])
            case "effect":
                return ReadPattern("effect", [effect.value for effect in Effect])
            case "agent":
                return ReadPattern("agent", names.agents)
            case "tool":
                return ReadPattern("tool", names.tools)
            case "requester":
                return ReadPattern("requester", names.groups)
            case _:
                return ReadPattern(key, None)


def _some(reader: Read[tuple[str, ...]]) -> Read[tuple[str, ...]]:
    """The same list, of at least one and not too many."""

    def read_some(node: Node, faults: Faults) -> tuple[str, ...] | None:
        if node.value == ():
            faults.at(node, "names nothing that could match", "leave the key out to match anything")
        if isinstance(node.value, tuple) and len(node.value) > MOST_PATTERNS:
            faults.at(node, f"names more than {MOST_PATTERNS}", "use a pattern, a group or a label")
            return None
        return reader(node, faults)

    return read_some


class ReadPattern:
    """Reads one pattern. Where the names are known, at least one of them must fit it."""

    def __init__(self, what: str, known: Collection[str] | None) -> None:
        self._what, self._known = what, known

    def __call__(self, node: Node, faults: Faults) -> str | None:
        pattern = text(node, faults)
        if pattern is None:
            return None
        if self._what == "requester":
            return self._requester(pattern, node, faults)
        if not _NAME.fullmatch(pattern):
            faults.at(node, f"{pattern!r} is not a name or a pattern of names")
            return None
        if self._known is None or any(matches(pattern, name) for name in self._known):
            return pattern
        if self._what != "tool" or nearly(pattern, self._known):
            what = f'there is no {self._what} "{pattern}"'
            problem = what if exact(pattern) else f'no {self._what} fits "{pattern}"'
            faults.at(node, problem, nearest(pattern, self._known))
            return None
        return pattern  # a tool that is not installed here may be elsewhere, or one day

    def _requester(self, pattern: str, node: Node, faults: Faults) -> str | None:
        if not _PRINCIPAL.fullmatch(pattern):
            faults.at(node, f"{pattern!r} names no requester", "user:ID, group:NAME, token:NAME, anyone or nobody")
            return None
        kind, _, name = pattern.partition(":")
        if kind == "group" and self._known is not None and not any(matches(name, group) for group in self._known):
            faults.at(node, f'there is no group "{name}"', nearest(name, self._known))
            return None
        return pattern

"""Rules as CONTRACT section 5 writes them, read strictly. A rule only ever narrows.

A rule whose `match` or `when` speaks of a call is judged at the boundary and narrows that call; every other rule is
judged at the door and holds for the run.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.canonical import digest
from domain.decisions import Reason, Requirement
from policy.approvers import requirement
from policy.calendars import read_freeze
from policy.conditions.condition import Condition, condition
from policy.files import Fields, choice, integer, several, spell_duration, text
from policy.freezes import Freeze
from policy.lattice import Bounds, Claim, canonical_requirement, merged
from policy.limits import KEYS as LIMITS
from policy.limits import OF_THE_RUN, claims_of, read_limits
from policy.matching import Match, Names, ReadPattern, read_match
from policy.nodes import Faults, Node, read
from policy.shapes import RULE_ROOTS
from policy.subjects import Case, read_case

LEVELS = ("organization", "agent", "resource")
KEYS = ("id", "level", "describe", "match", "when", "limit", "approve", "deny", "tests")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `bounds` is what it adds to a decision that it applies to."""

    id: str
    level: str
    describe: str
    match: Match
    when: Condition | None
    bounds: Bounds
    file: str
    line: int
    contents: str  # digest of what it says; not of where it stands or how it is described
    cases: tuple[Case, ...] = ()

    @property
    def at_boundary(self) -> bool:
        """Whether it speaks of a call."""
        return self.match.at_boundary or (self.when is not None and self.when.reads("call"))

    def failed(self, why: str) -> Bounds:
        """What it adds when its condition cannot be evaluated: a denial."""
        said = f"the condition of {self.id} cannot be evaluated: {why}"
        return denial(Reason(policy=self.id, file=self.file, line=self.line, sets="deny", to=said))


def denial(reason: Reason) -> Bounds:
    """Bounds that allow nothing."""
    return Bounds(denials=frozenset({reason}), claims=frozenset({Claim(reason=reason)}))


def read_policies(
    texts: Iterable[tuple[str, str]], names: Names, faults: Faults
) -> tuple[tuple[Rule, ...], tuple[Freeze, ...]]:
    """The rules and freezes of all files, in order. Ids are unique in the organization."""
    rules: list[Rule] = []
    freezes: list[Freeze] = []
    taken: dict[str, str] = {}
    for file, said in texts:
        node = read(file, said, faults)
        if node is None:
            continue
        fields = Fields(node, faults, "version", "policies", "freezes")
        fields.need("version", integer(1, 1))
        rules += fields.get("policies", several(ReadRule(names, taken)), ())
        for freeze in fields.get("freezes", several(read_freeze(names)), ()):
            _unique(freeze.id, freeze.file, freeze.line, taken, faults)
            freezes.append(freeze)
    return tuple(rules), tuple(freezes)


class ReadRule:
    """Reads one entry of `policies:`; `taken` holds the ids seen so far, with their places."""

    def __init__(self, names: Names, taken: dict[str, str]) -> None:
        self._names, self._taken = names, taken

    def __call__(self, node: Node, faults: Faults) -> Rule | None:
        before = len(faults)
        fields = Fields(node, faults, *KEYS)
        name = fields.need("id", _identifier)
        at = fields.child("id") or node
        if name is not None:
            _unique(name, at.file, at.line, self._taken, faults)
        match = fields.get("match", read_match(self._names), Match())
        when = fields.get("when", condition(RULE_ROOTS), None)
        draft = Rule(
            id=name or "",
            level=fields.get("level", choice(*LEVELS), LEVELS[0]),
            describe=fields.get("describe", text, ""),
            match=match,
            when=when,
            bounds=Bounds(),
            file=at.file,
            line=at.line,
            contents="",
            cases=fields.get("tests", several(read_case), ()),
        )
        rule = replace(draft, bounds=self._bounds(fields, draft, faults))
        return replace(rule, contents=contents_of(rule)) if len(faults) == before else None

    def _bounds(self, fields: Fields, rule: Rule, faults: Faults) -> Bounds:
        given = [key for key in ("deny", "limit", "approve") if key in fields]
        if not given or ("deny" in given and len(given) > 1):
            faults.at(fields.node, "must have one of deny, limit, approve (or limit and approve)")
        said = fields.get("deny", text, None)
        if said is not None:
            return denial(_reason(rule, "deny", said))
        return self._limit(fields.child("limit"), rule, faults) & self._approve(fields, rule, faults)

    def _limit(self, node: Node | None, rule: Rule, faults: Faults) -> Bounds:
        if node is None:
            return Bounds()
        fields = Fields(node, faults, *LIMITS)
        if isinstance(node.value, Mapping) and not node.value:
            faults.at(node, "limits nothing", f"any of {', '.join(LIMITS)}")
        for key in OF_THE_RUN:
            child = fields.child(key)
            if child is not None and rule.at_boundary:
                why = "bounds a run, but this rule speaks of a call (tool, effect, resource, labels, or call in when)"
                faults.at(child, why, "put it in a rule of its own")
        bounds = read_limits(fields, ReadPattern("tool", self._names.tools), faults)
        claims = claims_of(bounds, policy=rule.id, file=rule.file, line=rule.line, tier="tier" in fields)
        return replace(bounds, claims=claims)

    def _approve(self, fields: Fields, rule: Rule, faults: Faults) -> Bounds:
        if "approve" not in fields:
            return Bounds()
        asked = fields.get("approve", several(requirement(self._names.groups, rule.id)), None)
        child = fields.child("approve")
        if asked is not None and child is not None and not child.value:
            faults.at(child, "asks nobody", 'like [{from: "group:sre", count: 2}]')
        required = merged(asked or ())
        claims = frozenset(Claim(reason=_reason(rule, "approve", spell_requirement(one))) for one in required)
        return Bounds(approvals=required, claims=claims)


def spell_requirement(one: Requirement) -> str:
    """`2 from group:sre within 4h`."""
    return f"{one.count} from {one.approvers.text} within {spell_duration(one.within_s)}"


def _reason(rule: Rule, sets: str, to: str) -> Reason:
    return Reason(policy=rule.id, file=rule.file, line=rule.line, sets=sets, to=to)


def contents_of(rule: Rule) -> str:
    """Digest of what a rule says; not of where it stands or how it is described."""
    bounds = rule.bounds
    said: Mapping[str, Any] = {
        "id": rule.id,
        "match": rule.match.canonical,
        "when": rule.when.text if rule.when else None,
        "limits": sorted([c.reason.sets, c.reason.to] for c in bounds.claims),
        "approvals": [canonical_requirement(one) for one in bounds.approvals],
    }
    return digest(said)


def _identifier(node: Node, faults: Faults) -> str | None:
    name = text(node, faults)
    if name is not None and not _ID.fullmatch(name):
        faults.at(node, f"{name!r} is not an id: letters, digits, dots, dashes and underscores")
        return None
    return name


def _unique(name: str, file: str, line: int, taken: dict[str, str], faults: Faults) -> None:
    if name in taken:
        faults.add(file, line, 1, "id", f'"{name}" is taken', f"first at {taken[name]}")
    taken.setdefault(name, f"{file}:{line}")

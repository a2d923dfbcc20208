"""Rules as `docs/policy.md` writes them, read strictly. A rule only ever narrows.

A rule whose `match` or `when` speaks of a call is judged at the boundary and narrows that call; every other rule is
judged at the door and holds for the run.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.canonical import digest
from domain.decisions import Reason, Requirement
from policy.conditions.condition import Condition, condition
from policy.conditions.shapes import RULE_ROOTS
from policy.lattice import Bounds, Claim, canonical_requirement, merged
from policy.matching import Match, Names, ReadPattern, read_match
from policy.reading.files import Fields, choice, integer, several, spell_duration, text
from policy.reading.nodes import Faults, Node, read
from policy.sources.approvers import requirement
from policy.sources.budgets import Budget, read_budget
from policy.sources.calendars import read_freeze
from policy.sources.freezes import Freeze
from policy.sources.headers import KEYS as HEADERS
from policy.sources.headers import PLAIN, Header, Origin, read_control, read_header
from policy.sources.limits import KEYS as LIMITS
from policy.sources.limits import OF_THE_RUN, claims_of, read_limits
from policy.sources.subjects import Case, read_case

LEVELS = ("organization", "agent", "resource")
KEYS = ("id", "level", "control", "describe", "match", "when", "limit", "approve", "deny", "tests")
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
    header: Header = PLAIN
    control: str = ""  # of its header's framework

    @property
    def stands_for(self) -> str:
        """The framework, and the control of it, that the rule stands for: `soc2 CC6.1`; nothing for other rules."""
        return f"{self.header.name} {self.control}".strip() if self.header.origin is Origin.FRAMEWORK else ""

    @property
    def at_boundary(self) -> bool:
        """Whether it speaks of a call."""
        return self.match.at_boundary or (self.when is not None and self.when.reads("call"))

    def failed(self, why: str) -> Bounds:
        """What it adds when its condition cannot be evaluated: a denial."""
        said = f"the condition of {self.id} cannot be evaluated: {why}"
        return denial(_reason(self, "deny", said))


def denial(reason: Reason) -> Bounds:
    """Bounds that allow nothing."""
    return Bounds(denials=frozenset({reason}), claims=frozenset({Claim(reason=reason)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Laws:
    """What the files of `policies/` say, in order."""

    rules: tuple[Rule, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    budgets: tuple[Budget, ...] = ()
    headers: tuple[Header, ...] = ()


def read_policies(
    texts: Iterable[tuple[str, str]], names: Names, faults: Faults, taken: dict[str, str] | None = None
) -> Laws:
    """The rules, freezes and headers of all files. Ids are unique in the organization: `taken` holds others'."""
    rules: list[Rule] = []
    freezes: list[Freeze] = []
    budgets: list[Budget] = []
    headers: list[Header] = []
    taken = {} if taken is None else taken
    for file, said in texts:
        node = read(file, said, faults)
        if node is None:
            continue
        fields = Fields(node, faults, "version", *HEADERS, "policies", "freezes", "budgets")
        fields.need("version", integer(1, 1))
        header = read_header(fields, names, faults)
        headers += [header] if header is not PLAIN else []
        rules += fields.get("policies", several(ReadRule(names, taken, header)), ())
        for freeze in fields.get("freezes", several(read_freeze(names)), ()):
            unique(freeze.id, freeze.file, freeze.line, taken, faults)
            freezes.append(freeze)
        budgets += read_budgets(fields.child("budgets"), names, taken, faults)
    return Laws(rules=tuple(rules), freezes=tuple(freezes), budgets=tuple(budgets), headers=tuple(headers))


def read_budgets(node: Node | None, names: Names, taken: dict[str, str], faults: Faults) -> tuple[Budget, ...]:
    """`budgets:` of a file of rules, or of countersign.yaml."""
    found = several(read_budget(names, _identifier))(node, faults) if node is not None else None
    for budget in found or ():
        unique(budget.id, budget.file, budget.line, taken, faults)
    return found or ()


class ReadRule:
    """Reads one entry of `policies:`, or of an agent's `rules:`; `taken` holds the ids so far, with their places."""

    def __init__(self, names: Names, taken: dict[str, str], header: Header = PLAIN) -> None:
        self._names, self._taken, self._header = names, taken, header

    def __call__(self, node: Node, faults: Faults) -> Rule | None:
        before = len(faults)
        fields = Fields(node, faults, *KEYS)
        name = fields.need("id", _identifier)
        at = fields.child("id") or node
        if name is not None:
            unique(name, at.file, at.line, self._taken, faults)
        match = self._implied(fields.get("match", read_match(self._names), Match()), fields, faults)
        when = fields.get("when", condition(RULE_ROOTS), None)
        draft = Rule(
            id=name or "",
            level=fields.get("level", choice(*LEVELS), self._header.level),
            describe=fields.get("describe", text, ""),
            match=match,
            when=when,
            bounds=Bounds(),
            file=at.file,
            line=at.line,
            contents="",
            cases=fields.get("tests", several(read_case), ()),
            header=self._header,
            control=fields.get("control", read_control(self._header), ""),
        )
        rule = replace(draft, bounds=self._bounds(fields, draft, faults))
        return finished(rule) if len(faults) == before else None

    def _implied(self, match: Match, fields: Fields, faults: Faults) -> Match:
        """The match with what the header implies. A rule may repeat that, not say otherwise."""
        implied = dict(self._header.implied)
        own = [(name, patterns) for name, patterns in match.tests if patterns != implied.get(name)]
        for name, _ in own:
            if name in implied:
                child = fields.child("match")
                at = child.value[name] if child is not None and isinstance(child.value, Mapping) else fields.node
                what = f"these rules are about {name} {', '.join(implied[name])} only"
                faults.at(at, what, "leave the key out, or put the rule elsewhere")
        return Match((*implied.items(), *own)) if implied else match

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


def finished(rule: Rule) -> Rule:
    """The rule, named by its contents; and where it stands for a framework, all that it claims says so."""
    stands_for, bounds = rule.stands_for, rule.bounds
    if stands_for:
        claims = frozenset(replace(c, reason=replace(c.reason, control=stands_for)) for c in bounds.claims)
        rule = replace(rule, bounds=replace(bounds, claims=claims))
    return replace(rule, contents=contents_of(rule))


def _reason(rule: Rule, sets: str, to: str) -> Reason:
    return Reason(policy=rule.id, file=rule.file, line=rule.line, sets=sets, to=to, control=rule.stands_for)


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


def unique(name: str, file: str, line: int, taken: dict[str, str], faults: Faults) -> None:
    """A fault where the name is taken already; it is taken now."""
    if name in taken:
        faults.add(file, line, 1, "id", f'"{name}" is taken', f"first at {taken[name]}")
    taken.setdefault(name, f"{file}:{line}")

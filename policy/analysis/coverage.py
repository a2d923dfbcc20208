"""What the cases beside the rules exercise: which rules apply in one of them, and change what it is answered.

A rule is exercised when some case fits its match, when cases see its condition both hold and not hold, and when the
answer to some case would be another one without it: among all rules, or among those that speak with its voice, for a
framework may well say again what the organization says. A freeze likewise, in a case whose time is within it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from domain.people import Snapshot
from policy.analysis.shadows import Voice, voice_of
from policy.conditions.condition import ConditionFailed
from policy.engine import PolicySet
from policy.explaining.explain import Explanation, Tools, as_json, explain
from policy.facts import Situation
from policy.index import Index
from policy.lattice import Bounds
from policy.matching import Facts
from policy.sources.freezes import Freeze
from policy.sources.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A rule or freeze that the cases do not exercise, and in what way."""

    policy: str
    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.policy}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many rules and freezes there are, and which of them are not exercised."""

    rules: int
    gaps: tuple[Gap, ...]

    @property
    def exercised(self) -> int:
        return self.rules - len(self.gaps)


def coverage(policies: PolicySet, *, people: Snapshot, catalog: Tools, now: datetime) -> Coverage:
    """What the cases of all rules exercise together."""
    witness = _Witness.of(policies)
    decisive: set[str] = set()
    for rule in policies.rules:
        for case in rule.cases:
            witness.seen.applied.clear()
            before = outcome(explain(witness, case.given, people=people, catalog=catalog, now=now))
            for name in sorted(witness.seen.applied - decisive):
                after = outcome(explain(_without(policies, name), case.given, people=people, catalog=catalog, now=now))
                if after == before and name in policies.by_id:
                    voice = voice_of(policies.by_id[name])
                    alone, less = _speaking(policies, voice), _speaking(policies, voice, but=name)
                    one, other = (
                        explain(p, case.given, people=people, catalog=catalog, now=now) for p in (alone, less)
                    )
                    decisive |= {name} if outcome(one) != outcome(other) else set()
                elif after != before:
                    decisive.add(name)
    written = [rule for rule in policies.rules if ":" not in rule.id]  # the others follow from what agents may earn
    entries: tuple[Rule | Freeze, ...] = (*written, *policies.freezes)
    gaps = [
        Gap(policy=one.id, file=one.file, line=one.line, why=why)
        for one in entries
        if (why := witness.seen.lacks(one, decisive))
    ]
    return Coverage(rules=len(entries), gaps=tuple(sorted(gaps, key=lambda gap: (gap.file, gap.line))))


def outcome(said: Explanation) -> Any:
    """What an answer comes to, whoever it is ascribed to: allowed how far, or what the refusal says."""
    if not said.allowed:
        return next((reason.to for reason in said.reasons if reason.sets == "deny"), "denied")
    found = as_json(said)
    for name in ("reason", "reasons", "overruled", "policy_hash"):
        del found[name]
    for one in found["required_approvals"]:
        del one["policies"]
    return found


@dataclass(slots=True)
class _Seen:
    """What happened to rules and freezes in the cases, by id."""

    matched: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    failed_to_hold: set[str] = field(default_factory=set)
    applied: set[str] = field(default_factory=set)  # in the case at hand

    def note(self, rules: Iterable[Rule], situation: Situation) -> None:
        for rule in rules:
            self.matched.add(rule.id)
            if rule.when is None or _holds(rule, situation):
                self.held.add(rule.id)
                self.applied.add(rule.id)
            else:
                self.failed_to_hold.add(rule.id)

    def freeze(self, freezes: Iterable[Freeze], situation: Situation) -> None:
        for freeze in freezes:
            if freeze.stops(situation):
                self.matched.add(freeze.id)
                self.held.add(freeze.id)
                self.applied.add(freeze.id)

    def lacks(self, one: Rule | Freeze, decisive: set[str]) -> str:
        """What the cases do not show of it; nothing, if it is exercised."""
        if one.id not in self.matched:
            return "no case exercises it"
        if one.id not in self.held:
            return "in no case does its condition hold"
        if one.id not in decisive:
            return "it applies in cases, and changes the answer to none of them"
        conditional = isinstance(one, Rule) and one.when is not None
        if conditional and one.id not in self.failed_to_hold:
            return "in no case does its condition not hold"
        return ""


def _holds(rule: Rule, situation: Situation) -> bool:
    """A condition that fails denies: then the rule applies."""
    try:
        return rule.when is None or situation.holds(rule.when)
    except ConditionFailed:
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Witness(PolicySet):
    """The same rules; what applies is noted."""

    seen: _Seen

    @classmethod
    def of(cls, policies: PolicySet) -> "_Witness":
        return cls(**{one.name: getattr(policies, one.name) for one in fields(PolicySet) if one.init}, seen=_Seen())

    def door(self, situation: Situation) -> list[Bounds]:
        self.seen.note(self.at_door.matching(situation.facts), situation)
        return PolicySet.door(self, situation)

    def boundary(self, situation: Situation) -> list[Bounds]:
        self.seen.note(self.at_boundary.matching(situation.facts), situation)
        self.seen.freeze(self.freezes, situation)
        return PolicySet.boundary(self, situation)


class _Rest(Index[Rule]):
    """An index without some of its rules. Made at once: nothing is filed anew."""

    def __init__(self, index: Index[Rule], keeps: Callable[[Rule], bool]) -> None:
        self._index, self._keeps = index, keeps

    def candidates(self, facts: Facts) -> Iterator[Rule]:
        return filter(self._keeps, self._index.candidates(facts))

    def matching(self, facts: Facts) -> list[Rule]:
        return list(filter(self._keeps, self._index.matching(facts)))


def _without(policies: PolicySet, name: str) -> PolicySet:
    freezes = tuple(freeze for freeze in policies.freezes if freeze.id != name)
    return _kept(replace(policies, freezes=freezes), lambda rule: rule.id != name)


def _speaking(policies: PolicySet, voice: Voice, but: str = "") -> PolicySet:
    return _kept(policies, lambda rule: voice_of(rule) == voice and rule.id != but)


def _kept(policies: PolicySet, keeps: Callable[[Rule], bool]) -> PolicySet:
    return replace(policies, at_door=_Rest(policies.at_door, keeps), at_boundary=_Rest(policies.at_boundary, keeps))

"""What `docs/policy.md` says, rule after rule: no index, no lattice, no reader, no engine for conditions.

Rules are the plain data of a policies file, conditions are looked up by their text among functions of Python. It is
slow and short on purpose: the engine is held to it, in the property test beside it and on every benchmark question.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

Rule = Mapping[str, Any]  # one entry of `policies:`
Values = Mapping[str, Any]  # what a condition reads
Condition = Callable[[Values], bool]  # raises where CEL would

Terms = tuple[int, float, float, bool]  # count, within, use_within, break_glass

TIERS = ("observe", "recommend", "draft", "sandbox", "production")
LEAST_TIER = {"read": 0, "draft": 2, "execute": 3, "change": 4}
OF_CALLS = frozenset({"tool", "effect", "resource", "labels"})
DAY, QUARTER = 86_400, 900


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A task, with all that `requester:` may call those behind it."""

    type: str = ""
    source: str = ""
    agent: str = ""
    repository: str | None = None
    requester: str | None = None
    groups: Sequence[str] = ()
    payload: Mapping[str, Any] = field(default_factory=dict)
    tainted: bool = False

    @property
    def names(self) -> list[str]:
        if self.requester is None:
            return ["nobody"]
        return ["anyone", self.requester, *(f"group:{name}" for name in self.groups)]


@dataclass(frozen=True, kw_only=True)
class Called:
    """A call. `resource` and `labels` are None where nobody could establish them."""

    tool: str
    effect: str
    resource: str | None
    labels: Mapping[str, str] | None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    tainted: bool = False
    tainted_selector: bool = False

    @property
    def dangerous(self) -> bool:
        return self.effect in {"execute", "change"}


@dataclass(kw_only=True)
class Answer:
    """How far it may go. `verdict` is empty at the door."""

    denied: bool = False
    tier: int = 4
    limits: dict[str, float] = field(default_factory=dict)
    lists: list[Sequence[str]] = field(default_factory=list)  # a tool must be on each
    denied_tools: set[str] = field(default_factory=set)
    duties: set[str] = field(default_factory=set)
    approvals: dict[str, Terms] = field(default_factory=dict)  # by `from`
    independent: bool = False  # whether some approval takes somebody other than the requester
    verdict: str = ""

    def admits(self, tool: str) -> bool:
        listed = all(any(glob(p, tool) for p in names) for names in self.lists)
        return listed and not any(glob(p, tool) for p in self.denied_tools)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The rules of an organization, and what an agent of it is granted."""

    rules: Sequence[Rule]
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    tier: str = "production"
    tools: Sequence[str] = ("*",)

    def door(self, asked: Asked) -> Answer:
        """The answer about a task."""
        granted = TIERS.index(self.tier)
        answer = Answer(tier=granted, lists=[self.tools])
        for rule in self.rules:
            if not speaks_of_calls(rule):
                self._apply(rule, asked, None, granted, answer)
        return answer

    def boundary(self, asked: Asked, called: Called) -> Answer:
        """The answer about a call of it: what the door said, what it says now, and what is said of the call."""
        answer = deepcopy(self.door(asked))
        decided = answer.tier
        if answer.denied:
            answer.verdict, answer.approvals = "deny", {}
            return answer
        for rule in self.rules:
            self._apply(rule, asked, called if speaks_of_calls(rule) else None, decided, answer)
        answer.verdict = _verdict(answer, called)
        return answer

    def _apply(self, rule: Rule, asked: Asked, called: Called | None, tier: int, answer: Answer) -> None:
        if not matches(rule.get("match", {}), asked, called):
            return
        try:
            if "when" in rule and not self._holds(rule["when"], asked, called, tier):
                return
        except Exception:  # a rule that cannot be evaluated denies
            answer.denied = True
            return
        answer.denied |= "deny" in rule
        _limit(rule.get("limit", {}), answer)
        for one in rule.get("approve", ()):
            _ask(one, answer)

    def _holds(self, when: str, asked: Asked, called: Called | None, tier: int) -> bool:
        unknown = [] if called is None or not called.dangerous else [n for n in _CALL if getattr(called, n) is None]
        if any(f"has(call.{name})" in when for name in unknown):
            return True
        try:
            return self.conditions[when](_values(asked, called, tier))
        except Exception:
            if any(f"call.{name}" in when for name in unknown):
                return True
            raise


_CALL = ("resource", "labels")


# ── Matching ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def speaks_of_calls(rule: Rule) -> bool:
    return not OF_CALLS.isdisjoint(rule.get("match", ())) or "call." in rule.get("when", "")


def matches(match: Mapping[str, Any], asked: Asked, called: Called | None) -> bool:
    """Every key must match; a list is any-of; what is unknown matches, what is empty does not."""
    return all(
        values is None or any(glob(pattern, value) for pattern in patterns for value in values)
        for patterns, values in _pairs(match, asked, called)
    )


def _pairs(match: Mapping[str, Any], asked: Asked, called: Called | None) -> Iterator[tuple[list[str], Any]]:
    for key, said in match.items():
        if key == "labels":
            for name, patterns in said.items():
                yield _listed(patterns), _label(called, name)
        elif key == "requester":
            yield _listed(said), asked.names
        elif key == "resource":
            unknown = called is not None and called.dangerous and called.resource is None
            yield _listed(said), None if unknown else _one(called and called.resource)
        else:
            yield _listed(said), _one(getattr(called if key in OF_CALLS else asked, key))


def _label(called: Called | None, name: str) -> list[str] | None:
    assert called is not None
    if called.labels is None:
        return None if called.dangerous else []
    return _one(called.labels.get(name))


def _listed(said: Any) -> list[str]:
    return said if isinstance(said, list) else [said]


def _one(value: str | None) -> list[str]:
    return [value] if value else []


def glob(pattern: str, value: str) -> bool:
    if "*" not in pattern:
        return pattern == value
    if pattern[0] == "*":
        return glob(pattern[1:], value) or (value != "" and glob(pattern, value[1:]))
    return value != "" and pattern[0] == value[0] and glob(pattern[1:], value[1:])


def _values(asked: Asked, called: Called | None, tier: int) -> dict[str, Any]:
    values: dict[str, Any] = {
        "task": {"type": asked.type, "requester": asked.requester, "payload": asked.payload},
        "run": {"tier": tier, "tainted": asked.tainted},
    }
    if called is not None:
        known = {"tool": called.tool, "effect": called.effect, "arguments": called.arguments, "tainted": called.tainted}
        if called.resource is not None or not called.dangerous:
            known["resource"] = called.resource or ""
        if called.labels is not None or not called.dangerous:
            known["labels"] = called.labels or {}
        values["call"] = known
    return values


# ── What rules add ────────────────────────────────────────────────────────────────────────────────────────────────────


def _limit(limit: Mapping[str, Any], answer: Answer) -> None:
    for key, value in limit.items():
        match key:
            case "tier":
                answer.tier = min(answer.tier, TIERS.index(value))
            case "allowed_tools":
                answer.lists.append(value)
            case "denied_tools":
                answer.denied_tools |= set(value)
            case "requires_pr" | "requires_validation":
                answer.duties.add(key)
            case _:
                number = seconds(value) if isinstance(value, str) else value
                answer.limits[key] = min(answer.limits.get(key, number), number)


def _ask(one: Mapping[str, Any], answer: Answer) -> None:
    who = spelled(one["from"])
    within, use_within = seconds(one.get("within", DAY)), seconds(one.get("use_within", QUARTER))
    asked = (one.get("count", 1), within, use_within, one.get("break_glass", False))
    held = answer.approvals.get(who, asked)
    answer.approvals[who] = (
        max(asked[0], held[0]),
        min(asked[1], held[1]),
        min(asked[2], held[2]),
        asked[3] and held[3],
    )
    answer.independent |= _independent(one["from"])


def _independent(who: Any) -> bool:
    if isinstance(who, str):
        return who != "self"
    ((how, parts),) = who.items()
    return (all if how == "any" else any)(map(_independent, parts))


def spelled(who: Any) -> str:
    if isinstance(who, str):
        return who
    ((how, parts),) = who.items()
    return f"{how}({','.join(sorted(map(spelled, parts)))})"


def seconds(said: str | float) -> float:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    return float(said[:-1]) * units[said[-1]] if isinstance(said, str) else said


def _verdict(answer: Answer, called: Called) -> str:
    """Never asked about what is refused anyway; and a change takes at least one other person."""
    refused = (
        answer.denied
        or answer.tier < LEAST_TIER[called.effect]
        or not answer.admits(called.tool)
        or ("requires_pr" in answer.duties and called.effect == "change")
        or (answer.limits.get("max_actions") == 0 and called.effect != "read")
    )
    if refused or called.effect == "read":
        answer.approvals, answer.independent = {}, False
    if refused:
        return "deny"
    insists = called.effect == "change" or (called.dangerous and called.tainted_selector)
    if insists and not answer.independent:
        _ask({"from": "peer"}, answer)
    return "require_approval" if answer.approvals else "allow"

"""A decision can only be narrowed. `Bounds` is an element of a meet-semilattice and `&` its meet.

Allowed: and. Tier, iterations, time, money: the least. Tools: intersection of allow-lists, union of deny-lists.
Obligations: or. Approvals: union; of the same `from` the larger count, the shorter times, break-glass only if all allow
it. So order never matters, saying a thing twice changes nothing, and one more rule never widens. Who said what travels
along in `claims`, the losers too, for those who ask why.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar

from domain.canonical import canonical_json
from domain.decisions import Reason, Requirement
from domain.tiers import Tier
from policy.globs import fits_any

Globs = tuple[str, ...]
N = TypeVar("N", int, float)
_LEAST = ("tier", "max_iterations", "timeout_s", "deadline_s", "budget_usd", "max_actions", "max_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one rule asks for: the value of one limit, in `value` as bounds hold it, in `reason` as people read it."""

    reason: Reason
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far something may go. The top element, `Bounds()`, bounds nothing."""

    tier: Tier = Tier.PRODUCTION
    max_iterations: int | None = None
    timeout_s: float | None = None
    deadline_s: float | None = None
    budget_usd: float | None = None
    max_actions: int | None = None
    max_tokens: int | None = None
    allowed_tools: frozenset[Globs] = frozenset()  # a tool must fit each of these lists
    denied_tools: frozenset[str] = frozenset()
    requires_pr: bool = False
    requires_validation: bool = False
    approvals: tuple[Requirement, ...] = ()  # one for each `from`, by its text
    denials: frozenset[Reason] = frozenset()  # each with the text for people in `to`
    claims: frozenset[Claim] = field(default=frozenset())

    @property
    def allowed(self) -> bool:
        """Whether nobody denies."""
        return not self.denials

    def __and__(self, other: "Bounds") -> "Bounds":
        return meet((self, other))

    def admits_tool(self, tool: str) -> bool:
        """Whether every allow-list has the tool, and no deny-list."""
        named = (tool,)
        for globs in self.allowed_tools:
            if not fits_any(globs, named):
                return False
        return not fits_any(self.denied_tools, named)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Who set what holds, in a stable order."""
        return _ordered(claim.reason for claim in self.claims if self._holds(claim))

    @property
    def overruled(self) -> tuple[Reason, ...]:
        """Who asked for less than what holds."""
        return _ordered(claim.reason for claim in self.claims if not self._holds(claim))

    def reasons_for(self, sets: str) -> tuple[Reason, ...]:
        """Those of `reasons` that set this one limit."""
        return _ordered(claim.reason for claim in self.claims if claim.reason.sets == sets and self._holds(claim))

    def _holds(self, claim: Claim) -> bool:
        sets = claim.reason.sets
        name = _FIELD_OF.get(sets, sets)
        return name not in _LEAST or getattr(self, name) == claim.value


_FIELD_OF = {"timeout": "timeout_s", "deadline": "deadline_s"}


def meet(parts: Iterable[Bounds]) -> Bounds:
    """The meet of all, in one pass; the top of none."""
    tier = Tier.PRODUCTION
    iterations: int | None = None
    timeout: float | None = None
    deadline: float | None = None
    budget: float | None = None
    actions: int | None = None
    tokens: int | None = None
    pr = validation = False
    asked: list[Requirement] = []
    allowed, denied, denials, claims = _NOTHING, _NOTHING, _NOTHING, []
    for part in parts:
        tier = part.tier if part.tier < tier else tier
        if part.max_iterations is not None:
            iterations = _least(iterations, part.max_iterations)
        if part.timeout_s is not None:
            timeout = _least(timeout, part.timeout_s)
        if part.deadline_s is not None:
            deadline = _least(deadline, part.deadline_s)
        if part.budget_usd is not None:
            budget = _least(budget, part.budget_usd)
        if part.max_actions is not None:
            actions = _least(actions, part.max_actions)
        if part.max_tokens is not None:
            tokens = _least(tokens, part.max_tokens)
        allowed |= part.allowed_tools
        denied |= part.denied_tools
        pr = pr or part.requires_pr
        validation = validation or part.requires_validation
        asked += part.approvals
        denials |= part.denials
        claims.append(part.claims)
    return Bounds(
        tier=tier,
        max_iterations=iterations,
        timeout_s=timeout,
        deadline_s=deadline,
        budget_usd=budget,
        max_actions=actions,
        max_tokens=tokens,
        allowed_tools=allowed,
        denied_tools=denied,
        requires_pr=pr,
        requires_validation=validation,
        approvals=merged(asked),
        denials=denials,
        claims=_NOTHING.union(*claims),
    )


_NOTHING: frozenset[Any] = frozenset()


def merged(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """One requirement for each `from`: the strictest that all of them add up to, ordered by stage and text."""
    by_text: dict[str, Requirement] = {}
    for one in requirements:
        text = one.approvers.text
        by_text[text] = _stricter(by_text[text], one) if text in by_text else one
    if len(by_text) < 2:
        return tuple(by_text.values())
    return tuple([one for _, one in sorted(by_text.items(), key=_by_stage)])


def _by_stage(entry: tuple[str, Requirement]) -> tuple[int, str]:
    text, one = entry
    return one.stage, text


def _stricter(one: Requirement, other: Requirement) -> Requirement:
    if one is other or one == other:
        return one
    return replace(
        one,
        count=max(one.count, other.count),
        within_s=min(one.within_s, other.within_s),
        use_within_s=min(one.use_within_s, other.use_within_s),
        break_glass=one.break_glass and other.break_glass,
        stage=min(one.stage, other.stage),
        policies=tuple(sorted({*one.policies, *other.policies})),
    )


def narrower(one: Bounds, other: Bounds) -> bool:
    """Whether `one` allows nothing that `other` does not: the order of the semilattice, claims aside."""
    met = one & other
    return all(getattr(met, f.name) == getattr(one, f.name) for f in fields(Bounds) if f.name != "claims")


def _least(one: N | None, other: N) -> N:
    return other if one is None or other < one else one


def _ordered(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    found = set(reasons)
    return tuple(found) if len(found) < 2 else tuple(sorted(found, key=_by_place))


def _by_place(reason: Reason) -> tuple[str, int, str, str, str]:
    return reason.file, reason.line, reason.policy, reason.sets, reason.to


def canonical_requirement(one: Requirement) -> Mapping[str, Any]:
    """What of a requirement a person who votes relies on, as JSON."""
    return dict(zip(_RELIED_ON, _relied_on(one), strict=True))


def json_of_requirement(one: Requirement) -> str:
    """The canonical JSON of that."""
    return _written(*_relied_on(one))


_RELIED_ON = ("from", "count", "within_s", "use_within_s", "break_glass", "stage")
_relied_on = attrgetter("approvers.text", *_RELIED_ON[1:])


@lru_cache(maxsize=4096)
def _written(*relied_on: object) -> str:
    return canonical_json(dict(zip(_RELIED_ON, relied_on, strict=True))).decode()

"""Two answers to the same question, compared: is the second stricter, looser, both in parts, or the same? Pure.

`loop.backtest` asks two versions of the rules about the whole recorded past, and reports the answers that flip.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.decisions import Allow, Deny, PolicyDecision, Reason, RequireApproval, Requirement, Verdict
from domain.tiers import Tier
from policy.analysis.differences import Difference
from policy.sources.rules import spell_requirement


class Direction(StrEnum):
    """Which way an answer has turned. `otherwise`: stricter in one part and looser in another."""

    SAME = "same"
    STRICTER = "stricter"
    LOOSER = "looser"
    OTHERWISE = "otherwise"

    @property
    def widens(self) -> bool:
        """Whether something is permitted now that was not."""
        return self in (Direction.LOOSER, Direction.OTHERWISE)


class Says(StrEnum):
    """What an answer comes to, the most permissive first."""

    ALLOWED = "allowed"
    ASKS = "asks"
    DENIED = "denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was, or would be, answered to a task or a call. `tier` and `limits` are a door's: a limit's name and value,
    the larger the wider; `tools` are those that the door leaves.
    """

    says: Says
    sentence: str
    tier: Tier | None = None
    limits: tuple[tuple[str, float], ...] = ()
    tools: frozenset[str] = frozenset()
    approvals: tuple[Requirement, ...] = ()
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """How one answer differs from another: which way, and in a few words (`now denied`, `lower tier`)."""

    direction: Direction
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """One answer that the candidate turns. `where`: door | boundary | start; `of` says what was asked about."""

    run_id: str
    seq: int
    at: datetime
    where: str
    agent: str
    of: str
    turn: Turn
    recorded: Answer
    current: Answer
    candidate: Answer
    because: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of it. `moved`: answers of today's configuration that differ from what was recorded. `unreached`:
    calls of runs that one of the versions would not have let in.
    """

    differences: tuple[Difference, ...]
    runs: int
    judged: int
    flips: tuple[Flip, ...]
    moved: int
    unreached: int

    def count(self, *directions: Direction) -> int:
        """How many flips go that way."""
        return sum(flip.turn.direction in directions for flip in self.flips)

    @property
    def widens(self) -> bool:
        """Whether the candidate permits anything that today's configuration does not."""
        return any(flip.turn.direction.widens for flip in self.flips)


SAME = Turn(direction=Direction.SAME, kind="same")
_UNLIMITED = float("inf")


def answer_of(said: PolicyDecision | Verdict) -> Answer:
    """A door's decision, or a boundary's verdict, ready to be compared."""
    match said:
        case PolicyDecision():
            return _of_decision(said)
        case Deny():
            return Answer(says=Says.DENIED, sentence=said.text, reasons=said.reasons)
        case RequireApproval():
            asks = "asks " + " and ".join(spell_requirement(one) for one in said.requirements)
            return Answer(says=Says.ASKS, sentence=asks, approvals=said.requirements, reasons=said.reasons)
        case Allow():
            return Answer(says=Says.ALLOWED, sentence="allowed", reasons=said.reasons)


def turned(before: Answer, after: Answer) -> Turn:
    """How `after` differs from `before`. What is denied either way has no other parts worth comparing."""
    if before.says is not after.says:
        order = list(Says)
        stricter = order.index(after.says) > order.index(before.says)
        return Turn(direction=Direction.STRICTER if stricter else Direction.LOOSER, kind=f"now {after.says}")
    if before.says is Says.DENIED:
        return SAME
    parts = {name: set(signs) for name, signs in _parts(before, after)}
    found = {sign for signs in parts.values() for sign in signs}
    if not found:
        return SAME
    direction = _direction(found)
    name = next(name for name, signs in parts.items() if signs)
    return Turn(direction=direction, kind=_KINDS[name, _direction(parts[name])])


def _direction(signs: set[int]) -> Direction:
    if len(signs) > 1:
        return Direction.OTHERWISE
    return Direction.STRICTER if -1 in signs else Direction.LOOSER


_S, _L, _O = Direction.STRICTER, Direction.LOOSER, Direction.OTHERWISE
_KINDS = {
    ("tier", _S): "lower tier",
    ("tier", _L): "higher tier",
    ("approvals", _S): "stricter approvals",
    ("approvals", _L): "looser approvals",
    ("approvals", _O): "other approvals",
    ("tools", _S): "fewer tools",
    ("tools", _L): "more tools",
    ("tools", _O): "other tools",
    ("limits", _S): "tighter limits",
    ("limits", _L): "wider limits",
    ("limits", _O): "other limits",
}


def _parts(before: Answer, after: Answer) -> Iterator[tuple[str, list[int]]]:
    """Part by part, the signs of what changed: -1 stricter, +1 looser."""
    yield "tier", _sign(before.tier or 0, after.tier or 0)
    yield "approvals", list(_approvals(before.approvals, after.approvals))
    yield "tools", [sign for sign, gone in ((-1, before.tools - after.tools), (1, after.tools - before.tools)) if gone]
    limits = dict(after.limits)
    yield "limits", [sign for name, value in before.limits for sign in _sign(value, limits[name])]


def _approvals(before: tuple[Requirement, ...], after: tuple[Requirement, ...]) -> Iterator[int]:
    old, new = ({one.approvers.text: one for one in asked} for asked in (before, after))
    for text in {*old, *new}:
        if text not in new:
            yield 1
        elif text not in old:
            yield -1
        else:
            one, other = old[text], new[text]
            yield from _sign(-one.count, -other.count)
            yield from _sign(one.within_s, other.within_s)
            yield from _sign(one.use_within_s, other.use_within_s)
            yield from _sign(one.break_glass, other.break_glass)


def _sign(before: float, after: float) -> list[int]:
    """The larger the wider."""
    return [] if before == after else [1 if after > before else -1]


def _of_decision(said: PolicyDecision) -> Answer:
    held = said.constraints
    limits = {
        "max_iterations": held.max_iterations,
        "timeout": held.timeout_s,
        "deadline": held.deadline_s,
        "budget_usd": held.budget_usd,
    }
    duties = {"requires_pr": held.requires_pr, "requires_validation": held.requires_validation}
    wide = {name: _UNLIMITED if value is None else float(value) for name, value in limits.items()}
    return Answer(
        says=Says.ALLOWED if said.allowed else Says.DENIED,
        sentence=said.reason,
        tier=said.tier,
        limits=(*wide.items(), *((name, -1.0 if due else 0.0) for name, due in duties.items())),
        tools=frozenset(held.allowed_tools),
        approvals=said.approvals,
        reasons=said.reasons,
    )

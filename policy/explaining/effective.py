"""Each effective limit, with the rules that set it and those that asked for less: why an answer is as it is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from domain.decisions import Reason, Requirement
from policy.sources.limits import KEYS
from policy.sources.rules import spell_requirement

_ORDER = {name: n for n, name in enumerate(("deny", *KEYS, "approve"))}
_DUTIES = frozenset({"requires_pr", "requires_validation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What holds (`value`, as rules write it), who set it, and who asked for less than that."""

    sets: str
    value: str
    set_by: tuple[Reason, ...]
    lost: tuple[Reason, ...] = ()

    @property
    def words(self) -> str:
        """`tier recommend`; `needs 2 from group:sre within 4h`."""
        return words(self.sets, self.value)


def limits_of(
    reasons: Iterable[Reason], overruled: Iterable[Reason], required: Sequence[Requirement] = ()
) -> tuple[Limit, ...]:
    """The limits in the order in which rules name them. `required` are the approvals as they were merged."""
    lost = list(overruled)
    winners: dict[tuple[str, str], list[Reason]] = {}
    for reason in reasons:
        winners.setdefault((reason.sets, reason.to), []).append(reason)
    found = [
        Limit(
            sets=sets,
            value=value,
            set_by=tuple(set_by),
            lost=tuple(reason for reason in lost if reason.sets == sets),
        )
        for (sets, value), set_by in winners.items()
    ]
    asked = [each for each in found if each.sets == "approve"]
    merged = [limit for one in required for limit in _merged(one, asked)]
    spoken = {reason for limit in merged for reason in (*limit.set_by, *limit.lost)}
    kept = [each for each in found if not spoken.intersection(each.set_by)]
    return tuple(sorted((*kept, *merged), key=lambda each: (_ORDER.get(each.sets, len(_ORDER)), each.value)))


def lines(limits: Iterable[Limit]) -> Iterator[str]:
    """A line for each rule that set a limit, and beneath the last of them one for each that lost."""
    for limit in limits:
        for reason in limit.set_by:
            yield f"{limit.words}: {place_of(reason)}"
        for reason in limit.lost:
            yield f"  {limit.value} beats {reason.to}: {place_of(reason)}"


def words(sets: str, value: str) -> str:
    """A limit in words."""
    name = sets.replace("_", " ")
    if sets == "approve":
        return f"needs {value}"
    return name if sets in _DUTIES else f"{name} {value}"


def place_of(reason: Reason) -> str:
    """`contractors-recommend (policies/org.yaml:3)`; of a framework, `encrypted, soc2 CC6.1 (policies/soc2.yaml:7)`."""
    named = f"{reason.policy}, {reason.control}" if reason.control else reason.policy
    return f"{named} ({reason.file}:{reason.line})" if reason.line else f"{named} ({reason.file})"


def _merged(one: Requirement, asked: Iterable[Limit]) -> Iterator[Limit]:
    """A requirement that several rules add up to: those that ask for as much, then those that ask for less."""
    value, approvers = spell_requirement(one), f" from {one.approvers.text} within "
    told = [r for each in asked for r in each.set_by if r.policy in one.policies and approvers in r.to]
    if told:
        as_much = tuple(reason for reason in told if reason.to == value)
        less = tuple(reason for reason in told if reason.to != value)
        yield Limit(sets="approve", value=value, set_by=as_much or less, lost=less if as_much else ())

"""Whether what a worker handed in can be recorded at all: finite, bounded, text that is text. Pure.

A reasoner is anybody's code. What cannot be written to the log must be its failure, counted and bounded, before the
loop builds anything on it; otherwise the same impossible answer is asked for again for ever.
"""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import get_args

from domain.events import FREE, Cost
from domain.outcomes import Outcome
from loop import ports as p

LONGEST_WAIT_S = 366 * 86_400.0
DEEPEST = 64
MOST_VALUES = 200_000
MOST_TEXT = 16 << 20  # characters in all; a preview's diff is the largest that is legitimate


def fault(value: object) -> str | None:
    """What cannot be recorded in `value`; None where all of it can."""
    level, seen, characters = [value], 0, 0
    for _ in range(DEEPEST):
        below: list[object] = []
        for item in level:
            seen += 1
            if isinstance(item, str):
                characters += len(item)
                if not item.isascii() and any("\ud800" <= c <= "\udfff" for c in item):
                    return "a text holds half a surrogate pair"
            elif isinstance(item, float) and not math.isfinite(item):
                return f"{item} is not a number that can be kept"
            elif isinstance(item, Mapping):
                below += [*item.keys(), *item.values()]
            elif isinstance(item, (list, tuple)):
                below += item
            elif is_dataclass(item) and not isinstance(item, type):
                below += [getattr(item, field.name) for field in fields(item)]
            elif item is not None and not isinstance(item, (bool, int, float)):
                return f"a {type(item).__name__} has no place in it"
        if seen > MOST_VALUES or characters > MOST_TEXT:
            return "it is larger than what is kept"
        if not below:
            return None
        level = below
    return f"it is nested more than {DEEPEST} deep"


def fault_of(proposal: object) -> str | None:
    """What makes an answer no answer at all; None for a proposal that can be recorded."""
    if not isinstance(proposal, get_args(p.Proposal)):
        return f"a {type(proposal).__name__} is not a proposal"
    cost: object = proposal.cost
    if not isinstance(cost, Cost) or cost is not cost_of(proposal):
        return "what it cost is not a sum of money"
    if isinstance(proposal, p.AwaitTopic) and not 0 <= proposal.within_s <= LONGEST_WAIT_S:
        return f"nobody waits for {proposal.within_s} seconds"
    if isinstance(proposal, p.GiveUp) and proposal.outcome not in (Outcome.ESCALATED, Outcome.FAILED):
        return f"giving up does not end as {proposal.outcome}"
    return fault(proposal)


def cost_of(proposal: object) -> Cost:
    """What the proposal cost; nothing where it says what no answer costs."""
    cost = getattr(proposal, "cost", FREE)
    if not isinstance(cost, Cost) or fault(cost) is not None:
        return FREE
    return cost if cost.usd >= 0 and cost.tokens >= 0 else FREE


def printable(text: str, most: int = 2_000) -> str:
    """The text as it can be kept: whole characters, bounded."""
    return text[:most].encode("utf-8", "backslashreplace").decode("utf-8")

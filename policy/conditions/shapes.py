"""What conditions may read: the shapes of their variables. Paths are checked at load.

The same shapes are the types of the expressions that are made of them. `docs/conditions.md` shows them as a table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from domain.tasks import Priority, Source
from domain.tiers import Effect, Tier


class Leaf(Enum):
    """A value with nothing below it, or one of which nothing is known until it is there."""

    TEXT = "text"
    TEXT_OR_NULL = "text or null"
    INTEGER = "a whole number"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    TIME = "a timestamp"
    DURATION = "a duration"
    NULL = "null"
    OPEN = "dynamic"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Text out of a closed list: compared with anything else, it would never be equal."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A whole number that stands for one of these names; the first is 0."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A map from any text to such values."""

    of: "Shape"


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of such values."""

    of: "Shape"


@dataclass(frozen=True, slots=True)
class Struct:
    """A value with exactly these fields. They are always there: empty where nothing is known."""

    fields: Mapping[str, "Shape"]


Shape = Leaf | OneOf | Ranked | Table | Listing | Struct
OPEN = Leaf.OPEN

_SAMPLES: dict[Leaf, Any] = {
    Leaf.TEXT: "text",
    Leaf.TEXT_OR_NULL: "user:U1",
    Leaf.INTEGER: 1,
    Leaf.NUMBER: 1.5,
    Leaf.BOOLEAN: False,
    Leaf.TIME: datetime(2026, 1, 5, 12, tzinfo=UTC),
    Leaf.DURATION: timedelta(hours=1),
    Leaf.NULL: None,
    Leaf.OPEN: {},
}

TASK = Struct(
    {
        "type": Leaf.TEXT,
        "goal": Leaf.TEXT,
        "requester": Leaf.TEXT_OR_NULL,
        "trigger": Struct(
            {
                "source": OneOf(tuple(source.value for source in Source)),
                "source_id": Leaf.TEXT,
                "timestamp": Leaf.TIME,
                "correlation": Leaf.TEXT,
            }
        ),
        "context": Struct(
            {
                "organization_id": Leaf.TEXT,
                "repository_id": Leaf.TEXT,
                "agent_slug": Leaf.TEXT,
                "priority": OneOf(tuple(priority.value for priority in Priority)),
            }
        ),
        "payload": OPEN,
        "inputs": OPEN,
    }
)
RUN = Struct(
    {
        "id": Leaf.TEXT,
        "iterations": Leaf.INTEGER,
        "cost_usd": Leaf.NUMBER,
        "tier": Ranked(tuple(tier.label for tier in Tier)),
        "tainted": Leaf.BOOLEAN,
        "depth": Leaf.INTEGER,
    }
)
CALL = Struct(
    {
        "tool": Leaf.TEXT,
        "effect": OneOf(tuple(effect.value for effect in Effect)),
        "resource": Leaf.TEXT,
        "labels": Table(Leaf.TEXT),
        "arguments": OPEN,
        "tainted": Leaf.BOOLEAN,
    }
)
RULE_ROOTS: Mapping[str, Shape] = {"task": TASK, "run": RUN, "call": CALL, "now": Leaf.TIME}
RESULT_ROOTS: Mapping[str, Shape] = {"result": OPEN}


def sample(shape: Shape) -> Any:
    """Some value of this shape."""
    match shape:
        case Struct(fields=fields):
            return {name: sample(below) for name, below in fields.items()}
        case OneOf(words=words):
            return words[0]
        case Ranked():
            return 0
        case Table():
            return {}
        case Listing():
            return []
        case Leaf():
            return _SAMPLES[shape]


def words(shape: Shape) -> str:
    """What a value of this shape is, within a sentence: `x is text`."""
    match shape:
        case Leaf():
            return str(shape.value)
        case OneOf():
            return "text"
        case Ranked():
            return "a whole number"
        case Table() | Struct():
            return "a map"
        case Listing():
            return "a list"

"""What conditions may read: the shapes of their variables. CONTRACT section 5 names them; paths are checked at load."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any


class Leaf(Enum):
    """A value with nothing below it, or one of which nothing is known until it is there."""

    TEXT = "text"
    PRINCIPAL = "text or null"
    INTEGER = "a whole number"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    TIME = "a timestamp"
    OPEN = "dynamic"


@dataclass(frozen=True, slots=True)
class Struct:
    """A value with exactly these fields. They are always there: empty where nothing is known."""

    fields: Mapping[str, "Shape"]


Shape = Leaf | Struct
OPEN = Leaf.OPEN

_SAMPLES: dict[Leaf, Any] = {
    Leaf.TEXT: "text",
    Leaf.PRINCIPAL: "user:U1",
    Leaf.INTEGER: 1,
    Leaf.NUMBER: 1.5,
    Leaf.BOOLEAN: False,
    Leaf.TIME: datetime(2026, 1, 5, 12, tzinfo=UTC),
    Leaf.OPEN: {},
}

TASK = Struct(
    {
        "type": Leaf.TEXT,
        "goal": Leaf.TEXT,
        "requester": Leaf.PRINCIPAL,
        "trigger": Struct(
            {"source": Leaf.TEXT, "source_id": Leaf.TEXT, "timestamp": Leaf.TIME, "correlation": Leaf.TEXT}
        ),
        "context": Struct(
            {
                "organization_id": Leaf.TEXT,
                "repository_id": Leaf.TEXT,
                "agent_slug": Leaf.TEXT,
                "priority": Leaf.TEXT,
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
        "tier": Leaf.INTEGER,
        "tainted": Leaf.BOOLEAN,
        "depth": Leaf.INTEGER,
    }
)
CALL = Struct(
    {
        "tool": Leaf.TEXT,
        "effect": Leaf.TEXT,
        "resource": Leaf.TEXT,
        "labels": OPEN,
        "arguments": OPEN,
        "tainted": Leaf.BOOLEAN,
    }
)
RULE_ROOTS: Mapping[str, Shape] = {"task": TASK, "run": RUN, "call": CALL, "now": Leaf.TIME}
RESULT_ROOTS: Mapping[str, Shape] = {"result": OPEN}


def sample(shape: Shape) -> Any:
    """Some value of this shape."""
    if isinstance(shape, Struct):
        return {name: sample(below) for name, below in shape.fields.items()}
    return _SAMPLES[shape]

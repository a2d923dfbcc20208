"""What may be done with which values: CEL's operators as the engine knows them, without those that make no sense here.

The engine itself answers `==` between different kinds with false, whatever the values, and everything else with an
error at run time. Both are faults of the condition, known before it is ever asked.
"""

from enum import Enum, auto

from policy.conditions.shapes import OPEN, Leaf, Listing, OneOf, Ranked, Shape, Struct, Table


class Kind(Enum):
    """Shapes that the engine treats alike."""

    TEXT = auto()
    INTEGER = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    TIME = auto()
    DURATION = auto()
    NULL = auto()
    LIST = auto()
    MAP = auto()
    OPEN = auto()


_OF_LEAF = {
    Leaf.TEXT: Kind.TEXT,
    Leaf.TEXT_OR_NULL: Kind.TEXT,
    Leaf.INTEGER: Kind.INTEGER,
    Leaf.NUMBER: Kind.NUMBER,
    Leaf.BOOLEAN: Kind.BOOLEAN,
    Leaf.TIME: Kind.TIME,
    Leaf.DURATION: Kind.DURATION,
    Leaf.NULL: Kind.NULL,
    Leaf.OPEN: Kind.OPEN,
}
NAMES = {
    Kind.TEXT: "text",
    Kind.INTEGER: "number",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "boolean",
    Kind.TIME: "timestamp",
    Kind.DURATION: "duration",
    Kind.NULL: "null",
    Kind.LIST: "list",
    Kind.MAP: "map",
    Kind.OPEN: "value",
}

NUMERIC = frozenset({Kind.INTEGER, Kind.NUMBER})
ORDERED = frozenset({Kind.TEXT, Kind.TIME, Kind.DURATION, *NUMERIC})


def kind_of(shape: Shape) -> Kind:
    """Which kind a shape is of."""
    match shape:
        case Leaf():
            return _OF_LEAF[shape]
        case OneOf():
            return Kind.TEXT
        case Ranked():
            return Kind.INTEGER
        case Listing():
            return Kind.LIST
        case Table() | Struct():
            return Kind.MAP


def alike(left: Kind, right: Kind) -> bool:
    """Whether values of these kinds can be equal."""
    return left is right or Kind.OPEN in (left, right) or (left in NUMERIC and right in NUMERIC)


def ordered(left: Kind, right: Kind) -> bool:
    """Whether one may come before the other."""
    return all(kind in ORDERED or kind is Kind.OPEN for kind in (left, right)) and alike(left, right)


_ARITHMETIC: dict[tuple[str, Kind, Kind], Leaf] = {
    **{(operator, Kind.INTEGER, Kind.INTEGER): Leaf.INTEGER for operator in "+-*/%"},
    **{(operator, Kind.NUMBER, Kind.NUMBER): Leaf.NUMBER for operator in "+-*/"},
    ("+", Kind.TEXT, Kind.TEXT): Leaf.TEXT,
    ("+", Kind.DURATION, Kind.DURATION): Leaf.DURATION,
    ("-", Kind.DURATION, Kind.DURATION): Leaf.DURATION,
    ("+", Kind.TIME, Kind.DURATION): Leaf.TIME,
    ("-", Kind.TIME, Kind.DURATION): Leaf.TIME,
    ("-", Kind.TIME, Kind.TIME): Leaf.DURATION,
    ("+", Kind.LIST, Kind.LIST): OPEN,
}
_LEFT = frozenset((operator, left) for operator, left, _ in _ARITHMETIC)
_RIGHT = frozenset((operator, right) for operator, _, right in _ARITHMETIC)


def arithmetic(operator: str, left: Kind, right: Kind) -> Leaf | None:
    """What `left operator right` is; None where the engine cannot compute it, whatever the values."""
    known = _ARITHMETIC.get((operator, left, right))
    if known is not None:
        return known
    left_may = left is Kind.OPEN or (operator, left) in _LEFT
    right_may = right is Kind.OPEN or (operator, right) in _RIGHT
    return OPEN if Kind.OPEN in (left, right) and left_may and right_may else None


def joined(one: Shape, other: Shape) -> Shape | None:
    """The shape of a value that is one or the other; None where they have nothing in common."""
    if one == other:
        return one
    match one, other:
        case (Leaf.OPEN, _) | (_, Leaf.OPEN):
            return OPEN
        case Listing(of=first), Listing(of=second):
            return Listing(joined(first, second) or OPEN)
        case Table(of=first), Table(of=second):
            return Table(joined(first, second) or OPEN)
        case _:
            return _joined_leaves(one, other)


def _joined_leaves(one: Shape, other: Shape) -> Shape | None:
    kind = kind_of(one)
    if kind is not kind_of(other) or kind not in {Kind.TEXT, Kind.INTEGER}:
        return None
    if kind is Kind.INTEGER:
        return Leaf.INTEGER
    return Leaf.TEXT_OR_NULL if Leaf.TEXT_OR_NULL in (one, other) else Leaf.TEXT

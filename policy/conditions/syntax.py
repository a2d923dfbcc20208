"""A condition as a tree. Each node knows at which character of the text its own word stands."""

from dataclasses import dataclass

from policy.conditions.shapes import Leaf

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, number, boolean or null; `said` is how it is written."""

    at: int
    said: str
    value: str | int | float | bool | None
    shape: Leaf


@dataclass(frozen=True, slots=True)
class Name:
    """A variable."""

    at: int
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """`of.name`."""

    at: int
    of: "Expression"
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """`of[key]`."""

    at: int
    of: "Expression"
    key: "Expression"


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments)`, or `receiver.name(arguments)`."""

    at: int
    name: str
    receiver: "Expression | None"
    arguments: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class Unary:
    """`!` or `-`."""

    at: int
    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and what stands between them."""

    at: int
    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Either:
    """`test ? then : otherwise`."""

    at: int
    test: "Expression"
    then: "Expression"
    otherwise: "Expression"


@dataclass(frozen=True, slots=True)
class Items:
    """`[a, b]`."""

    at: int
    items: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class Entries:
    """`{'a': 1}`."""

    at: int
    entries: "tuple[tuple[Expression, Expression], ...]"


@dataclass(frozen=True, slots=True)
class Group:
    """`(inner)`: what stands in parentheses is a value, and no longer a part of a path."""

    at: int
    inner: "Expression"


Expression = Literal | Name | Select | Index | Call | Unary | Binary | Either | Items | Entries | Group

_SHOWN = 80  # characters of an expression within a sentence


def bare(node: Expression) -> Expression:
    """The node without the parentheses around it."""
    while isinstance(node, Group):
        node = node.inner
    return node


def start(node: Expression) -> int:
    """Where the leftmost word of the node stands."""
    while True:
        match node:
            case Select(of=below) | Index(of=below) | Binary(left=below) | Either(test=below):
                node = below
            case Call(receiver=receiver) if receiver is not None:
                node = receiver
            case _:
                return node.at


def chain(node: Expression) -> tuple[Expression, list[tuple[str, int]]]:
    """What a chain of names starts from, and its steps with their places. `a["b"]` is a step to b."""
    steps: list[tuple[str, int]] = []
    while True:
        match node:
            case Select(at=at, of=below, name=name):
                steps.append((name, at))
            case Index(of=below, key=Literal(at=at, value=str() as name)):
                steps.append((name, at))
            case _:
                steps.reverse()
                return node, steps
        node = below


def spell(node: Expression) -> str:
    """The node as a text, cut where it is long."""
    said = _spell(node)
    return said if len(said) <= _SHOWN else f"{said[: _SHOWN - 1]}…"


def _spell(node: Expression) -> str:
    match node:
        case Literal(said=said):
            return said
        case Name(name=name):
            return name
        case Select(of=below, name=name):
            return f"{_spell(below)}.{name}"
        case Index(of=below, key=key):
            return f"{_spell(below)}[{_spell(key)}]"
        case Call(name=name, receiver=receiver, arguments=arguments):
            before = f"{_spell(receiver)}." if receiver is not None else ""
            return f"{before}{name}({', '.join(map(_spell, arguments))})"
        case Unary(operator=operator, operand=operand):
            return f"{operator}{_spell(operand)}"
        case Binary(operator=operator, left=left, right=right):
            return f"{_spell(left)} {operator} {_spell(right)}"
        case Either(test=test, then=then, otherwise=otherwise):
            return f"{_spell(test)} ? {_spell(then)} : {_spell(otherwise)}"
        case Items(items=items):
            return f"[{', '.join(map(_spell, items))}]"
        case Entries(entries=entries):
            return f"{{{', '.join(f'{_spell(key)}: {_spell(value)}' for key, value in entries)}}}"
        case Group(inner=inner):
            return f"({_spell(inner)})"

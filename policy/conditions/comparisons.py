"""Which two values can never be equal, and what was probably meant instead."""

from policy.conditions.kinds import NAMES, Kind, alike, kind_of
from policy.conditions.refusal import Flaw
from policy.conditions.shapes import OPEN, Leaf, Listing, OneOf, Ranked, Shape, Table, words
from policy.conditions.syntax import Binary, Call, Expression, Group, Index, Literal, Name, Select, bare, spell, start
from policy.reading.files import nearest


def never(one: Expression, first: Shape, other: Expression, second: Shape, at: int) -> Flaw | None:
    """Why these two can never be equal."""
    if Leaf.NULL in (first, second):
        value, shape = (one, first) if second is Leaf.NULL else (other, second)
        if shape in (Leaf.NULL, Leaf.TEXT_OR_NULL, OPEN):
            return None
        advice = "compare with ''" if shape is Leaf.TEXT else ""
        return Flaw(f"{spell(value)} is never null: what is absent is empty", advice, at)
    if not alike(kind_of(first), kind_of(second)):
        said = f"{spell(one)} is {words(first)}, and can never equal a {NAMES[kind_of(second)]}"
        return Flaw(said, hint(first, second) or hint(second, first), at)
    written = other.value if isinstance(other, Literal) else None
    match first, second:
        case OneOf(words=known), _ if isinstance(written, str) and written not in known:
            return Flaw(f"{spell(one)} is never {spell(other)}", nearest(written, known), at)
        case OneOf(words=known), OneOf(words=others) if not set(known) & set(others):
            return Flaw(f"{spell(one)} and {spell(other)} are never equal", f"{', '.join(known)}: no word of both", at)
        case Ranked(names=names), _ if isinstance(written, (int, float)) and written not in range(len(names)):
            return Flaw(f"{spell(one)} is never {spell(other)}", _ranks(names), at)
        case (Listing(of=of), Listing(of=held)) | (Table(of=of), Table(of=held)):
            return never(one, of, other, held, at) if Leaf.NULL not in (of, held) else None
        case _:
            return None


def _ranks(names: tuple[str, ...]) -> str:
    return ", ".join(f"{rank} {name}" for rank, name in enumerate(names))


def odd(node: Binary) -> int:
    """Which word to point at where two operands do not fit: the literal, else the operator."""
    left, right = bare(node.left), bare(node.right)
    if isinstance(left, Literal) == isinstance(right, Literal):
        return node.at
    return start(left if isinstance(left, Literal) else right)


def hint(shape: Shape, other: Shape) -> str:
    """How the other may be written to fit the shape."""
    match shape, kind_of(other):
        case Ranked(names=names), Kind.TEXT:
            return _ranks(names)
        case Leaf.TIME, Kind.TEXT:
            return "write timestamp('2026-01-31T08:00:00Z')"
        case Leaf.DURATION, Kind.TEXT | Kind.INTEGER | Kind.NUMBER:
            return "write duration('1h')"
        case Leaf.NUMBER, Kind.INTEGER:
            return "the engine does not mix them: write 1.0 for 1, or double(...)"
        case ((Leaf.TEXT | Leaf.TEXT_OR_NULL | OneOf()), Kind.INTEGER | Kind.NUMBER):
            return "text has quotes: '1'; its length is size(...)"
        case _:
            return ""


def not_boolean(node: Expression, shape: Shape) -> Flaw:
    """What to write where a boolean is wanted and this is none."""
    said = spell(node)
    flaw = f"must be true or false, and {said} is {words(shape)}"
    match kind_of(shape):
        case Kind.OPEN if isinstance(node, (Name, Select, Index, Call, Group)):
            advice = f"{said} == true"
        case Kind.OPEN:
            advice = f"({said}) == true"
        case Kind.TEXT:
            advice = f"{said} != ''"
        case Kind.INTEGER | Kind.NUMBER:
            advice = f"{said} > 0"
        case Kind.LIST | Kind.MAP:
            advice = f"size({said}) > 0"
        case _:
            return Flaw(flaw, "", start(node))
    return Flaw(flaw, f"compare it: {advice}", start(node))

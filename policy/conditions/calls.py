"""Whether a function is called as it may be: of what, with how many values of which kind."""

from collections.abc import Sequence

from policy.conditions.engine import constant_works
from policy.conditions.functions import GLOBALS, HAS, METHODS, Function
from policy.conditions.kinds import NAMES, Kind, kind_of
from policy.conditions.patterns import HEAVIEST, weight
from policy.conditions.refusal import Flaw
from policy.conditions.shapes import Shape, words
from policy.conditions.syntax import Call, Expression, Literal, bare, spell, start
from policy.reading.files import nearest


def unknown_function(node: Call) -> Flaw:
    """There is none of this name in this place."""
    elsewhere = (METHODS if node.receiver is None else GLOBALS).get(node.name)
    if elsewhere is not None:
        return Flaw(f"{node.name}() is not called like this", f"like {elsewhere.like}", node.at)
    known = sorted({*METHODS, *GLOBALS, HAS})
    return Flaw(f"{node.name}() is not a function here", nearest(node.name, known), node.at)


def check_arguments(node: Call, function: Function, of: Shape | None, shapes: Sequence[Shape]) -> list[Flaw]:
    """What is wrong with a call of this function on these shapes."""
    if len(shapes) != len(function.takes):
        said = f"{node.name}() takes {len(function.takes) or 'no'} values in its parentheses, not {len(shapes)}"
        return [Flaw(said.replace("1 values", "1 value"), f"like {function.like}", node.at)]
    flaws: list[Flaw] = []
    if of is not None and function.of is not None and not _fits(of, function.of):
        receiver = spell(node.receiver) if node.receiver is not None else ""
        flaws.append(Flaw(f"{receiver} is {words(of)}, and has no {node.name}()", f"like {function.like}", node.at))
    for argument, shape, wanted in zip(node.arguments, shapes, function.takes, strict=True):
        if not _fits(shape, wanted):
            said = f"{node.name}() takes {_spelled(wanted)}, and {spell(argument)} is {words(shape)}"
            flaws.append(Flaw(said, f"like {function.like}", start(argument)))
    if flaws or not node.arguments:
        return flaws
    flaw = _literal(node, function, node.arguments[0])
    return [flaw] if flaw is not None else []


def _literal(node: Call, function: Function, argument: Expression) -> Flaw | None:
    """What is wrong with a value that is written out."""
    if node.name == "matches":
        return _pattern(argument)
    argument = bare(argument)
    if function.reads_literal and isinstance(argument, Literal) and not constant_works(f"{node.name}({argument.said})"):
        return Flaw(f"{node.name}() cannot read {argument.said}", f"like {function.like}", argument.at)
    return None


def _pattern(argument: Expression) -> Flaw | None:
    if not isinstance(argument, Literal) or not isinstance(argument.value, str):
        return Flaw("matches() wants its pattern written out", "like matches('^prod-')", start(argument))
    if not constant_works(f"''.matches({argument.said})"):
        return Flaw(f"matches() cannot use {argument.said}: not a regular expression", "RE2's dialect", argument.at)
    if weight(argument.value) > HEAVIEST:
        advice = "count less, and write [A-Za-z0-9_] rather than \\w"
        return Flaw(f"matches() cannot use {argument.said}: the pattern is too much work", advice, argument.at)
    return None


def _fits(shape: Shape, wanted: frozenset[Kind]) -> bool:
    kind = kind_of(shape)
    return kind is Kind.OPEN or kind in wanted


def _spelled(wanted: frozenset[Kind]) -> str:
    """`a duration or text`."""
    names = sorted({NAMES[kind] for kind in wanted})
    return " or ".join(name if name == "text" else f"a {name}" for name in names)

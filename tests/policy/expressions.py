"""Conditions and values made at random: well typed by construction, ill typed by construction, and neither."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from policy.conditions.shapes import RULE_ROOTS, Leaf, Listing, OneOf, Ranked, Shape, Struct, Table

TEXT, INTEGER, NUMBER, BOOLEAN, TIME, DURATION = "text", "integer", "number", "boolean", "time", "duration"
KINDS = (TEXT, INTEGER, NUMBER, BOOLEAN, TIME, DURATION)
DYNAMIC = ("call.arguments.x", "call.arguments['y']", "task.payload.a.b", "task.inputs[call.tool]")
_ATOMS = {
    TEXT: (
        "task.type",
        "task.goal",
        "call.tool",
        "call.resource",
        "call.labels['env']",
        "task.requester",
        "'x'",
        '"a b"',
    ),
    INTEGER: ("run.iterations", "run.depth", "(0 + run.tier)", "3", "-1", "0x1f"),
    NUMBER: ("run.cost_usd", "1.5", "-2.0", "1e3"),
    BOOLEAN: ("run.tainted", "call.tainted", "true", "false", "has(call.arguments.x)", "has(call.labels.env)"),
    TIME: ("now", "task.trigger.timestamp", "timestamp('2026-01-31T08:00:00Z')"),
    DURATION: ("duration('1h30m')", "duration('90s')"),
}
_REPLACED = ("run.iterations", "task.goal", "run.tainted", "task.requester", "call.labels['env']", "now", "3", "'x'")
_CLOSED = {
    "task.trigger.source": "'alert'",
    "call.effect": "'change'",
    "task.context.priority": "'high'",
    "run.tier": "3",
}

Draw = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def typed(draw: Draw, kind: str, depth: int = 3) -> str:
    """An expression of this kind, without dynamic values."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return str(draw(st.sampled_from(_ATOMS[kind])))
    return str(draw(st.sampled_from(_MAKERS[kind]))(draw, depth - 1))


@st.composite
def loose(draw: Draw) -> str:
    """A condition that would be well typed if its dynamic values were of the right kinds."""
    said = draw(typed(BOOLEAN, 3))
    for atom in (
        "run.iterations",
        "task.goal",
        "run.tainted",
        "task.requester",
        "call.labels['env']",
        "now",
        "3",
        "'x'",
    ):
        if draw(st.booleans()):
            said = said.replace(atom, draw(st.sampled_from(DYNAMIC)), 1)
    return f"{said} == true" if draw(st.booleans()) else f"!(!({said}))"


def _part(draw: Draw, kind: str, depth: int) -> str:
    return str(draw(typed(kind, depth)))


def _pair(operators: str, left: str, right: str | None = None) -> Callable[[Draw, int], str]:
    def make(draw: Draw, depth: int) -> str:
        operator = draw(st.sampled_from(operators.split()))
        return f"({_part(draw, left, depth)} {operator} {_part(draw, right or left, depth)})"

    return make


def _either(kind: str) -> Callable[[Draw, int], str]:
    def make(draw: Draw, depth: int) -> str:
        test, then, otherwise = (_part(draw, each, depth) for each in (BOOLEAN, kind, kind))
        return f"({test} ? {then} : {otherwise})"

    return make


def _around(text: str, kind: str) -> Callable[[Draw, int], str]:
    return lambda draw, depth: text.replace("_", f"({_part(draw, kind, depth)})")


def _listed(draw: Draw, depth: int) -> str:
    kind = draw(st.sampled_from(KINDS))
    items = [_part(draw, kind, depth) for _ in range(draw(st.integers(0, 3)))]
    return f"({_part(draw, kind, depth)} in [{', '.join(items)}])"


def _closed(draw: Draw, depth: int) -> str:
    path, word = draw(st.sampled_from(sorted(_CLOSED.items())))
    said = draw(st.sampled_from((f"{path} == {word}", f"{word} != {path}", f"{path} in [{word}]")))
    return f"({said})" if depth else f"!({said})"


_ORDERED = "< <= > >="
_MAKERS: dict[str, list[Callable[[Draw, int], str]]] = {
    TEXT: [_either(TEXT), _around("string(_)", INTEGER), _around("string(_)", TIME), _around("string(_)", NUMBER)],
    INTEGER: [
        *(_pair("+ - *", INTEGER), _either(INTEGER), _around("size(_)", TEXT), _around("_.size()", TEXT)),
        *(_around("_.getHours()", TIME), _around("_.getMinutes()", DURATION), _around("_.getDayOfWeek()", TIME)),
        *(_around("int(_)", NUMBER), _around("-_", INTEGER), _around("(_ / 3)", INTEGER), _around("(_ % 7)", INTEGER)),
    ],
    NUMBER: [_pair("- *", NUMBER), _either(NUMBER), _around("double(_)", INTEGER), _around("(_ / 2.5)", NUMBER)],
    BOOLEAN: [
        *(_pair("&& ||", BOOLEAN), _pair("&& ||", BOOLEAN), _either(BOOLEAN), _around("!_", BOOLEAN), _listed, _closed),
        *(_pair(f"{_ORDERED} == !=", kind) for kind in (TEXT, INTEGER, NUMBER, TIME, DURATION)),
        *(_pair(f"{_ORDERED} == !=", INTEGER, NUMBER), _pair("== !=", BOOLEAN)),
        *(_around(f"_.{name}('p')", TEXT) for name in ("startsWith", "endsWith", "contains")),
        *(_around("_.matches(r'^[a-z]+\\d?$')", TEXT), _around("(_ in call.labels)", TEXT)),
    ],
    TIME: [_pair("+ -", TIME, DURATION), _either(TIME)],
    DURATION: [_pair("-", TIME), _pair("+ -", DURATION), _either(DURATION)],
}


@st.composite
def ill_typed(draw: Draw) -> str:
    """A condition with one operand of a kind that does not belong there."""
    wanted, wrong = draw(st.sampled_from([(a, b) for a in KINDS for b in KINDS if not _fits(a, b)]))
    good, bad = draw(typed(wanted, 2)), f"({draw(typed(wrong, 2))})"
    forms = [f"{good} == {bad}", f"{bad} != ({good})", f"{good} in [{bad}]", f"(true ? {good} : {bad}) == {good}"]
    if wanted is BOOLEAN:
        forms += [f"{bad} && true", f"false || {bad}", f"!{bad}", f"{bad} ? true : false", bad]
    else:
        forms += [f"({good}) < {bad}", f"{bad} >= ({good})"]
    if wanted is TEXT:
        forms += [
            f"{bad}.startsWith('x')",
            f"task.goal.contains({bad})",
            f"call.labels[{bad}] == ''",
            f"({good}) + {bad} == ''",
        ]
    broken = draw(st.sampled_from(forms))
    around = draw(st.sampled_from(("_", "run.tainted && (_)", "!(_)", "call.arguments.x || (_)", "(_) ? true : false")))
    return str(around.replace("_", broken))


def _fits(wanted: str, given: str) -> bool:
    return wanted == given or {wanted, given} == {INTEGER, NUMBER}


@st.composite
def untyped(draw: Draw, depth: int = 3) -> str:
    """Anything that the grammar allows, with and without sense."""
    atoms = [
        *DYNAMIC,
        *_CLOSED,
        *(atom for each in _ATOMS.values() for atom in each),
        "null",
        "[]",
        "call.labels",
        "{}",
    ]
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return str(draw(st.sampled_from(atoms)))
    if draw(st.integers(0, 2)) == 0:
        return str(draw(typed(draw(st.sampled_from(KINDS)), 1)))
    one, other, third = (draw(untyped(depth - 1)) for _ in range(3))
    operator = draw(st.sampled_from(["&&", "||", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%"]))
    forms = (f"({one} {operator} {other})", f"({one}) {operator} {other}", f"({one} ? {other} : {third})", f"!({one})")
    calls = (f"size({one})", f"({one}).contains({other})", f"string({one})", f"int({one})", f"({one}).getHours()")
    data = (f"[{one}, {other}]", f"{{'a': {one}}}", f"({one})[{other}]", f"({one}).a", f"-({one})", f"duration({one})")
    return str(draw(st.sampled_from((*forms, *forms, *calls, *data))))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-9, 9) | st.sampled_from(["", "x", "3"]),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.sampled_from("abxy"), below, max_size=3),
    max_leaves=5,
)
_MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
_TEXTS = st.sampled_from(["", "x", "p", "prod/web", "ä b", "user:U1", "1"])


def values_of(shape: Shape) -> st.SearchStrategy[Any]:
    """Values of this shape."""
    match shape:
        case Struct(fields=fields):
            return st.fixed_dictionaries({name: values_of(below) for name, below in fields.items()})
        case OneOf(words=words):
            return st.sampled_from(words)
        case Ranked(names=names):
            return st.integers(0, len(names) - 1)
        case Table(of=below):
            return st.dictionaries(st.sampled_from(["env", "team"]), values_of(below))
        case Listing(of=below):
            return st.lists(values_of(below), max_size=2)
        case Leaf.INTEGER:
            return st.integers(0, 9)
        case Leaf.NUMBER:
            return st.floats(0, 9)
        case Leaf.BOOLEAN:
            return st.booleans()
        case Leaf.TIME:
            return _MOMENTS
        case Leaf.OPEN:
            return st.dictionaries(st.sampled_from("abxy"), _JSON, max_size=3)
        case Leaf():
            return _TEXTS


VALUES = st.fixed_dictionaries({name: values_of(shape) for name, shape in RULE_ROOTS.items()})

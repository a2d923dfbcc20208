"""The functions that conditions may call, and of what. Each costs at most one pass over its values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from policy.conditions.kinds import Kind
from policy.conditions.shapes import Leaf, Shape

_TEXT = frozenset({Kind.TEXT})
_SIZED = frozenset({Kind.TEXT, Kind.LIST, Kind.MAP})
_CLOCK = frozenset({Kind.TIME, Kind.DURATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """`of` is what stands before the dot, None where nothing does; `takes` what stands in the parentheses."""

    of: frozenset[Kind] | None = None
    takes: tuple[frozenset[Kind], ...] = ()
    gives: Shape
    like: str
    says: str
    reads_literal: bool = field(default=False)  # a text written out is read when the file is loaded


def _of_text(name: str, says: str) -> Function:
    return Function(of=_TEXT, takes=(_TEXT,), gives=Leaf.BOOLEAN, like=f"task.goal.{name}('prod')", says=says)


def _of_time(name: str, says: str, of: frozenset[Kind] = frozenset({Kind.TIME})) -> Function:
    return Function(of=of, gives=Leaf.INTEGER, like=f"now.{name}() == 5", says=says)


METHODS: Mapping[str, Function] = {
    "startsWith": _of_text("startsWith", "whether the text starts so"),
    "endsWith": _of_text("endsWith", "whether the text ends so"),
    "contains": _of_text("contains", "whether the text holds the other"),
    "matches": Function(
        of=_TEXT,
        takes=(_TEXT,),
        gives=Leaf.BOOLEAN,
        like="call.resource.matches(r'^prod/[a-z]+$')",
        says="whether the pattern, written out, is found in the text (RE2's dialect)",
    ),
    "size": Function(
        of=_SIZED, gives=Leaf.INTEGER, like="task.goal.size() > 9", says="how much there is: bytes, items"
    ),
    "getFullYear": _of_time("getFullYear", "the year, in UTC as all of these"),
    "getMonth": _of_time("getMonth", "the month, from 0"),
    "getDate": _of_time("getDate", "the day of the month, from 1"),
    "getDayOfMonth": _of_time("getDayOfMonth", "the day of the month, from 0"),
    "getDayOfWeek": _of_time("getDayOfWeek", "the day of the week, 0 is Sunday"),
    "getDayOfYear": _of_time("getDayOfYear", "the day of the year, from 0"),
    "getHours": _of_time("getHours", "the hour; of a duration, all of its hours", _CLOCK),
    "getMinutes": _of_time("getMinutes", "the minute; of a duration, all of its minutes", _CLOCK),
}
GLOBALS: Mapping[str, Function] = {
    "size": Function(takes=(_SIZED,), gives=Leaf.INTEGER, like="size(task.goal) > 9", says="the same, in front"),
    "duration": Function(
        takes=(frozenset({Kind.TEXT, Kind.DURATION}),),
        gives=Leaf.DURATION,
        like="duration('1h30m')",
        says="a length of time: h, m, s, ms",
        reads_literal=True,
    ),
    "timestamp": Function(
        takes=(frozenset({Kind.TEXT, Kind.TIME}),),
        gives=Leaf.TIME,
        like="timestamp('2026-01-31T08:00:00Z')",
        says="a moment, as RFC 3339 writes it",
        reads_literal=True,
    ),
    "string": Function(
        takes=(frozenset({Kind.TEXT, Kind.INTEGER, Kind.NUMBER, *_CLOCK}),),
        gives=Leaf.TEXT,
        like="string(run.tier)",
        says="the value as text",
    ),
    "int": Function(
        takes=(frozenset({Kind.TEXT, Kind.INTEGER, Kind.NUMBER}),),
        gives=Leaf.INTEGER,
        like="int('3')",
        says="the value as a whole number",
        reads_literal=True,
    ),
    "double": Function(
        takes=(frozenset({Kind.TEXT, Kind.INTEGER, Kind.NUMBER}),),
        gives=Leaf.NUMBER,
        like="double(run.iterations)",
        says="the value as a number with a fraction",
        reads_literal=True,
    ),
}
HAS = "has"
MACROS = frozenset(
    {"all", "exists", "exists_one", "existsOne", "map", "filter", "bind", "transformList", "transformMap"}
)

"""Conditions: CEL behind a gate. What passes the gate is cheap, total in cost, and boolean; what fails later denies.

The engine itself neither checks types nor bounds cost, so the gate does, when a file is loaded: length, functions from
a short list, no comprehensions, every path known to the declared shape of its root, a literal pattern in `matches`,
and a trial evaluation that must give nothing but a boolean. Dynamic roots (`OPEN`) are checked for everything else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import cel

from policy.expressions import BadExpression, Path, comparisons, paths, patterns, tokens
from policy.files import nearest
from policy.nodes import Faults, Node
from policy.shapes import OPEN, Leaf, Shape, Struct, sample

LONGEST = 1024  # characters
MOST_ADDITIONS = 8  # texts can grow by `+` alone
DEEPEST = 64  # of values: the engine recurses
_FUNCTIONS = frozenset(
    {
        *("_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "_?_:_", "_[_]"),
        *("_+_", "_-_", "_*_", "_/_", "_%_", "-_", "size", "startsWith", "endsWith", "contains", "matches"),
        *("duration", "timestamp", "string", "int", "double", "getFullYear", "getMonth", "getDate", "getDayOfWeek"),
        *("getHours", "getMinutes", "getDayOfMonth", "getDayOfYear"),
    }
)
_PANIC = "pyo3_runtime"  # where the engine's own panics live; they are no Exceptions
_MACROS = frozenset({"all", "exists", "exists_one", "map", "filter", "bind"})


class ConditionRefused(Exception):
    """The text cannot be a condition; the message says why, and `suggestion` what would be right."""

    def __init__(self, problem: str, suggestion: str = "") -> None:
        super().__init__(problem)
        self.problem, self.suggestion = problem, suggestion


class ConditionFailed(Exception):
    """The condition could not be evaluated, or was not true or false. Doubt denies: the caller decides whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition that passed the gate. `paths` are what it reads: `asks` within `has(...)`, `nulls` beside `null`."""

    text: str
    file: str
    line: int
    roots: frozenset[str]
    paths: frozenset[Path]
    asks: frozenset[Path]
    nulls: frozenset[Path]
    evaluate: Callable[[dict[str, Any] | cel.Context], Any]

    def reads(self, *path: str) -> bool:
        """Whether it reads this path, something below it, or all that holds it."""
        return any(p[: len(path)] == path or path[: len(p)] == p for p in self.paths)

    def holds(self, values: "Mapping[str, Any] | Prepared") -> bool:
        """Whether it holds for `values` (by root name). Raises ConditionFailed for anything but true and false."""
        try:
            if isinstance(values, Prepared):
                said = self.evaluate(values.context)
            else:
                said = self.evaluate({root: plain(values[root]) for root in self.roots})
        except ConditionFailed:
            raise
        except (KeyError, IndexError) as error:
            raise ConditionFailed(f"{error} is not there") from error
        except Exception as error:  # whatever the engine says: a rule that cannot be evaluated denies
            raise ConditionFailed(str(error).splitlines()[0] if str(error) else type(error).__name__) from error
        except BaseException as error:
            if type(error).__module__ != _PANIC:
                raise
            raise ConditionFailed("the engine panicked") from error
        if said is not True and said is not False:
            raise ConditionFailed(f"is {type(said).__name__}, not true or false")
        return said


@dataclass(frozen=True, slots=True)
class Prepared:
    """Values converted once, for many conditions."""

    context: cel.Context


def prepare(values: Mapping[str, Any]) -> Prepared:
    """`values` (by root name), converted. Raises ConditionFailed."""
    try:
        return Prepared(cel.Context({root: plain(value) for root, value in values.items()}))
    except (ValueError, TypeError) as error:
        raise ConditionFailed(f"the values cannot be read: {error}") from error


def compile_condition(text: str, roots: Mapping[str, Shape], *, file: str = "", line: int = 0) -> Condition:
    """`text` as a condition over `roots`. Raises ConditionRefused."""
    if len(text) > LONGEST:
        raise ConditionRefused(f"is longer than {LONGEST} characters", "split it into several rules")
    try:
        found = tokens(text)
        reads, asks = paths(found)
        literals = patterns(found)
        compared = comparisons(found)
    except BadExpression as error:
        raise ConditionRefused(str(error)) from error
    program = _compiled(text)
    _check_functions(program.functions(), [t.text for t in found])
    _check_patterns(literals)
    for path in sorted(reads | asks):
        _check_path(path, roots)
    for path, kind in sorted(compared):
        _check_comparison(path, kind, roots)
    condition = Condition(
        text=text,
        file=file,
        line=line,
        roots=frozenset(path[0] for path in reads | asks),
        paths=frozenset(reads | asks),
        asks=frozenset(asks),
        nulls=frozenset(path for path, kind in compared if kind == "null"),
        evaluate=program.execute,
    )
    _try(condition, roots)
    return condition


def condition(roots: Mapping[str, Shape]) -> Callable[[Node, Faults], Condition | None]:
    """A reader of conditions, for `policy.files.Fields`."""

    def read_condition(node: Node, faults: Faults) -> Condition | None:
        if not isinstance(node.value, str):
            faults.at(node, f"must be a condition, not {node.kind}", "like \"task.type == 'chat'\"")
            return None
        try:
            return compile_condition(node.value, roots, file=node.file, line=node.line)
        except ConditionRefused as refused:
            faults.at(node, refused.problem, refused.suggestion)
            return None

    return read_condition


def plain(value: Any, left: int = DEEPEST) -> Any:
    """`value` as the engine can take it: bounded in depth, whole numbers of 64 bits. Raises ConditionFailed."""
    if value is None or isinstance(value, (str, bool, float, datetime)):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ConditionFailed("a number is too large")
        return value
    if left == 0:
        raise ConditionFailed(f"a value is nested deeper than {DEEPEST}")
    if isinstance(value, Mapping):
        return {str(key): plain(item, left - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, left - 1) for item in value]
    raise ConditionFailed(f"a {type(value).__name__} is not data")


# ── The gate ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _compiled(text: str) -> cel.Program:
    try:
        return cel.compile(text)
    except ValueError as error:
        said = [line for line in str(error).splitlines() if "ERROR" in line]
        reason = (said[0] if said else str(error)).rpartition("ERROR: ")[2].removeprefix("<input>:")
        raise ConditionRefused(f"is not CEL: {reason}") from error


def _check_functions(used: list[str], words: list[str]) -> None:
    for macro in sorted(_MACROS & set(words)):
        if any(w == macro and words[i - 1] == "." and words[i + 1 : i + 2] == ["("] for i, w in enumerate(words) if i):
            raise ConditionRefused(f"{macro}() is not allowed: its cost has no bound", "use `in`, size() or matches()")
    for name in used:
        if name not in _FUNCTIONS:
            names = sorted(n for n in _FUNCTIONS if n.isidentifier())
            raise ConditionRefused(f"{name}() is not a function here", f"functions: {', '.join(names)}")
    if words.count("+") > MOST_ADDITIONS:
        raise ConditionRefused(f"adds more than {MOST_ADDITIONS} times")


def _check_patterns(literals: list[str | None]) -> None:
    for literal in literals:
        if literal is None:
            raise ConditionRefused("matches() wants its pattern written out", 'like matches("^prod-")')
        try:
            cel.compile(f"''.matches({literal})").execute({})
        except Exception as error:  # whatever it dislikes about the pattern
            raise ConditionRefused(f"matches() cannot use {literal}: not a regular expression") from error


def _check_path(path: Path, roots: Mapping[str, Shape]) -> None:
    if path[0] not in roots:
        raise ConditionRefused(f"{path[0]} is not a variable here", nearest(path[0], roots))
    shape: Shape = roots[path[0]]
    for depth, name in enumerate(path[1:], start=1):
        if not isinstance(shape, Struct):
            if shape is OPEN:
                return
            raise ConditionRefused(f"{'.'.join(path[:depth])} has nothing below it: it is {shape.value}")
        if name not in shape.fields:
            raise ConditionRefused(f"{'.'.join(path[: depth + 1])} does not exist", nearest(name, shape.fields))
        shape = shape.fields[name]
    if isinstance(shape, Struct):
        whole = ".".join(path)
        raise ConditionRefused(f"{whole} is not a value by itself", f"one of {whole}.{', '.join(shape.fields)}")


# What may be compared with what: the engine answers any other comparison with false, whatever the value.
_COMPARABLE = {
    "null": {Leaf.PRINCIPAL},
    "text": {Leaf.TEXT, Leaf.PRINCIPAL},
    "number": {Leaf.INTEGER, Leaf.NUMBER},
    "boolean": {Leaf.BOOLEAN},
}


def _check_comparison(path: Path, kind: str, roots: Mapping[str, Shape]) -> None:
    shape: Shape = roots[path[0]]
    for name in path[1:]:
        shape = shape.fields[name] if isinstance(shape, Struct) else OPEN
    if shape is OPEN or not isinstance(shape, Leaf) or shape in _COMPARABLE[kind]:
        return
    whole = ".".join(path)
    if kind == "null":
        raise ConditionRefused(f"{whole} is never null: what is absent is empty", "compare with ''")
    tiers = "0 observe, 1 recommend, 2 draft, 3 sandbox, 4 production" if path == ("run", "tier") else ""
    raise ConditionRefused(f"{whole} is {shape.value}, and can never equal a {kind}", tiers)


def _try(condition: Condition, roots: Mapping[str, Shape]) -> None:
    """Evaluate once on a sample. What is not there in a sample may be there later; anything but a boolean may not."""
    try:
        said = condition.evaluate({root: sample(roots[root]) for root in condition.roots})
    except (KeyError, IndexError):
        return
    except (TypeError, RuntimeError) as error:
        if any(_dynamic(path, roots) for path in condition.paths):
            return
        reason = str(error).split(".")[0]
        raise ConditionRefused(f"cannot be evaluated: {reason}") from error
    except Exception as error:  # arithmetic on samples and the like
        raise ConditionRefused(f"cannot be evaluated: {error}") from error
    if not isinstance(said, bool) and not any(_dynamic(path, roots) for path in condition.paths):
        raise ConditionRefused(f"must be true or false, not {type(said).__name__}")


def _dynamic(path: Path, roots: Mapping[str, Shape]) -> bool:
    shape = roots[path[0]]
    for name in path[1:]:
        if not isinstance(shape, Struct):
            break
        shape = shape.fields[name]
    return shape is OPEN

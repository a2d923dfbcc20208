"""Conditions: CEL behind a gate. What passes the gate is cheap, total in cost, and boolean; what fails later denies.

The engine itself neither checks types nor bounds cost, so the gate does, when a file is loaded: `tokens` bounds the
length, `parser` the depth, `gate` checks every path, operator and function against the declared shapes of the
variables. `docs/conditions.md` says the same to those who write rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import cel

from policy.conditions.engine import NotForTheEngine, panicked, program
from policy.conditions.gate import Gate
from policy.conditions.parser import parse
from policy.conditions.refusal import ConditionRefused, Flaw
from policy.conditions.shapes import Shape
from policy.conditions.syntax import Path
from policy.reading.nodes import Faults, Node

DEEPEST = 64  # of values: the engine recurses


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
    evaluate: Callable[[dict[str, Any] | cel.Context], Any] = field(compare=False, repr=False)

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
            if not panicked(error):
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
    """`text` as a condition over `roots`. Raises ConditionRefused with every flaw that was found."""
    tree = parse(text)
    gate = Gate(roots)
    gate.check(tree)
    if gate.flaws:
        raise ConditionRefused(*gate.flaws)
    try:
        compiled = program(text)
    except NotForTheEngine as error:
        raise ConditionRefused(Flaw(f"is not CEL: {error}")) from error
    paths = frozenset(gate.reads | gate.asks)
    return Condition(
        text=text,
        file=file,
        line=line,
        roots=frozenset(path[0] for path in paths),
        paths=paths,
        asks=frozenset(gate.asks),
        nulls=frozenset(gate.nulls),
        evaluate=compiled.execute,
    )


def condition(roots: Mapping[str, Shape]) -> Callable[[Node, Faults], Condition | None]:
    """A reader of conditions, for `policy.reading.files.Fields`. Each flaw is a fault at its own word."""

    def read_condition(node: Node, faults: Faults) -> Condition | None:
        if not isinstance(node.value, str):
            faults.at(node, f"must be a condition, not {node.kind}", "like \"task.type == 'chat'\"")
            return None
        try:
            return compile_condition(node.value, roots, file=node.file, line=node.line)
        except ConditionRefused as refused:
            for flaw in refused.flaws:
                faults.within(node, flaw.at, flaw.problem, flaw.suggestion)
            return None

    return read_condition


def plain(value: Any, left: int = DEEPEST) -> Any:
    """`value` as the engine can take it: bounded in depth, whole numbers of 64 bits, moments in UTC, as CEL has them.

    Raises ConditionFailed.
    """
    if value is None or isinstance(value, (str, bool, float)):
        return value
    if isinstance(value, datetime):
        return value if value.tzinfo in (None, UTC) else value.astimezone(UTC)
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

"""What is wrong with a document, and where: nodes know their places, faults are collected and raised all at once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from policy.reading.characters import shown
from policy.reading.places import Source

MOST_FAULTS = 1_000  # that are kept: nobody reads more

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one key of one file, and what would be right."""

    file: str
    line: int
    column: int
    key: str
    problem: str
    suggestion: str = ""
    word: bool = False  # whether the column is that of one word within the value: then people are shown it

    def __str__(self) -> str:
        hint = f" ({shown(self.suggestion)})" if self.suggestion else ""
        key = f" {shown(self.key)}:" if self.key else ""
        column = f"{self.column}:" if self.word else ""
        return f"{self.file}:{self.line}:{column}{key} {shown(self.problem)}{hint}"


class Invalid(Exception):
    """The files do not say what to do. Carries every fault that was found, in file order."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value and where it stands: for an entry of a mapping that is where its key stands."""

    file: str
    line: int
    column: int
    key: str  # the path, `policies[0].limit.tier`; "" is the document
    value: "Scalar | tuple[Node, ...] | Mapping[str, Node]"

    @property
    def plain(self) -> Any:
        """The value as plain Python data."""
        if isinstance(self.value, tuple):
            return [item.plain for item in self.value]
        if isinstance(self.value, Mapping):
            return {key: item.plain for key, item in self.value.items()}
        return self.value

    @property
    def kind(self) -> str:
        """What it is, in words."""
        match self.value:
            case None:
                return "nothing"
            case bool():
                return "true or false"
            case int() | float():
                return "a number"
            case str():
                return "text"
            case tuple():
                return "a list"
            case _:
                return "a mapping"


class Faults:
    """Collects faults; `check` raises them all at once."""

    def __init__(self) -> None:
        self._found: list[Fault] = []
        self._more = 0
        self._sources: dict[str, Source] = {}

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.sorted())

    def __len__(self) -> int:
        return len(self._found) + self._more

    @property
    def full(self) -> bool:
        """Whether no more are kept, only counted."""
        return len(self._found) >= MOST_FAULTS

    def at(self, node: Node, problem: str, suggestion: str = "") -> None:
        """Record a fault of the value at `node`."""
        self.add(node.file, node.line, node.column, node.key, problem, suggestion)

    def source(self, file: str, text: str) -> None:
        """The text that nodes of this file come from: `within` looks words up in it."""
        self._sources[file] = Source(text)

    def within(self, node: Node, offset: int, problem: str, suggestion: str = "") -> None:
        """Record a fault of one word of the text at `node`: the word that starts at this character of it."""
        source = self._sources.get(node.file)
        found = source.place(node.line, node.column, str(node.value), offset) if source is not None else None
        if found is None:
            self.at(node, f"{problem}, at character {offset + 1}", suggestion)
            return
        fault = Fault(
            file=node.file,
            line=found[0],
            column=found[1],
            key=node.key,
            problem=problem,
            suggestion=suggestion,
            word=True,
        )
        self._record(fault)

    def add(self, file: str, line: int, column: int, key: str, problem: str, suggestion: str = "") -> None:
        """Record a fault anywhere."""
        self._record(Fault(file=file, line=line, column=column, key=key, problem=problem, suggestion=suggestion))

    def _record(self, fault: Fault) -> None:
        if not self.full:
            self._found.append(fault)
            return
        self._more += 1

    def sorted(self) -> tuple[Fault, ...]:
        """Every fault once, by file and line; the last says how many more there are than anybody reads."""
        found = sorted(set(self._found), key=lambda f: (f.file, f.line, f.column, f.key, f.problem))
        if self._more:
            last = self._found[-1]
            found.append(replace(last, key="", problem=f"and {self._more} more faults", suggestion="", word=False))
        return tuple(found)

    def check(self) -> None:
        """Raise Invalid if there is any fault."""
        if self._found:
            raise Invalid(self.sorted())

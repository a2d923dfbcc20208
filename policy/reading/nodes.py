"""A document as a tree of nodes, each with its place, from the text of a file. `files` describes the dialect."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from policy.reading.characters import forbidden
from policy.reading.faults import Fault, Faults, Invalid, Node, Scalar

__all__ = ["Fault", "Faults", "Invalid", "Node", "Scalar", "from_plain", "read"]

LARGEST_FILE = 4 * 1024 * 1024  # characters
DEEPEST = 24
MOST_NODES = 400_000
LONGEST_TEXT = 64 * 1024


def read(file: str, text: str, faults: Faults) -> Node | None:
    """The document as a tree of nodes; None, and a fault, where it is not a document this module accepts."""
    if len(text) > LARGEST_FILE:
        faults.add(file, 1, 1, "", f"is larger than {LARGEST_FILE} characters")
        return None
    hidden = forbidden(text)
    if hidden is not None:
        faults.add(file, hidden.line, hidden.column, "", hidden.problem, "remove it")
        return None
    faults.source(file, text)
    builder = _Builder(file, faults, _lines(text))
    try:
        for event in _events(text):
            builder.take(event)
    except _Refused:
        return None
    except (yaml.YAMLError, UnicodeError) as error:
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        faults.add(file, *_place(getattr(error, "problem_mark", None), text), "", f"is not YAML: {problem}")
        return None
    if builder.root is None:
        faults.add(file, 1, 1, "", "is empty")
    return builder.root


def _events(text: str) -> Iterator[yaml.Event]:
    """As `yaml.parse`, which asks twice for each event."""
    loader = _LOADER(text)
    try:
        yield from iter(loader.get_event, None)
    finally:
        loader.dispose()


def _place(mark: yaml.Mark | None, text: str) -> tuple[int, int]:
    """Line and column of a mark. One beyond the last line is put on that line."""
    if mark is None:
        return 1, 1
    return min(mark.line + 1, _lines(text)), mark.column + 1


def _lines(text: str) -> int:
    return text.rstrip("\n").count("\n") + 1


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Refused(Exception):
    """The rest of the document is not worth reading; the fault has been recorded."""


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been seen."""

    line: int
    column: int
    key: str
    mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)
    pending: tuple[str, int, int] | None = None  # the key that waits for its value


class _Builder:
    """Builds nodes from parser events, without recursion."""

    def __init__(self, file: str, faults: Faults, lines: int) -> None:
        self.file, self.faults, self._lines = file, faults, lines
        self._open: list[_Open] = []
        self._count = 0
        self.root: Node | None = None

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():  # most are; so it is asked first
                self._node(event)
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._node(event)
                self._start(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end()
            case yaml.AliasEvent():
                self._refuse(event, "aliases are not allowed", "write the value out")
            case yaml.DocumentStartEvent() if self.root is not None:
                self._refuse(event, "must hold one document")
            case _:
                pass  # the stream's and the document's own marks

    def _node(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        self._count += 1
        if self._count > MOST_NODES:
            self._refuse(event, f"holds more than {MOST_NODES} values")
        if event.anchor is not None:
            self._refuse(event, "anchors are not allowed", "write the value out")
        if event.tag is not None:
            self._refuse(event, f"tags like {event.tag} are not allowed")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        line, column = self._position(event)
        if len(event.value) > LONGEST_TEXT:
            self._refuse(event, f"is longer than {LONGEST_TEXT} characters")
        top = self._open[-1] if self._open else None
        if top is not None and top.mapping and top.pending is None:
            if event.value in top.entries:
                first = top.entries[event.value].line
                key = _join(top.key, event.value)
                self.faults.add(self.file, line, column, key, "is said twice", f"first on line {first}")
            elif event.value == "<<":
                self._refuse(event, "merge keys are not allowed", "write the keys out")
            top.pending = (event.value, line, column)
            return
        self._place(_resolve(event), line, column)

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        if len(self._open) >= DEEPEST:
            self._refuse(event, f"is nested deeper than {DEEPEST}")
        line, column = self._position(event)
        top = self._open[-1] if self._open else None
        if top is not None and top.mapping and top.pending is None:
            self._refuse(event, "a key must be text")
        key = self._key()
        self._open.append(_Open(line, column, key, isinstance(event, yaml.MappingStartEvent)))

    def _end(self) -> None:
        done = self._open.pop()
        self._place(done.entries if done.mapping else tuple(done.items), done.line, done.column)

    def _key(self) -> str:
        if not self._open:
            return ""
        top = self._open[-1]
        return _join(top.key, top.pending[0]) if top.pending else f"{top.key}[{len(top.items)}]"

    def _place(self, value: Any, line: int, column: int) -> None:
        key = self._key()
        top = self._open[-1] if self._open else None
        if top is not None and top.pending is not None:
            _, line, column = top.pending
        node = Node(file=self.file, line=line, column=column, key=key, value=value)
        if top is None:
            self.root = node
        elif top.pending is not None:
            top.entries.setdefault(top.pending[0], node)
            top.pending = None
        else:
            top.items.append(node)

    def _position(self, event: yaml.Event) -> tuple[int, int]:
        """Where it begins; what is empty at the end of a file, on its last line."""
        mark = event.start_mark
        return (min(mark.line + 1, self._lines), mark.column + 1) if mark else (1, 1)

    def _refuse(self, event: yaml.Event, problem: str, suggestion: str = "") -> None:
        line, column = self._position(event)
        self.faults.add(self.file, line, column, self._key(), problem, suggestion)
        raise _Refused


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,15})")
_FLOAT = re.compile(r"[-+]?[0-9]{1,16}(?:\.[0-9]{1,16})?(?:[eE][-+]?[0-9]{1,2})?")


def _resolve(event: yaml.ScalarEvent) -> Scalar:
    """What a scalar stands for. Only plain ones stand for anything but text."""
    said: str = event.value
    if event.style is not None and event.style != "":
        return said
    if said in {"", "~", "null"}:
        return None
    if said in {"true", "True"}:
        return True
    if said in {"false", "False"}:
        return False
    if _INTEGER.fullmatch(said):
        return int(said)
    if _FLOAT.fullmatch(said) and not re.fullmatch(r"[-+]?0[0-9]+.*", said) and not said.lstrip("-+").isdigit():
        return float(said)
    return said


def from_plain(file: str, value: Any, key: str = "", left: int = DEEPEST) -> Node:
    """Plain JSON data as nodes, all on line 1. Raises ValueError where it is nested too deep."""
    if left == 0:
        raise ValueError(f"{file}: is nested deeper than {DEEPEST}")
    held: Scalar | tuple[Node, ...] | Mapping[str, Node]
    if isinstance(value, Mapping):
        held = {name: from_plain(file, item, _join(key, name), left - 1) for name, item in value.items()}
    elif isinstance(value, list):
        held = tuple(from_plain(file, item, f"{key}[{i}]", left - 1) for i, item in enumerate(value))
    else:
        held = value
    return Node(file=file, line=1, column=1, key=key, value=held)

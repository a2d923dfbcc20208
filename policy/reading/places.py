"""Where a word within a YAML text stands in its file. Looked up only once something is wrong, so that loading is free.

A text is found again by the place of its node, and aligned with the file by its visible characters: quotes, escapes,
folded lines and indentation are the file's alone.
"""

import re
from dataclasses import dataclass
from functools import cached_property

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BLANK_ESCAPE = re.compile(r"\\(?:[ntr \t_NLP\n]|x(?:09|0[aA]|0[dD]|20)|u0020)")
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_OTHER_BREAKS = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_HEADER = re.compile(r"[|>][^\n]*\n?")


@dataclass(frozen=True, slots=True)
class _Scalar:
    """A text as the file writes it, from one mark to the other; lines and columns from 0."""

    value: str
    style: str | None
    line: int
    column: int
    last_line: int
    last_column: int

    @classmethod
    def of(cls, event: yaml.ScalarEvent) -> "_Scalar | None":
        first, last = event.start_mark, event.end_mark
        if first is None or last is None:
            return None
        return cls(event.value, event.style, first.line, first.column, last.line, last.column)


class Source:
    """The text of one file, with what is needed to find words in it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def place(self, line: int, column: int, value: str, offset: int) -> tuple[int, int] | None:
        """Line and column (from 1) of character `offset` of the text whose node stands there; None if not found."""
        found = self._scalars.get((line, column))
        if found is None or found.value != value:
            return None
        raw = self._text[self._at(found.line, found.column) : self._at(found.last_line, found.last_column)]
        at = _aligned(raw, found.style, value, offset)
        if at is None:
            return None
        above = raw.count("\n", 0, at)
        return found.line + above + 1, at - raw.rfind("\n", 0, at) if above else found.column + at + 1

    @cached_property
    def _scalars(self) -> dict[tuple[int, int], _Scalar]:
        """Texts by the place of their nodes: of a value its key's, of anything else its own."""
        found: dict[tuple[int, int], _Scalar] = {}
        if _OTHER_BREAKS.search(self._text):
            return found  # YAML counts lines there that we do not
        open_: list[_Open] = []
        try:
            for event in yaml.parse(self._text, Loader=_LOADER):
                _take(event, open_, found)
        except yaml.YAMLError:
            pass  # what stands before is found all the same
        return found

    @cached_property
    def _lines(self) -> list[int]:
        """At which character each line starts."""
        return [0, *(found.end() for found in re.finditer("\n", self._text))]

    def _at(self, line: int, column: int) -> int:
        return self._lines[line] + column if line < len(self._lines) else len(self._text)


@dataclass(slots=True)
class _Open:
    """A collection that has not ended; `key` is where the key stands that waits for its value."""

    mapping: bool
    key: tuple[int, int] | None = None


def _take(event: yaml.Event, open_: list[_Open], found: dict[tuple[int, int], _Scalar]) -> None:
    top = open_[-1] if open_ else None
    match event:
        case yaml.ScalarEvent():
            scalar = _Scalar.of(event)
            if scalar is None:
                return
            here = (scalar.line + 1, scalar.column + 1)
            if top is not None and top.mapping and top.key is None:
                top.key = here
                return
            found[top.key if top is not None and top.key is not None else here] = scalar
        case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
            open_.append(_Open(isinstance(event, yaml.MappingStartEvent)))
        case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
            open_.pop()
            return
        case _:
            return
    if top is not None:
        top.key = None


def _aligned(raw: str, style: str | None, value: str, offset: int) -> int | None:
    """At which character of `raw` the visible character of `value` at `offset`, or the end, is written."""
    wanted = sum(not char.isspace() for char in value[:offset])
    at, end = 0, len(raw)
    if style in {"'", '"'}:
        if raw[:1] != style or raw[-1:] != style:
            return None
        at, end = 1, len(raw) - 1
    elif style in {"|", ">"}:
        header = _HEADER.match(raw)
        at = header.end() if header else 0
    while at < end:
        blank, size = _written(raw, at, style)
        if not blank:
            if wanted == 0:
                return at
            wanted -= 1
        at += size
    return end if wanted == 0 else None


def _written(raw: str, at: int, style: str | None) -> tuple[bool, int]:
    """Whether nothing visible is written here, and in how many characters."""
    char = raw[at]
    if style == '"' and char == "\\":
        blank = _BLANK_ESCAPE.match(raw, at)
        found = blank or _ESCAPE.match(raw, at)
        return blank is not None, len(found[0]) if found else 1
    if style == "'" and char == "'":
        return False, 2
    return char.isspace(), 1

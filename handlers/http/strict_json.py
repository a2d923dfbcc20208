"""JSON as strangers may send it: one meaning, bounded depth and count, nothing that a later reader would choke on.

Python's own reader takes the last of two equal keys, NaN and numbers of any length; two programs that read such a
document differently can be played against each other, so it is refused.
"""

import json
import math
from typing import Any, NoReturn

from domain.canonical import Json

MOST_DEPTH = 32
MOST_VALUES = 100_000  # commas and brackets; what a walk over them may cost
_SAFE_INTEGER = 2**53 - 1


class Malformed(ValueError):
    """The text is not JSON that we read; the message says why, and where when that is known."""

    def __init__(self, why: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(why if line is None else f"{why} (line {line}, column {column})")
        self.line, self.column = line, column


def parse(body: bytes) -> Json:
    """The one value in `body`. Raises Malformed."""
    if body.count(b",") > MOST_VALUES or body.count(b"[") + body.count(b"{") > MOST_VALUES:
        raise Malformed(f"it holds more than {MOST_VALUES} values")
    text = _decoded(body)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Malformed(f"not JSON: {error.msg}", error.lineno, error.colno) from None
    except RecursionError:
        raise Malformed(f"it is nested more than {MOST_DEPTH} deep") from None
    _walk(value)
    return value


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body[: error.start]
        line = before.count(b"\n") + 1
        raise Malformed("not UTF-8", line, error.start - (before.rfind(b"\n") + 1) + 1) from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Malformed(f"the key {twice[:60]!a} stands twice in one object")
    return found


def _integer(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > _SAFE_INTEGER:
        raise Malformed(f"the number {digits[:20]} is beyond 2**53, where JSON numbers lose digits; send it as text")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise Malformed(f"the number {digits[:20]} is too large")
    return number


def _constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is not JSON")


def _walk(value: Json) -> None:
    """Depth, and texts that no store and no reader takes. Level by level, so that depth costs no stack."""
    level, depth = [value], 0
    while level:
        if depth > MOST_DEPTH:
            raise Malformed(f"it is nested more than {MOST_DEPTH} deep")
        below: list[Json] = []
        for item in level:
            if isinstance(item, str):
                _text(item)
            elif isinstance(item, dict):
                for key in item:
                    _text(key)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level, depth = below, depth + 1


def _text(text: str) -> None:
    if text.isascii() and "\0" not in text:
        return
    if "\0" in text:
        raise Malformed("a text holds U+0000")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Malformed("a text holds half a surrogate pair") from None


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_integer, parse_float=_float, parse_constant=_constant)

"""The words of a CEL expression: which paths it reads, and which patterns it matches. The grammar is the engine's.

What the engine could read otherwise than we do (comments, triple quotes, bytes) is refused, so that nothing hides.
"""

import re
from dataclasses import dataclass

Path = tuple[str, ...]

_TOKEN = re.compile(
    r"""
    (?P<refused>//|\"\"\"|'''|[bB][rR]?["']|[rR][bB]["'])
  | (?P<string>[rR](?:"[^"\n]*"|'[^'\n]*')|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
  | (?P<number>(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)[uU]?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<space>\s+)
  | (?P<mark>&&|\|\||[=!<>]=|[-+*/%!<>?:.,()\[\]{}])
    """,
    re.VERBOSE,
)
_WORDS = frozenset({"true", "false", "null", "in"})


class BadExpression(ValueError):
    """Not something a condition may say; the message says why."""


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is string, number, name or mark."""

    kind: str
    text: str


def tokens(expression: str) -> list[Token]:
    """The words, without the space between them. Raises BadExpression."""
    found: list[Token] = []
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise BadExpression(f"is not CEL: {expression[at]!r} at character {at + 1}")
        at = match.end()
        kind = match.lastgroup or ""
        if kind == "refused":
            raise BadExpression(f"must not contain {match[0]}: write plain texts in quotes, and no comments")
        if kind != "space":
            found.append(Token(kind, match[0]))
    if not found:
        raise BadExpression("is empty")
    return found


def paths(found: list[Token]) -> tuple[set[Path], set[Path]]:
    """What the expression reads, and what it asks for within `has(...)`. `a["b"]` is the path `a.b`."""
    reads: set[Path] = set()
    asks: set[Path] = set()
    for index, token in enumerate(found):
        before = found[index - 1].text if index else ""
        if token.kind != "name" or token.text in _WORDS or before == "." or _at(found, index + 1) == "(":
            continue
        if before in {"{", ","} and _at(found, index + 1) == ":":
            raise BadExpression("is not CEL: keys of a map are texts in quotes")
        path = _path(found, index)
        within_has = before == "(" and index >= 2 and found[index - 2].text == "has"
        (asks if within_has else reads).add(path)
    return reads, asks


def patterns(found: list[Token]) -> list[str | None]:
    """The literal handed to each `matches(...)`; None where it is not one literal."""
    said: list[str | None] = []
    for index, token in enumerate(found):
        if token.text == "matches" and token.kind == "name" and _at(found, index + 1) == "(":
            literal = found[index + 2 : index + 4]
            alone = len(literal) == 2 and literal[0].kind == "string" and literal[1].text == ")"
            said.append(literal[0].text if alone else None)
    return said


def comparisons(found: list[Token]) -> set[tuple[Path, str]]:
    """Paths compared by == or != with a literal, with its kind: text, number, boolean or null."""
    compared: set[tuple[Path, str]] = set()
    for index, token in enumerate(found):
        if token.text not in {"==", "!="} or not 0 < index < len(found) - 1:
            continue
        before, after = _kind(found[index - 1]), _kind(found[index + 1])
        if before and after == "name" and (path := _path_from(found, index + 1)):
            compared.add((path, before))
        if after and before == "name":
            start = index - 1
            while start >= 2 and found[start - 1].text == ".":
                start -= 2
            if path := _path_from(found, start):
                compared.add((path, after))
    return {(path, kind) for path, kind in compared if kind != "name"}


def _kind(token: Token) -> str:
    """What kind of literal a token is, `name` for other names, nothing for marks."""
    if token.kind == "name":
        return {"null": "null", "true": "boolean", "false": "boolean", "in": ""}.get(token.text, "name")
    return {"string": "text", "number": "number"}.get(token.kind, "")


def _path_from(found: list[Token], index: int) -> Path | None:
    """The path that starts here, None where it is, or ends in, a call."""
    path = _path(found, index)
    end = index + 2 * len(path) - 1
    plain = all(token.text == "." for token in found[index + 1 : end : 2])
    return path if plain and _at(found, end) not in {"(", ".", "["} else None


def _path(found: list[Token], index: int) -> Path:
    names = [found[index].text]
    at = index + 1
    while True:
        step = [token.text for token in found[at : at + 3]]
        if step[:1] == ["."] and len(step) > 1 and _at(found, at + 2) != "(":
            names.append(step[1])
            at += 2
        elif step[:1] == ["["] and step[2:] == ["]"] and found[at + 1].kind == "string":
            names.append(_unquoted(step[1]))
            at += 3
        else:
            return tuple(names)


def _unquoted(literal: str) -> str:
    """The text of a plain literal; a prefix or an escape makes it something that names nothing known."""
    return literal[1:-1] if literal[0] in "\"'" and "\\" not in literal else literal


def _at(found: list[Token], index: int) -> str:
    return found[index].text if index < len(found) else ""

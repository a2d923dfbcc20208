"""The words of a condition, each with its place. What the engine could read otherwise than we do is refused.

So nothing hides: no comments, no triple quotes, no bytes, no unsigned numbers, no space but plain space.
"""

import re
from typing import NamedTuple

from policy.conditions.refusal import ConditionRefused, Flaw

LONGEST = 1024  # characters
MOST_WORDS = 300

_TOKEN = re.compile(
    r"""
    [ \t\r\n\f]*(?:
    (?P<refused>//|\"\"\"|'''|[bB][rR]?["']|[rR][bB]["']|[rR](?:\"\"\"|''')|[0-9][0-9a-fA-FxX.]*[uU]\b)
  | (?P<string>[rR](?:"[^"\r\n]*"|'[^'\r\n]*')|"(?:[^"\\\r\n]|\\[^\r\n])*"|'(?:[^'\\\r\n]|\\[^\r\n])*')
  | (?P<number>0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<mark>&&|\|\||[=!<>]=|[-+*/%!<>?:.,()\[\]{}])
  | (?P<end>\Z)
    )
    """,
    re.VERBOSE,
)
_MEANT = {"=": "did you mean `==`?", "&": "did you mean `&&`?", "|": "did you mean `||`?"}
_QUOTES = frozenset("\"'")


class Token(NamedTuple):
    """`kind` is string, number, name, mark or end; `at` is the place of its first character."""

    kind: str
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """The words in order, and the end. Raises ConditionRefused."""
    if len(text) > LONGEST:
        raise ConditionRefused(Flaw(f"is longer than {LONGEST} characters", "split it into several rules"))
    found: list[Token] = []
    at, match = 0, _TOKEN.match
    while True:
        word = match(text, at)
        if word is None:
            raise ConditionRefused(_foreign(text, at))
        kind = word.lastgroup or ""
        token = Token(kind, word[kind], word.start(kind))
        if kind == "refused":
            raise ConditionRefused(_refused(token))
        found.append(token)
        if kind == "end":
            break
        at = word.end()
    if len(found) == 1:
        raise ConditionRefused(Flaw("is empty"))
    if len(found) > MOST_WORDS:
        too_many = f"is made of more than {MOST_WORDS} words and marks"
        raise ConditionRefused(Flaw(too_many, "split it into several rules", found[MOST_WORDS].at))
    return found


def _foreign(text: str, at: int) -> Flaw:
    """What no word starts with."""
    at += len(text[at:]) - len(text[at:].lstrip(" \t\r\n\f"))
    if text[at] in _QUOTES:
        return Flaw("is not CEL: the text that starts here does not end", "close the quote", at)
    return Flaw(f"is not CEL: {text[at]!r} is not expected here", _MEANT.get(text[at], ""), at)


def _refused(token: Token) -> Flaw:
    if token.text[0].isdigit():
        return Flaw(f"is not a number here: {token.text}", f"write {token.text[:-1]}", token.at)
    advice = "write plain texts in quotes, and no comments"
    return Flaw(f"must not contain {token.text}: {advice}", "", token.at)


# ── What a literal stands for ─────────────────────────────────────────────────────────────────────────────────────────

_ESCAPE = re.compile(
    r"\\(?:(?P<plain>[abfnrtv\\?\"'`])|[xX](?P<two>[0-9a-fA-F]{2})|u(?P<four>[0-9a-fA-F]{4})|U(?P<eight>[0-9a-fA-F]{8})"
    r"|(?P<octal>[0-3][0-7]{2})|(?P<unknown>.))"
)
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def text_of(token: Token) -> str:
    """The text that a string stands for. Raises ConditionRefused for escapes that CEL does not know."""
    said = token.text
    if said[0] not in _QUOTES:
        return said[2:-1]
    inside = said[1:-1]
    return _ESCAPE.sub(lambda found: _character(found, token.at), inside) if "\\" in inside else inside


def _character(found: re.Match[str], start: int) -> str:
    kind = found.lastgroup or ""
    digits = found[kind]
    if kind == "plain":
        return _PLAIN.get(digits, digits)
    code = -1 if kind == "unknown" else int(digits, 8 if kind == "octal" else 16)
    if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        advice = "write the pattern raw, like r'[a-z]+\\.tf'" if kind == "unknown" else ""
        raise ConditionRefused(Flaw(f"is not CEL: there is no escape {found[0]}", advice, start + 1 + found.start()))
    return chr(code)


def number_of(token: Token) -> int | float:
    """The number that a literal stands for. Raises ConditionRefused for one that the engine cannot hold."""
    said = token.text.lower()
    whole = said.startswith("0x") or said.isdigit()
    value: int | float = int(said, 16 if said.startswith("0x") else 10) if whole else float(said)
    if (whole and value >= 2**63) or value == float("inf"):
        raise ConditionRefused(Flaw(f"is not a number here: {token.text} is too large", "", token.at))
    return value

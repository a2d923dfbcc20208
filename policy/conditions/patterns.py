"""How much work a regular expression is. The engine never backtracks, but compiles its pattern at every evaluation.

The unit is about one character of the pattern, some 10 microseconds; classes of Unicode cost many of them, and a count
multiplies what it repeats.
"""

import re
from functools import lru_cache

HEAVIEST = 256

_COUNT = re.compile(r"\{(\d*)(?:,(\d*))?\}")
_VERBOSE = re.compile(r"\(\?[A-Za-z]*x")
_ESCAPES = {"w": 32, "W": 32, "p": 32, "P": 32, "b": 4, "B": 4, "d": 4, "D": 4, "s": 4, "S": 4}
_ANY = 6  # `.`, and what a class excludes


@lru_cache(maxsize=512)
def weight(pattern: str) -> int:
    """The work of a pattern that the engine takes, in units; never less than its length in atoms."""
    if _VERBOSE.search(pattern):
        return HEAVIEST + 1  # its comments could hide anything from the count below
    groups: list[int] = [0]  # the weight so far of each group that is open
    last, at = 0, 0
    while at < len(pattern):
        char = pattern[at]
        count = _COUNT.match(pattern, at) if char == "{" else None
        if count is not None:
            most = max((int(said) for said in count.groups() if said), default=0) + (count[2] == "")
            groups[-1] += last * (most - 1)
            last, at = last * most, count.end()
            continue
        match char:
            case "\\":
                last = _ESCAPES.get(pattern[at + 1 : at + 2], 1)
                at += 1
            case "[":
                last, at = _class(pattern, at)
            case "(":
                groups.append(0)
                last = 1
            case ")" if len(groups) > 1:
                last = groups.pop()
            case ".":
                last = _ANY
            case "*" | "+" | "?":
                at += 1
                continue
            case _:
                last = 1
        groups[-1] += last
        at += 1
    return sum(groups)


def _class(pattern: str, at: int) -> tuple[int, int]:
    """The weight of a class in brackets, and where it closes. Classes nest."""
    depth, found = 0, 1
    while at < len(pattern):
        match pattern[at]:
            case "\\":
                found += _ESCAPES.get(pattern[at + 1 : at + 2], 0)
                at += 1
            case "[":
                depth += 1
                closes = pattern[at + 1 : at + 2]
                if closes == "^":
                    found += _ANY
                    closes = pattern[at + 2 : at + 3]
                    at += 1
                if closes == "]":
                    at += 1
            case "]":
                depth -= 1
                if depth == 0:
                    return found, at
            case _:
                pass
        at += 1
    return found, at

"""Patterns of rules: `*` stands for any characters, everything else for itself. Matching never backtracks far."""

from functools import lru_cache


@lru_cache(maxsize=8192)
def matches(pattern: str, value: str) -> bool:
    """Whether the whole of `value` fits."""
    if "*" not in pattern:
        return pattern == value
    first, *middle, last = pattern.split("*")
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    at, end = len(first), len(value) - len(last)
    for part in middle:
        found = value.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def prefix(pattern: str) -> str:
    """What every fitting value begins with."""
    return pattern.partition("*")[0]


def exact(pattern: str) -> bool:
    """Whether only one value fits."""
    return "*" not in pattern

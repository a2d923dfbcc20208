"""Patterns of rules: `*` stands for any characters, everything else for itself. Matching never backtracks far."""

from collections.abc import Collection


def matches(pattern: str, value: str) -> bool:
    """Whether the whole of `value` fits."""
    head, star, rest = pattern.partition("*")
    if not rest:
        return value.startswith(head) if star else value == head
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


def fits_any(patterns: Collection[str], values: Collection[str]) -> bool:
    """Whether some value fits some pattern."""
    for value in values:
        if value in patterns:
            return True
    for pattern in patterns:
        if "*" in pattern:
            for value in values:
                if matches(pattern, value):
                    return True
    return False


def exact(pattern: str) -> bool:
    """Whether only one value fits."""
    return "*" not in pattern


def prefix(pattern: str) -> str:
    """What every fitting value begins with."""
    return pattern.partition("*")[0]


def suffix(pattern: str) -> str:
    """What every fitting value ends with."""
    return pattern.rpartition("*")[2]

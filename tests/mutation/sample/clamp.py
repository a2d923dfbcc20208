"""A module whose mutants are known: what its tests see is killed, what they cannot see survives."""

MOST = 10


def clamp(value: int, least: int = 0) -> int:
    """`value`, but at least `least` and at most `MOST`."""
    if value < least:
        return least
    return min(value, MOST)


def forgotten(value: int) -> bool:
    """Nobody asks for this."""
    return value > 3

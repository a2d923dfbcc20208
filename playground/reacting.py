"""Reactions on a stored message."""

from playground.errors import Json


def with_reaction(row: Json, user: str, name: str) -> Json | None:
    """None when this user has reacted so already."""
    reactions: list[Json] = row.get("reactions") or []
    new: Json = {"name": name, "users": [], "count": 0}
    there = next((each for each in reactions if each["name"] == name), new)
    if user in there["users"]:
        return None
    grown = {"name": name, "users": [*there["users"], user], "count": there["count"] + 1}
    if there["count"] == 0:
        return row | {"reactions": [*reactions, grown]}
    return row | {"reactions": [grown if each["name"] == name else each for each in reactions]}


def without_reaction(row: Json, user: str, name: str) -> Json | None:
    """None when this user has not reacted so."""
    reactions: list[Json] = row.get("reactions") or []
    there = next((each for each in reactions if each["name"] == name), None)
    if there is None or user not in there["users"]:
        return None
    left = {"name": name, "users": [each for each in there["users"] if each != user], "count": there["count"] - 1}
    kept = [left if each["name"] == name else each for each in reactions]
    return row | {"reactions": [each for each in kept if each["count"]]}

"""Whether one match fits wherever another does. Exact for single patterns; where it cannot tell, the answer is no."""

from collections.abc import Mapping

from domain.tasks import Principal
from policy.facts import ANYONE, NOBODY
from policy.globs import matches, prefix
from policy.matching import Match

GroupsOf = Mapping[Principal, tuple[str, ...]]


def within(inner: str, outer: str) -> bool:
    """Whether every value that fits `inner` fits `outer`.

    A character that `outer` does not have stands for what `inner` leaves open: only a `*` of `outer` can take it, and
    that `*` would take anything else in its place.
    """
    if inner == outer:
        return True
    anything = next(character for character in map(chr, range(len(outer) + 1)) if character not in outer)
    return matches(outer, inner.replace("*", anything))


def overlaps(one: str, other: str) -> bool:
    """Whether some value may fit both; never no where one does."""
    heads = prefix(one), prefix(other)
    if "*" not in one:
        return matches(other, one)
    if "*" not in other:
        return matches(one, other)
    tails = one.rpartition("*")[2], other.rpartition("*")[2]
    shorter, longer = sorted(heads, key=len)
    short_tail, long_tail = sorted(tails, key=len)
    return longer.startswith(shorter) and long_tail.endswith(short_tail)


def match_within(inner: Match, outer: Match, groups_of: GroupsOf) -> bool:
    """Whether `outer` fits whatever `inner` fits, known or unknown."""
    tested = dict(inner.tests)
    return all(
        attribute in tested
        and all(any(_within(attribute, p, q, groups_of) for q in patterns) for p in tested[attribute])
        for attribute, patterns in outer.tests
    )


def _within(attribute: str, inner: str, outer: str, groups_of: GroupsOf) -> bool:
    if within(inner, outer):
        return True
    if attribute != "requester":
        return False
    if outer == ANYONE:
        return not matches(inner, NOBODY)  # whoever has another name than nobody is anyone
    return any(within(f"group:{group}", outer) for group in groups_of.get(inner, ()))

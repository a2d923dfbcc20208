"""Asking people: requests and votes. Who counts is decided in `changes`, by the directory, at click time."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.decisions import Requirement
from domain.tasks import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """A request to countersign exactly one call. `digest` binds it; it is consumed once."""

    approval_id: str
    call_id: str
    digest: str
    requirements: tuple[Requirement, ...]
    expires_at: datetime
    excluded: tuple[Principal, ...] = ()  # requester, editors, redirectors, answerers: they never count, unless `self`
    verb: str = "approve"  # or "merge"


SHORTEST_REASON = 10  # characters that can be seen, for breaking the glass
_DRAW_NOTHING = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and a symbol, by their categories


def seen_of(reason: str) -> int:
    """How many characters of it people can see, with one blank between words."""
    words = ["".join(c for c in word if _drawn(c)) for word in reason.split()]
    return len(" ".join(word for word in words if word))


def _drawn(character: str) -> bool:
    """Whether it is a letter, a digit, punctuation or a symbol, that draws something."""
    return unicodedata.category(character)[0] in "LNPS" and character not in _DRAW_NOTHING


class Ballot(StrEnum):
    """What a vote says."""

    APPROVE = "approve"
    DENY = "deny"
    BREAK_GLASS = "break_glass"  # alone, for a requirement whose rule permits it, with a reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One person's word on one request. `card` is the (channel, ts) clicked; `directory` the snapshot's version."""

    approval_id: str
    by: Principal
    ballot: Ballot
    digest: str
    reason: str = ""
    card: tuple[str, str] | None = None
    directory: str = ""


class ApprovalEnd(StrEnum):
    """How a request ended other than by being granted. Expired is not denied, and the reasoner is told which."""

    DENIED = "denied"
    EXPIRED = "expired"
    VOIDED = "voided"

"""Asking people: requests and votes. Who counts is decided in `changes`, by the directory, at click time."""

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


SHORTEST_REASON = 10  # characters, for breaking the glass


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

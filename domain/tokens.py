"""API tokens, as everybody but the store knows them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An API token, as the store knows it: never its secret. `act_as` lets it name requester and source."""

    name: str
    created_at: datetime
    act_as: bool = False
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

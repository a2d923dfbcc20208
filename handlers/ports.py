"""What the doors need of the store: a durable way in, a durable way out, and the API's tokens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.envelopes import Envelope, Post, Queued
from domain.tokens import Token

__all__ = ["Inbox", "Outbox", "Queued", "Token", "Tokens"]


class Inbox(Protocol):
    """Raw signals. Committed before they are acknowledged, kept until what they say is durable elsewhere."""

    async def put(self, envelope: Envelope) -> bool:
        """Commit it; durable when this returns. False when (door, key) was already there: a redelivery."""
        ...

    async def pending(self) -> list[Envelope]:
        """Everything not yet done, oldest first; asked once, at start."""
        ...

    async def done(self, door: str, key: str) -> None:
        """What it said is durable; the key stays, so that a late redelivery is still known."""
        ...

    async def set_aside(self, door: str, key: str, why: str) -> None:
        """It cannot be handled: keep it, out of the way, with the reason."""
        ...


class Outbox(Protocol):
    """Posts on their way to Slack."""

    async def position(self, reader: str) -> int:
        """How far into the log this reader has got; 0 at first."""
        ...

    async def put(self, posts: Sequence[Post], *, reader: str, position: int) -> None:
        """Queue posts (a known key is ignored, or replaced if coalesced) and move the reader, in one transaction."""
        ...

    async def due(self, now: datetime, limit: int = 50) -> list[Queued]:
        """Unsent posts whose time has come, oldest first; of one run never a later one before an earlier one."""
        ...

    async def trying(self, key: str) -> None:
        """A try begins: if the process dies now, the post is uncertain."""
        ...

    async def sent(self, key: str, channel: str, ts: str) -> None:
        """It is out, there."""
        ...

    async def retry(self, key: str, at: datetime, why: str, *, uncertain: bool = False) -> None:
        """Try again at that moment."""
        ...

    async def drop(self, key: str, why: str) -> None:
        """It can never be delivered (the channel is gone); kept, with the reason."""
        ...

    async def where(self, key: str) -> tuple[str, str] | None:
        """(channel, ts) of a sent post."""
        ...

    async def run_at(self, channel: str, ts: str) -> str | None:
        """The run that this message of ours belongs to."""
        ...


class Tokens(Protocol):
    """API tokens, stored as keyed hashes."""

    async def verify(self, secret: str) -> Token | None:
        """The live token with this secret."""
        ...

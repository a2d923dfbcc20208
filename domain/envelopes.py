"""What lies in the inbox and the outbox: raw signals on their way in, posts on their way out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.canonical import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A raw signal, committed before it is acknowledged. `key` is unique per door: the insert is the dedupe.

    `lane` is the conversation: one lane is consumed in `order` (a Slack ts), one envelope at a time. `urgent` ones
    (stop, pause, stop-all) overtake.
    """

    door: str  # slack | alertmanager | api
    key: str
    lane: str
    order: str
    body: Mapping[str, Json]
    received_at: datetime
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Something to show in Slack. `key` is deterministic, so that it is queued once whoever asks again.

    `replaces` makes it an update of an earlier post's message. A guaranteed post is delivered in order and
    retried until it is out; of coalesced ones with the same key only the latest counts.
    """

    key: str
    run_id: str
    body: Mapping[str, Json]
    guaranteed: bool = True
    replaces: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A post in the outbox, and how often it was tried. `uncertain`: a try may have reached Slack unanswered."""

    post: Post
    attempts: int = 0
    uncertain: bool = False

"""What is asked of the operator: one typed Task, whichever door it came through."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.canonical import Json, canonical_json, digest

Principal = str  # "user:U1" | "token:NAME"


class Source(StrEnum):
    """Which door a task came through."""

    WEBHOOK = "webhook"
    SCHEDULE = "schedule"
    USER = "user"
    API = "api"
    ALERT = "alert"
    EMAIL = "email"
    AGENT = "agent"


class Priority(StrEnum):
    """How soon, compared with other tasks."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


class Trust(StrEnum):
    """Who vouches for a text, best first. A join takes the worst."""

    PERSON = "person"
    ORGANIZATION = "organization"  # the configuration directory
    MACHINE = "machine"  # signed by a known machine
    UNTRUSTED = "untrusted"

    def worst(self, other: "Trust") -> "Trust":
        """The worse of the two."""
        order = list(Trust)
        return max(self, other, key=order.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What set the task off. `source_id` names one occurrence; `correlation` the long-lived thing behind it."""

    source: Source
    source_id: str
    timestamp: datetime
    correlation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where the task belongs. Routing fills in what the door left open."""

    organization_id: str
    repository_id: str | None = None
    agent_slug: str | None = None
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The conversation in which a run is shown: a Slack channel, and the thread once there is one."""

    channel: str
    thread_ts: str | None = None
    message_ts: str | None = None  # the request itself, where it is a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A request, normalized. `inputs` are the values that routing read out of `goal` and `payload`."""

    type: str
    trigger: Trigger
    context: Context
    goal: str = ""
    requester: Principal | None = None
    payload: Mapping[str, Json] = field(default_factory=dict)
    inputs: Mapping[str, Json] = field(default_factory=dict)
    trust: Trust = Trust.UNTRUSTED
    place: Place | None = None

    @property
    def dedupe_key(self) -> tuple[str, str, str, str]:
        """(organization, source, source id, type): the same key is the same run."""
        return (self.context.organization_id, self.trigger.source, self.trigger.source_id, self.type)

    @property
    def body_digest(self) -> str:
        """What must be equal when the same key comes again."""
        return digest({"goal": self.goal, "payload": self.payload, "repository": self.context.repository_id})


def run_id_of(task: Task) -> str:
    """The run's id follows from the dedupe key: a redelivered webhook is the same run. People type it."""
    key = hashlib.sha256(b"run\0" + canonical_json(list(task.dedupe_key))).digest()
    return "r-" + base64.b32encode(key[:7]).decode().lower()[:10]

"""What the HTTP doors need of the others, and how they are set."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from prometheus_client import CollectorRegistry

from domain.envelopes import Envelope
from domain.events import Recorded
from domain.runs import Run
from domain.tasks import Priority
from handlers.http import names
from handlers.ports import Tokens
from loop.doors import Operator, Views
from loop.ports import Clock

Handle = Callable[[Envelope], Awaitable[None]]
Regret = Callable[[Envelope, str], Awaitable[None]]


class Intake(Protocol):
    """The way into the inbox."""

    def register(self, door: str, handle: Handle, regret: Regret | None = None) -> None:
        """Envelopes of `door` go to `handle`, one at a time per lane, again after a crash; `regret` is told of those
        that were given up."""
        ...

    async def accept(self, envelope: Envelope) -> bool:
        """Commit it and schedule it; durable when this returns. False: it was there already."""
        ...


class Log(Protocol):
    """The part of the journal that the doors read."""

    async def read(self, stream: str, after: int = 0) -> list[Recorded]:
        """The stream's events with `seq > after`, in order."""
        ...

    async def correlated(self, organization: str, correlation: str) -> list[str]:
        """The ids of the runs with this correlation, newest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How one thing that we depend on is: `says` is shown to whoever asks."""

    ok: bool
    says: str = ""


Check = Callable[[], Awaitable[Condition]]
Tell = Callable[[str, str], Awaitable[None]]  # (channel, plain text); whoever shows the text escapes it
RunCounts = Callable[[], Awaitable[Mapping[str, int]]]  # status -> runs
ThreadUrl = Callable[[Run], str | None]  # where people see the run


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that the application calls."""

    operator: Operator
    views: Views
    log: Log
    tokens: Tokens
    intake: Intake
    clock: Clock
    tell: Tell
    thread_url: ThreadUrl
    checks: Mapping[str, Check] = field(default_factory=dict)  # of /readyz
    run_counts: RunCounts | None = None  # of /metrics; None: that gauge is absent
    registry: CollectorRegistry | None = None  # None: a new one


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """A configured sender of webhooks. `secrets`: the active one, and its predecessor while it is being changed."""

    name: str
    channel: str  # where its runs are shown, and what cannot be taken is told
    task_type: str
    kind: Literal["alertmanager"] = "alertmanager"
    auth: Literal["bearer", "none"] = "bearer"
    secrets: tuple[str, ...] = field(default=(), repr=False)
    agent: str | None = None
    priority: Priority = Priority.NORMAL

    def __post_init__(self) -> None:
        if not names.SLUG.fullmatch(self.name):
            raise ValueError(f"source {self.name!a}: a name is lower-case letters, digits and hyphens")
        if not self.task_type or not self.channel:
            raise ValueError(f"source {self.name}: it needs a task type and a channel")
        if self.auth == "bearer" and not (1 <= len(self.secrets) <= 2 and all(self.secrets)):
            raise ValueError(f"source {self.name}: bearer needs one secret, or two while it is being changed")
        if self.auth == "none" and self.secrets:
            raise ValueError(f"source {self.name}: it has secrets but `auth: none` would not check them")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the application behaves. `base_url` begins the addresses it gives out; empty: they are relative.

    `hosts` are the Host names it answers to, None for any: a server bound to loopback must name them, or a page in a
    browser of the same machine could reach it through a name of its own (DNS rebinding).
    """

    organization: str
    version: str
    sources: tuple[SourceConfig, ...] = ()
    base_url: str = ""
    hosts: frozenset[str] | None = None
    most_body: int = 1 << 20
    read_s: float = 5.0
    heartbeat_s: float = 15.0  # of event streams; who may read is asked again each time
    poll_s: float = 0.5  # how soon an event stream sees what is new
    most_streams: int = 64

    def __post_init__(self) -> None:
        twice = {s.name for s in self.sources if [o.name for o in self.sources].count(s.name) > 1}
        if twice:
            raise ValueError(f"sources stand twice: {', '.join(sorted(twice))}")


LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})

"""What the loop needs of the store, the tools, the mind and the world. Adapters live above; doors, in `loop.doors`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.budgets import Draw, Spending
from domain.calls import Doubt, Expectation, Observation, Preview, ToolCall, ToolSpec
from domain.canonical import Json
from domain.events import FREE, Cost, Event, Recorded
from domain.outcomes import Outcome
from domain.people import Snapshot
from domain.records import Deed
from domain.runs import Run
from domain.tasks import Principal, Task

# ── The store ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Conflict(Exception):
    """The stream has moved on: read it again and think again."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(f"{stream}: expected {expected} events, found {actual}")
        self.stream, self.expected, self.actual = stream, expected, actual


class GuardRefused(Exception):
    """A condition of the append does not hold; nothing was written."""

    def __init__(self, guard: "Guard", why: str) -> None:
        super().__init__(why)
        self.guard, self.why = guard, why


@dataclass(frozen=True, slots=True)
class SwitchOff:
    """`stop-all` is not on. Read in the same transaction as the append."""


@dataclass(frozen=True, slots=True)
class ApprovalUnused:
    """No action has started under this approval; the append takes it. At most once, whatever happens."""

    approval_id: str


@dataclass(frozen=True, slots=True)
class OrganizationAt:
    """The organization's stream still ends at `seq`: no freeze, no other rules since whoever asks has looked."""

    seq: int


@dataclass(frozen=True, slots=True)
class WithinBudget:
    """With what the append draws, and all that was drawn before it, the account is not overdrawn."""

    draw: Draw


Guard = SwitchOff | ApprovalUnused | OrganizationAt | WithinBudget


class Journal(Protocol):
    """The append-only log of events, in streams. An answer follows the durable commit, never precedes it."""

    async def append(
        self,
        stream: str,
        expected: int,
        events: Sequence[Event],
        guards: Sequence[Guard] = (),
        folded: Run | None = None,
    ) -> list[Recorded]:
        """Append after event number `expected` (0: the stream is new). Raises Conflict or GuardRefused.

        Appends of many streams share one commit; a refused one fails alone. `folded` is the run after these events,
        where the caller has folded them already; the rows beside the log are made from it.
        """
        ...

    async def read(self, stream: str, after: int = 0) -> list[Recorded]:
        """The stream's events with `seq > after`, in order; [] if there is no such stream."""
        ...

    def follow(self, position: int) -> AsyncIterator[Recorded]:
        """Every event of every stream with a larger position, in order, for ever: the recorded, then the new."""
        ...

    async def open_runs(self) -> list[str]:
        """The ids of the runs that have not finished."""
        ...

    async def correlated(self, organization: str, correlation: str) -> list[str]:
        """The ids of the runs with this correlation, newest first."""
        ...

    async def switched_off(self) -> bool:
        """Whether `stop-all` is on."""
        ...

    async def spent(self, draws: Sequence[Draw]) -> Spending:
        """What was drawn so far from the accounts of these draws, within their windows."""
        ...

    async def accounts(self) -> list[str]:
        """Every account from which something was drawn lately, sorted."""
        ...

    async def deeds(self, agent: str, since: datetime) -> list[Deed]:
        """What the agent's calls above READ have come to since then, oldest first."""
        ...


# ── Between the halves ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Leave to start exactly this call once: the one whose `changes.digest.call_digest` is `digest`."""

    organization: str
    run_id: str
    call_id: str
    subject: str | None  # on whose behalf
    verdict_hash: str
    digest: str
    key: str  # the idempotency key, the same for every attempt
    epoch: int
    attempt: int
    voters: tuple[Principal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The start is refused; nothing may happen."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Work lent to one worker: the folded run, what to do, and the epoch that fences a stale holder.

    `calls` is empty for reasoning. Reads come with their permits; for anything above the worker must ask for one.
    """

    run: Run
    epoch: int
    calls: tuple[ToolCall, ...] = ()
    permits: tuple[Permit, ...] = ()
    checking: bool = False
    priority: int = 1  # 0 first
    rules_in_words: str = ""  # for reasoning: what policy lets this run do

    @property
    def reasoning(self) -> bool:
        """Whether this lease asks for a proposal rather than for effects."""
        return not self.calls


class Queue(Protocol):
    """Leases on their way to workers. Highest priority first, then first come; a lease that is not done comes again."""

    async def put(self, lease: Lease) -> None:
        """Offer a lease. A newer one of the same run replaces one nobody has claimed."""
        ...

    async def claim(self) -> Lease:
        """The next lease; waits for one."""
        ...

    async def done(self, lease: Lease) -> None:
        """The holder has reported all it had to."""
        ...

    async def give_back(self, lease: Lease) -> None:
        """The holder could not; offer it again."""
        ...


class Reports(Protocol):
    """What a worker tells the controller. A report of a stale lease is refused by its epoch."""

    async def proposed(self, lease: Lease, proposal: "Proposal", prepared: Sequence["Prepared"]) -> None:
        """The answer to a reasoning lease; `prepared` belongs to the proposal's drafts, in their order."""
        ...

    async def failed(self, lease: Lease, why: str) -> None:
        """The reasoner broke."""
        ...

    async def lost(self, lease: Lease, why: str) -> None:
        """The worker itself broke."""
        ...

    async def returned(self, lease: Lease, results: Mapping[str, Observation]) -> None:
        """What the calls of an acting lease brought, by call id."""
        ...

    async def in_doubt(self, lease: Lease, call_id: str, why: str) -> None:
        """A started call whose outcome the worker cannot know."""
        ...

    async def checked(self, lease: Lease, call_id: str, finding: Doubt, by: str) -> None:
        """What a tool's own check says about a call in doubt."""
        ...


class Permits(Protocol):
    """Where a worker asks before it acts."""

    async def start(self, lease: Lease, call: ToolCall) -> Permit | Refused:
        """Record that the call starts, and consume its approval, in one transaction. Idempotent per epoch and call."""
        ...


# ── The mind ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftCall:
    """A call as a reasoner writes it. The toolbox makes it whole; the controller trusts neither with its effect.

    `verifies_previous` makes it the check of the call before it. `tainted` names arguments that follow untrusted text.
    """

    tool: str
    arguments: Mapping[str, Json]
    purpose: str = ""
    step: str | None = None
    prediction: str = ""
    rollback: str = ""
    expect: Expectation | None = None
    verifies_previous: bool = False
    tainted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Propose:
    """Do these, in this order."""

    calls: tuple[DraftCall, ...]
    rationale: str
    by: str
    cost: Cost = FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Ask people; the run parks until one answers."""

    question: str
    by: str
    options: tuple[str, ...] = ()
    step: str | None = None
    cost: Cost = FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitTopic:
    """Wait until `topic` settles (`checks:REPO#N@HEAD`, `merge:REPO#N`, `apply:REPO@HEAD`), at most `within_s`.

    `offer` is a call that a person may make by a click while the run waits.
    """

    topic: str
    why: str
    within_s: float
    by: str
    offer: DraftCall | None = None
    step: str | None = None
    cost: Cost = FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclude:
    """The job is done. `checks` are READ calls with expectations that must all hold, now, for it to count."""

    summary: str
    by: str
    checks: tuple[DraftCall, ...] = ()
    cost: Cost = FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """It cannot be done; tell people everything. The outcome is `escalated` or `failed`."""

    why: str
    by: str
    outcome: Outcome = Outcome.ESCALATED
    cost: Cost = FREE


Proposal = Propose | Ask | AwaitTopic | Conclude | GiveUp


class Reasoner(Protocol):
    """Who proposes. Holds no credentials, no database, no tools: a folded run and its rules in, a proposal out."""

    async def reason(self, run: Run, rules: str) -> Proposal:
        """The next proposal for `run`, which the rules bound as these words say. What it raises is its failure."""
        ...


class Router(Protocol):
    """Who handles a task: fills in the agent and the inputs. Pure and quick."""

    def route(self, task: Task) -> "Routed | Unrouted":
        """Which agent, with which inputs read from goal and payload; or why none fits, with the nearest."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """The task with `context.agent_slug`, `repository_id` and `inputs` filled in."""

    task: Task
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrouted:
    """Nothing fits. `nearest` are the requests that would, as one would type them."""

    why: str
    nearest: tuple[str, ...] = ()


# ── The hands ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class OutcomeUnknown(Exception):
    """Raised by a tool whose effect may or may not have happened. Never swallowed, never guessed."""


class Catalog(Protocol):
    """What tools exist; known to both halves. Pure."""

    def spec(self, name: str) -> ToolSpec | None:
        """The installed tool's specification."""
        ...

    def names(self) -> tuple[str, ...]:
        """Installed tools, sorted."""
        ...

    def problems(self, name: str, arguments: Mapping[str, Json]) -> tuple[str, ...]:
        """Why these arguments do not fit the tool's schema; () if they do."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the worker's half adds to a drafted call: the target's state, and what the call would do to it."""

    fingerprint: str | None = None
    preview: Preview | None = None
    arguments: Mapping[str, Json] | None = None  # normalized, where the tool fills in defaults
    problem: str | None = None  # why the call cannot be prepared: a missing branch, an unreachable target


class Hands(Protocol):
    """The toolbox as the worker sees it: the one place where effects happen."""

    async def prepare(self, run: Run, draft: DraftCall) -> Prepared:
        """Look at the target of a call above READ. Changes nothing."""
        ...

    async def perform(self, run: Run, call: ToolCall, permit: Permit) -> Observation:
        """Do exactly `call`, for which `permit` was given. Raises OutcomeUnknown; every other failure is a value."""
        ...

    async def check(self, run: Run, call: ToolCall, key: str) -> Doubt:
        """Whether the effect under `key` happened. Changes nothing."""
        ...

    async def close(self, run_id: str) -> None:
        """The run is over: its workspace goes."""
        ...


# ── The world ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Directory(Protocol):
    """Who people are. Fails closed: what cannot be looked up freshly is an error, not an old answer."""

    async def snapshot(self, max_age_s: float = 60.0) -> Snapshot:
        """A snapshot at most `max_age_s` old. Raises DirectoryUnavailable."""
        ...


class DirectoryUnavailable(Exception):
    """Nobody can say now who may approve: the action waits."""


class Watch(Protocol):
    """What runs wait for, outside: pipelines, merges, applies."""

    async def settled(self, topic: str) -> str | None:
        """How `topic` settled, in a word (`passed`, `failed`, `merged`, `closed`, `applied`); None: not yet."""
        ...


class Clock(Protocol):
    """Time, injected."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        ...

    async def sleep_until(self, moment: datetime) -> None:
        """Return at `moment` or soon after."""
        ...


class Rooms(Protocol):
    """Who can see a conversation. A run is visible where its thread is."""

    async def sees(self, principal: Principal, channel: str) -> bool:
        """Whether this person can read that channel now; False when in doubt."""
        ...

    async def takes_approvals(self, channel: str) -> bool:
        """Whether votes from there count: not where it is shared with others; False when in doubt."""
        ...

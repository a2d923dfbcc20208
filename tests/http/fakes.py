"""One small fake for each port of the HTTP doors."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from domain.approvals import ApprovalRequest
from domain.calls import ToolCall
from domain.decisions import Approvers, Constraints, PolicyDecision, Requirement
from domain.envelopes import Envelope
from domain.events import ApprovalRequested, CallsProposed, Event, PolicyDecided, Recorded, TaskReceived
from domain.evolve import replay
from domain.runs import Run, Status
from domain.signals import Signal
from domain.tasks import Principal, Task, run_id_of
from domain.tiers import Effect, Tier
from domain.tokens import Token
from loop.doors import Clash, Click, Page, Reply, Submitted, Why
from loop.ports import Unrouted

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class FakeClock:
    """Stands still unless moved."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    async def sleep_until(self, moment: datetime) -> None:
        self.at = max(self.at, moment)


class FakeOperator:
    """Runs are logs in a dict. A task of type `nothing` fits nowhere, one of type `stopped` cannot be taken now."""

    def __init__(self) -> None:
        self.logs: dict[str, list[Recorded]] = {}
        self.hidden: set[str] = set()  # runs that no token may read
        self.tasks: list[Task] = []
        self.signals: list[tuple[str, Signal]] = []
        self.reply = Reply(ok=True, text="Recorded.")
        self.broken = False

    def add(self, run_id: str, *events: Event) -> None:
        log = self.logs.setdefault(run_id, [])
        for event in events:
            seq = len(log) + 1
            log.append(Recorded(stream=run_id, seq=seq, at=NOW + seq * MINUTE, event=event, position=seq))

    async def submit(self, task: Task) -> Submitted | Clash | Unrouted | Reply:
        if self.broken:
            raise RuntimeError("the secret insides: hunter2")
        self.tasks.append(task)
        if task.type == "nothing":
            return Unrouted(why="Nothing here handles it.", nearest=("restart web",))
        if task.type == "stopped":
            return Reply(ok=False, text="Everything is stopped.", help=("group:admins",))
        run_id = run_id_of(task)
        if run_id in self.logs:
            same = self._task(run_id).body_digest == task.body_digest
            return Submitted(run_id=run_id, created=False) if same else Clash(run_id=run_id)
        for other in await self.correlated(task.context.organization_id, task.trigger.correlation or ""):
            return Submitted(run_id=other, created=False, joined=True)
        self.add(run_id, TaskReceived(task=task, agent="agent"))
        return Submitted(run_id=run_id, created=True)

    def _task(self, run_id: str) -> Task:
        event = self.logs[run_id][0].event
        assert isinstance(event, TaskReceived)
        return event.task

    async def signal(self, run_id: str, signal: Signal) -> Reply:
        self.signals.append((run_id, signal))
        return self.reply

    async def vote(self, click: Click) -> Reply:
        raise AssertionError(f"no HTTP door votes: {click}")

    async def retry(self, run_id: str, by: Principal, occurrence: str) -> Submitted | Reply:
        raise NotImplementedError

    async def stop_everything(self, by: Principal, why: str) -> Reply:
        raise NotImplementedError

    async def resume_everything(self, by: Principal, why: str) -> Reply:
        raise NotImplementedError

    async def run(self, run_id: str) -> Run | None:
        return replay(run_id, self.logs[run_id]) if run_id in self.logs else None

    async def why(self, run: Run) -> Why:
        raise NotImplementedError

    async def may_read(self, principal: Principal, run: Run) -> bool:
        assert principal.startswith("token:")
        return run.run_id not in self.hidden

    async def everything_stopped(self) -> bool:
        return False

    # The log and the views of the same runs.

    async def read(self, stream: str, after: int = 0) -> list[Recorded]:
        return [recorded for recorded in self.logs.get(stream, []) if recorded.seq > after]

    async def correlated(self, organization: str, correlation: str) -> list[str]:
        found = [r for r in self.logs if self._task(r).trigger.correlation == correlation]
        return list(reversed(found))

    async def runs(self, *, status: Status | None = None, limit: int = 50, cursor: str | None = None) -> Page:
        folded = [replay(run_id, log) for run_id, log in reversed(self.logs.items())]
        wanted = [run.run_id for run in folded if status in {None, run.status}]
        begin = int(cursor or "0")
        end = begin + limit
        return Page(run_ids=tuple(wanted[begin:end]), cursor=str(end) if end < len(wanted) else None)

    async def open_approvals(self) -> list[tuple[str, str]]:
        folded = [replay(run_id, log) for run_id, log in self.logs.items()]
        return [
            (run.run_id, r.request.approval_id)
            for run in folded
            for r in run.records
            if r.request is not None and r.status == "awaiting"
        ]


class FakeTokens:
    """Two tokens; what was asked is kept, so that a test can see what never got this far."""

    def __init__(self) -> None:
        self.live = {
            "plain-secret": Token(name="ci", created_at=NOW),
            "acting-secret": Token(name="bridge", created_at=NOW, act_as=True),
        }
        self.asked: list[str] = []

    async def verify(self, secret: str) -> Token | None:
        self.asked.append(secret)
        return self.live.get(secret)


@dataclass
class FakeInbox:
    """Implements handlers.ports.Inbox in memory."""

    waiting: dict[tuple[str, str], Envelope] = field(default_factory=dict)
    known: set[tuple[str, str]] = field(default_factory=set)
    aside: dict[tuple[str, str], str] = field(default_factory=dict)
    broken: bool = False

    async def put(self, envelope: Envelope) -> bool:
        if self.broken:
            raise OSError("the disk is full")
        name = (envelope.door, envelope.key)
        if name in self.known:
            return False
        self.known.add(name)
        self.waiting[name] = envelope
        return True

    async def pending(self) -> list[Envelope]:
        return list(self.waiting.values())

    async def done(self, door: str, key: str) -> None:
        self.waiting.pop((door, key), None)

    async def set_aside(self, door: str, key: str, why: str) -> None:
        self.waiting.pop((door, key), None)
        self.aside[(door, key)] = why


REQUIREMENT = Requirement(
    approvers=Approvers(kind="group", name="sre"), count=2, within_s=14_400, policies=("no-direct-production",)
)
DECISION = PolicyDecision(
    allowed=True,
    tier=Tier.PRODUCTION,
    reason="Countersigned changes are allowed.",
    constraints=Constraints(max_iterations=10, timeout_s=900, allowed_tools=("service.restart",)),
    approvals=(REQUIREMENT,),
    policy_hash="sha256:00",
)


def parked(task: Task) -> tuple[Event, ...]:
    """The events of a run that waits for two of the on-call group."""
    call = ToolCall(
        call_id="c1",
        tool="service.restart",
        version=1,
        effect=Effect.CHANGE,
        arguments={"service": "web", "ports": [80, 443]},
        resource="prod/web",
    )
    request = ApprovalRequest(
        approval_id="a1", call_id="c1", digest="sha256:11", requirements=(REQUIREMENT,), expires_at=NOW + 240 * MINUTE
    )
    return (
        TaskReceived(task=task, agent="incident"),
        PolicyDecided(decision=DECISION),
        CallsProposed(calls=(call,), rationale="it hangs", by="runbook:restart-service"),
        ApprovalRequested(request=request),
    )

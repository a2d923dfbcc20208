"""A whole loop in memory: the real controller and worker, one fake per port, a clock that only moves when told."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from domain import events as e
from domain.agents import Agent
from domain.approvals import Ballot
from domain.budgets import UNKNOWN, Balance, Draw, Spending, Unit
from domain.calls import Doubt, ErrorKind, Observation, Preview, ToolCall, ToolSpec
from domain.canonical import Json
from domain.decisions import (
    Allow,
    Approvers,
    Constraints,
    Deny,
    PolicyDecision,
    Reason,
    Remedy,
    RequireApproval,
    Requirement,
    Verdict,
)
from domain.freezes import Frozen, Target, Unclear
from domain.organization import Organization
from domain.people import Person, Snapshot
from domain.runs import CallRecord, Run
from domain.signals import Signal, SignalKind
from domain.tasks import Context, Place, Source, Task, Trigger, Trust
from domain.tiers import Effect, Tier, admits
from loop.controller import Controller
from loop.doors import Click, Reply, Submitted
from loop.engine import World
from loop.ports import (
    AwaitTopic,
    Conclude,
    DirectoryUnavailable,
    DraftCall,
    OutcomeUnknown,
    Permit,
    Prepared,
    Proposal,
    Propose,
    Routed,
    Unrouted,
)
from loop.rulebook import Rulebook
from loop.worker import Worker
from state.memory import MemoryJournal, MemoryQueue

START = datetime(2026, 11, 21, 8, tzinfo=UTC)
SRE = Approvers(kind="group", name="sre")


class ManualClock:
    """Moves when told."""

    def __init__(self) -> None:
        self._now = START
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    async def sleep_until(self, moment: datetime) -> None:
        while self._now < moment:
            self._moved.clear()
            await self._moved.wait()

    def move(self, **by: float) -> None:
        self._now += timedelta(**by)
        self._moved.set()


def tool(name: str, effect: Effect, **more: bool) -> ToolSpec:
    return ToolSpec(name=name, version=1, effect=effect, describe=f"{name}s", arguments={}, **more)


SPECS = {
    spec.name: spec
    for spec in (
        tool("look", Effect.READ),
        tool("draft", Effect.DRAFT, idempotent=True),
        tool("restart", Effect.CHANGE, idempotent=True, checkable=True),
        tool("wire", Effect.CHANGE),  # cannot tell, and must not be repeated
        tool("merge", Effect.CHANGE, idempotent=True, proposable=False),
    )
}


class FakeCatalog:
    def spec(self, name: str) -> ToolSpec | None:
        return SPECS.get(name)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(SPECS))

    def problems(self, name: str, arguments: Mapping[str, Json]) -> tuple[str, ...]:
        return ("bad arguments",) if "bad" in arguments else ()


@dataclass
class FakeWords:
    text: str
    hash: str


@dataclass
class FakeRules:
    """Reads and drafts pass, changes need one of the SRE group; all of it can be turned."""

    hash: str = "sha256:rules"
    allowed: bool = True
    tier: Tier = Tier.PRODUCTION
    constraints: Constraints = field(default_factory=Constraints)
    deny_tools: set[str] = field(default_factory=set)
    asked_in_words: int = 0
    requirements: tuple[Requirement, ...] = (Requirement(approvers=SRE),)
    budgets: tuple[Draw, ...] = ()

    def under(self, organization: Organization) -> "FakeRules":
        return FrozenRules(organization, self) if organization.freezes else self

    def evaluate(self, task: Task, agent: Agent, *, spending: Spending = UNKNOWN, **_: object) -> PolicyDecision:
        draws = tuple(draw for draw in self.budgets if draw.of is not Unit.ACTIONS)
        empty = self.exhausted(draws, spending, START)
        allowed = self.allowed and not empty
        reason = "fine" if self.allowed else "the rules say no"
        return PolicyDecision(
            allowed=allowed,
            tier=self.tier,
            reason=empty[0].to if empty else reason,
            constraints=self.constraints,
            policy_hash=self.hash,
            draws=draws if allowed else (),
        )

    def draws(self, run: Run, calls: Sequence[tuple[ToolCall, ToolSpec | None]] = (), **_: object) -> tuple[Draw, ...]:
        if calls and all(call.effect is Effect.READ for call, _ in calls):
            return ()
        counted = Unit.ACTIONS if calls else Unit.RUNS
        return tuple(draw for draw in self.budgets if draw.of is counted or not draw.of.counted)

    def drawn_on(self, accounts: Sequence[str], now: datetime) -> tuple[Draw, ...]:
        return tuple(draw for draw in self.budgets if draw.account in accounts)

    def balances(self, draws: Sequence[Draw], spending: Spending, now: datetime) -> tuple[Balance, ...]:
        return tuple(
            Balance(
                budget=draw.account.partition(" ")[0], describe="", of=draw.of,
                used=spending.known[draw.account].amount,
                whose=tuple((key, value) for key, _, value in (p.partition("=") for p in draw.account.split(" ")[1:])),
                most=draw.most, renews=None, file="f", line=1,
            )
            for draw in draws
        )  # fmt: skip

    def exhausted(self, draws: Sequence[Draw], spending: Spending, now: datetime) -> tuple[Reason, ...]:
        spent = [(draw, spending.of(draw.account)) for draw in draws]
        return tuple(
            Reason(policy=draw.account, file="f", line=1, sets="deny", to=f"nothing is left of {draw.account}")
            for draw, each in spent
            if each is None or each.amount >= draw.most
        )

    def check_call(self, run: Run, call: ToolCall, spec: ToolSpec | None, **more: object) -> Verdict:
        return self._within(run, call, spec, self._verdict(run, call, spec), **more)

    def _within(self, run: Run, call: ToolCall, spec: ToolSpec | None, verdict: Verdict, **more: object) -> Verdict:
        started = any(record.attempt and record.call.call_id == call.call_id for record in run.live)
        draws = () if started else self.draws(run, [(call, spec)])
        if isinstance(verdict, Deny) or not draws:
            return verdict
        empty = self.exhausted(draws, more.get("spending", UNKNOWN), START)  # type: ignore[arg-type]
        if empty:
            return Deny(text=empty[0].to, policy_hash=self.hash)
        return replace(verdict, draws=tuple(draw for draw in draws if draw.of is Unit.ACTIONS))

    def _verdict(self, run: Run, call: ToolCall, spec: ToolSpec | None) -> Verdict:
        if spec is None or call.tool in self.deny_tools or not spec.proposable or not admits(self.tier, call.effect):
            return Deny(text=f"{call.tool} is not for you", policy_hash=self.hash)
        if call.effect is Effect.CHANGE:
            return RequireApproval(requirements=self.requirements, hash=f"{self.hash}:{len(self.requirements)}")
        return Allow(policy_hash=self.hash)

    def check_offer(self, run: Run, call: ToolCall, spec: ToolSpec | None, **more: object) -> Verdict:
        asks = RequireApproval(requirements=self.requirements, hash=self.hash)
        return self._within(run, call, spec, asks, **more)

    def holding(self, now: datetime) -> frozenset[str]:
        return frozenset()

    def frozen(self, now: datetime) -> tuple[Frozen, ...]:
        return ()

    def find(self, said: str) -> Target | Unclear:
        if said == "nonsense":
            return Unclear(why="“nonsense” is nothing that the catalogue knows", choices=("prod",))
        return Target(where=(("resource", (said,)),), words=said, fits=("prod/web",))

    def frozen_by(self, verdict: Verdict) -> tuple[Reason, ...]:
        return verdict.reasons if isinstance(verdict, Deny) else ()

    def in_words(self, task: Task, agent: str, decision: PolicyDecision, **_: object) -> "FakeWords":
        self.asked_in_words += 1
        return FakeWords(
            text=f"{agent} may go up to {decision.tier.label} by {self.hash}", hash=f"words of {self.hash}"
        )

    def remedies_of(self, run: Run, record: CallRecord | None, **_: object) -> tuple[Remedy, ...]:
        return (Remedy(text=f"if the rules did not deny {record.call.tool if record else 'the run'}"),)

    def check_result(self, spec: ToolSpec | None, call: ToolCall, observation: Observation) -> "FakeResult":
        return FakeResult(met=bool(observation.data.get("met", True)) if call.expect else None)

    def locate(self, spec: ToolSpec, arguments: Mapping[str, Json]) -> tuple[str | None, Mapping[str, str] | None]:
        return "prod/web", {"env": "prod"}


class FrozenRules(FakeRules):
    """The same, while somebody has frozen everything."""

    def __init__(self, organization: Organization, rules: FakeRules) -> None:
        super().__init__(**{name: getattr(rules, name) for name in vars(rules)})
        self.organization = organization

    def holding(self, now: datetime) -> frozenset[str]:
        return frozenset(name for name, freeze in self.organization.freezes.items() if freeze.until > now)

    def check_call(self, run: Run, call: ToolCall, spec: ToolSpec | None, **more: object) -> Verdict:
        if call.effect is Effect.CHANGE:
            text = f"frozen: {', '.join(self.organization.freezes)}"
            reasons = tuple(
                Reason(policy=one, file="organization", line=0, sets="deny", to=f"frozen by {freeze.by}")
                for one, freeze in self.organization.freezes.items()
                if freeze.until > more["now"]
            )
            return (
                Deny(text=text, reasons=reasons, policy_hash=self.hash)
                if reasons
                else super().check_call(run, call, spec, **more)
            )
        return super().check_call(run, call, spec, **more)


@dataclass(frozen=True)
class FakeResult:
    met: bool | None
    problems: tuple[str, ...] = ()


class FakeDirectory:
    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.up = True
        people = [
            Person(principal="user:REQUESTER", name="requester", groups=frozenset({"sre"})),
            Person(principal="user:SRE1", name="sre", groups=frozenset({"sre"})),
            Person(principal="user:SRE2", name="second sre", groups=frozenset({"sre"})),
            Person(principal="user:GUEST", name="guest", guest=True, groups=frozenset({"sre"})),
            Person(principal="user:OTHER", name="other"),
        ]
        self.people = {p.principal: p for p in people}

    async def snapshot(self, max_age_s: float = 60.0) -> Snapshot:
        if not self.up:
            raise DirectoryUnavailable("down")
        return Snapshot(version="1", at=self._clock.now(), people=dict(self.people))


class FakeRooms:
    def __init__(self) -> None:
        self.shared: set[str] = set()
        self.private: dict[str, set[str]] = {}

    async def sees(self, principal: str, channel: str) -> bool:
        return channel not in self.private or principal in self.private[channel]

    async def takes_approvals(self, channel: str) -> bool:
        return channel not in self.shared


class FakeRouter:
    def route(self, task: Task) -> Routed | Unrouted:
        if task.goal == "nonsense":
            return Unrouted(why="Nothing fits.", nearest=("restart web",))
        filled = replace(task, context=replace(task.context, repository_id="acme/infra", agent_slug="agent"))
        return Routed(task=filled, agent="agent")


class FakeWatch:
    def __init__(self) -> None:
        self.topics: dict[str, str] = {}

    async def settled(self, topic: str) -> str | None:
        return self.topics.get(topic)


class FakeHands:
    """Counts what really happened, by idempotency key. `behave` decides how a call comes out."""

    def __init__(self) -> None:
        self.effects: Counter[str] = Counter()
        self.started: list[str] = []
        self.behave: Callable[[ToolCall, Permit], str] = lambda call, permit: "ok"
        self.gate: asyncio.Event | None = None

    async def prepare(self, run: Run, draft: DraftCall) -> Prepared:
        return Prepared(fingerprint="f", preview=Preview(summary=f"would {draft.tool}"))

    async def perform(self, run: Run, call: ToolCall, permit: Permit) -> Observation:
        self.started.append(call.tool)
        if self.gate is not None and call.effect is not Effect.READ:
            await self.gate.wait()
        how = self.behave(call, permit)
        if how == "fail":
            return Observation(ok=False, summary="failed", error="failed", error_kind=ErrorKind.PERMANENT)
        if how == "unknown-undone":
            raise OutcomeUnknown("the line went dead before")
        if call.effect is not Effect.READ and not (SPECS[call.tool].idempotent and self.effects[permit.key]):
            self.effects[permit.key] += 1
        if how == "unknown-done":
            raise OutcomeUnknown("the line went dead after")
        return Observation(ok=True, summary=f"did {call.tool}", data={"met": how != "unmet"})

    async def check(self, run: Run, call: ToolCall, key: str) -> Doubt:
        return Doubt.HAPPENED if self.effects[key] else Doubt.NOT_HAPPENED

    async def close(self, run_id: str) -> None:
        """Nothing to close."""


class Script:
    """Proposes batch after batch, then concludes. A pure function of the run: how many turns it has had."""

    def __init__(self, *turns: Proposal) -> None:
        self.turns = turns
        self.told: list[str] = []  # the rules in words, each time

    async def reason(self, run: Run, rules: str) -> Proposal:
        self.told.append(rules)
        index = run.iterations
        return self.turns[index] if index < len(self.turns) else Conclude(summary="done", by="script")


def call(tool: str, **more: object) -> DraftCall:
    return replace(DraftCall(tool=tool, arguments={}), **more)


def propose(*tools: str | DraftCall) -> Propose:
    calls = tuple(call(t) if isinstance(t, str) else t for t in tools)
    return Propose(calls=calls, rationale="because", by="script")


def wait_for(topic: str, *, offer: DraftCall | None = None) -> AwaitTopic:
    return AwaitTopic(topic=topic, why="it takes time", within_s=3600, by="script", offer=offer)


class SlowJournal(MemoryJournal):
    """Others act between the answer and whoever waits for it."""

    async def spent(self, draws: Sequence[Draw]) -> Spending:
        found = await super().spent(draws)
        for _ in range(5):
            await asyncio.sleep(0)
        return found


class House:
    """Everything wired, with a worker; `crash` loses all but the journal and the world."""

    def __init__(
        self,
        *turns: Proposal,
        journal: MemoryJournal | None = None,
        clock: ManualClock | None = None,
        workers: int = 1,
    ) -> None:
        self.workers = workers
        self.clock = clock or ManualClock()
        self.journal = journal or MemoryJournal(self.clock)
        self.rules, self.hands, self.watch, self.rooms = FakeRules(), FakeHands(), FakeWatch(), FakeRooms()
        self.directory, self.reasoner = FakeDirectory(self.clock), Script(*turns)
        self.agent = Agent(slug="agent", describe="does", handles=("chat",), tier=Tier.PRODUCTION, tools=("*",))
        self.boot = 0
        self._tasks: list[asyncio.Task[None]] = []
        self.start()

    def start(self) -> None:
        self.boot += 1
        self.queue = MemoryQueue(boot=self.boot)
        world = World(
            journal=self.journal, queue=self.queue, directory=self.directory, rooms=self.rooms, router=FakeRouter(),
            watch=self.watch, clock=self.clock, next_epoch=self.queue.next_epoch,
        )  # fmt: skip
        self.controller = Controller(world, self.rulebook)
        workers = [
            Worker(
                queue=self.queue, reports=self.controller.desk, permits=self.controller.desk, reasoner=self.reasoner,
                hands=self.hands, catalog=FakeCatalog(),
            )
            for _ in range(self.workers)
        ]  # fmt: skip
        self._tasks = [asyncio.ensure_future(worker.run()) for worker in workers]
        self._tasks.append(asyncio.ensure_future(self.controller._engine.timers.run()))

    def rulebook(self) -> Rulebook:
        return Rulebook(
            organization="acme", rules=self.rules, agents={"agent": self.agent}, catalog=FakeCatalog(),
            approvers=(SRE,), admins=(Approvers(kind="user", name="SRE1"),),
        )  # fmt: skip

    async def crash(self) -> None:
        """kill -9 of the process: every task is gone, wherever it was; then a new one takes up the journal."""
        await self.close()
        self.start()
        await self.controller.recover()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> "House":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def settle(self) -> None:
        """Let everything happen that can without time passing."""
        for _ in range(60):
            await asyncio.sleep(0)

    # ── What tests say ────────────────────────────────────────────────────────────────────────────────────────────────

    async def ask(self, occurrence: str = "1", goal: str = "do it", **more: object) -> str:
        answer = await self.controller.submit(task(occurrence, goal, **more))
        assert isinstance(answer, Submitted), answer
        await self.settle()
        return answer.run_id

    async def run(self, run_id: str) -> Run:
        run = await self.controller.run(run_id)
        assert run is not None
        return run

    async def log(self, run_id: str) -> list[str]:
        return [type(r.event).__name__ for r in await self.journal.read(run_id)]

    async def events(self, run_id: str) -> Sequence[e.Recorded]:
        return await self.journal.read(run_id)

    async def vote(self, run_id: str, by: str, ballot: Ballot = Ballot.APPROVE, **more: object) -> Reply:
        run = await self.run(run_id)
        request = next(r.request for r in reversed(run.records) if r.request is not None)
        click = Click(
            approval_id=request.approval_id, by=f"user:{by}", ballot=ballot, digest=request.digest, card=("C1", "1.1")
        )
        reply = await self.controller.vote(replace(click, **more))
        await self.settle()
        return reply

    async def say(self, run_id: str, kind: SignalKind, by: str = "user:REQUESTER", text: str = "") -> Reply:
        reply = await self.controller.signal(run_id, Signal(kind=kind, by=by, text=text))
        await self.settle()
        return reply


def task(occurrence: str, goal: str = "do it", **more: object) -> Task:
    made = Task(
        type="chat", goal=goal, requester="user:REQUESTER", trust=Trust.PERSON,
        trigger=Trigger(source=Source.USER, source_id=occurrence, timestamp=START),
        context=Context(organization_id="acme"), place=Place(channel="C1"),
    )  # fmt: skip
    return replace(made, **more)

"""The trusted half's motor: takes every step that `next_step` names, and lends the rest to workers.

One run is driven by one task at a time, under its lock. All that can be said at once is said in one append: a proposal,
the boundary's verdicts about it and the start of its reads cost one commit together.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from domain import decisions
from domain.budgets import UNKNOWN, Spending
from domain.calls import ToolCall
from domain.events import BudgetExhausted
from domain.people import Snapshot
from domain.runs import CallStatus, Run, Status
from domain.steps import Act, Decide, Finish, Judge, Park, Reason, next_step
from domain.tiers import Effect
from loop import judgement
from loop.briefing import Briefings
from loop.ledger import Book, Ledger
from loop.organization import Headquarters
from loop.ports import (
    Clock,
    Directory,
    DirectoryUnavailable,
    GuardRefused,
    Journal,
    Lease,
    OrganizationAt,
    Permit,
    Queue,
    Rooms,
    Router,
    SwitchOff,
    Watch,
    WithinBudget,
)
from loop.rulebook import Rulebook
from loop.starts import NoStart, Start, in_doubt, outdated, start
from loop.timers import Timers

log = structlog.get_logger(__name__)

_PRIORITIES = {"critical": 0, "high": 1, "normal": 2, "low": 3}
_RETRY_DIRECTORY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything outside the loop that it talks to."""

    journal: Journal
    queue: Queue
    directory: Directory
    rooms: Rooms
    router: Router
    watch: Watch
    clock: Clock
    next_epoch: Callable[[], int]


class Engine:
    """Drives runs. What people and workers do arrives through the desks beside it."""

    def __init__(self, world: World, rulebook: Callable[[], Rulebook]) -> None:
        self.world = world
        self.headquarters = Headquarters(world.journal, rulebook)
        self.ledger = Ledger(world.journal, world.clock)
        self.timers = Timers(self, world.clock, world.watch)
        self.stopped = False
        self._leases: dict[str, Lease] = {}
        self._held: set[str] = set()
        self._briefings = Briefings()

    def rulebook(self) -> Rulebook:
        """What holds now: the files, under what people have declared."""
        return self.headquarters.rulebook()

    async def drive(self, run_id: str) -> None:
        """Take every step that is due."""
        await self.ledger.change(run_id, self.advance)

    async def advance(self, book: Book) -> None:
        """Take steps until one needs somebody else, and commit what was noted. Raises Conflict."""
        try:
            await self._steps(book)
        except DirectoryUnavailable as error:
            log.warning("directory_unavailable", run=book.run.run_id, error=str(error))
            await book.commit()
            self.timers.watch(book.run)
            self.timers.later(book.run.run_id, _RETRY_DIRECTORY_S)
        except GuardRefused as refusal:
            self.timers.watch(book.run)
            await self.refused(book.run.run_id, refusal)
        else:
            self.timers.watch(book.run)

    async def _steps(self, book: Book) -> None:
        judged: dict[str, Rulebook] = {}  # by which version; looking people up may take until the next
        while True:
            step = next_step(book.run)
            match step:
                case Decide():
                    await self._decide(book)
                case Judge():
                    people, rulebook, now = await self.people(), self.rulebook(), self.now()
                    spending = await self.spending(book.run, rulebook, people, now, step.call_ids)
                    book.note(*judgement.judge(book.run, step, rulebook, people, now, spending))
                    judged.update(dict.fromkeys(step.call_ids, rulebook))
                case Finish():
                    book.note(*judgement.finish(book.run, step))
                    self._leases.pop(book.run.run_id, None)
                case Reason() | Act() if self.stopped:
                    self._held.add(book.run.run_id)
                    return await book.commit()
                case Reason() if book.run.draws and (why := await self._exhausted(book.run)):
                    book.note(BudgetExhausted(reason=why))
                case Reason():
                    await book.commit()
                    return await self._lend(book.run, (), self.world.next_epoch())
                case Act():
                    return await self._act(book, step, judged)
                case Park() | None:
                    return await book.commit()

    async def _decide(self, book: Book) -> None:
        """The door's answer; where it draws on a budget of runs, in an append that another may be quicker than."""
        people, rulebook, now = await self.people(), self.rulebook(), self.now()
        spending = await self.spending(book.run, rulebook, people, now)
        decided = judgement.decide(book.run, rulebook, people, now, spending)
        guards = [WithinBudget(draw) for event in decided for draw in event.decision.draws if draw.of.counted]
        if guards:
            await book.commit_and_start(decided, guards)
        else:
            book.note(*decided)

    async def spending(
        self, run: Run, rulebook: Rulebook, people: Snapshot, now: datetime, call_ids: Sequence[str] = ()
    ) -> Spending:
        """What was drawn from the accounts that judging this needs. Nothing is read where no budget speaks of it."""
        calls = [run.record(call_id).call for call_id in call_ids]
        specs = [(call, rulebook.catalog.spec(call.tool)) for call in calls]
        draws = rulebook.rules.draws(run, specs, people=people, now=now)
        return await self.world.journal.spent(draws) if draws else UNKNOWN

    async def _exhausted(self, run: Run) -> decisions.Reason | None:
        """Why the run's money or tokens are at an end: the budgets of today, over the accounts it is booked to."""
        rules, now = self.rulebook().rules, self.now()
        draws = rules.drawn_on([draw.account for draw in run.draws], now)
        return next(iter(rules.exhausted(draws, await self.world.journal.spent(draws), now)), None)

    async def _act(self, book: Book, step: Act, judged: Mapping[str, Rulebook]) -> None:
        """Lend the calls. Reads start here and now, with their permits; anything above asks when a worker has it."""
        run, epoch = book.run, self.world.next_epoch()
        calls = tuple(run.record(call_id).call for call_id in step.call_ids)
        if step.checking or any(call.effect is not Effect.READ for call in calls):
            await book.commit()
            return await self._lend(book.run, calls, epoch, checking=step.checking)
        people, rulebook, now = await self.people(), self.rulebook(), self.now()
        begun = [
            start(run, c.call_id, epoch, rulebook, people, now, judged=judged.get(c.call_id) is rulebook) for c in calls
        ]
        refused = next((b for b in begun if isinstance(b, NoStart)), None)
        if refused is not None:
            book.note(*refused.events)
            return await self._steps(book)
        starts = [b for b in begun if isinstance(b, Start)]
        guards = tuple(dict.fromkeys(guard for b in starts for guard in b.guards))
        await book.commit_and_start([event for b in starts for event in b.events], guards)
        return await self._lend(book.run, calls, epoch, tuple(b.permit for b in starts))

    async def _lend(
        self,
        run: Run,
        calls: tuple[ToolCall, ...],
        epoch: int,
        permits: tuple[Permit, ...] = (),
        *,
        checking: bool = False,
    ) -> None:
        """Put a lease on the queue, unless the same work is lent already."""
        held = self._leases.get(run.run_id)
        if held is not None and held.calls == calls and held.checking == checking and not permits:
            return
        lease = Lease(
            run=run,
            epoch=epoch,
            calls=calls,
            permits=permits,
            checking=checking,
            priority=_PRIORITIES[run.received.context.priority],
            rules_in_words="" if calls else await self._briefing(run),
        )
        self._leases[run.run_id] = lease
        await self.world.queue.put(lease)

    async def _briefing(self, run: Run) -> str:
        """The rules in words, for whoever reasons about the run. Raises DirectoryUnavailable."""
        rules = self.rulebook().rules
        kept = self._briefings.kept(run, rules)
        return self._briefings.of(run, rules, await self.people()) if kept is None else kept

    def holds(self, lease: Lease) -> bool:
        """Whether this lease is still the run's current one."""
        current = self._leases.get(lease.run.run_id)
        return current is not None and current.epoch == lease.epoch

    async def refused(self, run_id: str, refusal: GuardRefused) -> None:
        """A start was refused in its transaction. The switch is on: the run waits for it. Or the organization has moved
        on, or another took the last of a budget: what has been declared since is read, and the run looked at again."""
        log.info("start_refused", run=run_id, why=refusal.why)
        if isinstance(refusal.guard, OrganizationAt):
            await self.headquarters.refresh()
        if isinstance(refusal.guard, OrganizationAt | WithinBudget):
            self.timers.later(run_id, 0.0)
            return
        self.stopped = self.stopped or isinstance(refusal.guard, SwitchOff)
        self._held.add(run_id)

    def end_lease(self, run_id: str) -> None:
        """Whoever holds the run's lease is stale from now on."""
        self._leases.pop(run_id, None)

    async def people(self) -> Snapshot:
        """The directory now. Raises DirectoryUnavailable."""
        return await self.world.directory.snapshot()

    def now(self) -> datetime:
        """The clock's time."""
        return self.world.clock.now()

    # ── The switch ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def switched(self, *, stopped: bool) -> None:
        """The switch has moved: hold everything, or go on with what was held."""
        self.stopped = stopped
        if not stopped:
            held, self._held = self._held, set()
            for run_id in held:
                await self.drive(run_id)

    # ── Another version of the rules ──────────────────────────────────────────────────────────────────────────────────

    async def reconsider(self) -> int:
        """Look again at every call that waits for people; how many are not asked about any more as they stand."""
        changed = 0
        for run_id in await self.world.journal.open_runs():
            run = await self.ledger.read(run_id)
            if run is not None and run.status is Status.AWAITING_APPROVAL:
                changed += await self.ledger.change(run_id, self._reconsider)
        return changed

    async def _reconsider(self, book: Book) -> int:
        try:
            people = await self.people()
        except DirectoryUnavailable:
            return 0  # nothing starts without another look
        old = None
        for record in book.run.batch:
            if record.status is CallStatus.AWAITING and old is None:
                old = outdated(book.run, record, self.rulebook(), people, self.now())
        if old is None:
            return 0
        book.note(*old.events)
        await self.advance(book)
        return 1

    # ── The start ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def recover(self) -> int:
        """Take up every open run after a start: what was in flight is in doubt now, and nothing is guessed."""
        await self.headquarters.refresh()
        self.stopped = await self.world.journal.switched_off()
        run_ids = await self.world.journal.open_runs()
        for chunk in range(0, len(run_ids), 64):
            await asyncio.gather(*(self._recover(run_id) for run_id in run_ids[chunk : chunk + 64]))
        return len(run_ids)

    async def _recover(self, run_id: str) -> None:
        await self.ledger.change(run_id, lambda book: self.lost(book, "The process that had started it is gone."))

    async def lost(self, book: Book, why: str, epoch: int | None = None) -> None:
        """Whoever had started these calls is gone (all of the run's, or those of one epoch): they are in doubt now."""
        for record in book.run.in_flight:
            if epoch in (None, record.epoch):
                book.note(*in_doubt(book.run, record.call, why, self.rulebook()))
        await self.advance(book)

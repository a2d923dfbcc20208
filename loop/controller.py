"""The trusted half, whole: what doors and workers may ask of it, and its life from start to stop."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from domain import events as e
from domain.budgets import Balance
from domain.freezes import Frozen
from domain.people import Snapshot
from domain.runs import Run
from domain.signals import Signal
from domain.tasks import Principal, Source, Task
from loop.autonomy import Ladder
from loop.balances import seen_by
from loop.desk import WorkersDesk
from loop.doors import Clash, Click, Reply, Submitted, Why
from loop.engine import Engine, World
from loop.explaining import why
from loop.freezing import Freezing
from loop.intake import Intake
from loop.ledger import Book
from loop.ports import DirectoryUnavailable, Unrouted
from loop.reading import may_read
from loop.rulebook import Rulebook
from loop.steering import Steering
from loop.voting import Voting
from policy.sources.autonomy import Standing

log = structlog.get_logger(__name__)

REVIEW_S = 60.0  # how often records are looked at, besides when somebody asks


class Controller:
    """Implements `Operator` for the doors; `desk` implements `Reports` and `Permits` for workers."""

    def __init__(self, world: World, rulebook: Callable[[], Rulebook]) -> None:
        self._engine = Engine(world, rulebook)
        self._intake = Intake(self._engine)
        self._steering = Steering(self._engine)
        self._voting = Voting(self._engine)
        self.freezing = Freezing(self._engine, self._switch_refused)
        self.ladder = Ladder(self._engine)
        self.desk = WorkersDesk(self._engine)

    # ── Life ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def recover(self) -> int:
        """Take up every open run; how many there are."""
        return await self._engine.recover()

    async def run_until_cancelled(self) -> None:
        """Timers, and the switch as other processes may move it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._engine.timers.run())
            group.create_task(self._follow_organization())
            group.create_task(self._review())

    async def review(self) -> None:
        """Look at what agents have earned: take back what their records speak against, propose what they show."""
        for task in await self.ladder.review():
            answer = await self._intake.submit(task)
            if isinstance(answer, Unrouted):
                log.warning("promotion_unrouted", goal=task.goal, why=answer.why)

    async def _review(self) -> None:
        clock = self._engine.world.clock
        while True:
            await self.review()
            await clock.sleep_until(clock.now() + timedelta(seconds=REVIEW_S))

    async def notice(self, topic: str) -> None:
        """Something outside may have settled `topic`."""
        await self._engine.timers.notice(topic)

    async def posted(self, run_id: str, receipt: e.Posted) -> None:
        """Something of this run is in Slack now: the receipt that keeps it from being posted again."""

        async def note(book: Book) -> None:
            if receipt.key not in book.run.posted or book.run.posted[receipt.key] != (receipt.channel, receipt.ts):
                book.note(receipt)
                await book.commit()

        await self._engine.ledger.change(run_id, note)

    async def _follow_organization(self) -> None:
        """Another process may write there too; the transactions see it at once, this keeps the rest in step."""
        while True:
            await self._engine.headquarters.refresh()
            stopped = await self._engine.world.journal.switched_off()
            if stopped != self._engine.stopped:
                await self._engine.switched(stopped=stopped)
            await self.freezing.look()
            await asyncio.sleep(0.5)

    # ── What doors may ask ────────────────────────────────────────────────────────────────────────────────────────────

    async def submit(self, task: Task) -> Submitted | Clash | Unrouted | Reply:
        """Accept a task. Durable when it returns."""
        return await self._intake.submit(task)

    async def retry(self, run_id: str, by: Principal, occurrence: str) -> Submitted | Reply:
        """A finished run's task again."""
        return await self._intake.retry(run_id, by, occurrence)

    async def signal(self, run_id: str, signal: Signal) -> Reply:
        """A person's word to a run."""
        return await self._steering.signal(run_id, signal)

    async def vote(self, click: Click) -> Reply:
        """A person's vote."""
        return await self._voting.vote(click)

    async def run(self, run_id: str) -> Run | None:
        """The folded run."""
        return await self._engine.ledger.read(run_id)

    async def why(self, run: Run) -> Why:
        """What explains the run."""
        return await why(self._engine, run)

    async def may_read(self, principal: Principal, run: Run) -> bool:
        """Whether this principal may see the run."""
        return await may_read(self._engine, principal, run)

    async def budgets(self, who: Principal) -> tuple[Balance, ...]:
        """What is used of the budgets, as far as `who` may see."""
        return await seen_by(self._engine, who)

    async def standings(self) -> Sequence[Standing]:
        """Where each agent stands."""
        return await self.ladder.standings()

    async def promote(self, slug: str, by: Principal, occurrence: str) -> Submitted | Reply:
        """Propose now what the agent's record shows; whoever asks does not countersign it."""
        standing = await self.ladder.standing(slug)
        if standing is None:
            known = ", ".join(sorted(self._engine.rulebook().agents))
            return Reply(ok=False, text=f"There is no agent {slug}. There are: {known}.")
        if standing.rung is None:
            return Reply(ok=False, text=f"{slug} starts from {standing.starts.label}; its file states no higher rung.")
        if standing.lacking:
            return Reply(ok=False, text=f"Not yet: {'; '.join(standing.lacking)}.")
        due = self.ladder.promotion(slug, standing.rung)
        trigger = replace(due.trigger, source=Source.USER, source_id=occurrence)
        answer = await self._intake.submit(replace(due, trigger=trigger, requester=by))
        return answer if isinstance(answer, Submitted) else Reply(ok=False, text=f"It cannot be proposed: {answer}")

    async def demote(self, slug: str, by: Principal, why: str) -> Reply:
        """Take back what the agent has earned: any full member, at once."""
        refusal = await self._switch_refused(by, admin=False)
        if refusal is not None:
            return refusal
        if not await self.ladder.lower(slug, by=by, why=why):
            return Reply(ok=False, text=f"{slug} has earned nothing that could be taken back.")
        return Reply(ok=True, text=f"{slug} starts from the tier of its file again, from its next call on.")

    async def freeze(self, by: Principal, what: str, until: datetime, why: str, zone: str) -> Reply:
        """Nothing that `what` means changes until then. Any full member."""
        return await self.freezing.declare(by, what, until, why, zone)

    async def unfreeze(self, by: Principal, name: str, why: str) -> Reply:
        """End a freeze that was declared: whoever declared it, or one of `admins:`."""
        return await self.freezing.lift(by, name, why)

    async def freezes(self) -> tuple[Frozen, ...]:
        """Every freeze that holds or will hold again."""
        return self.freezing.standing()

    async def everything_stopped(self) -> bool:
        """Whether the switch is on."""
        return await self._engine.world.journal.switched_off()

    async def stop_everything(self, by: Principal, why: str) -> Reply:
        """The switch. Any full member; also while nobody can look them up."""
        refusal = await self._switch_refused(by, admin=False)
        if refusal is not None:
            return refusal
        await self._engine.headquarters.tell(e.EverythingStopped(by=by, why=why))
        await self._engine.switched(stopped=True)
        return Reply(ok=True, text="Everything is stopped: no action starts until `/ops resume-all`.")

    async def resume_everything(self, by: Principal, why: str) -> Reply:
        """`admins:` only."""
        refusal = await self._switch_refused(by, admin=True)
        if refusal is not None:
            return refusal
        await self._engine.headquarters.tell(e.EverythingResumed(by=by, why=why))
        await self._engine.switched(stopped=False)
        return Reply(ok=True, text="Everything goes on.")

    async def load_rules(self, event: e.PolicyLoaded, swap: Callable[[], None]) -> int:
        """Put another version of the rules in force; how many cards it has made pointless."""
        await self._engine.headquarters.load(event, swap)
        return await self._engine.reconsider()

    async def administrates(self, by: Principal) -> Reply | None:
        """None for one of `admins:`, else the refusal."""
        return await self._switch_refused(by, admin=True)

    def rulebook(self) -> Rulebook:
        """What is in force now."""
        return self._engine.rulebook()

    async def _switch_refused(self, by: Principal, *, admin: bool) -> Reply | None:
        if by.startswith("token:") and admin:
            return Reply(ok=False, text="Only a person may turn everything on again.")
        try:
            people = await self._engine.people()
        except DirectoryUnavailable:
            return Reply(ok=False, text="The directory cannot be read now.") if admin else None
        if by.startswith("token:"):
            return None
        person = people.people.get(by)
        if person is None or not person.counts:
            return Reply(ok=False, text="Only full, active members of this team may do that.")
        return self._not_admin(by, people) if admin else None

    def _not_admin(self, by: Principal, people: Snapshot) -> Reply | None:
        book = self._engine.rulebook()
        if book.includes(by, book.admins, people):
            return None
        return Reply(ok=False, text="Only administrators may.", help=tuple(who.text for who in book.admins))

"""One fake for the operator, and the clock on the wall. Everything else in these tests is real."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from domain import events as e
from domain.approvals import Ballot, Vote
from domain.budgets import Balance
from domain.events import Event
from domain.evolve import replay
from domain.freezes import Frozen
from domain.runs import CallStatus, Run, Status
from domain.signals import Signal, SignalKind
from domain.tasks import Principal, Task, run_id_of
from loop.doors import Clash, Click, Page, Reply, Submitted, Why
from loop.ports import Conflict, Journal, Unrouted


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, moment: datetime) -> None:
        await asyncio.sleep(max(0.0, (moment - self.now()).total_seconds()))


@dataclass
class FakeOperator:
    """Keeps runs in a real journal, and does to them only what it is told. Also their `Views`."""

    journal: Journal
    submitted: list[Task] = field(default_factory=list)
    signals: list[tuple[str, Signal]] = field(default_factory=list)
    clicks: list[Click] = field(default_factory=list)
    retried: list[tuple[str, str]] = field(default_factory=list)
    unrouted: Unrouted | None = None
    stopped: bool = False
    balances: list[Balance] = field(default_factory=list)
    frozen: list[tuple[Principal, str, datetime, str, str]] = field(default_factory=list)
    lifted: list[tuple[Principal, str, str]] = field(default_factory=list)
    reasons: Why = field(default_factory=lambda: Why(policy_hash="sha256:rules"))
    approvers: tuple[str, ...] = ("user:U2",)
    unreadable: set[str] = field(default_factory=set)  # principals
    delay: float = 0.0
    fail: int = 0  # the next so many submissions raise

    async def write(self, run_id: str, *events: Event) -> None:
        for event in events:
            while True:
                try:
                    await self.journal.append(run_id, len(await self.journal.read(run_id)), [event])
                except Conflict:  # a receipt came between
                    continue
                break

    async def submit(self, task: Task) -> Submitted | Clash | Unrouted | Reply:
        await asyncio.sleep(self.delay)
        if self.fail:
            self.fail -= 1
            raise RuntimeError("the store is away")
        if self.unrouted is not None:
            return self.unrouted
        run_id = run_id_of(task)
        if await self.journal.read(run_id):
            return Submitted(run_id=run_id, created=False)
        self.submitted.append(task)
        await self.write(run_id, e.TaskReceived(task=task, agent="operator"))
        return Submitted(run_id=run_id, created=True)

    async def signal(self, run_id: str, signal: Signal) -> Reply:
        run = await self.run(run_id)
        if run is None:
            return Reply(ok=False, text=f"There is no run {run_id}. `/ops status` lists them.")
        self.signals.append((run_id, signal))
        match signal.kind:
            case SignalKind.PAUSE:
                await self.write(run_id, e.Paused(by=signal.by))
            case SignalKind.RESUME:
                await self.write(run_id, e.Resumed(by=signal.by))
            case SignalKind.ANSWER:
                await self.write(run_id, e.Answered(by=signal.by, text=signal.text))
            case _:
                pass
        return Reply(ok=True, text=f"{signal.kind} is noted for {run_id}.")

    async def vote(self, click: Click) -> Reply:
        self.clicks.append(click)
        run = await self.run(click.approval_id.rpartition(".")[0])
        record = run.approval(click.approval_id) if run else None
        if run is None or record is None or record.request is None or record.status is not CallStatus.AWAITING:
            return Reply(ok=False, text="This was decided already.")
        if click.digest != record.request.digest:
            return Reply(ok=False, text="That card shows another version of this call.")
        if click.by not in self.approvers:
            return Reply(ok=False, text="The rule asks somebody else.", help=("group:sre",))
        vote = Vote(
            approval_id=click.approval_id, by=click.by, ballot=click.ballot, digest=click.digest, reason=click.reason
        )
        await self.write(run.run_id, e.VoteCast(vote=vote))
        if click.ballot is Ballot.APPROVE:
            until = record.request.expires_at
            await self.write(
                run.run_id, e.ApprovalGranted(approval_id=click.approval_id, use_until=until, voters=(click.by,))
            )
            return Reply(ok=True, text="Countersigned; it starts now.")
        await self.write(
            run.run_id,
            e.ApprovalClosed(
                approval_id=click.approval_id, end=e.ApprovalEnd.DENIED, why=click.reason or "no", by=click.by
            ),
        )
        return Reply(ok=True, text="Denied.")

    async def retry(self, run_id: str, by: Principal, occurrence: str) -> Submitted | Reply:
        run = await self.run(run_id)
        if run is None:
            return Reply(ok=False, text="nothing to retry")
        self.retried.append((run_id, by))
        task = run.received
        trigger = replace(task.trigger, source_id=f"{task.trigger.source_id}~{occurrence}")
        answer = await self.submit(replace(task, trigger=trigger))
        assert isinstance(answer, Submitted)
        return answer

    async def stop_everything(self, by: Principal, why: str) -> Reply:
        self.stopped = True
        return Reply(ok=True, text="Everything is stopped.")

    async def resume_everything(self, by: Principal, why: str) -> Reply:
        if by != "user:U2":
            return Reply(ok=False, text="Only admins resume.", help=("user:U2",))
        self.stopped = False
        return Reply(ok=True, text="Everything goes on.")

    async def freeze(self, by: Principal, what: str, until: datetime, why: str, zone: str) -> Reply:
        if what == "prdo":
            return Reply(ok=False, text="“prdo” is nothing that the catalogue knows. Say prod. Nothing was frozen.")
        self.frozen.append((by, what, until, why, zone))
        return Reply(ok=True, text=f"Frozen: {what}, as `freeze-{len(self.frozen)}`.")

    async def unfreeze(self, by: Principal, name: str, why: str) -> Reply:
        self.lifted.append((by, name, why))
        return Reply(ok=True, text=f"`{name}` is lifted.")

    async def budgets(self, who: Principal) -> tuple[Balance, ...]:
        return tuple(one for one in self.balances if who in self.approvers or ("requester", who) in one.whose)

    async def freezes(self) -> tuple[Frozen, ...]:
        return tuple(
            Frozen(id=f"freeze-{n}", covers=what, what="", place="", zone=zone, holds=True, until=until, by=by, why=why)
            for n, (by, what, until, why, zone) in enumerate(self.frozen, start=1)
        )

    async def run(self, run_id: str) -> Run | None:
        log = await self.journal.read(run_id)
        return replay(run_id, log) if log else None

    async def why(self, run: Run) -> Why:
        return self.reasons

    async def may_read(self, principal: Principal, run: Run) -> bool:
        return principal not in self.unreadable

    async def everything_stopped(self) -> bool:
        return self.stopped

    async def runs(self, *, status: Status | None = None, limit: int = 50, cursor: str | None = None) -> Page:
        return Page(run_ids=tuple(run_id_of(task) for task in reversed(self.submitted)))

    async def open_approvals(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for task in self.submitted:
            run = await self.run(run_id_of(task))
            asked = [r.request for r in (run.records if run else ()) if r.status is CallStatus.AWAITING]
            found += [(run_id_of(task), request.approval_id) for request in asked if request is not None]
        return found

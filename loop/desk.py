"""Where workers report, and where they ask before they act. Every report is checked against its lease's epoch."""

from collections.abc import Callable, Mapping, Sequence

import structlog

from domain import events as e
from domain.calls import Doubt, Observation, ToolCall
from domain.events import RunEvent
from domain.runs import CallRecord, CallStatus, Run
from domain.steps import Act, Reason, next_step
from loop.autonomy import BY_ITSELF, broken_by, demote, proposer
from loop.engine import Engine
from loop.judgement import dropped, open_calls, put_to_person
from loop.ledger import Book
from loop.ports import (
    DirectoryUnavailable,
    GuardRefused,
    Lease,
    Permit,
    Prepared,
    Proposal,
    Refused,
)
from loop.proposals import recorded
from loop.soundness import cost_of, printable
from loop.starts import MOST_ATTEMPTS, NoStart, in_doubt, start

log = structlog.get_logger(__name__)


class WorkersDesk:
    """Implements `Reports` and `Permits`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # ── Reports ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def proposed(self, lease: Lease, proposal: Proposal, prepared: Sequence[Prepared]) -> None:
        """Record the proposal, or, if the run has moved on, its cost alone."""
        engine = self._engine

        def answer(book: Book) -> RunEvent:
            return recorded(book.run, proposal, prepared, engine.rulebook(), engine.now())

        await self._reasoned(lease, answer, e.ProposalDropped(why="the run had moved on", cost=cost_of(proposal)))

    async def failed(self, lease: Lease, why: str) -> None:
        """Record that the reasoner broke; it is asked again, a bounded number of times."""
        why = printable(why)
        await self._reasoned(lease, lambda _: e.ReasoningFailed(why=why, retry=True), e.ProposalDropped(why=why))

    async def _reasoned(self, lease: Lease, answer: Callable[[Book], RunEvent], stale: RunEvent) -> None:
        engine, run_id = self._engine, lease.run.run_id
        mine = engine.holds(lease)

        async def record(book: Book) -> None:
            if mine:
                engine.end_lease(run_id)
                book.note(answer(book) if isinstance(next_step(book.run), Reason) else stale)
                await engine.advance(book)
            else:
                book.note(stale)
                await book.commit()

        await engine.ledger.change(run_id, record)

    async def lost(self, lease: Lease, why: str) -> None:
        """The worker broke with this lease in hand: what it had started is in doubt, the rest is lent again."""
        engine, run_id = self._engine, lease.run.run_id
        if engine.holds(lease):
            engine.end_lease(run_id)

        async def record(book: Book) -> None:
            if lease.reasoning and isinstance(next_step(book.run), Reason):  # counted, or it would be lent for ever
                book.note(e.ReasoningFailed(why=printable(why), retry=True))
            await engine.lost(book, why, lease.epoch)

        await engine.ledger.change(run_id, record)

    async def returned(self, lease: Lease, results: Mapping[str, Observation]) -> None:
        """Record what came back, checked at the boundary, and go on."""
        engine, run_id = self._engine, lease.run.run_id

        async def record(book: Book) -> None:
            if engine.holds(lease):
                engine.end_lease(run_id)
            for call_id, observation in results.items():
                under_way = _under(book.run, call_id, lease.epoch)
                if under_way is None:
                    log.warning("late_report", run=run_id, call=call_id, epoch=lease.epoch)
                    continue
                agent = book.run.agent  # whose call it is: with its result a redirect to another may come into force
                broken = broken_by(book.run, call_id, met=self._returned(book, under_way, observation))
                if broken is not None:
                    await demote(engine.headquarters, agent, by=BY_ITSELF, why=broken)
            await engine.advance(book)

        await engine.ledger.change(run_id, record)

    def _returned(self, book: Book, record: CallRecord, observation: Observation) -> bool | None:
        """Note what came back; whether the call's expectation is met."""
        rules = self._engine.rulebook()
        call = record.call
        check = rules.rules.check_result(rules.catalog.spec(call.tool), call, observation)
        book.note(
            e.ActionReturned(call_id=call.call_id, observation=observation, met=check.met, problems=check.problems)
        )
        if not observation.ok or check.met is False or check.problems:
            why = observation.error or "; ".join(check.problems) or "it did not come out as predicted"
            book.note(*dropped([r.call.call_id for r in open_calls(book.run)], f"{call.tool}: {why}"))
        return check.met

    async def in_doubt(self, lease: Lease, call_id: str, why: str) -> None:
        """Record that nobody knows, and what will be done about it."""
        engine, run_id = self._engine, lease.run.run_id

        async def record(book: Book) -> None:
            under_way = _under(book.run, call_id, lease.epoch)
            if under_way is not None:
                engine.end_lease(run_id)
                book.note(*in_doubt(book.run, under_way.call, why, engine.rulebook()))
                await engine.advance(book)

        await engine.ledger.change(run_id, record)

    async def checked(self, lease: Lease, call_id: str, finding: Doubt, by: str) -> None:
        """Record what the tool's own check found; where it found nothing out, repeat if safe, else ask."""
        engine, run_id = self._engine, lease.run.run_id
        if not engine.holds(lease):
            return

        async def record(book: Book) -> None:
            engine.end_lease(run_id)
            doubtful = book.run.record(call_id)
            if doubtful.status is CallStatus.IN_DOUBT and doubtful.remedy == "check":
                book.note(e.DoubtResolved(call_id=call_id, finding=finding, by=by))
                if finding is Doubt.UNKNOWN:
                    self._still_in_doubt(book, doubtful)
                elif book.run.record(call_id).remedy == "repeat" and doubtful.attempt >= MOST_ATTEMPTS:
                    why = f"Its check says no, and {doubtful.attempt} attempts all ended in doubt."
                    book.note(put_to_person(doubtful.call, why))
            await engine.advance(book)

        await engine.ledger.change(run_id, record)

    def _still_in_doubt(self, book: Book, doubtful: CallRecord) -> None:
        call, run = doubtful.call, book.run
        spec = self._engine.rulebook().catalog.spec(call.tool)
        wanted = not run.stopping and run.redirect is None and doubtful.attempt < MOST_ATTEMPTS
        if spec is not None and spec.idempotent and wanted:
            why = "its check could not tell; repeating it under the same key is safe"
            book.note(e.ActionInDoubt(call_id=call.call_id, why=why, remedy="repeat"))
        else:
            book.note(put_to_person(call, "Its own check could not tell."))

    # ── Permits ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def start(self, lease: Lease, call: ToolCall) -> Permit | Refused:
        """Everything is checked again in the transaction that records the start."""
        return await self._engine.ledger.change(lease.run.run_id, lambda book: self._permit(book, lease, call))

    async def _permit(self, book: Book, lease: Lease, call: ToolCall) -> Permit | Refused:
        engine = self._engine
        if not engine.holds(lease):
            return Refused(why="the lease is stale")
        step = next_step(book.run)
        if engine.stopped or not isinstance(step, Act) or call.call_id not in step.call_ids or step.checking:
            return await self._not_now(book, "everything is stopped" if engine.stopped else f"not now: {step}")
        if book.run.record(call.call_id).call != call:
            return Refused(why="this is not the call that was let through")
        try:
            return await self._start(book, lease, call)
        except DirectoryUnavailable as error:
            engine.end_lease(book.run.run_id)
            engine.timers.later(book.run.run_id, 2.0)
            return Refused(why=f"nobody can say now who may approve: {error}")

    async def _start(self, book: Book, lease: Lease, call: ToolCall) -> Permit | Refused:
        engine = self._engine
        people = await engine.people()
        rulebook, now = engine.rulebook(), engine.now()
        spending = await engine.spending(book.run, rulebook, people, now, (call.call_id,))
        begun = start(book.run, call.call_id, lease.epoch, rulebook, people, now, spending=spending)
        book.note(*begun.events)
        if isinstance(begun, NoStart):
            engine.end_lease(book.run.run_id)
            await engine.advance(book)
            return Refused(why=begun.why)
        try:
            await book.commit(begun.guards)
        except GuardRefused as refusal:
            await engine.refused(book.run.run_id, refusal)
            return await self._not_now(book, refusal.why)
        engine.timers.watch(book.run)
        if call.undoes is not None:
            agent = await proposer(engine.world.journal, book.run, call.undoes)
            await demote(engine.headquarters, agent, by=BY_ITSELF, why=f"{call.undoes} is being taken back")
        return begun.permit

    async def _not_now(self, book: Book, why: str) -> Refused:
        """The worker gives the lease up; the run is looked at again when something changes."""
        self._engine.end_lease(book.run.run_id)
        await self._engine.advance(book)
        return Refused(why=why)


def _under(run: Run, call_id: str, epoch: int) -> CallRecord | None:
    """The call, if it is under way by this epoch."""
    record = next((r for r in run.in_flight if r.call.call_id == call_id), None)
    return record if record is not None and record.epoch == epoch else None

"""The stateless half: claims a lease, observes and reasons, or acts, and reports. It holds nothing between two leases,
and may die at any await."""

import asyncio
from collections.abc import Sequence

import structlog

from domain.calls import ErrorKind, Observation, ToolCall
from domain.tiers import Effect
from loop.ports import (
    Catalog,
    DraftCall,
    Hands,
    Lease,
    OutcomeUnknown,
    Permit,
    Permits,
    Prepared,
    Queue,
    Reasoner,
    Refused,
    Reports,
)
from loop.proposals import drafts_of

log = structlog.get_logger(__name__)


class Worker:
    """One pair of hands and one mind. Run as many as you like; they share nothing but the queue."""

    def __init__(
        self, *, queue: Queue, reports: Reports, permits: Permits, reasoner: Reasoner, hands: Hands, catalog: Catalog
    ) -> None:
        self._queue = queue
        self._reports = reports
        self._permits = permits
        self._reasoner = reasoner
        self._hands = hands
        self._catalog = catalog

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            lease = await self._queue.claim()
            try:
                await self.work(lease)
            except asyncio.CancelledError:
                await self._queue.give_back(lease)
                raise
            except Exception as error:  # a worker's lease: recorded; what it had started is in doubt now
                log.exception("lease_failed", run=lease.run.run_id, epoch=lease.epoch)
                await self._reports.lost(lease, f"the worker broke: {type(error).__name__}")
            await self._queue.done(lease)

    async def work(self, lease: Lease) -> None:
        """Everything one lease asks for."""
        if lease.reasoning:
            await self._reason(lease)
        elif lease.checking:
            await self._check(lease)
        else:
            await self._act(lease)

    async def _reason(self, lease: Lease) -> None:
        try:
            proposal = await self._reasoner.reason(lease.run, lease.rules_in_words)
            prepared = [await self._prepare(lease, draft) for draft in drafts_of(proposal)]
        except Exception as error:  # the reasoner is anybody's code: what it raised is its answer
            log.exception("reasoner_failed", run=lease.run.run_id)
            await self._reports.failed(lease, f"{type(error).__name__}: {error}")
            return
        await self._reports.proposed(lease, proposal, prepared)

    async def _prepare(self, lease: Lease, draft: DraftCall) -> Prepared:
        """Look at the target of a call above READ, so that people see what it would do."""
        spec = self._catalog.spec(draft.tool)
        if spec is None or spec.effect is Effect.READ:
            return Prepared()
        return await self._hands.prepare(lease.run, draft)

    async def _check(self, lease: Lease) -> None:
        for call in lease.calls:
            key = lease.run.record(call.call_id).key
            finding = await self._hands.check(lease.run, call, key)
            await self._reports.checked(lease, call.call_id, finding, f"the check of {call.tool}")

    async def _act(self, lease: Lease) -> None:
        permits = list(lease.permits)
        if not permits:
            granted = await self._permits.start(lease, lease.calls[0])
            if isinstance(granted, Refused):
                log.info("start_refused", run=lease.run.run_id, call=lease.calls[0].call_id, why=granted.why)
                return
            permits = [granted]
        await self._perform(lease, permits)

    async def _perform(self, lease: Lease, permits: Sequence[Permit]) -> None:
        calls = {call.call_id: call for call in lease.calls}
        pairs = [(calls[permit.call_id], permit) for permit in permits]
        if len(pairs) == 1:
            results = [await self._one(lease, *pairs[0])]
        else:
            results = await asyncio.gather(*(self._one(lease, call, permit) for call, permit in pairs))
        known = {
            permit.call_id: result for (_, permit), result in zip(pairs, results, strict=True) if result is not None
        }
        if known:
            await self._reports.returned(lease, known)

    async def _one(self, lease: Lease, call: ToolCall, permit: Permit) -> Observation | None:
        """What the call brought; None where nobody knows, which is reported apart."""
        try:
            return await self._hands.perform(lease.run, call, permit)
        except OutcomeUnknown as unknown:
            await self._reports.in_doubt(lease, call.call_id, str(unknown))
            return None
        except Exception as error:
            log.exception("tool_failed", run=lease.run.run_id, tool=call.tool)
            if call.effect is Effect.READ:
                text = f"{call.tool} broke: {type(error).__name__}"
                return Observation(ok=False, summary=text, error=text, error_kind=ErrorKind.CRASH)
            await self._reports.in_doubt(
                lease, call.call_id, f"{call.tool} broke while it acted: {type(error).__name__}"
            )
            return None

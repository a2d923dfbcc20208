"""A journal and a queue in memory. The journal keeps every promise of the real one but that of the disk."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.budgets import Draw, Spending
from domain.events import ORGANIZATION_STREAM, Event, Recorded
from domain.records import Deed
from domain.runs import Run, Status
from loop.ports import Clock, Conflict, Guard, Lease
from state import chain
from state.bell import Bell
from state.codec import encode
from state.deeds import DeedRow, deed_in, keeping_agent
from state.guards import check, check_taken
from state.projections import Extension, Head, beginning, extend
from state.spending import SpendingRow, check_drawn, spent, total

_KEY = bytes(32)


class MemoryJournal:
    """Implements loop.ports.Journal."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._log: list[Recorded] = []
        self._streams: dict[str, list[Recorded]] = {}
        self._heads: dict[str, Head] = {}
        self._deeds: dict[tuple[str, str], DeedRow] = {}
        self._spending: list[SpendingRow] = []
        self._stopped = False
        self._bell = Bell()
        self._closed = False

    async def close(self) -> None:
        """End every `follow`."""
        self._closed = True
        self._bell.ring()

    async def append(
        self,
        stream: str,
        expected: int,
        events: Sequence[Event],
        guards: Sequence[Guard] = (),
        folded: Run | None = None,
    ) -> list[Recorded]:
        """See Journal.append. Raises also Unencodable, and IllegalEvent for what the fold refuses."""
        said = [(event, encode(event)) for event in events]
        head = self._heads.get(stream) or beginning(stream)
        if head.seq != expected:
            raise Conflict(stream, expected, head.seq)
        check(
            guards,
            head.run,
            stopped=self._stopped,
            organization=lambda: len(self._streams.get(ORGANIZATION_STREAM, ())),
        )
        extension = extend(_KEY, stream, head, len(self._log) + 1, self._clock.now(), said, folded)
        check_taken(guards, extension.head.run)
        check_drawn(guards, lambda draw: total(draw, [*self._spending, *extension.spending]))
        if said:
            self._keep(stream, extension)
        await asyncio.sleep(0)  # others may see the events before we do, as with a real commit
        return extension.records

    async def read(self, stream: str, after: int = 0) -> list[Recorded]:
        """See Journal.read."""
        return self._streams.get(stream, [])[max(after, 0) :]

    async def follow(self, position: int) -> AsyncGenerator[Recorded, None]:
        """See Journal.follow; ends when the journal is closed."""
        while not self._closed:
            bell = self._bell.listen()
            if position >= len(self._log):
                await bell.wait()
                continue
            position += 1
            yield self._log[position - 1]

    async def open_runs(self) -> list[str]:
        """See Journal.open_runs; oldest first."""
        return [run.run_id for run in self._runs() if run.status is not Status.FINISHED]

    async def correlated(self, organization: str, correlation: str) -> list[str]:
        """See Journal.correlated."""
        return [
            run.run_id
            for run in reversed(self._runs())
            if run.received.context.organization_id == organization and run.received.trigger.correlation == correlation
        ]

    async def switched_off(self) -> bool:
        """See Journal.switched_off."""
        return self._stopped

    async def deeds(self, agent: str, since: datetime) -> list[Deed]:
        """See Journal.deeds."""
        moment = chain.microseconds(since)
        rows = [row for row in self._deeds.values() if row.agent == agent and row.at >= moment]
        return [deed_in(row) for row in sorted(rows, key=lambda row: (row.at, row.run_id, row.call_id))]

    async def spent(self, draws: Sequence[Draw]) -> Spending:
        """See Journal.spent."""
        await asyncio.sleep(0)  # others may draw meanwhile, as with a real read
        return Spending(known={draw.account: spent(draw, self._spending) for draw in draws})

    async def accounts(self) -> list[str]:
        """See Journal.accounts."""
        return sorted({row.account for row in self._spending})

    def _runs(self) -> list[Run]:
        return [head.run for head in self._heads.values() if head.run is not None]

    def _keep(self, stream: str, extension: Extension) -> None:
        self._heads[stream] = extension.head
        self._log.extend(extension.records)
        self._streams.setdefault(stream, []).extend(extension.records)
        for deed in extension.deeds:
            self._deeds[deed.run_id, deed.call_id] = keeping_agent(self._deeds.get((deed.run_id, deed.call_id)), deed)
        self._spending.extend(extension.spending)
        if extension.stopped is not None:
            self._stopped = extension.stopped
        self._bell.ring()


@dataclass(slots=True, order=True)
class _Place:
    """A place in line: the lowest number of priority first, then first come. `lease` is None once replaced."""

    priority: int
    arrived: int
    lease: Lease | None = field(compare=False)


class MemoryQueue:
    """Implements loop.ports.Queue, and hands out epochs: `boot` in the high half, so that no restart repeats one."""

    def __init__(self, boot: int = 1) -> None:
        self._epoch = boot << 32
        self._waiting: dict[str, _Place] = {}  # by run: what nobody has claimed
        self._order: list[_Place] = []  # a heap; a place whose lease is gone is skipped
        self._claimed: dict[int, _Place] = {}  # by epoch
        self._arrived = itertools.count()
        self._offered = asyncio.Semaphore(0)

    def next_epoch(self) -> int:
        """An epoch larger than any before, across restarts."""
        self._epoch += 1
        return self._epoch

    async def put(self, lease: Lease) -> None:
        """See Queue.put. A replacement of the same priority keeps the place in line; an older one is ignored."""
        known = self._waiting.get(lease.run.run_id)
        if known is not None and known.lease is not None and known.lease.epoch > lease.epoch:
            return
        arrived = next(self._arrived)
        if known is not None and known.priority == lease.priority:
            arrived = known.arrived
        self._offer(_Place(lease.priority, arrived, lease))

    async def claim(self) -> Lease:
        """See Queue.claim."""
        while True:
            await self._offered.acquire()
            place = heapq.heappop(self._order)
            lease = place.lease
            if lease is None:
                continue
            del self._waiting[lease.run.run_id]
            self._claimed[lease.epoch] = place
            return lease

    async def done(self, lease: Lease) -> None:
        """See Queue.done."""
        self._claimed.pop(lease.epoch, None)

    async def give_back(self, lease: Lease) -> None:
        """See Queue.give_back. It takes its old place, unless a newer lease of the run waits."""
        place = self._claimed.pop(lease.epoch, None)
        if place is None:
            return
        known = self._waiting.get(lease.run.run_id)
        if known is None or known.lease is None or known.lease.epoch < lease.epoch:
            self._offer(place)

    def __len__(self) -> int:
        return len(self._waiting)

    def _offer(self, place: _Place) -> None:
        lease = place.lease
        if lease is None:
            return
        replaced = self._waiting.get(lease.run.run_id)
        if replaced is not None:
            replaced.lease = None
        self._waiting[lease.run.run_id] = place
        heapq.heappush(self._order, place)
        self._offered.release()

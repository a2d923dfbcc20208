"""The controller's timer: limits that pass, waits that settle, and second looks. All of it follows from the runs again
after a restart; nothing here is state."""

import asyncio
import heapq
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from domain.events import Noticed
from domain.runs import Run, Status
from loop.deadlines import next_deadline, overdue
from loop.ledger import Book, Ledger
from loop.ports import Clock, Watch

log = structlog.get_logger(__name__)

_POLL_S = 1.0


class Driven(Protocol):
    """What the timer needs of the engine."""

    ledger: Ledger

    async def drive(self, run_id: str) -> None:
        """Take every step that is due."""
        ...

    async def advance(self, book: Book) -> None:
        """The same, for a run that is already open."""
        ...


class Timers:
    """One heap of moments, one table of topics."""

    def __init__(self, engine: Driven, clock: Clock, watch: Watch) -> None:
        self._engine = engine
        self._clock = clock
        self._watch = watch
        self._heap: list[tuple[datetime, str]] = []
        self._due: dict[str, datetime] = {}
        self._topics: dict[str, str] = {}  # run -> topic
        self._changed = asyncio.Event()

    def watch(self, run: Run) -> None:
        """Look after `run` as it is now."""
        wait = run.waiting_for
        if run.status is Status.WAITING and wait is not None:
            self._topics[run.run_id] = wait.topic
        else:
            self._topics.pop(run.run_id, None)
        moment = next_deadline(run)
        if moment is None:
            self._due.pop(run.run_id, None)
        elif self._due.get(run.run_id) != moment:
            self._at(run.run_id, moment)

    def later(self, run_id: str, seconds: float) -> None:
        """Look at the run again after a while."""
        self._at(run_id, self._clock.now() + timedelta(seconds=seconds))

    def _at(self, run_id: str, moment: datetime) -> None:
        self._due[run_id] = moment
        heapq.heappush(self._heap, (moment, run_id))
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled: fire what is due, and ask about waits once a second."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._fire())
            group.create_task(self._poll())

    async def _fire(self) -> None:
        while True:
            now = self._clock.now()
            while self._heap and self._heap[0][0] <= now:
                moment, run_id = heapq.heappop(self._heap)
                if self._due.get(run_id) == moment:
                    del self._due[run_id]
                    await self._expire(run_id)
            self._changed.clear()
            wait = self._heap[0][0] if self._heap else now + timedelta(seconds=3600)
            sleeping = asyncio.ensure_future(self._clock.sleep_until(wait))
            waking = asyncio.ensure_future(self._changed.wait())
            try:
                await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleeping.cancel()
                waking.cancel()

    async def _expire(self, run_id: str) -> None:
        """Record the limit that has passed, if one has, and drive the run."""

        async def expire(book: Book) -> None:
            if book.run.seq:
                book.note(*overdue(book.run, self._clock.now()))
                await self._engine.advance(book)

        await self._engine.ledger.change(run_id, expire)

    async def _poll(self) -> None:
        while True:
            for run_id, topic in list(self._topics.items()):
                what = await self._watch.settled(topic)
                if what is not None:
                    await self.settled(run_id, topic, what)
            await self._clock.sleep_until(self._clock.now() + timedelta(seconds=_POLL_S))

    async def notice(self, topic: str) -> None:
        """Something outside says that `topic` may have settled: ask, and tell whoever waits for it."""
        waiting = [run_id for run_id, waited in self._topics.items() if waited == topic]
        what = await self._watch.settled(topic) if waiting else None
        for run_id in waiting if what is not None else ():
            await self.settled(run_id, topic, what or "")

    async def settled(self, run_id: str, topic: str, what: str) -> None:
        """The wait is over."""

        async def end(book: Book) -> None:
            wait = book.run.waiting_for
            if book.run.status is Status.WAITING and wait is not None and wait.topic == topic:
                book.note(Noticed(topic=topic, what=what))
                await self._engine.advance(book)

        await self._engine.ledger.change(run_id, end)

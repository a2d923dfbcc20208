"""The runs, as the controller holds them: folded, locked one at a time, and changed only by durable appends."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from weakref import WeakValueDictionary

import structlog

from domain.events import ORGANIZATION_STREAM, Event, Recorded
from domain.evolve import evolve, replay
from domain.runs import Run, Status
from loop.ports import Clock, Conflict, Guard, GuardRefused, Journal

log = structlog.get_logger(__name__)

MOST_CACHED = 1024
MOST_CONFLICTS = 16  # with other writers of one stream, in a row

T = TypeVar("T")


class Book:
    """One run, open for change. `note` folds events in at once; `commit` makes them durable together, or not at all."""

    def __init__(self, run: Run, journal: Journal, clock: Clock) -> None:
        self._durable = run
        self._journal = journal
        self._clock = clock
        self._noted: list[Event] = []
        self.run = run

    def note(self, *events: Event) -> None:
        """Fold these in, provisionally."""
        now = self._clock.now()
        for event in events:
            recorded = Recorded(stream=self.run.run_id, seq=self.run.seq + 1, at=now, event=event)
            self.run = evolve(self.run, recorded)
            self._noted.append(event)

    async def commit(self, guards: Sequence[Guard] = ()) -> None:
        """Append what was noted. Raises Conflict or GuardRefused, after which nothing was noted."""
        if not self._noted:
            return
        events, self._noted = self._noted, []
        try:
            await self._journal.append(self.run.run_id, self._durable.seq, events, guards, self.run)
        except BaseException:
            self.run = self._durable
            raise
        self._durable = self.run

    async def commit_and_start(self, starts: Sequence[Event], guards: Sequence[Guard]) -> None:
        """`commit`, with `starts` under `guards` in the same append. Raises GuardRefused with only the rest done."""
        rest = list(self._noted)
        self.note(*starts)
        try:
            await self.commit(guards)
        except GuardRefused:
            self.note(*rest)
            await self.commit()
            raise

    def forget(self) -> None:
        """Drop what was noted and not committed."""
        self._noted.clear()
        self.run = self._durable


class Ledger:
    """Folded runs by id. One task at a time holds a run; the journal guards against everyone else."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.journal = journal
        self._clock = clock
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # alive while held or awaited

    async def read(self, run_id: str) -> Run | None:
        """The run as it is now; None if there is no such run. Ids come from strangers: not every stream is a run."""
        if run_id == ORGANIZATION_STREAM:
            return None
        cached = self._runs.get(run_id)
        if cached is not None:
            self._runs.move_to_end(run_id)
            return cached
        log = await self.journal.read(run_id)
        if not log:
            return None
        run = replay(run_id, log)
        self._keep(run)
        return run

    async def change(self, run_id: str, action: Callable[[Book], Awaitable[T]]) -> T:
        """`action` with the run open and held; once more from the start whenever its stream has moved on meanwhile."""
        lock = self._locks.get(run_id)
        if lock is None:
            lock = self._locks[run_id] = asyncio.Lock()
        for _ in range(MOST_CONFLICTS):
            async with lock:
                try:
                    return await self._hold(run_id, action)
                except Conflict:
                    log.info("conflict", run=run_id)
            await asyncio.sleep(0)
        async with lock:
            return await self._hold(run_id, action)

    async def _hold(self, run_id: str, action: Callable[[Book], Awaitable[T]]) -> T:
        book = Book(await self.read(run_id) or Run(run_id=run_id), self.journal, self._clock)
        try:
            result = await action(book)
        except BaseException:
            self._runs.pop(run_id, None)  # the fold may be old: the next reader sees the truth
            raise
        book.forget()
        self._keep(book.run)
        return result

    def _keep(self, run: Run) -> None:
        """Cache an open run; finished ones are read again when somebody asks."""
        self._runs.pop(run.run_id, None)
        if run.seq and run.status is not Status.FINISHED:
            self._runs[run.run_id] = run
        if len(self._runs) > MOST_CACHED:
            self._runs.popitem(last=False)

"""The journal over SQLite. See loop.ports.Journal for what it promises."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, NamedTuple

from domain.budgets import Draw, Spending, Spent
from domain.events import ORGANIZATION_STREAM, Event, Recorded
from domain.records import Deed
from domain.runs import Run
from loop.ports import Clock, Conflict, Guard
from state import chain, sql
from state.bell import Bell
from state.codec import Encoded, encode
from state.database import Database
from state.deeds import DeedRow, deed_in
from state.guards import check, check_taken
from state.heads import Heads
from state.pending import Pending
from state.projections import extend
from state.rows import recorded
from state.spending import after_of, check_drawn, total
from state.tail import Tail

_PAGE: Final = 500
_LOOK_EVERY_S: Final = 0.5  # how late an event of another process may be seen


class _Append(NamedTuple):
    """One append, ready to be written."""

    stream: str
    expected: int
    at: datetime
    said: list[tuple[Event, Encoded]]
    guards: Sequence[Guard]
    folded: Run | None


class SqliteJournal:
    """Implements loop.ports.Journal. Beyond it: `erase`, for finished runs."""

    def __init__(self, database: Database, key: bytes, clock: Clock) -> None:
        self._database = database
        self._key = key
        self._clock = clock
        self._heads = Heads()  # touched in the writer's thread alone
        self._pending = Pending()  # likewise
        self._tail = Tail()  # touched in the event loop alone
        self._bell = Bell()
        self._closed = False
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Learn where the log ends. Once, before anything else."""
        self._database.commits.on_foreign_write(self._foreign_write)
        self._database.commits.before_commit(self._pending.write)
        await self._database.commits.look()

    async def close(self) -> None:
        """End every `follow`."""
        self._closed = True
        self._bell.ring()
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch

    async def append(
        self,
        stream: str,
        expected: int,
        events: Sequence[Event],
        guards: Sequence[Guard] = (),
        folded: Run | None = None,
    ) -> list[Recorded]:
        """See Journal.append. Raises also Unencodable, IllegalEvent for what the fold refuses, and StoreError."""
        said = [(event, encode(event)) for event in events]
        append = _Append(stream, expected, self._clock.now(), said, guards, folded)
        return await self._database.commits.gather(lambda raw: self._gather(raw, append), self._written)

    async def read(self, stream: str, after: int = 0) -> list[Recorded]:
        """See Journal.read. Raises Damaged, and PayloadErased where an event's payload was erased."""
        rows = await self._database.read(lambda raw: raw.execute(sql.READ_STREAM, (stream, after)).fetchall())
        return [recorded(row) for row in rows]

    async def follow(self, position: int) -> AsyncGenerator[Recorded, None]:
        """See Journal.follow. Events whose payload was erased are passed over; ends when the store is closed."""
        self._watch = self._watch or asyncio.create_task(self._watch_others(), name="state: watch other processes")
        while not self._closed:
            bell = self._bell.listen()
            events = self._tail.after(position, _PAGE)
            if events is None:
                events, position = await self._read_back(position)
            elif not events:
                await bell.wait()
            for event in events:
                yield event
                position = max(position, event.position)

    async def open_runs(self) -> list[str]:
        """See Journal.open_runs; oldest first."""
        return await self._column(sql.OPEN_RUNS)

    async def correlated(self, organization: str, correlation: str) -> list[str]:
        """See Journal.correlated."""
        return await self._column(sql.CORRELATED, organization, correlation)

    async def switched_off(self) -> bool:
        """See Journal.switched_off."""
        return await self._database.read(_stopped)

    async def deeds(self, agent: str, since: datetime) -> list[Deed]:
        """See Journal.deeds."""
        arguments = (agent, chain.microseconds(since))
        rows = await self._database.read(lambda raw: raw.execute(sql.DEEDS, arguments).fetchall())
        return [deed_in(DeedRow(*row)) for row in rows]

    async def spent(self, draws: Sequence[Draw]) -> Spending:
        """See Journal.spent."""
        found = await self._database.read(lambda raw: [_spent(raw, draw) for draw in draws])
        return Spending(known={draw.account: each for draw, each in zip(draws, found, strict=True)})

    async def accounts(self) -> list[str]:
        """See Journal.accounts."""
        return await self._column(sql.ACCOUNTS)

    async def erase(self, run_id: str) -> int:
        """Forget what a finished run's events said; the chain still verifies. Returns how many were erased.

        Nothing can be appended to the run afterwards. Raises ValueError for one that is not there or not finished.
        """

        def erase(raw: sqlite3.Connection) -> int:
            erased = _erase(raw, run_id)
            self._heads.drop(run_id)
            return erased

        return await self._database.write(erase)

    async def _column(self, statement: str, *arguments: str) -> list[str]:
        rows = await self._database.read(lambda raw: raw.execute(statement, arguments).fetchall())
        return [row[0] for row in rows]

    async def _read_back(self, position: int) -> tuple[list[Recorded], int]:
        """Events from the disk, and how far one has come where the last of them are erased."""
        rows = await self._database.read(lambda raw: raw.execute(sql.READ_LOG, (position, _PAGE)).fetchall())
        kept = [recorded(row) for row in rows if row[-1] is not None]
        if kept:
            return kept, position
        return [], rows[-1][0] if rows else self._tail.end

    async def _watch_others(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self._database.commits.look()

    def _written(self, records: list[Recorded]) -> None:
        self._tail.extend(records)
        self._bell.ring()

    # ── In the writer's thread ────────────────────────────────────────────────────────────────────────────────────────

    def _foreign_write(self, raw: sqlite3.Connection) -> Callable[[], None]:
        self._heads.forget(raw)
        end = self._heads.position

        def tell() -> None:
            self._tail.jump(end)
            self._bell.ring()

        return tell

    def _gather(self, raw: sqlite3.Connection, append: _Append) -> list[Recorded]:
        head = self._heads.get(raw, append.stream)
        if head.seq != append.expected:
            raise Conflict(append.stream, append.expected, head.seq)
        check(
            append.guards,
            head.run,
            stopped=self._heads.stopped,
            organization=lambda: self._heads.get(raw, ORGANIZATION_STREAM).seq,
        )
        extension = extend(
            self._key, append.stream, head, self._heads.position + 1, append.at, append.said, append.folded
        )
        check_taken(append.guards, extension.head.run)
        check_drawn(append.guards, lambda draw: self._drawn(raw, draw) + total(draw, extension.spending))
        if extension.rows:
            self._pending.add(extension)
            self._heads.put(append.stream, extension)
        return extension.records

    def _drawn(self, raw: sqlite3.Connection, draw: Draw) -> int:
        (amount,) = raw.execute(sql.SPENT, (draw.account, after_of(draw))).fetchone()
        return int(amount) + self._pending.drawn(draw)


def _spent(raw: sqlite3.Connection, draw: Draw) -> Spent:
    where = (draw.account, after_of(draw))
    (amount,) = raw.execute(sql.SPENT, where).fetchone()
    if amount < draw.most:
        return Spent(amount=amount)
    row = raw.execute(sql.BLOCKED_BY, (*where, amount, draw.most)).fetchone()
    return Spent(amount=amount, blocked_by=chain.moment(row[0]) if row else None)


def _stopped(raw: sqlite3.Connection) -> bool:
    return bool(raw.execute(sql.SWITCH).fetchone()[0])


def _erase(raw: sqlite3.Connection, run_id: str) -> int:
    if run_id == ORGANIZATION_STREAM:
        raise ValueError("the organization's own stream cannot be erased")
    row = raw.execute(sql.RUN_STATUS, (run_id,)).fetchone()
    if row is None or row[0] != "finished":
        raise ValueError(f"run {run_id} is {row[0] if row else 'not there'}: only a finished run can be erased")
    return raw.execute(sql.ERASE_STREAM, (run_id,)).rowcount

"""The store, put together: one database, and all that the rest of the house asks of it."""

import asyncio
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from loop.ports import Clock
from state import sql
from state.database import Database
from state.errors import Unusable
from state.inbox import SqliteInbox
from state.journal import SqliteJournal
from state.keys import key_id, load_key
from state.outbox import SqliteOutbox
from state.past import SqlitePast
from state.spending import KEPT
from state.tokens import SqliteTokens
from state.views import SqliteViews


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """An open store. `boot` counts exclusive openings: epochs begin with it."""

    database: Database
    journal: SqliteJournal
    inbox: SqliteInbox
    outbox: SqliteOutbox
    views: SqliteViews
    past: SqlitePast
    tokens: SqliteTokens
    key: bytes = field(repr=False)
    boot: int

    @classmethod
    async def open(cls, path: Path, *, clock: Clock, key_file: Path | None = None, exclusive: bool = True) -> "Store":
        """Open or create the store at `path`. The key file is `PATH.key` unless given. Raises Unusable.

        `exclusive` is for `serve`: one process at a time, and `boot` grows. Commands beside it pass False.
        """
        database = await Database.open(path, exclusive=exclusive)
        try:
            key = await _key(database, key_file or path.with_name(path.name + ".key"))
            if exclusive:
                await database.write(_count_boot)
                await database.write(lambda raw: raw.execute(sql.FORGET_SPENDING, (KEPT,)))
            boot = await database.read(_boot)
            journal = SqliteJournal(database, key, clock)
            await journal.start()
        except BaseException:
            await database.close()
            raise
        return cls(
            database=database,
            journal=journal,
            inbox=SqliteInbox(database),
            outbox=SqliteOutbox(database),
            views=SqliteViews(database),
            past=SqlitePast(database),
            tokens=SqliteTokens(database, key, clock),
            key=key,
            boot=boot,
        )

    @property
    def fatal(self) -> "asyncio.Future[str]":
        """Done, with the reason, once the disk has failed: the program must exit."""
        return self.database.fatal

    async def close(self) -> None:
        """Finish what waits to be written, then let go of the files."""
        try:
            await self.journal.close()
        finally:
            await self.database.close()


async def _key(database: Database, file: Path) -> bytes:
    """The key in `file`; a new database is bound to it, any other must be bound to it already. Raises Unusable."""
    bound = await database.read(_key_id)
    key = load_key(file, create=bound is None)
    if bound is None:
        bound = await database.write(lambda raw: _bind(raw, key_id(key)))
    if bound != key_id(key):
        raise Unusable(f"{file} is another database's key: restore the one that was beside this database")
    return key


def _key_id(raw: sqlite3.Connection) -> str | None:
    row = raw.execute(sql.META, ("key_id",)).fetchone()
    return row[0] if row else None


def _bind(raw: sqlite3.Connection, wanted: str) -> str:
    """Of two processes at once, one binds it; both are told to what."""
    bound = _key_id(raw)
    if bound is None:
        raw.execute(sql.SET_META, ("key_id", wanted))
    return bound or wanted


def _boot(raw: sqlite3.Connection) -> int:
    row = raw.execute(sql.META, ("boot",)).fetchone()
    return int(row[0]) if row else 0


def _count_boot(raw: sqlite3.Connection) -> None:
    raw.execute(sql.SET_META, ("boot", str(_boot(raw) + 1)))

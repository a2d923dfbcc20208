"""One SQLite file, opened so that what is acknowledged is on the disk: one writer, one reader, checked settings."""

import asyncio
import os
import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, TypeVar

import aiosqlite
from sqlalchemy import URL, Connection
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from state import migrate
from state.commits import GroupCommit, Job, disk_failed, is_busy
from state.errors import StoreBusy, StoreFailed, Unusable
from state.lock import InstanceLock

T = TypeVar("T")

# What the store's promises rest on, and what SQLite must answer when asked. FULL: an fsync with every commit.
PRAGMAS: Final = {
    "journal_mode": ("WAL", "wal"),
    "synchronous": ("FULL", 2),
    "foreign_keys": ("ON", 1),
    "busy_timeout": ("5000", 5000),
    "fullfsync": ("ON", 1),  # macOS: fsync alone does not reach the platter there
    "checkpoint_fullfsync": ("ON", 1),
    "trusted_schema": ("OFF", 0),
    "secure_delete": ("ON", 1),  # what is erased is overwritten
}


class Database:
    """Write through `write`, in groups; read through `read`. `fatal` is done, with the reason, when the disk failed."""

    def __init__(self, path: Path, stack: AsyncExitStack, writer: AsyncConnection, reader: AsyncConnection) -> None:
        self.path = path
        self.fatal: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._stack = stack
        self._connections = (writer, reader)
        self._reader: aiosqlite.Connection
        self.commits: GroupCommit

    @classmethod
    async def open(cls, path: Path, *, exclusive: bool = True) -> "Database":
        """Open or create it, and bring its schema up to date. Raises Unusable.

        `exclusive` takes the instance lock; without it, a schema that is behind is brought up only if nobody serves.
        """
        async with AsyncExitStack() as stack:
            _create(path)
            lock = InstanceLock(path.with_name(path.name + ".lock"))
            stack.callback(lock.release)
            if exclusive:
                lock.take()
            engine = _engine(path)
            stack.push_async_callback(engine.dispose)
            try:
                writer = await stack.enter_async_context(engine.connect())
                await _settle(writer)
                await _bring_up_to_date(writer, lock, exclusive=exclusive)
                reader = await stack.enter_async_context(engine.connect())
                await _settle(reader)
            except DatabaseError as error:
                raise Unusable(f"{path} cannot be used: {error.orig}") from error
            database = cls(path, stack.pop_all(), writer, reader)
        await database._start()
        return database

    async def _start(self) -> None:
        writer, reader = [(await each.get_raw_connection()).driver_connection for each in self._connections]
        if not isinstance(writer, aiosqlite.Connection) or not isinstance(reader, aiosqlite.Connection):
            raise TypeError("SQLAlchemy did not open the database through aiosqlite")
        self._reader = reader
        await reader.execute("PRAGMA query_only = ON")
        self.commits = GroupCommit(writer, self._failed)

    async def write(self, job: Job[T]) -> T:
        """What `job` returns, once it is durable. See GroupCommit.submit."""
        return await self.commits.submit(job)

    async def read(self, query: Job[T]) -> T:
        """What `query` returns of one consistent state of the database. Raises StoreFailed."""
        try:
            result: T = await self._reader._execute(_snapshot, self._reader, query)  # type: ignore[no-untyped-call]  # noqa: SLF001 see GroupCommit._hop
        except sqlite3.Error as error:
            if is_busy(error):
                raise StoreBusy(f"another process keeps the database locked ({error})") from error
            if not disk_failed(error):
                raise
            why = f"the database cannot be read: {error}"
            self.commits.fail(why)
            raise StoreFailed(why) from error
        return result

    async def close(self) -> None:
        """Finish what waits to be written, close the file, release the lock."""
        try:
            await self.commits.close()
        finally:
            await self._stack.aclose()

    def _failed(self, why: str) -> None:
        if not self.fatal.done():
            self.fatal.set_result(why)


def _snapshot(connection: aiosqlite.Connection, query: Job[T]) -> T:
    raw = connection._conn  # noqa: SLF001 see GroupCommit._hop
    raw.execute("BEGIN")
    try:
        return query(raw)
    finally:
        raw.execute("COMMIT")


def _create(path: Path) -> None:
    """SQLite gives its side files the mode of the database: make that first, for the owner alone."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise Unusable(f"{path} cannot be opened: {error.strerror}") from error


def _engine(path: Path) -> AsyncEngine:
    return create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        hide_parameters=True,  # an error must not show what was bound
        poolclass=NullPool,
        connect_args={"isolation_level": None, "cached_statements": 256},  # transactions are ours to begin
    )


async def _settle(connection: AsyncConnection) -> None:
    """Make the settings, and believe none that SQLite does not confirm."""
    for name, (setting, wanted) in PRAGMAS.items():
        await connection.exec_driver_sql(f"PRAGMA {name} = {setting}")
        answer = (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
        if answer != wanted:
            raise Unusable(f"SQLite answers {answer!r} for {name} where {setting} is needed: use a local file system")
    await connection.rollback()


async def _bring_up_to_date(connection: AsyncConnection, lock: InstanceLock, *, exclusive: bool) -> None:
    revision = await connection.run_sync(migrate.revision_of)
    migrate.refuse_newer(revision)
    if revision != migrate.NEWEST:
        if not exclusive:
            lock.take()  # nobody may be serving an older schema while it changes
        await connection.run_sync(_upgrade)
        if not exclusive:
            lock.release()
    await connection.rollback()


def _upgrade(connection: Connection) -> None:
    migrate.upgrade(connection)

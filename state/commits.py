"""Group commit: whatever is ready goes into one transaction, written in one hop to the connection's thread.

One task takes all waiting jobs, runs them one after the other inside BEGIN IMMEDIATE, commits, and only then hands out
the answers. While a commit is under way the next batch collects; nobody waits for company. A job that raises fails
alone: what it wrote is undone by its savepoint, or it gathers and has written nothing. When the disk fails, everything
that waits is refused, and all that follows.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import aiosqlite

from state.errors import StoreBusy, StoreClosed, StoreError, StoreFailed

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]
# Called in the connection's thread when another process has written; what it returns is called in the event loop.
Notice = Callable[[sqlite3.Connection], Callable[[], None]]

_LARGEST_BATCH = 1024
_CLOSED = "the store has been closed"
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_HARMLESS = frozenset({sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH})


@dataclass(slots=True, eq=False)
class _Waiting:
    """A job, who waits for it, and what became of it."""

    run: Job[Any]
    gathers: bool
    after: Callable[[Any], None] | None
    answer: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


class GroupCommit:
    """The only writer on `driver`. `failed` is called once, with the reason, when nothing may be acknowledged more."""

    def __init__(self, driver: aiosqlite.Connection, failed: Callable[[str], None]) -> None:
        self._driver = driver
        self._failed = failed
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._refusal: StoreFailed | StoreClosed | None = None
        self._notices: list[Notice] = []
        self._writes: list[Job[None]] = []
        self._data_version: int | None = None
        self.commits = 0
        self._task = asyncio.create_task(self._work(), name="state: group commit")

    async def submit(self, run: Job[T], after: Callable[[T], None] | None = None) -> T:
        """What `run` returns, once it is durable. Raises what it raises, StoreBusy, StoreFailed or StoreClosed.

        `after` is called in the event loop, in the order of commits, whether or not the caller still waits.
        """
        return await self._wait(run, after, gathers=False)

    async def gather(self, run: Job[T], after: Callable[[T], None] | None = None) -> T:
        """The same for a job that writes nothing itself: what it gathers is written by its owner's `before_commit`."""
        return await self._wait(run, after, gathers=True)

    def before_commit(self, write: Job[None]) -> None:
        """Have `write` called once in each transaction, after the jobs that gather and before all others."""
        self._writes.append(write)

    def on_foreign_write(self, notice: Notice) -> None:
        """Have `notice` called when another process has written since we last looked; and once at first."""
        self._notices.append(notice)
        self._data_version = None

    async def look(self) -> None:
        """See whether another process has written."""
        if self._refusal is not None:
            return
        try:
            calls = await self._hop(self._look)
        except sqlite3.Error as error:
            if not is_busy(error):
                self.fail(_describe(error))
            return
        for call in calls:
            call()

    async def close(self) -> None:
        """Finish what waits, then refuse."""
        if self._refusal is None:
            self._refusal = StoreClosed(_CLOSED)
        self._wake.set()
        await self._task

    def fail(self, why: str) -> None:
        """Refuse everything from here on."""
        if isinstance(self._refusal, StoreFailed):
            return
        self._refusal = StoreFailed(f"{why}; nothing is acknowledged from here on")
        self._failed(why)
        self._wake.set()

    def _wait(self, run: Job[T], after: Callable[[T], None] | None, *, gathers: bool) -> asyncio.Future[T]:
        if self._refusal is not None:
            raise self._refused()
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(run, gathers, after, answer))
        self._wake.set()
        return answer

    async def _work(self) -> None:
        batch: list[_Waiting] = []
        try:
            while self._refusal is None or self._waiting:
                self._wake.clear()
                batch = [job for job in self._waiting[:_LARGEST_BATCH] if not job.answer.cancelled()]
                del self._waiting[:_LARGEST_BATCH]
                if batch:
                    await self._commit(batch)
                elif self._refusal is None and not self._waiting:
                    await self._wake.wait()
        finally:
            if self._refusal is None:
                self.fail("the writer has stopped")
            for job in batch + self._waiting:
                _refuse(job, self._refused())

    async def _commit(self, batch: list[_Waiting]) -> None:
        if isinstance(self._refusal, StoreFailed):
            for job in batch:
                _refuse(job, self._refused())
            return
        refusal: Exception | None = None
        calls: list[Callable[[], None]] = []
        try:
            calls = await self._hop(self._transact, batch)
        except StoreBusy as error:
            refusal = error
        except sqlite3.Error as error:
            self.fail(_describe(error))
            refusal = self._refused()
        for call in calls:
            call()
        for job in batch:
            self._answer(job, refusal)

    def _refused(self) -> StoreError:
        """A fresh one for each who is refused: an exception that is raised often keeps every traceback."""
        refusal = self._refusal if self._refusal is not None else StoreClosed(_CLOSED)
        return type(refusal)(*refusal.args)

    @staticmethod
    def _answer(job: _Waiting, refusal: Exception | None) -> None:
        error = refusal or job.error
        if error is not None:
            _refuse(job, error)
            return
        if job.after is not None:
            job.after(job.result)
        if not job.answer.done():
            job.answer.set_result(job.result)

    async def _hop(self, function: Callable[..., T], *arguments: Any) -> T:
        # aiosqlite offers no public way to run a function over the driver's connection, and a hop per statement costs
        # more than the statement. The version is pinned below the next minor.
        result: T = await self._driver._execute(function, *arguments)  # type: ignore[no-untyped-call]  # noqa: SLF001
        return result

    # ── In the connection's thread ────────────────────────────────────────────────────────────────────────────────────

    def _look(self) -> list[Callable[[], None]]:
        raw = self._driver._conn  # noqa: SLF001 see `_hop`
        (version,) = raw.execute("PRAGMA data_version").fetchone()
        if version == self._data_version:
            return []
        calls = [notice(raw) for notice in self._notices]
        self._data_version = version
        return calls

    def _transact(self, batch: list[_Waiting]) -> list[Callable[[], None]]:
        raw = self._driver._conn  # noqa: SLF001 see `_hop`
        execute = raw.execute
        try:
            execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            if is_busy(error):
                raise StoreBusy(f"another process keeps the database locked ({error})") from error
            raise
        try:
            calls = self._look()
            for job in batch:
                if job.gathers:
                    _run(job, raw)
            for write in self._writes:
                write(raw)
            for job in batch:
                if not job.gathers:
                    execute("SAVEPOINT job")
                    _run(job, raw)
                    if job.error is not None:
                        execute("ROLLBACK TO job")
                    execute("RELEASE job")
            execute("COMMIT")
        except BaseException:
            if raw.in_transaction:
                execute("ROLLBACK")
            raise
        self.commits += 1
        return calls


def _run(job: _Waiting, raw: sqlite3.Connection) -> None:
    try:
        job.result = job.run(raw)
    except Exception as error:  # it fails alone, and the one who asked is told
        if isinstance(error, sqlite3.Error) and disk_failed(error):
            raise
        job.error = error


def _refuse(job: _Waiting, error: Exception) -> None:
    if not job.answer.done():
        job.answer.set_exception(error)


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another process was in the way, and nothing else is wrong."""
    return _code(error) in _BUSY


def disk_failed(error: sqlite3.Error) -> bool:
    """Whether the file, and not the statement, is to blame."""
    return _code(error) not in _HARMLESS | _BUSY


def _code(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


def _describe(error: sqlite3.Error) -> str:
    return f"the database failed: {error} ({getattr(error, 'sqlite_errorname', type(error).__name__)})"

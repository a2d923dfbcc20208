"""The durable loop: runs of ten iterations (reason, one read that returns 1 KB), 1 and 64 at a time.

Beside the floor of the same disk in the same process: raw sqlite3 with one commit an iteration. Each of our iterations
is judged at the boundary over a thousand rules, hash-chained, projected and durable before the next.
"""

import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import Row, table
from benchmarks.rulebook import rulebook
from bot.collector import calm
from domain.calls import Doubt, Observation, ToolCall
from domain.canonical import Json
from domain.events import RunFinished
from domain.people import Snapshot
from domain.runs import Run
from domain.tasks import Context, Source, Task, Trigger, Trust, run_id_of
from loop.controller import Controller
from loop.engine import World
from loop.ports import Conclude, DraftCall, Permit, Prepared, Proposal, Propose, Routed
from loop.worker import Worker
from state.memory import MemoryQueue
from state.store import Store

ITERATIONS = 10
PAYLOAD: Mapping[str, Json] = {"text": "x" * 1000}


class Now:
    """The wall clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, moment: datetime) -> None:
        await asyncio.sleep(max(0.0, (moment - self.now()).total_seconds()))


class Everything:
    """Directory, rooms, router and watch of a house with nobody in it."""

    def __init__(self) -> None:
        self._snapshot = Snapshot(version="1", at=datetime.now(UTC))

    async def snapshot(self, max_age_s: float = 60.0) -> Snapshot:
        return self._snapshot

    async def sees(self, principal: str, channel: str) -> bool:
        return True

    async def takes_approvals(self, channel: str) -> bool:
        return True

    def route(self, task: Task) -> Routed:
        return Routed(task=task, agent="bench")

    async def settled(self, topic: str) -> str | None:
        return None


class NoOp:
    """Mind and hands that do nothing, durably."""

    async def reason(self, run: Run, rules: str) -> Proposal:
        if run.iterations >= ITERATIONS:
            return Conclude(summary="done", by="bench")
        call = DraftCall(tool="bench.look", arguments={"n": run.iterations})
        return Propose(calls=(call,), rationale="", by="bench")

    async def prepare(self, run: Run, draft: DraftCall) -> Prepared:
        return Prepared()

    async def perform(self, run: Run, call: ToolCall, permit: Permit) -> Observation:
        return Observation(ok=True, summary="looked", data=PAYLOAD)

    async def check(self, run: Run, call: ToolCall, key: str) -> Doubt:
        return Doubt.UNKNOWN

    async def close(self, run_id: str) -> None:
        return None


def task(number: int) -> Task:
    """One occurrence."""
    trigger = Trigger(source=Source.API, source_id=str(number), timestamp=datetime.now(UTC))
    return Task(type="bench", trigger=trigger, context=Context(organization_id="acme"), trust=Trust.PERSON)


async def runs_per_second(folder: Path, concurrent: int, total: int) -> float:
    """How many whole runs a second finish with so many under way."""
    store = await Store.open(folder / f"loop-{concurrent}.sqlite", clock=Now())
    queue, empty, book, no_op = MemoryQueue(boot=store.boot), Everything(), rulebook(1000), NoOp()
    world = World(
        journal=store.journal, queue=queue, directory=empty, rooms=empty, router=empty, watch=empty, clock=Now(),
        next_epoch=queue.next_epoch,
    )  # fmt: skip
    controller = Controller(world, lambda: book)
    desk, catalog = controller.desk, book.catalog
    pool = [
        Worker(queue=queue, reports=desk, permits=desk, reasoner=no_op, hands=no_op, catalog=catalog)
        for _ in range(concurrent)
    ]
    workers = [asyncio.ensure_future(worker.run()) for worker in pool]
    ends: dict[str, asyncio.Event] = {}
    workers.append(asyncio.ensure_future(_announce(store, ends)))
    began = time.perf_counter()
    numbers = iter(range(total))

    async def one_after_another() -> None:
        for number in numbers:
            ended = ends[run_id_of(task(number))] = asyncio.Event()
            await controller.submit(task(number))
            await ended.wait()

    await asyncio.gather(*(one_after_another() for _ in range(concurrent)))
    seconds = time.perf_counter() - began
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    await store.close()
    return total / seconds


async def _announce(store: Store, ends: dict[str, asyncio.Event]) -> None:
    async for recorded in store.journal.follow(0):
        if isinstance(recorded.event, RunFinished):
            ends[recorded.stream].set()


def one_commit_each(folder: Path, count: int) -> float:
    """Raw sqlite3, WAL, FULL: inserts of 1 KB a second, each its own commit."""
    raw = sqlite3.connect(folder / "floor.sqlite", isolation_level=None)
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)")
    body = json.dumps(PAYLOAD)
    began = time.perf_counter()
    for _ in range(count):
        raw.execute("INSERT INTO t (body) VALUES (?)", (body,))
    seconds = time.perf_counter() - began
    raw.close()
    return count / seconds


async def measure() -> list[Row]:
    """The table's rows."""
    calm()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        floor = one_commit_each(folder, 3000)
        alone = await runs_per_second(folder, 1, 60) * ITERATIONS
        many = await runs_per_second(folder, 64, 640) * ITERATIONS
    return [
        Row("raw sqlite3, one commit an iteration", floor, "iterations/s", floor),
        Row("the loop, 1 run at a time", alone, "iterations/s", floor),
        Row("the loop, 64 runs at a time", many, "iterations/s", floor),
    ]


def main() -> None:
    """Print the table."""
    print(table("The durable loop", asyncio.run(measure())))


if __name__ == "__main__":
    main()

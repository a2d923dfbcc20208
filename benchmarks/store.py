"""How many events a second become durable, beside what raw sqlite3 can do on the same disk in the same minute.

`floor, alone` commits each event by itself; `floor, group` puts whatever waits into one transaction: one row an event,
no checks, no hashes, no fold, no projections. The store does all of that. Contenders take turns; cells are medians.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from domain.calls import Observation, ToolCall
from domain.decisions import Constraints, PolicyDecision
from domain.events import (
    ActionReturned,
    ActionStarted,
    CallAllowed,
    CallsProposed,
    Event,
    PolicyDecided,
    TaskReceived,
)
from domain.tasks import Context, Source, Task, Trigger
from domain.tiers import Effect, Tier
from state.codec import encode
from state.store import Store

_ITERATIONS = 10  # of one run: propose, allow, start, return a kilobyte
_ROUNDS = 5
_KILOBYTE = {"output": "x" * 1000}


class Wall:
    """The real clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, moment: datetime) -> None:
        await asyncio.sleep((moment - self.now()).total_seconds())


class Measured(NamedTuple):
    """One round of one contender."""

    per_second: float
    cpu_us: float


Append = Callable[[str, int, Event], Awaitable[object]]


def story(name: str) -> Iterator[Event]:
    """The events of one run, as the loop appends them one by one."""
    trigger = Trigger(source=Source.USER, source_id=name, timestamp=datetime.now(UTC))
    task = Task(type="chat", trigger=trigger, context=Context(organization_id="acme"), goal="look after it")
    yield TaskReceived(task=task, agent="sre")
    decision = PolicyDecision(allowed=True, tier=Tier.PRODUCTION, reason="granted", constraints=Constraints())
    yield PolicyDecided(decision=decision)
    for n in range(_ITERATIONS):
        call_id = f"c{n}"
        arguments = {"service": "web", "n": n}
        call = ToolCall(call_id=call_id, tool="service.look", version=1, effect=Effect.READ, arguments=arguments)
        yield CallsProposed(calls=(call,), rationale="to see how it is")
        yield CallAllowed(call_id=call_id)
        yield ActionStarted(call_id=call_id, epoch=1, key=call_id, digest="sha256:" + "0" * 64)
        yield ActionReturned(call_id=call_id, observation=Observation(ok=True, summary="fine", data=_KILOBYTE))


async def drive(append: Append, tasks: int, runs: int) -> Measured:
    """Each task appends whole runs, each event durable before the next."""
    appended = 0

    async def work(task: int) -> None:
        nonlocal appended
        for run in range(runs):
            for seq, event in enumerate(story(f"{task}-{run}")):
                await append(f"r-{task}-{run}", seq, event)
                appended += 1

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work(task) for task in range(tasks)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Measured(appended / wall, cpu / appended * 1e6)


def raw_database(path: Path) -> sqlite3.Connection:
    raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("PRAGMA synchronous = FULL")
    raw.execute("CREATE TABLE log (position INTEGER PRIMARY KEY, stream TEXT, seq INTEGER, type TEXT, payload BLOB)")
    return raw


_INSERT = "INSERT INTO log (stream, seq, type, payload) VALUES (?, ?, ?, ?)"


async def floor_alone(path: Path, tasks: int, runs: int) -> Measured:
    """One commit an event, in the event loop's own thread."""
    raw = raw_database(path)

    async def append(stream: str, seq: int, event: Event) -> None:
        encoded = encode(event)
        raw.execute(_INSERT, (stream, seq, encoded.type, encoded.payload))
        await asyncio.sleep(0)

    measured = await drive(append, tasks, runs)
    raw.close()
    return measured


async def floor_group(path: Path, tasks: int, runs: int) -> Measured:
    """What waits is written by a thread in one transaction; the answers follow the commit."""
    raw = raw_database(path)
    waiting: list[tuple[tuple[object, ...], asyncio.Future[None]]] = []
    wake = asyncio.Event()

    def write(rows: list[tuple[object, ...]]) -> None:
        raw.execute("BEGIN IMMEDIATE")
        raw.executemany(_INSERT, rows)
        raw.execute("COMMIT")

    async def writer() -> None:
        while True:
            await wake.wait()
            wake.clear()
            batch = waiting.copy()
            waiting.clear()
            await asyncio.to_thread(write, [row for row, _ in batch])
            for _, answer in batch:
                answer.set_result(None)

    async def append(stream: str, seq: int, event: Event) -> None:
        encoded = encode(event)
        answer = asyncio.get_running_loop().create_future()
        waiting.append(((stream, seq, encoded.type, encoded.payload), answer))
        wake.set()
        await answer

    task = asyncio.create_task(writer())
    measured = await drive(append, tasks, runs)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    raw.close()
    return measured


async def ours(path: Path, tasks: int, runs: int) -> Measured:
    """The store's journal: checked, hashed, folded, projected, durable."""
    store = await Store.open(path, clock=Wall())
    measured = await drive(lambda stream, seq, event: store.journal.append(stream, seq, [event]), tasks, runs)
    await store.close()
    return measured


CONTENDERS = {"floor, alone": floor_alone, "floor, group": floor_group, "store": ours}


def measure(tasks: int, runs: int) -> dict[str, Measured]:
    """Medians of all contenders at so many concurrent appenders."""
    rounds: dict[str, list[Measured]] = {name: [] for name in CONTENDERS}
    for _ in range(_ROUNDS):
        for name, contender in CONTENDERS.items():
            with tempfile.TemporaryDirectory() as directory:
                rounds[name].append(asyncio.run(contender(Path(directory) / "log.sqlite", tasks, runs)))
    return {
        name: Measured(
            statistics.median(each.per_second for each in measured), statistics.median(each.cpu_us for each in measured)
        )
        for name, measured in rounds.items()
    }


def main() -> None:
    """Print the table."""
    print("| appenders | contender | events/s | of the group floor | CPU us an event |\n|---|---|---|---|---|")
    for tasks, runs in ((1, 20), (64, 3)):
        medians = measure(tasks, runs)
        for name, (per_second, cpu_us) in medians.items():
            share = per_second / medians["floor, group"].per_second
            print(f"| {tasks} | {name} | {per_second:,.0f} | {share:.2f} | {cpu_us:.0f} |")


if __name__ == "__main__":
    main()

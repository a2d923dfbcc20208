"""Killed at any moment: everything acknowledged is there, the chain verifies, the projections agree."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from domain.events import PersonSpoke
from state.errors import StoreFailed
from state.rebuild import compare
from state.store import Store
from state.verify import verify
from tests.state.samples import SteppingClock, received


async def killed(path: Path, seconds: float) -> list[list[str]]:
    """What the appender had printed when it was killed; a torn last line does not count."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.state.appender", str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    first = await process.stdout.readline()
    reading = asyncio.create_task(process.stdout.read())
    await asyncio.sleep(seconds)
    process.kill()
    printed = first + await reading
    await process.wait()
    return [line.split() for line in printed.decode().split("\n")[:-1]]


async def check(path: Path, acknowledged: list[list[str]]) -> None:
    store = await Store.open(path, clock=SteppingClock())
    try:
        hashes = await store.database.read(lambda raw: raw.execute("SELECT stream, seq, hash FROM events").fetchall())
        there = {(stream, seq, hashed.hex()) for stream, seq, hashed in hashes}
        kept = {envelope.key for envelope in await store.inbox.pending()}
        for kind, name, seq, hashed in acknowledged:
            assert name in kept if kind == "inbox" else (name, int(seq), hashed) in there
        assert (await verify(store.database, store.key)).broken is None
        assert (await compare(store.database)).wrong == 0
        await store.journal.append(f"after-{store.boot}", 0, [received()])
    finally:
        await store.close()


async def kill_and_check(path: Path, times: int) -> int:
    acknowledged: list[list[str]] = []
    for _ in range(times):
        acknowledged += await killed(path, random.uniform(0.0, 0.15))
        await check(path, acknowledged)
    return len(acknowledged)


async def test_a_kill_loses_nothing_acknowledged(path: Path) -> None:
    assert await kill_and_check(path, 2) > 20


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_many_kills_lose_nothing_acknowledged(path: Path) -> None:
    assert await kill_and_check(path, 40) > 400


async def test_a_torn_end_of_the_log_file_costs_only_what_it_held(path: Path) -> None:
    """The last frame of the write-ahead log is half-written: what came before it stands, and the store goes on."""
    acknowledged = await killed(path, 0.1)
    log = path.with_name(path.name + "-wal")
    size = log.stat().st_size
    for cut in (1000, 4096 + 24, 3 * 4096):
        with log.open("r+b") as file:
            file.truncate(max(32, size - cut))
    store = await Store.open(path, clock=SteppingClock())
    found = await verify(store.database, store.key)
    assert found.broken is None
    assert 0 < found.events <= len(acknowledged) + 16
    assert (await compare(store.database)).wrong == 0
    await store.close()


async def test_garbage_after_the_log_file_costs_nothing(path: Path) -> None:
    acknowledged = await killed(path, 0.05)
    with path.with_name(path.name + "-wal").open("ab") as file:
        file.write(random.randbytes(10_000))
    await check(path, acknowledged)


_UNTIL_THE_DISK_FAILS = """
import asyncio, resource, sys
from pathlib import Path
from tests.state import test_crash
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
asyncio.run(test_crash.until_the_disk_fails(Path(sys.argv[1])))
"""


async def until_the_disk_fails(path: Path) -> None:
    """Append until writing fails; print how many were acknowledged before, and how many after."""
    store = await Store.open(path, clock=SteppingClock())
    before = after = 0
    await store.journal.append("r-1", 0, [received()])
    for seq in range(1, 500):
        try:
            await store.journal.append("r-1", seq, [PersonSpoke(by="user:U1", text="x" * 5000)])
        except StoreFailed:
            continue
        before, after = before + 1, after + store.fatal.done()
    sys.stdout.write(f"{before} {after} {await store.fatal}\n")
    await store.close()


async def test_when_writing_fails_nothing_more_is_acknowledged(path: Path, clock: SteppingClock) -> None:
    run = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", _UNTIL_THE_DISK_FAILS, str(path)], capture_output=True, check=False
    )
    assert run.returncode == 0, run.stderr.decode()
    before, after, why = run.stdout.decode().split(maxsplit=2)
    assert (int(before) > 10, int(after)) == (True, 0)
    assert "the database failed: disk I/O error (SQLITE_IOERR_WRITE)" in why or "SQLITE_FULL" in why
    store = await Store.open(path, clock=clock)
    assert len(await store.journal.read("r-1")) == int(before) + 1
    assert (await verify(store.database, store.key)).broken is None
    await store.close()

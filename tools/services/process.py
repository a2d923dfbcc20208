"""One service process on this machine: who it is, whether it lives, how it is ended and started."""

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tools.durable import read_json
from tools.services.launch import born
from tools.services.port import ServiceError

_LAUNCH = Path(__file__).with_name("launch.py")
_POLL_S = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What `launch.py` recorded of the current generation."""

    pid: int
    generation: int
    born: str
    started_at: float

    @property
    def alive(self) -> bool:
        """Whether exactly this process lives: the id may have gone to another one since."""
        return self.born != "" and born(self.pid) == self.born


def current(directory: Path) -> Process | None:
    """The process of the highest generation so far, alive or not."""
    record = read_json(directory / "process.json")
    if record is None:
        return None
    return Process(
        pid=int(record["pid"]),
        generation=int(record["generation"]),
        born=str(record["born"]),
        started_at=float(record["started_at"]),
    )


async def end(process: Process, *, patience_s: float) -> None:
    """End this process and no other: politely, then surely."""
    for number, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, patience_s)):
        if not _signal(process, number):
            return
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            if not process.alive:
                return
            await asyncio.sleep(_POLL_S)
    if process.alive:
        raise ServiceError(f"process {process.pid} survived SIGKILL for {patience_s:.0f} s: look at it on the machine")


async def start(directory: Path, generation: int, log: Path, argv: tuple[str, ...], *, patience_s: float) -> Process:
    """Start `generation` unless it has been started; returns its process once it has said who it is."""
    directory.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a moment, once a start
    launched = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(_LAUNCH), str(directory), str(generation), str(log), *argv),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=directory,
        env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        start_new_session=True,
    )
    await launched.wait()
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        found = current(directory)
        if found is not None and found.generation >= generation:
            return found
        await asyncio.sleep(_POLL_S)
    raise ServiceError(f"generation {generation} did not start within {patience_s:.0f} s: see {log}")


def _signal(process: Process, number: int) -> bool:
    """Signal the very process that was checked; False when it is gone."""
    if not hasattr(os, "pidfd_open"):
        if not process.alive:
            return False
        os.kill(process.pid, number)
        return True
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if not process.alive:
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True

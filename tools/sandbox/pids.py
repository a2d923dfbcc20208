"""A kernel's count of processes for a root user, whom RLIMIT_NPROC does not bind: a control group for one command.

Only where this user may make one (a root user outside a container, mostly); elsewhere the watcher has to do.
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_HIERARCHIES = (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup"))  # the old layout, the new one
_TRIES = 100
_ENTER = 'echo $$ > "$0" && exec "$@"'


@asynccontextmanager
async def counted(argv: tuple[str, ...], limit: int) -> AsyncIterator[tuple[str, ...]]:
    """The command line that runs `argv` with at most `limit` processes, if the kernel lets us say so; else `argv`."""
    group = _made(limit) if os.geteuid() == 0 else None
    if group is None:
        yield argv
        return
    try:
        yield ("/bin/sh", "-c", _ENTER, str(group / "cgroup.procs"), *argv)
    finally:
        await _removed(group)


def tasks_of_the_machine() -> int:
    """How many tasks the whole machine has, in one small read; 0 where that is not told."""
    try:
        return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])
    except (OSError, ValueError, IndexError):
        return 0


async def _removed(group: Path) -> None:
    """Remove the group once the last of its processes is gone; they have been killed, so that is soon."""
    for _ in range(_TRIES):
        try:
            group.rmdir()  # noqa: ASYNC240 - asks the kernel, not a disk
        except OSError:
            await asyncio.sleep(0.01)
        else:
            return


def _made(limit: int) -> Path | None:
    for root in _HIERARCHIES:
        group = root / f"countersign-{os.getpid()}-{secrets.token_hex(4)}"
        if not (root / "cgroup.procs").exists():
            continue
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / "pids.max").write_text(str(limit))
        except OSError:
            with contextlib.suppress(OSError):
                group.rmdir()
            continue
        return group
    return None

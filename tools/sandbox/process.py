"""Starts one process and stays its master: bounded output, a wall-clock limit, and no survivors.

The process leads a session and group of its own. When this returns, for whatever reason, the whole group is dead; under
bubblewrap the namespace dies with it, under Landlock the filter keeps every descendant in the group.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.sandbox.pids import counted, tasks_of_the_machine
from tools.sandbox.port import Command, CommandNotStartedError, Completed

_FLOOD = 16  # a stream this many times over what is kept ends the command
_CHUNK = 1 << 16
_WATCH_S = 0.01
_COUNT_EVERY_S = 1.0
_POLL_S = 0.002
_DRAIN_S = 2.0


async def run_process(
    argv: Sequence[str], command: Command, *, env: dict[str, str], cwd: Path | None = None, pass_fds: Sequence[int] = ()
) -> Completed:
    """Run `argv` under the bounds of `command`; raises `CommandNotStartedError` when the program is missing."""
    async with counted(tuple(argv), command.limits.processes) as line:
        return await _run(line, command, env=env, cwd=cwd, pass_fds=pass_fds)


async def _run(
    argv: Sequence[str], command: Command, *, env: dict[str, str], cwd: Path | None, pass_fds: Sequence[int]
) -> Completed:
    started = time.monotonic()
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE if command.stdin is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=env,
            cwd=cwd,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
    except OSError as error:
        raise CommandNotStartedError(f"cannot start {argv[0]}: {error.strerror}") from error
    supervision = _Supervision(process=process, command=command)
    try:
        await supervision.until_done()
    finally:
        await supervision.end()
    return supervision.completed(time.monotonic() - started)


@dataclass(slots=True, kw_only=True)
class _Supervision:
    process: asyncio.subprocess.Process
    command: Command
    timed_out: bool = False
    overcrowded: bool = False
    truncated: bool = False
    kept: dict[str, bytearray] = field(default_factory=lambda: {"stdout": bytearray(), "stderr": bytearray()})
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def until_done(self) -> None:
        assert self.process.stdout is not None and self.process.stderr is not None  # noqa: S101, PT018 - asked for above
        readers = [
            asyncio.create_task(self._keep("stdout", self.process.stdout)),
            asyncio.create_task(self._keep("stderr", self.process.stderr)),
        ]
        self.tasks = [*readers, asyncio.create_task(self._feed()), asyncio.create_task(self._watch())]
        try:
            async with asyncio.timeout(self.command.timeout_s):
                await self._exited()
        except TimeoutError:
            self.timed_out = True
        self._kill()
        await asyncio.wait(readers, timeout=_DRAIN_S)  # a survivor outside the group may hold the pipes open

    async def end(self) -> None:
        """Kill, reap and close; runs to its end also when the caller is being cancelled."""
        self._kill()
        for task in self.tasks:
            task.cancel()
        await asyncio.shield(self._reaped())
        transport: asyncio.BaseTransport = self.process._transport  # type: ignore[attr-defined] # noqa: SLF001 - no public close
        transport.close()  # the pipes too: else a survivor that holds them would keep us waiting
        await asyncio.shield(asyncio.gather(self.process.wait(), *self.tasks, return_exceptions=True))

    def completed(self, seconds: float) -> Completed:
        return Completed(
            exit_code=self.process.returncode if self.process.returncode is not None else -signal.SIGKILL,
            stdout=self.kept["stdout"].decode("utf-8", "replace"),
            stderr=self.kept["stderr"].decode("utf-8", "replace"),
            timed_out=self.timed_out,
            truncated=self.truncated,
            overcrowded=self.overcrowded,
            seconds=seconds,
        )

    async def _exited(self) -> None:
        """Return when the process itself has ended; `wait` would also wait for all who inherited its pipes."""
        try:
            handle = os.pidfd_open(self.process.pid)
        except ProcessLookupError:
            return
        except (AttributeError, OSError):  # not Linux, or a filter around us that forbids it
            await self._reaped()
            return
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(handle, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(handle)
            os.close(handle)

    async def _reaped(self) -> None:
        """Return when the exit code is known; closing before would take it away from the loop's own watcher."""
        while self.process.returncode is None:  # noqa: ASYNC110 - the stream API has no event for it
            await asyncio.sleep(_POLL_S)

    async def _keep(self, name: str, stream: asyncio.StreamReader) -> None:
        kept, seen = self.kept[name], 0
        while chunk := await stream.read(_CHUNK):
            seen += len(chunk)
            room = self.command.max_output - len(kept)
            kept += chunk[:room] if room > 0 else b""
            self.truncated = self.truncated or len(chunk) > room
            if seen > _FLOOD * self.command.max_output:
                self._kill()

    async def _feed(self) -> None:
        if self.process.stdin is None or self.command.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.process.stdin.write(self.command.stdin)
            await self.process.stdin.drain()
            self.process.stdin.close()

    async def _watch(self) -> None:
        """The kernel does not count a root user's processes against a limit, so we do.

        Counting a tree is dear, so it waits until the machine as a whole has grown by a good part of the limit.
        """
        limit, before, looked = self.command.limits.processes, tasks_of_the_machine(), time.monotonic()
        while True:
            await asyncio.sleep(_WATCH_S)
            due = tasks_of_the_machine() - before > limit // 2 or time.monotonic() - looked > _COUNT_EVERY_S
            if due and await asyncio.to_thread(_tree_size, self.process.pid) > limit:
                self.overcrowded = True
                self._kill()
                return
            if due:
                before, looked = tasks_of_the_machine(), time.monotonic()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


def _tree_size(root: int) -> int:
    """How many processes descend from `root` or are in its group; 0 where /proc is missing."""
    parents: dict[int, int] = {}
    members = {root}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = entry.read_text().rpartition(")")[2].split()
        except (OSError, UnicodeDecodeError):
            continue  # it ended meanwhile
        pid = int(entry.parent.name)
        parents[pid] = int(words[1])
        if int(words[2]) == root:
            members.add(pid)
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in members} - members
        grown = bool(more)
        members |= more
    return len(members)

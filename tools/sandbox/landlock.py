"""The second rung, where user namespaces are forbidden: Landlock for files and TCP, a filter for everything else.

Weaker than bubblewrap in two ways: names and sizes of files outside can be seen (not their content), and process ids.
"""

import ctypes
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.sandbox import places, seccomp
from tools.sandbox.pids import tasks_of_the_machine
from tools.sandbox.port import Command, Completed
from tools.sandbox.process import run_process

_CREATE_RULESET = 444
_ASK_VERSION = 1
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def landlock_abi() -> int:
    """The kernel's Landlock version; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Landlock:
    abi: int

    @property
    def kind(self) -> str:
        return "landlock"

    async def run(self, command: Command) -> Completed:
        cwd = places.directory(command)
        program = seccomp.program(network=command.network, keep_group=True)
        fd = seccomp.memfd(program, "filter")
        try:
            with tempfile.TemporaryDirectory(prefix="sandbox-", ignore_cleanup_errors=True) as tmp:
                argv = places.helper_argv(json.dumps(self._plan(command, tmp, fd)), command)
                env = places.environment(command, tmp=tmp)
                return await run_process(argv, command, env=env, cwd=cwd, pass_fds=(fd,))
        finally:
            os.close(fd)

    def _plan(self, command: Command, tmp: str, filter_fd: int) -> dict[str, object]:
        network = places.FOR_NETWORK if command.network else ()
        read: list[str | Path] = [
            *places.SYSTEM,
            *places.FILES,
            *network,
            *places.interpreter(),
            places.CONFINE,
            *command.read_only,
        ]
        write: list[str | Path] = [*_DEVICES, tmp, command.workspace.resolve(), *command.writable]
        rules = {"read": [*map(_text, read)], "write": [*map(_text, write)], "abi": self.abi, "net": command.network}
        numbers = places.limits(command, beside=tasks_of_the_machine() or None)
        return {"limits": numbers, "landlock": rules, "seccomp": filter_fd}


def _text(path: str | Path) -> str:
    return str(Path(path).absolute())

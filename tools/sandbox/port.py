"""The sandbox's port: one command in, one bounded answer out.

What every adapter promises: the environment is empty but for what the command names; the output is bounded; the whole
process tree is gone when `run` returns, also after a timeout and after a cancellation; nothing blocks the event loop.
What differs between adapters is how much of the machine the command can see; `kind` says which one it was.

Errors: `SandboxRefusedError` (no sandbox here may run this) and `CommandNotStartedError` (the program is missing).
A command that fails, hangs or floods is an answer (`Completed`), not an error.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class SandboxError(Exception):
    """The command was not run."""


class SandboxRefusedError(SandboxError):
    """No isolation is available here, and running without it was not allowed."""


class CommandNotStartedError(SandboxError):
    """The program could not be started inside the sandbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one command may use; each is enforced by the kernel, `processes` also by a watcher."""

    address_space: int = 2 << 30  # bytes, per process
    cpu_s: int = 120  # seconds of processor time, per process
    file_size: int = 256 << 20  # bytes, per file
    processes: int = 128  # at one time, in the whole tree
    open_files: int = 512  # per process
    tmp_size: int = 256 << 20  # bytes in the private /tmp


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One program to run; `workspace` is the only directory it may write, besides `writable` and a private /tmp."""

    argv: tuple[str, ...]
    workspace: Path
    cwd: Path | None = None  # within the workspace; the workspace itself when absent
    env: dict[str, str] = field(default_factory=dict)
    stdin: bytes | None = None
    timeout_s: float = 60.0
    max_output: int = 1 << 20  # bytes kept of each of the two streams
    read_only: tuple[Path, ...] = ()  # further paths that may be read
    writable: tuple[Path, ...] = ()  # further paths that may be read and written
    network: bool = False
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What came of it. `exit_code` is negative when a signal ended it, as in `subprocess`."""

    exit_code: int
    stdout: str
    stderr: str
    timed_out: bool = False
    truncated: bool = False
    overcrowded: bool = False  # killed because it had more processes than its limit
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.exit_code == 0 and not self.timed_out and not self.overcrowded


class Sandbox(Protocol):
    @property
    def kind(self) -> str:
        """How this sandbox isolates: `bubblewrap`, `landlock`, `none` or `unconfined`."""
        ...

    async def run(self, command: Command) -> Completed: ...


def plain(text: str) -> str:
    """Text without terminal escapes, control characters and direction overrides; newlines and tabs stay."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text))

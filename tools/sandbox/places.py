"""What of the machine every confined command may read: the system's programs, our interpreter, nothing of anybody's."""

import os
import resource
import sys
from functools import cache
from pathlib import Path

from tools.sandbox.port import Command, SandboxError

CONFINE = Path(__file__).with_name("confine.py")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store")
FILES = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/alternatives")
FOR_NETWORK = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl", "/etc/pki", "/etc/ca-certificates")


@cache
def interpreter() -> tuple[Path, ...]:
    """The directories of the running Python and of its packages, outermost first."""
    prefixes = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
    kept = [prefix for prefix in sorted(prefixes) if not _covered(prefix)]
    return tuple(kept)


def environment(command: Command, *, tmp: str) -> dict[str, str]:
    """The whole environment of a confined command: a few constants and what the command names."""
    base = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": tmp, "TMPDIR": tmp, "LANG": "C.UTF-8"}
    return {**base, "LC_ALL": "C.UTF-8", "TZ": "UTC", **command.env}


def limits(command: Command, *, beside: int | None) -> dict[str, int]:
    """The resource limits by their names in `resource`. Root's processes are never counted by the kernel.

    `beside` is how many others the kernel counts with the command's own: none in a user namespace of its own, up to all
    of the machine's elsewhere. None where it is not known: then the number of processes is not limited here.
    """
    named = command.limits
    numbers = {
        "RLIMIT_AS": named.address_space,
        "RLIMIT_CPU": named.cpu_s,
        "RLIMIT_FSIZE": named.file_size,
        "RLIMIT_NOFILE": named.open_files,
        "RLIMIT_CORE": 0,
    }
    if beside is not None and os.geteuid() != 0:
        numbers["RLIMIT_NPROC"] = named.processes + beside
    return {name: value for name, value in numbers.items() if hasattr(resource, name)}


def directory(command: Command) -> Path:
    """Where the command starts: its workspace or a directory within it, links resolved."""
    workspace = command.workspace.resolve()
    cwd = (command.cwd or workspace).resolve()
    if not cwd.is_relative_to(workspace):
        raise SandboxError(f"{cwd} lies outside the workspace {workspace}: name a directory within it")
    if not cwd.is_dir():
        raise SandboxError(f"{cwd} is not a directory: create it before running a command in it")
    return cwd


def helper_argv(plan: str, command: Command) -> tuple[str, ...]:
    return (os.fspath(sys.executable), "-I", "-S", os.fspath(CONFINE), plan, *command.argv)


def _covered(path: Path) -> bool:
    return any(path == Path(root) or path.is_relative_to(root) for root in SYSTEM)

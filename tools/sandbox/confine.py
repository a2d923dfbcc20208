"""Runs inside the sandbox, just before the command: sets limits, drops power, then becomes the command.

A program of its own (`python -I -S confine.py PLAN ARGV...`), standard library only, so that no code of ours runs
between fork and exec in the bot. PLAN is JSON: {"limits": {NAME: value}, "seccomp": FD | null,
"landlock": {"read": [...], "write": [...], "abi": N, "net": bool} | null}.
Exit code 126 means that confinement failed (nothing was run), 127 that the program is missing.
"""

import ctypes
import json
import os
import resource
import signal
import stat
import sys
from typing import Any

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # landlock's system calls, the same on every architecture
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 24, 38, 22
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL_DEV = 1, 2, 4, 8, 1 << 14, 1 << 15
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READ_RIGHTS = _EXECUTE | _READ_FILE | _READ_DIR


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_void_p))


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def main(arguments: list[str]) -> int:
    """Confine this process by the plan, then replace it."""
    plan, argv = json.loads(arguments[0]), arguments[1:]
    try:
        _confine(plan)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"sandbox: confinement failed: {error}\n")
        return 126
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - becoming the command is what this program is for
    except OSError as error:
        sys.stderr.write(f"sandbox: cannot run {argv[0]}: {error.strerror}\n")
        return 127


def _confine(plan: dict[str, Any]) -> None:
    for name, value in plan["limits"].items():
        number = getattr(resource, name, None)
        if number is not None:
            _lower(number, value)
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    _prctl(libc, _PR_SET_PDEATHSIG, signal.SIGKILL)
    _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)
    if plan["landlock"] is not None:
        _landlock(libc, plan["landlock"])
        _drop_capabilities(libc)
    if plan["seccomp"] is not None:
        _seccomp(libc, plan["seccomp"])


def _lower(number: int, value: int) -> None:
    _, hard = resource.getrlimit(number)
    limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(number, (limit, limit))


def _prctl(libc: ctypes.CDLL, option: int, *arguments: int) -> None:
    words = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    if libc.prctl(ctypes.c_int(option), *words) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Empty the bounding set, so that a root user's `exec` regains nothing, and the current sets."""
    for capability in range(64):
        if libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) != 0:
            break  # past the last capability, or not allowed to: then there are none to lose
    header = _CapHeader(0x20080522, 0)
    if libc.capset(ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)())) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _landlock(libc: ctypes.CDLL, rules: dict[str, Any]) -> None:
    abi = rules["abi"]
    handled = (1 << 13) - 1
    handled |= (1 << 13) if abi >= 2 else 0  # refer: links and renames across directories
    handled |= _TRUNCATE if abi >= 3 else 0
    handled |= _IOCTL_DEV if abi >= 5 else 0
    net = 3 if abi >= 4 and not rules["net"] else 0  # TCP bind and connect
    scoped = 3 if abi >= 6 else 0  # abstract unix sockets and signals to outsiders
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _Ruleset(handled, net, scoped)
    fd = libc.syscall(_CREATE, ctypes.byref(ruleset), ctypes.c_size_t(size), 0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    for path in rules["read"]:
        _allow(libc, fd, path, _READ_RIGHTS & handled)
    for path in rules["write"]:
        _allow(libc, fd, path, handled & ~_IOCTL_DEV)
    if libc.syscall(_RESTRICT, fd, 0) != 0:
        raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    os.close(fd)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, access: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(parent).st_mode):
            access &= _FILE_RIGHTS
        rule = _PathBeneath(access, parent)
        if libc.syscall(_ADD_RULE, ruleset, 1, ctypes.byref(rule), 0) != 0:
            raise OSError(ctypes.get_errno(), f"landlock_add_rule {path}")
    finally:
        os.close(parent)


def _seccomp(libc: ctypes.CDLL, descriptor: int) -> None:
    with os.fdopen(descriptor, "rb") as file:
        program = file.read()
    buffer = ctypes.create_string_buffer(program, len(program))
    filter_ = _Filter(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    _prctl(libc, _PR_SET_SECCOMP, 2, ctypes.addressof(filter_))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

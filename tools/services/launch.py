"""Becomes a service process, exactly once per generation: `python -I -S launch.py DIRECTORY GENERATION LOG ARGV...`.

It detaches, takes the lock that the service holds for its whole life, writes who it is, and then replaces itself, so
that lock and process id stay. A second launch of the same generation finds the lock or the record and leaves. Standard
library only.
"""

import fcntl
import json
import os
import subprocess
import sys
import time

_PATIENCE_S = 15.0


def main(arguments: list[str]) -> int:
    directory, generation, log, argv = arguments[0], int(arguments[1]), arguments[2], arguments[3:]
    if os.fork() > 0:
        return 0  # the caller waits for this one; the service belongs to nobody
    os.setsid()
    return _become(directory, generation, log, argv)


def _become(directory: str, generation: int, log: str, argv: list[str]) -> int:
    lock = os.open(os.path.join(directory, "alive.lock"), os.O_RDWR | os.O_CREAT, 0o600)  # noqa: PTH118 - starts faster
    record = os.path.join(directory, "process.json")  # noqa: PTH118
    if not _locked(lock, record, generation):
        return 3
    if _generation(record) >= generation:
        return 3  # another launch of this generation was here before and has ended since
    os.set_inheritable(lock, True)  # noqa: FBT003 - the standard library's signature
    _write(record, {"pid": os.getpid(), "generation": generation, "born": born(os.getpid()), "started_at": time.time()})
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        os.execv(argv[0], argv)  # noqa: S606 - becoming the service is what this program is for
    except OSError as error:
        sys.stderr.write(f"cannot run {argv[0]}: {error.strerror}\n")
        return 127


def born(pid: int) -> str:
    """When a process started, in the kernel's own words: with the id it names one process, never a later one."""
    if sys.platform != "linux":
        told = subprocess.run(["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603
        return told.stdout.strip()
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            words = file.read().rpartition(")")[2].split()
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123
            boot = file.read().strip()
    except OSError:
        return ""
    return "" if words[0] in "ZX" else f"{boot}:{words[19]}"


def _locked(lock: int, record: str, generation: int) -> bool:
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until or _generation(record) >= generation:
                return False
            time.sleep(0.02)
        else:
            return True


def _generation(path: str) -> int:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            return int(json.load(file)["generation"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _write(path: str, value: dict[str, object]) -> None:
    draft = f"{path}.{os.getpid()}.tmp"
    with open(draft, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)  # noqa: PTH105


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

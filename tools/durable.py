"""Files that survive a crash: whole or not at all, on the disk before the call returns, one writer at a time."""

import asyncio
import fcntl
import json
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

_POLL_S = 0.02


class DamagedFileError(Exception):
    """A record cannot be read; the message names the file."""


def write_json(path: Path, value: Mapping[str, Any], *, mode: int = 0o644) -> None:
    """Replace `path` in one step; a reader sees the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_directory(path.parent)


def read_json(path: Path) -> dict[str, Any] | None:
    """The record at `path`, None when there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise DamagedFileError(f"{path} is not JSON ({error}): restore it or remove it") from error
    if not isinstance(value, dict):
        raise DamagedFileError(f"{path} is not a JSON object: restore it or remove it")
    return value


def append_record(path: Path, value: Mapping[str, Any]) -> None:
    """Append one line of JSON and wait for the disk. A line torn by a crash is ended first; readers skip it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(value, sort_keys=True).encode() + b"\n"
    with path.open("a+b") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    sync_directory(path.parent)


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of an append-only file, oldest first."""
    try:
        content = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    for line in content.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue  # torn by a crash before it was acknowledged
        if isinstance(value, dict):
            yield value


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@asynccontextmanager
async def held(path: Path, *, timeout_s: float = 60.0) -> AsyncIterator[None]:
    """Hold the lock file across processes; the kernel gives it back when the holder dies. Raises TimeoutError."""
    descriptor = _open_lock(path)
    try:
        until = time.monotonic() + timeout_s
        while not _try_lock(descriptor):
            if time.monotonic() > until:
                raise TimeoutError(f"{path} has been held by another process for {timeout_s:.0f} s")
            await asyncio.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)


def _open_lock(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

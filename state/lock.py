"""One `serve` per database: a lock on a file beside it, which the kernel releases however the process ends."""

import fcntl
import os
from pathlib import Path

from state.errors import Unusable


class InstanceLock:
    """Held from `take` until `release`, or until the process is gone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take it and leave our process id in it. Raises Unusable, naming the holder."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise Unusable(f"{self._path.with_suffix('')} is in use by process {holder}: stop that one first") from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go; the file stays, for nothing is gained by removing it and a race is lost."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

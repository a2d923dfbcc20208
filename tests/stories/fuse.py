"""The command line with a fuse: `python -m tests.stories.fuse KIND:N WORDS...` is `countersign WORDS...`, which kills
itself with SIGKILL at the Nth moment of a kind. The program is the real one: Python's audit hooks and SQLite's own
trace tell of the moments.

    commit:N      before the Nth transaction of the store commits: what it acknowledges was never written
    committed:N   at the first thing done after the Nth commit: it is written, and nothing has followed from it
    spawn:N       before the Nth process is started: git, the scanner, the service
    spawned:N     before the first commit after the Nth process was started: it may have done its work, nobody knows
    rename:N      before the Nth file is put in its place: a record of the forge, the pipeline, the service
    after:N       N milliseconds after the start
"""

import os
import signal
import sqlite3
import sys
import threading
from typing import Any

from bot.cli import main

_connect = sqlite3.connect
_KINDS = {"subprocess.Popen": "spawn", "os.rename": "rename"}


class Fuse:
    """Counts moments, and burns at one of them."""

    def __init__(self, kind: str, number: int) -> None:
        self._kind, self._number = kind, number
        self._counts: dict[str, int] = {}

    def heard(self, event: str, _arguments: tuple[Any, ...]) -> None:
        """An audit hook; it is called for everything that the interpreter does to the world."""
        if event in _KINDS:
            self.passed(_KINDS[event])

    def connected(self, *arguments: Any, **more: Any) -> sqlite3.Connection:
        """What `sqlite3.connect` gives, with every statement told."""
        connection: sqlite3.Connection = _connect(*arguments, **more)
        connection.set_trace_callback(_Transactions(self).stated)
        return connection

    def passed(self, kind: str) -> None:
        """One more of these; what the kinds that come after another burn at is any moment."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        after = {"committed": "commit", "spawned": "spawn"}.get(self._kind)
        if after is None:
            burns = kind == self._kind and self._counts[kind] >= self._number
        elif after == "commit":
            burns = kind != "commit" and self._counts.get("commit", 0) >= self._number
        else:
            burns = kind == "commit" and self._counts.get("spawn", 0) >= self._number
        if burns:
            os.kill(os.getpid(), signal.SIGKILL)


class _Transactions:
    """One connection's statements: what begins with IMMEDIATE writes."""

    def __init__(self, fuse: Fuse) -> None:
        self._fuse = fuse
        self._writes = False

    def stated(self, statement: str) -> None:
        if statement.startswith("BEGIN"):
            self._writes = "IMMEDIATE" in statement
            self._fuse.passed("begin")
        elif statement == "COMMIT" and self._writes:
            self._fuse.passed("commit")


if __name__ == "__main__":
    chosen, _, count = sys.argv.pop(1).partition(":")
    fuse = Fuse(chosen, int(count))
    sys.addaudithook(fuse.heard)
    sqlite3.connect = fuse.connected  # type: ignore[assignment]  # the same, told of
    if chosen == "after":
        threading.Timer(int(count) / 1000, os.kill, (os.getpid(), signal.SIGKILL)).start()
    main()

"""What the appends of one batch write, gathered, and written with a handful of statements.

Each statement gives up the interpreter's lock once, and may wait for it again behind whatever the event loop does: a
batch of 64 appends costs five statements here, not three hundred.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

from domain.budgets import Draw
from state import sql
from state.deeds import DeedRow, keeping_agent
from state.projections import ApprovalRow, EventRow, Extension, RunRow, run_row
from state.spending import SpendingRow, total

_CHUNKS: Final = (64, 16, 4, 1)  # rows in one statement; few sizes, so that SQLite compiles each once


class Pending:
    """Filled by appends that hold, emptied by `write` just before the commit."""

    _switch: tuple[bool, int] | None

    def __init__(self) -> None:
        self._clear()

    def add(self, extension: Extension) -> None:
        """One append's rows."""
        first, last = extension.rows[0].position, extension.rows[-1].position
        self._events.extend(extension.rows)
        self._payloads.extend(extension.payloads)
        run = extension.head.run
        if run is not None:
            _, created = self._runs.get(run.run_id, (None, first))
            self._runs[run.run_id] = (run_row(run, last), created)
        for row in extension.approvals:
            known = self._approvals.get((row.run_id, row.approval_id), row)
            self._approvals[row.run_id, row.approval_id] = known._replace(status=row.status)
        for deed in extension.deeds:
            self._deeds[deed.run_id, deed.call_id] = keeping_agent(self._deeds.get((deed.run_id, deed.call_id)), deed)
        self._spending.extend(extension.spending)
        if extension.stopped is not None:
            self._switch = (extension.stopped, last)

    def drawn(self, draw: Draw) -> int:
        """What appends of this batch draw from the account."""
        return total(draw, self._spending) if self._spending else 0

    def write(self, raw: sqlite3.Connection) -> None:
        """Write all of it, inside the transaction that is open."""
        if not self._events:
            return
        _insert(raw, sql.APPEND_EVENTS, self._events)
        _insert(raw, sql.APPEND_PAYLOADS, self._payloads)
        _insert(raw, sql.PUT_RUNS, [(*row, created) for row, created in self._runs.values()])
        _insert(raw, sql.PUT_APPROVALS, list(self._approvals.values()))
        _insert(raw, sql.PUT_DEEDS, list(self._deeds.values()))
        _insert(raw, sql.PUT_SPENDING, self._spending)
        if self._switch is not None:
            raw.execute(sql.SET_SWITCH, self._switch)
        self._clear()

    def _clear(self) -> None:
        self._events: list[EventRow] = []
        self._payloads: list[tuple[int, bytes]] = []
        self._runs: dict[str, tuple[RunRow, int]] = {}  # the latest row, and the position of the first event seen
        self._approvals: dict[tuple[str, str], ApprovalRow] = {}
        self._deeds: dict[tuple[str, str], DeedRow] = {}
        self._spending: list[SpendingRow] = []
        self._switch = None


def _insert(raw: sqlite3.Connection, statement: tuple[str, int, str], rows: Sequence[Iterable[Any]]) -> None:
    start = 0
    for size in _CHUNKS:
        while len(rows) - start >= size:
            values = list(chain.from_iterable(rows[start : start + size]))
            raw.execute(_statement(statement, size), values)
            start += size


@cache
def _statement(statement: tuple[str, int, str], rows: int) -> str:
    head, columns, tail = statement
    row = f"({', '.join('?' * columns)})"
    return f"{head} VALUES {', '.join([row] * rows)} {tail}"

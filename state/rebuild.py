"""Computes every projection from the log alone, says where the stored rows differ, and puts them right.

A run whose payloads were erased cannot be folded any more; its rows stay as they are.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from domain.events import ORGANIZATION_STREAM, EverythingResumed, EverythingStopped
from domain.runs import Run, Status
from state import sql
from state.database import Database
from state.deeds import DeedRow, deed_rows, keeping_agent
from state.errors import PayloadErased
from state.projections import ApprovalRow, advance, approval_changes, run_row
from state.rows import recorded
from state.spending import KEPT, spending_rows

_Rows = dict[tuple[Any, ...], tuple[Any, ...]]  # by primary key


@dataclass(slots=True, kw_only=True)
class Rebuilt:
    """How many streams were folded, and each row that was not what the log says (at most a hundred are told)."""

    streams: int = 0
    kept: list[str] = field(default_factory=list)  # runs whose payloads were erased
    wrong: int = 0
    differences: list[str] = field(default_factory=list)

    def tell(self, table: str, key: tuple[Any, ...], stored: object, wanted: object) -> None:
        """Note a difference."""
        self.wrong += 1
        if len(self.differences) < 100:
            self.differences.append(f"{table} {' '.join(map(str, key))}: stored {stored}, the log says {wanted}")


async def rebuild(database: Database) -> Rebuilt:
    """Compare every projection with the log and mend what differs, in one transaction. Raises Damaged."""
    return await database.write(lambda raw: _rebuild(raw, mend=True))


async def compare(database: Database) -> Rebuilt:
    """The same, changing nothing."""
    return await database.read(lambda raw: _rebuild(raw, mend=False))


def _rebuild(raw: sqlite3.Connection, *, mend: bool) -> Rebuilt:
    found = Rebuilt()
    folded = set()
    last = raw.execute(sql.LAST_AT).fetchone()
    since = last[0] - KEPT if last else 0
    for (stream,) in raw.execute(sql.STREAMS).fetchall():
        folded.add(stream)
        found.streams += 1
        if stream == ORGANIZATION_STREAM:
            _put_right(raw, found, "switch", *_switch(raw), mend=mend)
            continue
        try:
            run, approvals, deeds, spending = _fold(raw, stream)
        except PayloadErased:
            found.kept.append(stream)
            continue
        _put_right(raw, found, "runs", _stored(raw, sql.RUNS_OF, stream, 1), run, mend=mend)
        _put_right(raw, found, "approvals", _stored(raw, sql.APPROVALS_OF, stream, 2), approvals, mend=mend)
        _put_right(raw, found, "deeds", _stored(raw, sql.DEEDS_OF, stream, 2), deeds, mend=mend)
        stored = _lately(_stored(raw, sql.SPENDING_OF, stream, 3), since, run)
        _put_right(raw, found, "spending", stored, _lately(spending, since, run), mend=mend)
    for run_id in _orphans(raw, folded):
        _put_right(raw, found, "runs", _stored(raw, sql.RUNS_OF, run_id, 1), {}, mend=mend)
        _put_right(raw, found, "approvals", _stored(raw, sql.APPROVALS_OF, run_id, 2), {}, mend=mend)
        _put_right(raw, found, "deeds", _stored(raw, sql.DEEDS_OF, run_id, 2), {}, mend=mend)
        _put_right(raw, found, "spending", _stored(raw, sql.SPENDING_OF, run_id, 3), {}, mend=mend)
    return found


def _lately(rows: _Rows, since: int, run: _Rows) -> _Rows:
    """What a finished run drew before every window is neither kept nor missed."""
    (row,) = run.values()
    return rows if row[4] != Status.FINISHED.value else {key: each for key, each in rows.items() if key[1] >= since}


def _fold(raw: sqlite3.Connection, stream: str) -> tuple[_Rows, _Rows, _Rows, _Rows]:
    """The run's row, and those of its approvals, its deeds and what it drew, as the log says."""
    run, created, updated = Run(run_id=stream), 0, 0
    approvals: dict[str, ApprovalRow] = {}
    deeds: dict[tuple[str, str], DeedRow] = {}
    spending: _Rows = {}
    for row in raw.execute(sql.READ_STREAM, (stream, 0)):
        event = recorded(row)
        before, run = run, advance(run, event)
        created, updated = created or event.position, event.position
        for change in approval_changes(before, run, event.position):
            approvals[change.approval_id] = approvals.get(change.approval_id, change)._replace(status=change.status)
        for deed in deed_rows(run, [event.event], event.at):
            deeds[deed.run_id, deed.call_id] = keeping_agent(deeds.get((deed.run_id, deed.call_id)), deed)
        for drawn in spending_rows(run.draws, event):
            spending[drawn[:3]] = tuple(drawn)
    rows = {(row.run_id, row.approval_id): tuple(row) for row in approvals.values()}
    done = {key: tuple(deed) for key, deed in deeds.items()}
    return {(stream,): (*run_row(run, updated), created)}, rows, done, spending


def _switch(raw: sqlite3.Connection) -> tuple[_Rows, _Rows]:
    """The switch as stored, and as the log says."""
    wanted = (1, 0, 0)
    for row in raw.execute(sql.READ_STREAM, (ORGANIZATION_STREAM, 0)):
        event = recorded(row)
        if isinstance(event.event, EverythingStopped | EverythingResumed):
            wanted = (1, int(isinstance(event.event, EverythingStopped)), event.position)
    stored = raw.execute(sql.SWITCH_ROW).fetchone()
    return {(1,): stored} if stored else {}, {(1,): wanted}


def _stored(raw: sqlite3.Connection, statement: str, run_id: str, key: int) -> _Rows:
    return {row[:key]: row for row in raw.execute(statement, (run_id,))}


def _orphans(raw: sqlite3.Connection, folded: set[str]) -> Iterator[str]:
    """Runs that have rows and no events."""
    for (run_id,) in raw.execute(sql.PROJECTED_RUNS).fetchall():
        if run_id not in folded:
            yield run_id


def _put_right(
    raw: sqlite3.Connection, found: Rebuilt, table: str, stored: _Rows, wanted: _Rows, *, mend: bool
) -> None:
    for key in sorted(stored.keys() | wanted.keys()):
        have, want = stored.get(key), wanted.get(key)
        if have == want:
            continue
        found.tell(table, key, have, want)
        if mend and want is None:
            raw.execute(sql.REMOVE_ROW[table], key)
        elif mend and want is not None:
            raw.execute(sql.REPLACE_ROW[table], want)

"""Listings over the projections. See loop.ports.Views."""

import re
from typing import Final

from domain.runs import Status
from loop.doors import Page
from state import sql
from state.database import Database

_CURSOR: Final = re.compile(r"before-([1-9][0-9]{0,17})")
_AFTER_ALL: Final = 2**63 - 1


class SqliteViews:
    """Implements loop.ports.Views."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def runs(self, *, status: Status | None = None, limit: int = 50, cursor: str | None = None) -> Page:
        """See Views.runs. A run that is updated between two pages moves to the front and is not seen twice."""
        before = _AFTER_ALL if cursor is None else _position(cursor)
        limit = max(1, limit)
        statement: str = sql.PAGE_OF_RUNS
        arguments: tuple[int | str, ...] = (before, limit + 1)
        if status is not None:
            statement, arguments = sql.PAGE_OF_STATUS, (before, status.value, limit + 1)
        rows = await self._database.read(lambda raw: raw.execute(statement, arguments).fetchall())
        more = f"before-{rows[limit - 1][1]}" if len(rows) > limit else None
        return Page(run_ids=tuple(row[0] for row in rows[:limit]), cursor=more)

    async def open_approvals(self) -> list[tuple[str, str]]:
        """See Views.open_approvals."""
        rows = await self._database.read(lambda raw: raw.execute(sql.OPEN_APPROVALS).fetchall())
        return [(run_id, approval_id) for run_id, approval_id in rows]


def _position(cursor: str) -> int:
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise ValueError(f"{cursor!r} is not a cursor of ours")
    return int(found[1])

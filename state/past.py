"""The whole log in its order, once, for readers of the past. What was erased is named, not passed over."""

from collections.abc import AsyncIterator
from typing import Final

from domain.events import Recorded
from state import sql
from state.database import Database
from state.rows import recorded

_PAGE: Final = 2_000


class SqlitePast:
    """Reads from the first event to the last that was there when asked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def events(self) -> AsyncIterator[Recorded | str]:
        """Every event; the stream's name in place of one whose payload was erased. Raises Damaged."""
        position = 0
        while True:
            after = position
            rows = await self._database.read(lambda raw: raw.execute(sql.READ_LOG, (after, _PAGE)).fetchall())  # noqa: B023 - read at once
            for row in rows:
                position = row[0]
                yield row[1] if row[-1] is None else recorded(row)
            if len(rows) < _PAGE:
                return

"""The outbox over SQLite. See handlers.ports.Outbox for what it promises."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.envelopes import Post, Queued
from state import chain, sql
from state.database import Database
from state.inbox import body_text


class SqliteOutbox:
    """Implements handlers.ports.Outbox. A post of unknown delivery comes back from `due` as uncertain."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def position(self, reader: str) -> int:
        """See Outbox.position."""
        row = await self._row(sql.READER, reader)
        return int(row[0]) if row else 0

    async def put(self, posts: Sequence[Post], *, reader: str, position: int) -> None:
        """See Outbox.put. The reader never moves back. Raises Unencodable."""
        rows = [(post.key, post.run_id, body_text(post.body), post.guaranteed, post.replaces) for post in posts]

        def write(raw: sqlite3.Connection) -> None:
            for row in rows:
                raw.execute(sql.OUTBOX_PUT, row)
            raw.execute(sql.MOVE_READER, (reader, position))

        await self._database.write(write)

    async def due(self, now: datetime, limit: int = 50) -> list[Queued]:
        """See Outbox.due. A post that is being tried is due as well, and uncertain: the sender knows its own tries."""
        moment = chain.microseconds(now)
        rows = await self._database.read(lambda raw: raw.execute(sql.OUTBOX_DUE, (moment, limit)).fetchall())
        return [_queued(row) for row in rows]

    async def trying(self, key: str) -> None:
        """See Outbox.trying."""
        await self._write(sql.OUTBOX_TRYING, key)

    async def sent(self, key: str, channel: str, ts: str) -> None:
        """See Outbox.sent. A coalesced post that got newer content meanwhile is queued still."""
        await self._write(sql.OUTBOX_SENT, channel, ts, key)

    async def retry(self, key: str, at: datetime, why: str, *, uncertain: bool = False) -> None:
        """See Outbox.retry. `uncertain` replaces what `trying` had noted."""
        await self._write(sql.OUTBOX_RETRY, chain.microseconds(at), why, uncertain, key)

    async def drop(self, key: str, why: str) -> None:
        """See Outbox.drop."""
        await self._write(sql.OUTBOX_DROP, why, key)

    async def where(self, key: str) -> tuple[str, str] | None:
        """See Outbox.where; also while newer content for the same message waits."""
        row = await self._row(sql.OUTBOX_WHERE, key)
        return (row[0], row[1]) if row else None

    async def run_at(self, channel: str, ts: str) -> str | None:
        """See Outbox.run_at."""
        row = await self._row(sql.OUTBOX_RUN_AT, channel, ts)
        return str(row[0]) if row else None

    async def _write(self, statement: str, *arguments: object) -> None:
        await self._database.write(lambda raw: raw.execute(statement, arguments).rowcount)

    async def _row(self, statement: str, *arguments: object) -> tuple[Any, ...] | None:
        return await self._database.read(lambda raw: raw.execute(statement, arguments).fetchone())


def _queued(row: Sequence[Any]) -> Queued:
    key, run_id, body, guaranteed, replaces, attempts, uncertain = row
    post = Post(key=key, run_id=run_id, body=json.loads(body), guaranteed=bool(guaranteed), replaces=replaces)
    return Queued(post=post, attempts=attempts, uncertain=bool(uncertain))

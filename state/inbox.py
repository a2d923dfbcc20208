"""The inbox over SQLite. See handlers.ports.Inbox for what it promises."""

import json
from collections.abc import Sequence
from typing import Any

from domain.envelopes import Envelope
from state import chain, sql
from state.database import Database
from state.errors import Unencodable


class SqliteInbox:
    """Implements handlers.ports.Inbox."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, envelope: Envelope) -> bool:
        """See Inbox.put. Raises Unencodable."""
        row = (
            envelope.door,
            envelope.key,
            envelope.lane,
            envelope.order,
            body_text(envelope.body),
            chain.microseconds(envelope.received_at),
            envelope.urgent,
        )
        return await self._database.write(lambda raw: raw.execute(sql.INBOX_PUT, row).rowcount == 1)

    async def pending(self) -> list[Envelope]:
        """See Inbox.pending."""
        rows = await self._database.read(lambda raw: raw.execute(sql.INBOX_PENDING).fetchall())
        return [_envelope(row) for row in rows]

    async def done(self, door: str, key: str) -> None:
        """See Inbox.done."""
        await self._database.write(lambda raw: raw.execute(sql.INBOX_DONE, (door, key)).rowcount)

    async def set_aside(self, door: str, key: str, why: str) -> None:
        """See Inbox.set_aside."""
        await self._database.write(lambda raw: raw.execute(sql.INBOX_ASIDE, (why, door, key)).rowcount)


def body_text(body: Any) -> str:
    """The body as JSON, all but ASCII escaped: a lone surrogate must not stop a signal. Raises Unencodable."""
    try:
        return json.dumps(body, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise Unencodable(f"a body cannot be written as JSON: {type(error).__name__}") from error


def _envelope(row: Sequence[Any]) -> Envelope:
    door, key, lane, order, body, received_at, urgent = row
    return Envelope(
        door=door,
        key=key,
        lane=lane,
        order=order,
        body=json.loads(body),
        received_at=chain.moment(received_at),
        urgent=bool(urgent),
    )

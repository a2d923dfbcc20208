"""Where each stream ends, and the folded run at that end: a bounded cache over the log, used in the writer's thread."""

import sqlite3
from collections import OrderedDict
from typing import Final

from domain.events import ORGANIZATION_STREAM
from domain.runs import Run
from state import sql
from state.projections import Extension, Head, advance, beginning
from state.rows import recorded

_MOST: Final = 512  # a run that is parked for longer costs a row, no memory


class Heads:
    """`position` is the last one used in the whole log; `stopped` is the switch."""

    def __init__(self) -> None:
        self._heads: OrderedDict[str, Head] = OrderedDict()
        self.position = 0
        self.stopped = False

    def forget(self, raw: sqlite3.Connection) -> None:
        """Another process has written: believe the database alone."""
        self._heads.clear()
        row = raw.execute(sql.LAST_POSITION).fetchone()
        self.position = row[0] if row else 0
        self.stopped = bool(raw.execute(sql.SWITCH).fetchone()[0])

    def get(self, raw: sqlite3.Connection, stream: str) -> Head:
        """The stream's head, folded from the log if it is not at hand. Raises Damaged."""
        head = self._heads.get(stream)
        if head is None:
            return read_head(raw, stream)
        self._heads.move_to_end(stream)
        return head

    def put(self, stream: str, extension: Extension) -> None:
        """The stream, and the log, now end there."""
        self.position = extension.rows[-1].position
        if extension.stopped is not None:
            self.stopped = extension.stopped
        self._heads[stream] = extension.head
        self._heads.move_to_end(stream)
        if len(self._heads) > _MOST:
            self._heads.popitem(last=False)

    def drop(self, stream: str) -> None:
        """Keep nothing of this stream in memory."""
        self._heads.pop(stream, None)


def read_head(raw: sqlite3.Connection, stream: str) -> Head:
    """The head as the log says it."""
    row = raw.execute(sql.HEAD, (stream,)).fetchone()
    if row is None:
        return beginning(stream)
    seq, hashed = row
    run = None
    if stream != ORGANIZATION_STREAM:
        run = Run(run_id=stream)
        for each in raw.execute(sql.READ_STREAM, (stream, 0)):
            run = advance(run, recorded(each))
    return Head(seq, hashed, run)

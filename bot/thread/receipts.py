"""Receipts: that something of a run is in Slack is an event of the run, so that a rebuild never posts it again."""

from typing import Protocol

from domain.events import Posted
from loop.ports import Conflict, Journal


class Receipts(Protocol):
    """Who writes receipts. The controller does it in step with its own appends."""

    async def posted(self, run_id: str, receipt: Posted) -> None:
        """Record it, once."""
        ...


class JournalReceipts:
    """Receipts straight into the journal, for when nobody else holds the run."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def posted(self, run_id: str, receipt: Posted) -> None:
        """See Receipts.posted. A stream that has moved on is read again."""
        while True:
            log = await self._journal.read(run_id)
            if not log or receipt in [recorded.event for recorded in log]:
                return
            try:
                await self._journal.append(run_id, log[-1].seq, [receipt])
            except Conflict:
                continue
            return

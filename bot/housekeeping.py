"""What is cleared away when a run has finished: its workspace."""

from domain.events import RunFinished
from loop.ports import Hands, Journal


class Housekeeper:
    """Follows the log and closes the workspaces of finished runs; after a restart, those that were left."""

    def __init__(self, journal: Journal, hands: Hands) -> None:
        self._journal = journal
        self._hands = hands

    async def run(self) -> None:
        """Until cancelled."""
        async for recorded in self._journal.follow(0):
            if isinstance(recorded.event, RunFinished):
                await self._hands.close(recorded.stream)

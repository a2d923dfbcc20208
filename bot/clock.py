"""The wall clock, as the one adapter of the clock port."""

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """Implements loop.ports.Clock."""

    def now(self) -> datetime:
        """See Clock.now."""
        return datetime.now(UTC)

    async def sleep_until(self, moment: datetime) -> None:
        """See Clock.sleep_until."""
        await asyncio.sleep(max(0.0, (moment - self.now()).total_seconds()))

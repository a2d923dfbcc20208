"""Wakes whoever follows the log. Listen first, then look, then wait: so no ring is missed."""

import asyncio


class Bell:
    """One ring wakes all who listened before it."""

    def __init__(self) -> None:
        self._event: asyncio.Event | None = None

    def listen(self) -> asyncio.Event:
        """Set by the next ring."""
        if self._event is None:
            self._event = asyncio.Event()
        return self._event

    def ring(self) -> None:
        """Wake everybody."""
        if self._event is not None:
            self._event.set()
            self._event = None

"""Wakes whoever follows the log. Listen first, then look, then wait: so no ring is missed."""

import asyncio


class Bell:
    """One ring wakes all who listened before it."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def listen(self) -> asyncio.Event:
        """Set by the next ring."""
        return self._event

    def ring(self) -> None:
        """Wake everybody."""
        self._event.set()
        self._event = asyncio.Event()

"""The last events of the log, in memory, so that those who follow need not read back what was just written."""

from collections.abc import Sequence
from typing import Final

from domain.events import Recorded

_MOST: Final = 2048


class Tail:
    """A stretch of the log without gaps, up to `end`, the last durable position."""

    def __init__(self) -> None:
        self._events: list[Recorded] = []
        self.end = 0

    def extend(self, events: Sequence[Recorded]) -> None:
        """The log has grown by these."""
        if not events:
            return
        if events[0].position != self.end + 1:
            self._events.clear()
        self._events.extend(events)
        self.end = events[-1].position
        if len(self._events) > _MOST:
            del self._events[: _MOST // 2]

    def jump(self, end: int) -> None:
        """The log has grown up to `end` by what is not at hand."""
        if end > self.end:
            self._events.clear()
            self.end = end

    def after(self, position: int, limit: int) -> list[Recorded] | None:
        """The next events; [] at the end of the log, None where they must be read back."""
        if position >= self.end:
            return []
        if not self._events or position + 1 < self._events[0].position:
            return None
        start = position + 1 - self._events[0].position
        return self._events[start : start + limit]

"""What belongs to no run, told where approvals are: through the outbox, so that it is neither lost nor said twice."""

from collections.abc import Callable

import structlog

from domain.envelopes import Post
from handlers.ports import Outbox
from handlers.slack.show.message import metadata, note

log = structlog.get_logger(__name__)

READER = "announcements"  # of no log: it only needs a name for what it puts into the outbox


class Announcer:
    """Tells one channel. The same subject again changes its message."""

    def __init__(self, outbox: Outbox, place: str | None, wake: Callable[[], None]) -> None:
        self._outbox, self._place, self._wake = outbox, place, wake
        self._told: set[str] = set()

    async def tell(self, subject: str, text: str) -> None:
        """Say it; where this subject was told before, in place of what was said then."""
        if self._place is None:
            log.warning("nowhere to tell it: `places: {approvals: [...]}` names no channel", text=text)
            return
        again = subject in self._told or await self._outbox.where(subject) is not None
        self._told.add(subject)
        body = {
            "do": "update" if again else "post",
            "channel": self._place,
            "message": note(text).body(),
            "metadata": metadata("", subject),
        }
        key, replaces = (f"{subject}:now", subject) if again else (subject, None)
        post = Post(key=key, run_id=READER, body=body, guaranteed=False, replaces=replaces)
        await self._outbox.put([post], reader=READER, position=0)
        self._wake()

"""`/ops freeze WHAT until WHEN because WHY`, `/ops unfreeze ID`: read, and handed over with the moment it means."""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime

from domain.canonical import Json
from handlers.slack import when
from handlers.slack.gateway import Gateway
from handlers.slack.wire import SlackTrouble
from handlers.slack.words import Freeze, Intent, Misspoken, Seat, Told, Unfreeze
from loop.doors import Operator, Reply

USAGE = "`/ops freeze WHAT until WHEN [because WHY]`, like `/ops freeze prod until monday 08:00 because of the release`"
_PATIENCE_S = 3.0
_SAID = re.compile(
    r"(?P<what>\S.*?)\s+(?:until|till|for)\s+(?P<until>.+?)(?:\s+because(?:\s+of)?\s+(?P<why>.+))?", re.I | re.S
)


def parse(verb: str, rest: str, seat: Seat) -> Intent | None:
    """What these words ask, where the verb is one of these."""
    match verb:
        case "freezes" if not rest:
            return Told(seat=seat, what="freezes")
        case "freeze":
            said = _said(rest)
            if said is None:
                return Misspoken(seat=seat, text=f"Say what, and until when: {USAGE}. Nothing was frozen.")
            return Freeze(seat=seat, what=said["what"], until=said["until"], why=said["why"] or "")
        case "unfreeze":
            name, _, why = rest.partition(" ")
            if not name:
                return Misspoken(seat=seat, text="Say which: `/ops unfreeze ID`. `/ops freezes` lists them.")
            return Unfreeze(seat=seat, freeze=name.strip("`"), why=why.strip())
        case _:
            return None


def is_freeze(verb: str, rest: str) -> bool:
    """Whether these words in a thread are such a command, not just said to its run."""
    return verb == "unfreeze" or (verb == "freezes" and not rest) or (verb == "freeze" and bool(_said(rest)))


def _said(rest: str) -> re.Match[str] | None:
    """What, until when and why. Blanks count once: the pattern tries every way to part a run of them."""
    return _SAID.fullmatch(" ".join(rest.split()))


class Freezes:
    """Hands freezes over. Decides nothing."""

    def __init__(self, operator: Operator, gateway: Gateway, now: Callable[[], datetime]) -> None:
        self._operator, self._gateway, self._now = operator, gateway, now

    async def declare(self, intent: Freeze) -> Reply:
        """Freeze, until the moment that the words mean where the person is."""
        zone = when.zone_of(await self._zone(intent.seat.user))
        until = when.read_when(intent.until, self._now(), zone)
        if until is None:
            text = f"I cannot read “{intent.until[:80]}” as a time. Say {when.LIKE}. Nothing was frozen."
            return Reply(ok=False, text=text)
        return await self._operator.freeze(intent.seat.principal, intent.what, until, intent.why, zone.key)

    async def lift(self, intent: Unfreeze) -> Reply:
        """End one before its time."""
        return await self._operator.unfreeze(intent.seat.principal, intent.freeze, intent.why)

    async def _zone(self, user: str) -> str:
        """Where the person is, as Slack knows it; empty where it does not say."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                found: Json = (await self._gateway.user(user)).get("tz")
        except (SlackTrouble, TimeoutError):  # a freeze does not wait for that
            return ""
        return found if isinstance(found, str) else ""

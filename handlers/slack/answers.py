"""Answering a person: privately, where they are; if Slack does not let us, wherever it does."""

from collections.abc import Sequence

import structlog

from handlers.slack.gateway import Gateway
from handlers.slack.show import kit
from handlers.slack.show.message import Message, note
from handlers.slack.wire import SlackSaid, SlackTrouble
from handlers.slack.words import Seat
from loop.doors import Reply

_log = structlog.get_logger(__name__)


class Answers:
    """Never raises SlackTrouble: what was asked is done or refused already, only the word of it is lost, and logged."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def reply(self, seat: Seat, reply: Reply) -> None:
        """What the operator said, with who can help."""
        await self.show(seat, note(reply.text, helpers=reply.help))

    async def tell(
        self, seat: Seat, text: str, *, helpers: Sequence[str] = (), buttons: Sequence[kit.Element] = ()
    ) -> None:
        """Words of ours."""
        await self.show(seat, note(text, helpers=helpers, buttons=buttons))

    async def show(self, seat: Seat, message: Message) -> None:
        """Only that person sees it: in place, else through the interaction's own address, else as a direct message."""
        for way in (self._in_place, self._respond, self._direct):
            try:
                if await way(seat, message):
                    return
            except SlackSaid as error:
                _log.info("answer refused", user=seat.user, channel=seat.channel, error=str(error))
            except SlackTrouble as error:
                _log.warning("answer lost", user=seat.user, channel=seat.channel, error=str(error))
                return
        _log.warning("nobody could be told", user=seat.user, channel=seat.channel)

    async def _in_place(self, seat: Seat, message: Message) -> bool:
        if not seat.channel or not seat.user:
            return False
        if seat.direct:
            thread = seat.thread_ts or (seat.ts if seat.spoken else None)
            await self._gateway.post(seat.channel, message.body(), thread_ts=thread)
        else:
            thread = seat.thread_ts if seat.thread_ts != seat.ts else None
            await self._gateway.whisper(seat.channel, seat.user, message, thread_ts=thread)
        return True

    async def _respond(self, seat: Seat, message: Message) -> bool:
        if not seat.response_url:
            return False
        await self._gateway.respond(seat.response_url, message)
        return True

    async def _direct(self, seat: Seat, message: Message) -> bool:
        if not seat.user:
            return False
        await self._gateway.direct(seat.user, message)
        return True

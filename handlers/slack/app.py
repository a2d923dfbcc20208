"""Bolt, used for what it is good at: one dispatch for Socket Mode and HTTP.

A global middleware commits the raw request before anything is acknowledged; the committed insert is the dedupe.
Listeners only acknowledge, and there is one for everything, so that nothing is unhandled and sent again. Bolt's own
tasks are awaited by nobody, so nothing that matters happens in them.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from domain.canonical import Json
from handlers.inbox import Consumer
from handlers.slack import routes
from handlers.slack.envelopes import seal, text_of
from handlers.slack.intents import read, urgent
from handlers.slack.words import Ignored
from loop.ports import Clock

_log = structlog.get_logger(__name__)
_ANY = re.compile(".*", re.DOTALL)

Changed = Callable[[str, str], None]  # (event type, channel or empty): what is remembered of people or rooms is old


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Where requests go: the inbox, and the ear for changes of people and rooms."""

    consumer: Consumer
    clock: Clock
    changed: Changed | None = None
    app_id: str | None = None  # requests that name another app are not ours

    async def take(self, payload: Mapping[str, Json], bot: str | None) -> bool:
        """Commit what asks something of us; durable when this returns. False: it was here already."""
        kind = text_of(payload, "event", "type")
        if kind in routes.CHANGES:
            if self.changed is not None:
                self.changed(kind, text_of(payload, "event", "channel"))
            return True
        if self.app_id and text_of(payload, "api_app_id") not in ("", self.app_id):
            _log.warning("a request for another app", app=text_of(payload, "api_app_id"))
            return True
        envelope = seal(payload, bot=bot, received_at=self.clock.now())
        intent = read(envelope)
        if isinstance(intent, Ignored):
            return True
        return await self.consumer.accept(replace(envelope, urgent=urgent(intent)))


def build_app(client: AsyncWebClient, intake: Intake, *, signing_secret: str | None = None) -> AsyncApp:
    """The Bolt app. Without a signing secret it serves Socket Mode only. Connects to nothing yet."""
    app = AsyncApp(
        name="countersign",  # else Bolt names it after the calling file, for which it reads the source of every caller
        client=client,
        signing_secret=signing_secret or "socket mode does not sign",
        request_verification_enabled=signing_secret is not None,
        ignoring_self_events_enabled=False,  # we want to hear that a card of ours was deleted; intents drop the rest
        raise_error_for_unhandled_request=False,
    )

    async def commit(req: AsyncBoltRequest, next_: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse:
        if not await intake.take(req.body, req.context.bot_user_id):
            return BoltResponse(status=200, body="")  # a redelivery: what it says was committed before
        return await next_()

    app.use(commit)
    _register(app)
    return app


async def _acknowledge(ack: AsyncAck) -> None:
    await ack()


def _register(app: AsyncApp) -> None:
    """Everything of the table, then everything else."""
    register: list[Any] = [app.event(name) for name in (*routes.EVENTS, *routes.CHANGES)]
    register += [app.action(name) for name in (*routes.ACTIONS, *routes.PAGING)]
    register += [app.view(name) for name in routes.FORMS]
    register += [app.shortcut(name) for name in routes.SHORTCUTS]
    register += [app.command(routes.COMMAND)]
    register += [app.event(_ANY), app.action(_ANY), app.view(_ANY), app.view_closed(_ANY), app.shortcut(_ANY)]
    register += [app.command(_ANY), app.options(_ANY)]
    for each in register:
        each(_acknowledge)


class SocketMode:
    """The connection to Slack that needs no public address."""

    def __init__(self, app: AsyncApp, app_token: str, client: AsyncWebClient) -> None:
        self._app = app
        self._token = app_token
        self._client = client
        self._handler: AsyncSocketModeHandler | None = None

    async def start(self) -> None:
        """Connect; the SDK reconnects by itself from then on. Raises SlackApiError for a token that is not good."""
        self._handler = AsyncSocketModeHandler(self._app, self._token, web_client=self._client, ping_interval=10)
        await self._handler.connect_async()  # type: ignore[no-untyped-call]  # of the SDK

    async def connected(self) -> bool:
        """For health: whether there is a session that answers."""
        return self._handler is not None and await self._handler.client.is_connected()

    async def stop(self) -> None:
        """Take no more."""
        if self._handler is not None:
            await self._handler.close_async()  # type: ignore[no-untyped-call]  # of the SDK
            self._handler = None

"""A running playground, an official client, and a Bolt app on a real socket."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from playground import Playground, parse_workspace

Json = dict[str, Any]
HERE = Path(__file__).parent
BOT_TOKEN, APP_TOKEN = "xoxb-playground-A0TEST", "xapp-playground-A0TEST"


def workspace_document(**changes: Any) -> Json:
    document: Json = yaml.safe_load((HERE / "workspace.yaml").read_text())
    return document | changes


@dataclass
class Person:
    """The control API over HTTP, as the page uses it."""

    url: str
    session: ClientSession

    async def __call__(self, action: str, **body: Any) -> Json:
        async with self.session.post(f"{self.url}/playground/{action}", json=body) as response:
            answer: Json = await response.json()
            return answer | {"status": response.status}

    async def state(self) -> Json:
        async with self.session.get(f"{self.url}/playground/state") as response:
            answer: Json = await response.json()
            return answer

    async def traffic(self) -> list[Json]:
        async with self.session.get(f"{self.url}/playground/traffic") as response:
            rows: list[Json] = (await response.json())["traffic"]
            return rows

    async def message(self, ts: str) -> Json:
        return next(row for row in (await self.state())["messages"] if row["ts"] == ts)


@dataclass
class Bot:
    """A Bolt app that records every event; tests add listeners before `connect`."""

    client: AsyncWebClient
    app: AsyncApp
    events: list[Json] = field(default_factory=list)
    bodies: list[Json] = field(default_factory=list)
    handlers: list[AsyncSocketModeHandler] = field(default_factory=list)

    async def connect(self) -> AsyncSocketModeHandler:
        handler = AsyncSocketModeHandler(self.app, APP_TOKEN)
        client, session = self.client, self.client.session
        handler.client.web_client = AsyncWebClient(APP_TOKEN, base_url=client.base_url, session=session)
        await handler.connect_async()
        self.handlers.append(handler)
        return handler

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


async def until(check: Callable[[], Any], seconds: float = 4.0) -> Any:
    """Waits for `check` to become true."""
    async with asyncio.timeout(seconds):
        while not (found := check()):  # noqa: ASYNC110 (what is awaited lies in another task's lists)
            await asyncio.sleep(0.01)
    return found


Start = Callable[..., Awaitable[Playground]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts playgrounds with changes to the sample workspace; all are stopped in the end."""
    running: list[Playground] = []

    async def one(directory: Path | None = None, **changes: Any) -> Playground:
        playground = Playground(parse_workspace(workspace_document(**changes), folder=HERE), directory)
        await playground.start("127.0.0.1", 0)
        running.append(playground)
        return playground

    yield one
    for playground in running:
        await playground.stop()


@pytest.fixture
async def playground(start: Start) -> Playground:
    return await start()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest.fixture
def person(playground: Playground, session: ClientSession) -> Person:
    return Person(playground.url, session)


@pytest.fixture
def client(playground: Playground, session: ClientSession) -> AsyncWebClient:
    return client_of(playground, session)


def client_of(playground: Playground, session: ClientSession, token: str = BOT_TOKEN) -> AsyncWebClient:
    return AsyncWebClient(token, base_url=f"{playground.url}/api/", session=session, retry_handlers=[])


def bot_of(client: AsyncWebClient) -> Bot:
    secret = "playground-secret-A0TEST"
    app = AsyncApp(name="recorder", client=client, token=client.token, signing_secret=secret)
    bot = Bot(client, app)

    @app.middleware
    async def record(body: Json, next_: Callable[[], Awaitable[None]]) -> None:
        bot.bodies.append(body)
        if "event" in body:
            bot.events.append(body["event"])
        await next_()

    return bot


@pytest.fixture
async def bot(client: AsyncWebClient) -> AsyncIterator[Bot]:
    """Connect it with `await bot.connect()`; events are acknowledged without doing anything."""
    bot = bot_of(client)

    @bot.app.event({"type": re.compile(".*")})
    async def any_event() -> None: ...

    yield bot
    for handler in bot.handlers:
        await handler.close_async()

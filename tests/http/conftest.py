"""The doors, served on loopback by the runner that the bot uses, over fakes."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from handlers.http.app import build, runner
from handlers.http.ports import LOOPBACK, Check, Condition, Ports, Settings, SourceConfig
from handlers.inbox import Consumer
from tests.http.fakes import FakeClock, FakeInbox, FakeOperator, FakeTokens

AUTH = {"Authorization": "Bearer plain-secret"}
ACTING = {"Authorization": "Bearer acting-secret"}
SENDER = {"Authorization": "Bearer am-new"}

SOURCES = (
    SourceConfig(name="prom", channel="C9", task_type="service-alert", secrets=("am-new", "am-old"), agent="incident"),
    SourceConfig(name="lab", channel="C8", task_type="nothing", auth="none"),
    SourceConfig(name="later", channel="C7", task_type="stopped", auth="none"),
)
SETTINGS = Settings(
    organization="acme",
    version="0.1.0",
    sources=SOURCES,
    base_url="https://ops.acme.example/",
    hosts=LOOPBACK,
    read_s=0.2,
    heartbeat_s=0.1,
    poll_s=0.02,
    most_streams=2,
)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Doors:
    """The running doors, and what stands behind them."""

    settings: Settings = SETTINGS
    operator: FakeOperator = field(default_factory=FakeOperator)
    tokens: FakeTokens = field(default_factory=FakeTokens)
    inbox: FakeInbox = field(default_factory=FakeInbox)
    clock: FakeClock = field(default_factory=FakeClock)
    told: list[tuple[str, str]] = field(default_factory=list)
    checks: dict[str, Check] = field(default_factory=dict)
    port: int = 0

    def __post_init__(self) -> None:
        self.consumer = Consumer(self.inbox, patience=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ports(self) -> Ports:
        async def tell(channel: str, text: str) -> None:
            self.told.append((channel, text))

        async def counts() -> dict[str, int]:
            return {"acting": 3}

        async def fine() -> Condition:
            return Condition(ok=True, says="fine")

        self.checks.setdefault("store", fine)
        return Ports(
            operator=self.operator,
            views=self.operator,
            log=self.operator,
            tokens=self.tokens,
            intake=self.consumer,
            clock=self.clock,
            tell=tell,
            thread_url=lambda run: f"https://acme.slack.com/{run.run_id}",
            checks=self.checks,
            run_counts=counts,
        )

    async def call(self, method: str, path: str, **more: Any) -> Answer:
        if isinstance(more.get("data"), bytes):
            more["data"] = io.BytesIO(more["data"])
        async with aiohttp.ClientSession() as session, session.request(method, self.url + path, **more) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return await self.call("GET", path, headers=AUTH if headers is None else headers)

    async def post(self, path: str, document: Any, headers: dict[str, str] | None = None) -> Answer:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        given = {"Content-Type": "application/json", **(AUTH if headers is None else headers)}
        return await self.call("POST", path, data=data, headers=given)

    async def raw(self, request: bytes, wait: float = 3.0) -> bytes:
        """The bytes that come back for these bytes, until the server closes or `wait` is over."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        received = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(wait):
                writer.write(request)
                await writer.drain()
                while chunk := await reader.read(65_536):
                    received += chunk
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        return received


@contextlib.asynccontextmanager
async def serving(doors: Doors, *extra: web.RouteDef) -> AsyncIterator[Doors]:
    """`doors`, reachable."""
    app = build(doors.ports(), doors.settings, extra)
    served = runner(app)
    await served.setup()
    site = web.TCPSite(served, "127.0.0.1", 0)
    await site.start()
    doors.port = served.addresses[0][1]
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(doors.consumer.run(stop))
        try:
            yield doors
        finally:
            stop.set()
            await served.cleanup()


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    async with serving(Doors()) as running:
        yield running

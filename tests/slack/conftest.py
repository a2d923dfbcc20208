"""The Slack door as it runs: a playground, the official SDK over real sockets, a real store, and a fake operator."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession

from bot.thread.composer import Places
from bot.thread.courier import Courier
from bot.thread.follower import Follower
from bot.thread.receipts import JournalReceipts
from domain.events import Event
from domain.runs import Run
from domain.tasks import run_id_of
from handlers.inbox import Consumer
from handlers.slack.app import Intake, SocketMode, build_app
from handlers.slack.consumer import SlackConsumer
from handlers.slack.directory import GroupSource, SlackDirectory
from handlers.slack.envelopes import DOOR
from handlers.slack.gateway import Gateway, web_client
from handlers.slack.requests import Desk
from handlers.slack.rooms import SlackRooms
from handlers.slack.shows import Shows
from playground import Playground, parse_workspace
from state.store import Store
from tests.slack.fakes import FakeOperator, RealClock

Json = dict[str, Any]
HERE = Path(__file__).parent
BOT_TOKEN, APP_TOKEN = "xoxb-playground-A0TEST", "xapp-playground-A0TEST"


@dataclass
class House:
    """Everything together, and the hands of people."""

    playground: Playground
    session: ClientSession
    store: Store
    places: Places = field(default_factory=Places)
    heard: list[tuple[str, str]] = field(default_factory=list)  # changes of people and rooms

    def __post_init__(self) -> None:
        self.clock, self.stop = RealClock(), asyncio.Event()
        self.operator = FakeOperator(self.store.journal)
        self.client = web_client(BOT_TOKEN, self.session, f"{self.playground.url}/api/")
        self.gateway = Gateway(self.client, self.session, self.clock)
        receipts = JournalReceipts(self.store.journal)
        self.courier = Courier(self.store.outbox, self.gateway, self.store.journal, receipts, self.clock)
        groups: dict[str, GroupSource] = {}
        self.rooms = SlackRooms(self.gateway, SlackDirectory(self.gateway, self.clock, groups=groups), self.clock)
        self.follower = Follower(
            self.store.journal, self.store.outbox, self.places, wake=self.courier.wake, public=self.rooms.public
        )
        shows = Shows(
            operator=self.operator,
            views=self.operator,
            log=self.store.journal,
            outbox=self.store.outbox,
            gateway=self.gateway,
        )
        desk = Desk(
            operator=self.operator,
            outbox=self.store.outbox,
            gateway=self.gateway,
            clock=self.clock,
            shows=shows,
            organization="acme",
            helpers=lambda: ("group:sre",),
            lost=self.follower.refresh,
        )
        self.consumer = Consumer(self.store.inbox, patience=(0.05, 0.05))
        slack = SlackConsumer(desk)
        self.consumer.register(DOOR, slack.handle, slack.regret)
        intake = Intake(consumer=self.consumer, clock=self.clock, changed=lambda *what: self.heard.append(what))
        self.app = build_app(self.client, intake)
        self.socket = SocketMode(self.app, APP_TOKEN, self.client)
        self.tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        for part in (self.consumer, self.follower, self.courier):
            self.tasks.append(asyncio.create_task(part.run(self.stop)))
        await self.socket.start()

    async def close(self) -> None:
        await self.socket.stop()
        self.stop.set()
        await asyncio.gather(*self.tasks)

    # What people do, and see

    async def act(self, action: str, **body: Any) -> Json:
        async with self.session.post(f"{self.playground.url}/playground/{action}", json=body) as response:
            answer: Json = await response.json()
            return answer

    async def ops(self, text: str, user: str = "U1", channel: str = "C1") -> Json:
        return await self.act("command", user=user, channel=channel, command="/ops", text=text)

    async def say(self, text: str, user: str = "U1", channel: str = "C1", **more: Any) -> str:
        answer = await self.act("say", user=user, channel=channel, text=text, **more)
        return str(answer.get("ts") or answer["message"]["ts"])

    async def click(self, action_id: str, ts: str, user: str = "U2", channel: str = "C1", **more: Any) -> Json:
        return await self.act("click", user=user, channel=channel, ts=ts, action_id=action_id, **more)

    async def state(self) -> Json:
        async with self.session.get(f"{self.playground.url}/playground/state") as response:
            answer: Json = await response.json()
            return answer

    async def messages(self, key: str = "") -> list[Json]:
        """Our messages whose key ends so."""
        rows = (await self.state())["messages"]
        keys = [(((row.get("metadata") or {}).get("event_payload") or {}).get("key") or "", row) for row in rows]
        return [row for name, row in keys if name.endswith(key) and name] if key else list(rows)

    async def whispers(self, user: str) -> list[str]:
        return [json.dumps(row) for row in (await self.state())["messages"] if row.get("ephemeral_to") == user]

    async def write(self, *events: Event) -> Run:
        """Let these happen to the one run."""
        run_id = run_id_of(self.operator.submitted[-1])
        await self.operator.write(run_id, *events)
        run = await self.operator.run(run_id)
        assert run is not None
        return run

    async def one(self, key: str, holds: Callable[[Json], bool] = lambda _: True, seconds: float = 5.0) -> Json:
        """The one message of ours with this key, once it looks so."""
        found: list[Json] = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    found = await self.messages(key)
                    if len(found) == 1 and holds(found[0]):
                        return found[0]
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{key}: {json.dumps(found)[:3000]}") from None

    async def quiet(self) -> None:
        """Until nothing is to be done any more."""
        await self.consumer.idle()
        async with asyncio.timeout(8):
            while await self.store.outbox.due(self.clock.now()):  # noqa: ASYNC110 (the database is what is awaited)
                await asyncio.sleep(0.02)


async def until(check: Callable[[], Awaitable[Any]], seconds: float = 5.0) -> Any:
    """What `check` says once it says something."""
    async with asyncio.timeout(seconds):
        while not (found := await check()):  # noqa: ASYNC110 (what is awaited lies in another process's hands)
            await asyncio.sleep(0.02)
    return found


def workspace_document(**changes: Any) -> Json:
    document: Json = yaml.safe_load((HERE / "workspace.yaml").read_text())
    return document | changes


@pytest.fixture(autouse=True)
def swift(monkeypatch: pytest.MonkeyPatch) -> None:
    """Updates of one card may follow each other sooner than people could read."""
    monkeypatch.setattr("bot.thread.courier._SPACING_S", 0.15)


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    playground = Playground(parse_workspace(workspace_document(), folder=HERE))
    await playground.start("127.0.0.1", 0)
    yield playground
    await playground.stop()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "x.sqlite", clock=RealClock())
    yield store
    await store.close()


@pytest.fixture
async def house(playground: Playground, session: ClientSession, store: Store) -> AsyncIterator[House]:
    house = House(playground, session, store, Places(approvals="C7", notices=("C7",)))
    await house.open()
    yield house
    await house.close()

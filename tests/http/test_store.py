"""The doors over the real store: SQLite's inbox, journal, listings and tokens."""

import asyncio
from dataclasses import replace

import pytest

from domain.evolve import replay
from domain.runs import Run
from handlers.http import examples
from handlers.http.app import build
from handlers.inbox import Consumer
from state.store import Store
from tests.http.conftest import SENDER, Doors, serving
from tests.http.fakes import FakeOperator, parked
from tests.http.test_api import task
from tests.http.test_streams import frames


class JournalOperator(FakeOperator):
    """Reads its runs from the store."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store

    async def run(self, run_id: str) -> Run | None:
        log = await self.store.journal.read(run_id)
        return replay(run_id, log) if log else None


class StoreDoors(Doors):
    """Everything but the operator is the store's."""

    store: Store

    def ports(self):
        return replace(super().ports(), log=self.store.journal, views=self.store.views, tokens=self.store.tokens)


def over(store: Store) -> StoreDoors:
    doors = StoreDoors(operator=JournalOperator(store), inbox=store.inbox)
    doors.store = store
    return doors


@pytest.fixture
def path(tmp_path):
    return tmp_path / "countersign.sqlite"


async def test_what_was_acknowledged_survives_us(path):
    first = Doors()
    store = await Store.open(path, clock=first.clock)
    try:
        doors = over(store)
        doors.consumer.offer = lambda envelope: None  # we die before anything is handled
        async with serving(doors):
            assert (await doors.post("/webhooks/prom", examples.NOTIFICATION, SENDER)).status == 202
            assert (await doors.post("/webhooks/prom", examples.NOTIFICATION, SENDER)).status == 202
        assert doors.operator.tasks == []
    finally:
        await store.close()

    store = await Store.open(path, clock=first.clock)
    try:
        doors = over(store)
        doors.consumer = Consumer(store.inbox)
        build(doors.ports(), doors.settings)
        stop = asyncio.Event()
        running = asyncio.create_task(doors.consumer.run(stop))
        async with asyncio.timeout(2):
            while not doors.operator.tasks or await store.inbox.pending():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        stop.set()
        await running
        assert [taken.goal for taken in doors.operator.tasks] == ["web is down"]
    finally:
        await store.close()


async def test_runs_events_and_tokens_come_from_the_store(path):
    clock = Doors().clock
    store = await Store.open(path, clock=clock)
    try:
        doors = over(store)
        for number in range(3):
            await store.journal.append(f"r-{number}", 0, list(parked(task(number))))
        secret, token = await store.tokens.create("dashboards")
        headers = {"Authorization": f"Bearer {secret}"}
        async with serving(doors):
            page = (await doors.get("/v1/runs?limit=2&status=awaiting_approval", headers)).json
            assert [run["run_id"] for run in page["runs"]] == ["r-2", "r-1"]
            rest = (await doors.get(f"/v1/runs?limit=2&cursor={page['cursor']}", headers)).json
            assert [run["run_id"] for run in rest["runs"]] == ["r-0"]
            assert (await doors.get("/v1/runs?cursor=nonsense", headers)).status == 400
            assert len((await doors.get("/v1/approvals", headers)).json["approvals"]) == 3
            streaming = headers | {"Accept": "text/event-stream"}
            reading = asyncio.create_task(doors.get("/v1/runs/r-1/events?after=3", streaming))
            await asyncio.sleep(0.1)
            assert await store.tokens.revoke(token.name)
            assert [frame["id"] for frame in frames((await asyncio.wait_for(reading, 2)).body)] == ["4"]
            assert (await doors.get("/v1/runs", headers)).status == 401
    finally:
        await store.close()

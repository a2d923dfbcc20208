from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loop.ports import Journal
from state.memory import MemoryJournal
from state.store import Store
from tests.state.samples import SteppingClock


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "countersign.sqlite"


@pytest.fixture
async def store(path: Path, clock: SteppingClock) -> AsyncIterator[Store]:
    store = await Store.open(path, clock=clock)
    yield store
    await store.close()


@pytest.fixture(params=["sqlite", "memory"])
async def journal(request: pytest.FixtureRequest, path: Path, clock: SteppingClock) -> AsyncIterator[Journal]:
    if request.param == "memory":
        memory = MemoryJournal(clock)
        yield memory
        await memory.close()
        return
    store = await Store.open(path, clock=clock)
    yield store.journal
    await store.close()

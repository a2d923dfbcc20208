"""What people and alerts write reaches a terminal as text: it moves no cursor and colours nothing."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.clock import SystemClock
from domain import events as e
from domain.events import ORGANIZATION_STREAM
from state.store import Store
from tests.attacks.test_store import ENVIRON, LOG
from tests.loop.house import task
from tests.stories.demo import cli, laid_out

TRICK = "fine\x1b[2J\x1b]0;owned\x07\x9b31m\r\u202edone"


async def _write(path: Path) -> None:
    store = await Store.open(path, clock=SystemClock())
    until = SystemClock().now() + timedelta(hours=4)
    freeze = e.FreezeDeclared(id="freeze-1", by="user:U1", until=until, where=(), why=TRICK, zone="UTC")
    await store.journal.append(ORGANIZATION_STREAM, 0, [freeze])
    await store.journal.append("r-abcdefghij", 0, [e.TaskReceived(task=task("1", TRICK), agent="operator", body="b")])
    await store.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = laid_out(tmp_path_factory.mktemp("terminals") / "written")
    (directory / "state").mkdir(mode=0o700, exist_ok=True)
    asyncio.run(_write(directory / LOG))
    return directory


@pytest.mark.parametrize("command", ["freezes", "runs list", "runs trace r-abcdefghij"])
def test_a_listing_is_inert(written: Path, command: str) -> None:
    told = cli(*command.split(), config=written, environ=ENVIRON)
    assert told.code == 0, told
    assert "fine" in told.out
    assert not {"\x1b", "\x07", "\x9b", "\r", "\u202e"} & set(told.out)

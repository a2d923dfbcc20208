"""Tampering from outside the process, found by the command that an auditor would run."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.clock import SystemClock
from domain.events import ORGANIZATION_STREAM, EverythingResumed, EverythingStopped
from state.store import Store
from tests.stories.demo import cli, laid_out

ENVIRON = {"SLACK_BOT_TOKEN": "xoxb-sample", "SLACK_APP_TOKEN": "xapp-sample"}
LOG, KEY = "state/countersign.sqlite", "state/countersign.sqlite.key"


async def _write(path: Path) -> None:
    store = await Store.open(path, clock=SystemClock())
    said = [EverythingStopped(by="user:U1", why="drill"), EverythingResumed(by="user:U2", why="over")]
    await store.journal.append(ORGANIZATION_STREAM, 0, said)
    await store.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration with a store that holds two events."""
    directory = laid_out(tmp_path_factory.mktemp("store") / "written")
    (directory / "state").mkdir(mode=0o700, exist_ok=True)
    asyncio.run(_write(directory / LOG))
    return directory


def sql(statement: str) -> Callable[[Path], None]:
    def tamper(directory: Path) -> None:
        with sqlite3.connect(directory / LOG) as raw:
            raw.execute(statement)
        raw.close()

    return tamper


def emptied(directory: Path) -> None:
    """The whole log gone, the key left where it was."""
    (directory / LOG).write_bytes(b"")


TAMPERED: dict[str, tuple[Callable[[Path], None], int]] = {
    "untouched": (lambda directory: None, 0),
    "a time edited": (sql("UPDATE events SET at = at + 1 WHERE position = 1"), 1),
    "the last event cut": (sql("DELETE FROM events WHERE position = 2"), 1),
    "all of it emptied": (emptied, 1),
    "a key that others read": (lambda directory: (directory / KEY).chmod(0o644), 2),
    "no key": (lambda directory: (directory / KEY).unlink(), 2),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_an_auditor_is_told(written: Path, tmp_path: Path, what: str) -> None:
    tamper, code = TAMPERED[what]
    directory = tmp_path / "copy"
    shutil.copytree(written, directory)
    tamper(directory)
    told = cli("audit", "verify", config=directory, environ=ENVIRON)
    assert (told.code, told.out.startswith("ok")) == (code, code == 0), told
    assert "Traceback" not in told.err

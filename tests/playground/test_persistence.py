"""What was answered is still there after the process was killed."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from slack_sdk.web.async_client import AsyncWebClient

from playground import Playground
from playground.errors import BadWorkspace, JournalDamaged
from tests.playground.conftest import BOT_TOKEN, HERE, Person, Start, client_of


class Process:
    """`python -m playground` of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> str:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "playground", "--port", "0"),
            *("--workspace", str(HERE / "workspace.yaml"), "--dir", str(self.folder)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        line = (await asyncio.wait_for(self.process.stdout.readline(), 20)).decode()
        return line.removeprefix("playground ready ").strip()

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.communicate()


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    process = Process(tmp_path / "kept")
    yield process
    await process.kill()


async def test_a_killed_process_forgets_nothing(process: Process, session: ClientSession) -> None:
    url = await process.start()
    client = AsyncWebClient(BOT_TOKEN, base_url=f"{url}/api/", session=session)
    person = Person(url, session)
    posted = await client.chat_postMessage(channel="C1", text="kept")
    await client.reactions_add(channel="C1", timestamp=posted["ts"], name="eyes")
    await client.views_publish(user_id="U1", view={"type": "home", "blocks": [{"type": "divider"}]})
    await person("say", user="U1", channel="C1", text="mine", thread_ts=posted["ts"])
    await person("join", user="U4", channel="C1")
    await client.files_upload_v2(channel="C1", content="bytes", filename="a.txt")
    before = await person.state()
    await process.kill()
    journal = process.folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes() + b'["messages/C1","torn')

    url = await process.start()
    after = await Person(url, session).state()
    for name in ("users", "channels", "views"):
        assert after[name] == before[name]
    assert [row["text"] for row in after["messages"]] == [row["text"] for row in before["messages"]]
    assert after["messages"][:-1] == before["messages"][:-1]
    client = AsyncWebClient(BOT_TOKEN, base_url=f"{url}/api/", session=session)
    later = await client.chat_postMessage(channel="C1", text="later")
    assert later["ts"] > max(row["ts"] for row in before["messages"])
    address = after["messages"][-1]["files"][0]["url_private"]  # at the new port
    async with session.get(address, headers={"Authorization": f"Bearer {BOT_TOKEN}"}) as response:
        assert await response.text() == "bytes"


async def test_reset_restores_the_seed_but_never_a_ts(start: Start, session: ClientSession, tmp_path: Path) -> None:
    playground = await start(tmp_path)
    client, person = client_of(playground, session), Person(playground.url, session)
    first = await client.chat_postMessage(channel="C1", text="one")
    await person("deactivate", user="U1")
    await person("reset")
    state = await person.state()
    assert state["messages"] == []
    assert not next(user for user in state["users"] if user["id"] == "U1")["deleted"]
    assert (await client.chat_postMessage(channel="C1", text="two"))["ts"] > first["ts"]


async def test_one_folder_one_playground(start: Start, tmp_path: Path) -> None:
    await start(tmp_path)
    with pytest.raises(BadWorkspace, match="another playground"):
        await start(tmp_path)


async def test_damage_elsewhere_than_in_the_last_line_is_told(start: Start, tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text('broken\n["meta","ts",{"micros":1}]\n')
    with pytest.raises(JournalDamaged, match="line 1"):
        await start(tmp_path)


async def test_it_listens_on_this_machine_only(playground: Playground) -> None:
    with pytest.raises(BadWorkspace, match="this machine only"):
        await Playground(playground.hub.world.workspace).start("0.0.0.0", 0)  # noqa: S104 (that is the point)

"""The page's door: who may come in, what changes are told, what the inspector shows."""

import json
from pathlib import Path

import pytest
import yaml
from aiohttp import ClientSession
from slack_sdk.web.async_client import AsyncWebClient

from playground import Playground, load_workspace
from playground.errors import BadWorkspace
from tests.playground.conftest import Bot, Person, workspace_document


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:7070"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_other_sites_stay_out(playground: Playground, session: ClientSession, headers: dict[str, str]) -> None:
    for path in ("/playground/state", "/", "/api/auth.test"):
        async with session.get(playground.url + path, headers=headers) as response:
            assert response.status == 403
    async with session.post(f"{playground.url}/playground/reset", json={}, headers=headers) as response:
        assert response.status == 403


async def test_a_link_elsewhere_leads_to_the_message(playground: Playground, session: ClientSession) -> None:
    follow = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    address = f"{playground.url}/archives/C1/p1795259198780420?thread_ts=1.2&cid=C1"
    async with session.get(address, headers=follow, allow_redirects=False) as response:
        assert response.status == 302
        assert response.headers["Location"] == "/?channel=C1&ts=1795259198.780420&thread=1.2"
    async with session.get(f"{playground.url}/playground/state", headers=follow) as response:
        assert response.status == 403


async def test_a_plain_form_cannot_post(playground: Playground, session: ClientSession) -> None:
    async with session.post(f"{playground.url}/playground/reset", data={"a": "b"}) as response:
        assert response.status == 415
    own = {"Origin": playground.url}
    async with session.post(f"{playground.url}/playground/reset", json={}, headers=own) as response:
        assert (await response.json()) == {"ok": True}


async def test_pages_are_strict_and_stay_in_their_folder(playground: Playground, session: ClientSession) -> None:
    async with session.get(playground.url) as response:
        assert "default-src 'none'; script-src 'self'" in response.headers["Content-Security-Policy"]
        assert response.headers["Cache-Control"] == "no-store"
    for path in ("/page/..%2fserver.py", "/page/%2e%2e/server.py", "/page/.hidden", "/page/nothing.js"):
        async with session.get(playground.url + path) as response:
            assert response.status == 404


async def test_changes_are_told(playground: Playground, session: ClientSession, person: Person) -> None:
    async with session.get(f"{playground.url}/playground/stream") as stream:
        versions = []
        for text in ("one", "two"):
            while True:
                line = (await stream.content.readline()).decode()
                if line.startswith("data:"):
                    versions.append(json.loads(line.removeprefix("data:"))["version"])
                    break
            await person("say", user="U1", channel="C1", text=text)
        assert versions == sorted(set(versions))
    assert (await person.state())["version"] > versions[-1]


async def test_the_inspector_sees_the_wire_but_no_tokens(bot: Bot, person: Person, client: AsyncWebClient) -> None:
    await bot.connect()
    await client.chat_postMessage(channel="C1", text="posted", token=client.token)
    await person("say", user="U1", channel="C1", text="said")
    rows = await person.traffic()
    assert {("in", "chat.postMessage"), ("out", "events_api")} <= {(row["direction"], row["name"]) for row in rows}
    assert "xoxb-playground-A" not in json.dumps(rows)
    ids = [row["id"] for row in rows]
    assert ids == sorted(set(ids))


async def test_what_the_page_needs_is_in_the_state(person: Person) -> None:
    state = await person.state()
    assert state["tokens"] == {"bot": "xoxb-playground-A0TEST", "app": "xapp-playground-A0TEST"}
    assert [each["command"] for each in state["commands"]] == ["/ops", "/raw"]
    assert [each["callback_id"] for each in state["shortcuts"]] == ["task_new", "explain"]
    roles = {user["id"]: user["role"] for user in state["users"]}
    assert roles == {
        "U1": "requester", "U2": "sre", "U3": "guest", "U4": "external", "U5": "deactivated", "U6": "bot",
        "U0BOT": "bot",
    }  # fmt: skip
    assert {channel["id"] for channel in state["channels"] if channel["is_im"] and "U1" in channel["members"]}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"bananas": 1}, "unknown keys"),
        ({"users": [{"name": "ann"}]}, "`id` is missing"),
        ({"channels": [{"id": "C1", "members": ["U77"]}]}, "unknown users"),
        ({"apps": [{"id": "A1", "manifest": "nowhere.yml"}]}, "cannot be read"),
    ],
)
def test_a_bad_workspace_file_is_told(tmp_path: Path, change: dict[str, object], complaint: str) -> None:
    file = tmp_path / "workspace.yaml"
    file.write_text(yaml.safe_dump(workspace_document(**change)))
    with pytest.raises(BadWorkspace, match=complaint):
        load_workspace(file)

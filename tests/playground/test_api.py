"""The Web API through the official client: answers, and refusals as strict as Slack's."""

import json
from typing import Any

import pytest
from aiohttp import ClientSession
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground import Playground
from tests.playground.conftest import APP_TOKEN, Json, Person, Start, client_of, workspace_document


def section(text: str, **more: Any) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}} | more


async def error_of(call: Any) -> Json:
    with pytest.raises(SlackApiError) as raised:
        await call
    body: Json = raised.value.response.data
    return body


async def test_who_am_i(client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == ("U0BOT", "B0TEST", "T0TEST")
    assert (await client.team_info())["team"]["domain"] == "test"
    assert (await client.bots_info(bot="B0TEST"))["bot"]["app_id"] == "A0TEST"
    assert (await client.api_test(foo="bar"))["args"] == {"foo": "bar"}


async def test_tokens_and_scopes(playground: Playground, session: ClientSession, start: Start) -> None:
    stranger = client_of(playground, session, "xoxb-nobody")
    assert (await error_of(stranger.auth_test()))["error"] == "invalid_auth"
    assert (await error_of(client_of(playground, session, "").auth_test()))["error"] == "not_authed"
    app = client_of(playground, session, APP_TOKEN)
    assert (await error_of(app.chat_postMessage(channel="C1", text="x")))["error"] == "not_allowed_token_type"
    document = workspace_document()
    document["apps"][0]["manifest"]["oauth_config"]["scopes"]["bot"] = ["channels:read"]
    other = await start(**document)
    body = await error_of(client_of(other, session).chat_postMessage(channel="C1", text="x"))
    assert (body["error"], body["needed"], body["provided"]) == ("missing_scope", "chat:write", "channels:read")
    body = await error_of(client_of(other, session).conversations_list(types="private_channel"))
    assert (body["error"], body["needed"]) == ("missing_scope", "groups:read")


async def test_every_way_to_pass_arguments(playground: Playground, session: ClientSession) -> None:
    url, headers = f"{playground.url}/api/chat.postMessage", {"Authorization": "Bearer xoxb-playground-A0TEST"}
    blocks = json.dumps([section("x")])
    form = {"token": "xoxb-playground-A0TEST", "channel": "C1", "text": "form", "blocks": blocks}
    for given in (
        {"data": form},
        {"params": {**form}},
        {"json": {"channel": "C1", "text": "json"}, "headers": headers},
    ):
        async with session.post(url, **given) as response:
            assert (await response.json())["ok"]
    async with session.get(f"{playground.url}/api/no.such", headers=headers) as response:
        assert (await response.json())["error"] == "unknown_method"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"channel": "C9", "text": "x"}, "channel_not_found"),
        ({"channel": "C2", "text": "x"}, "not_in_channel"),
        ({"channel": "C4", "text": "x"}, "channel_not_found"),
        ({"channel": "C6", "text": "x"}, "is_archived"),
        ({"channel": "C1"}, "no_text"),
        ({"channel": "C1", "text": "x", "thread_ts": "1.000000"}, "cannot_reply_to_message"),
        ({"channel": "C1", "blocks": [section("x")] * 51}, "invalid_blocks"),
        ({"channel": "C1", "blocks": [section("x" * 3001)]}, "invalid_blocks"),
        ({"channel": "C1", "blocks": [{"type": "banana"}]}, "invalid_blocks"),
        ({"channel": "C1", "blocks": [section("x" * 2900)] * 5}, "msg_blocks_too_long"),
        ({"channel": "C1", "text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
        ({"channel": "C1", "text": "x", "metadata": {"event_type": "x"}}, "invalid_metadata_format"),
    ],
)
async def test_what_cannot_be_posted(client: AsyncWebClient, given: Json, error: str) -> None:
    assert (await error_of(client.api_call("chat.postMessage", json=given)))["error"] == error


async def test_complaints_point_at_the_place(client: AsyncWebClient) -> None:
    button = {"type": "button", "text": {"type": "plain_text", "text": "x"}, "value": "v" * 2001, "action_id": "a"}
    blocks = [section("x"), {"type": "actions", "elements": [button] * 26}]
    body = await error_of(client.api_call("chat.postMessage", json={"channel": "C1", "blocks": blocks}))
    messages = body["response_metadata"]["messages"]
    assert "[ERROR] no more than 25 items allowed [json-pointer:/blocks/1/elements]" in messages
    assert "[ERROR] must be less than 2001 characters [json-pointer:/blocks/1/elements/0/value]" in messages
    assert (await error_of(client.api_call("blocks.validate", json={"blocks": blocks})))["error"] == "invalid_blocks"


async def test_a_message_and_its_owner(client: AsyncWebClient, person: Person) -> None:
    metadata = {"event_type": "run", "event_payload": {"run_id": "r1"}}
    posted = await client.chat_postMessage(channel="#general", text="one", metadata=metadata)
    assert (posted["channel"], posted["message"]["bot_id"]) == ("C1", "B0TEST")
    said = await person("say", user="U1", channel="C1", text="mine")
    where = {"channel": "C1", "ts": said["ts"]}
    assert (await error_of(client.chat_update(**where, text="x")))["error"] == "cant_update_message"
    assert (await error_of(client.chat_delete(**where)))["error"] == "cant_delete_message"
    assert (await error_of(client.chat_update(channel="C1", ts="1.0", text="x")))["error"] == "message_not_found"
    own = {"channel": "C1", "ts": posted["ts"]}
    assert (await error_of(client.chat_update(**own, text="x" * 4001)))["error"] == "msg_too_long"
    await client.chat_update(**own, text="two")
    plain = (await client.conversations_history(channel="C1", latest=said["ts"]))["messages"][0]
    assert (plain["text"], "metadata" in plain) == ("two", False)
    with_it = await client.conversations_history(channel="C1", include_all_metadata=True, latest=said["ts"])
    assert with_it["messages"][0]["metadata"] == metadata
    link = await client.chat_getPermalink(channel="C1", message_ts=posted["ts"])
    assert link["permalink"].endswith("/archives/C1/p" + posted["ts"].replace(".", ""))
    await client.chat_delete(**own)
    assert [m["text"] for m in (await client.conversations_history(channel="C1"))["messages"]] == ["mine"]


async def test_threads_and_pages(client: AsyncWebClient) -> None:
    root = await client.chat_postMessage(channel="C1", text="root")
    for number in range(3):
        await client.chat_postMessage(channel="C1", text=f"reply {number}", thread_ts=root["ts"])
    top = (await client.conversations_history(channel="C1"))["messages"]
    assert [(m["text"], m["reply_count"]) for m in top] == [("root", 3)]
    first = await client.conversations_replies(channel="C1", ts=root["ts"], limit=2)
    assert ([m["text"] for m in first["messages"]], first["has_more"]) == (["root", "reply 0", "reply 1"], True)
    cursor = first["response_metadata"]["next_cursor"]
    rest = await client.conversations_replies(channel="C1", ts=root["ts"], limit=2, cursor=cursor)
    assert [m["text"] for m in rest["messages"]] == ["reply 2"]
    await client.chat_delete(channel="C1", ts=root["ts"])
    assert (await client.conversations_replies(channel="C1", ts=root["ts"]))["messages"][0]["subtype"] == "tombstone"
    names = [
        channel["name"]
        async for page in await client.conversations_list(types="public_channel,private_channel", limit=2)
        for channel in page["channels"]
    ]
    assert names == ["general", "random", "secret", "shared", "attic"]


async def test_channels(client: AsyncWebClient) -> None:
    assert (await client.conversations_info(channel="C5"))["channel"]["is_ext_shared"] is True
    assert (await client.conversations_members(channel="C1", limit=2))["members"] == ["U1", "U2"]
    opened = await client.conversations_open(users="U1")
    posted = await client.chat_postMessage(channel="U1", text="hello")
    assert posted["channel"] == opened["channel"]["id"]
    made = await client.conversations_create(name="ops-1")
    channel = made["channel"]["id"]
    assert (await error_of(client.conversations_create(name="ops-1")))["error"] == "name_taken"
    await client.conversations_invite(channel=channel, users="U1,U2")
    assert (await client.conversations_setTopic(channel=channel, topic="work"))["topic"] == "work"
    assert (await client.conversations_join(channel="C2"))["channel"]["is_member"] is True
    mine = await client.users_conversations(types="public_channel", exclude_archived=True)
    assert {each["id"] for each in mine["channels"]} == {"C1", "C2", "C5", channel}


async def test_people_and_groups(client: AsyncWebClient) -> None:
    guest, stranger, gone = [(await client.users_info(user=user))["user"] for user in ("U3", "U4", "U5")]
    assert (guest["is_restricted"], stranger["team_id"], gone["deleted"]) == (True, "T0OTHER", True)
    assert stranger["is_stranger"] is True
    assert (await client.users_lookupByEmail(email="ann@example.com"))["user"]["id"] == "U1"
    assert (await error_of(client.users_lookupByEmail(email="x@y.z")))["error"] == "users_not_found"
    assert (await error_of(client.users_info(user="U9")))["error"] == "user_not_found"
    groups = await client.usergroups_list(include_users=True)
    assert [(each["handle"], each["users"]) for each in groups["usergroups"]] == [("sre", ["U2", "U5"])]
    assert (await client.usergroups_users_list(usergroup="S1"))["users"] == ["U2", "U5"]
    assert (await error_of(client.usergroups_users_list(usergroup="S9")))["error"] == "no_such_subteam"


async def test_reactions(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C1", text="one")
    where = {"channel": "C1", "timestamp": posted["ts"], "name": "eyes"}
    await client.reactions_add(**where)
    assert (await error_of(client.reactions_add(**where)))["error"] == "already_reacted"
    found = await client.reactions_get(channel="C1", timestamp=posted["ts"])
    assert found["message"]["reactions"] == [{"name": "eyes", "users": ["U0BOT"], "count": 1}]
    await client.reactions_remove(**where)
    assert (await error_of(client.reactions_remove(**where)))["error"] == "no_reaction"


async def test_a_file_there_and_back(client: AsyncWebClient, session: ClientSession, person: Person) -> None:
    root = await client.chat_postMessage(channel="C1", text="root")
    sent = await client.files_upload_v2(
        channel="C1", thread_ts=root["ts"], content="the plan", filename="plan.txt", title="Plan", initial_comment="see"
    )
    info = (await client.files_info(file=sent["files"][0]["id"]))["file"]
    assert (info["title"], info["size"], info["channels"]) == ("Plan", 8, ["C1"])
    async with session.get(info["url_private"], headers={"Authorization": f"Bearer {client.token}"}) as response:
        assert await response.text() == "the plan"
    async with session.get(info["url_private"]) as response:
        assert response.status == 404
    message = (await person.state())["messages"][-1]
    assert (message["subtype"], message["thread_ts"], message["text"]) == ("file_share", root["ts"], "see")
    assert message["files"][0]["id"] == info["id"]


async def test_streams_grow_and_die(
    client: AsyncWebClient, person: Person, start: Start, session: ClientSession
) -> None:
    root = await client.chat_postMessage(channel="C1", text="root")
    to = {"channel": "C1", "thread_ts": root["ts"]}
    assert (await error_of(client.chat_startStream(**to)))["error"] == "missing_recipient_user_id"
    whom = {"recipient_user_id": "U1", "recipient_team_id": "T0TEST"}
    stream = await client.chat_startStream(**to, **whom, markdown_text="Hello")
    here = {"channel": "C1", "ts": stream["ts"]}
    task = {"type": "task_update", "id": "t1", "title": "Plan", "status": "in_progress"}
    await client.chat_appendStream(**here, chunks=[task, {"type": "markdown_text", "text": " world"}])
    await client.chat_appendStream(**here, chunks=[{**task, "status": "complete"}])
    assert (await error_of(client.chat_update(**here, text="x")))["error"] == "streaming_state_conflict"
    await client.chat_stopStream(**here, blocks=[section("done")])
    body = await error_of(client.chat_appendStream(**here, markdown_text="x"))
    assert body["error"] == "message_not_in_streaming_state"
    message = await person.message(stream["ts"])
    assert [block["type"] for block in message["blocks"]] == ["markdown", "task_card", "markdown", "section"]
    assert message["blocks"][1]["status"] == "complete"
    stopped = await client.chat_startStream(**to, **whom)
    await person("stop_agent", user="U1", channel="C1", thread_ts=root["ts"], stale=True)
    body = await error_of(client.chat_appendStream(channel="C1", ts=stopped["ts"], markdown_text="x"))
    assert body["error"] == "stopped_by_user"


async def test_streams_die_of_age(start: Start, session: ClientSession) -> None:
    client = client_of(await start(timing={"stream_life": 0.0}), session)
    root = await client.chat_postMessage(channel="C1", text="root")
    whom = {"recipient_user_id": "U1", "recipient_team_id": "T0TEST"}
    stream = await client.chat_startStream(channel="C1", thread_ts=root["ts"], **whom, markdown_text="Hello")
    body = await error_of(client.chat_stopStream(channel="C1", ts=stream["ts"]))
    assert body["error"] == "message_not_in_streaming_state"
    await client.chat_update(channel="C1", ts=stream["ts"], text="mended")


async def test_what_an_agent_shows(client: AsyncWebClient, person: Person) -> None:
    root = await client.chat_postMessage(channel="C1", text="root")
    where = {"channel_id": "C1", "thread_ts": root["ts"]}
    await client.assistant_threads_setStatus(**where, status="is planning", loading_messages=["Reading"])
    await client.assistant_threads_setTitle(**where, title="Fix S3-7")
    await client.assistant_threads_setSuggestedPrompts(**where, prompts=[{"title": "Why", "message": "Why?"}])
    (session,) = (await person.state())["sessions"]
    assert (session["status_text"], session["title"], len(session["prompts"])) == ("is planning", "Fix S3-7", 1)
    await client.chat_postMessage(channel="C1", text="done", thread_ts=root["ts"])
    assert (await person.state())["sessions"][0]["status_text"] is None


async def test_a_step_of_a_workflow(client: AsyncWebClient, person: Person) -> None:
    run = await person("run_function", callback_id="step", inputs={"a": 1})
    key = run["function_execution_id"]
    await client.functions_completeSuccess(function_execution_id=key, outputs={"b": 2})
    assert (await person.state())["executions"][0]["outputs"] == {"b": 2}
    body = await error_of(client.functions_completeError(function_execution_id=key, error="x"))
    assert body["error"] == "function_execution_not_found"


async def test_rates_are_those_of_the_tier(client: AsyncWebClient) -> None:
    for _ in range(20):
        await client.usergroups_list()
    with pytest.raises(SlackApiError) as raised:
        await client.usergroups_list()
    assert (raised.value.response.status_code, raised.value.response["error"]) == (429, "ratelimited")
    assert int(raised.value.response.headers["Retry-After"]) == 3
    for number in range(10):
        await client.chat_postMessage(channel="C1", text=str(number))
    assert (await error_of(client.chat_postMessage(channel="C1", text="11")))["error"] == "ratelimited"
    await client.chat_postMessage(channel="C3", text="another channel")


async def test_rates_can_be_off(start: Start, session: ClientSession) -> None:
    client = client_of(await start(rate_limits=False), session)
    for _ in range(30):
        await client.usergroups_list()

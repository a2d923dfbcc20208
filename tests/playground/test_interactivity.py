"""Buttons, forms, response addresses, shortcuts: end to end through Bolt."""

import asyncio

import pytest
from aiohttp import ClientSession
from slack_bolt.async_app import AsyncAck, AsyncRespond
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.playground.conftest import Bot, Json, Person, Start, bot_of, client_of, until


def button(action_id: str, value: str, **more: object) -> Json:
    return {
        "type": "button",
        "action_id": action_id,
        "text": {"type": "plain_text", "text": value},
        "value": value,
    } | more


def card(*buttons: Json, block_id: str = "b1") -> list[Json]:
    return [{"type": "actions", "block_id": block_id, "elements": list(buttons)}]


def modal(**more: object) -> Json:
    element = {"type": "plain_text_input", "action_id": "what", "max_length": 20}
    block = {"type": "input", "block_id": "goal", "label": {"type": "plain_text", "text": "Goal"}, "element": element}
    title = {"type": "plain_text", "text": "Task"}
    return {"type": "modal", "callback_id": "task", "title": title, "submit": title, "blocks": [block]} | more


async def test_a_click_carries_what_slack_sends(bot: Bot, person: Person) -> None:
    clicks: list[Json] = []

    @bot.app.action("approve")
    async def approve(ack: AsyncAck, body: Json, respond: AsyncRespond) -> None:
        await ack()
        clicks.append(body)
        await respond(text="approved", replace_original=True)

    await bot.connect()
    posted = await bot.client.chat_postMessage(channel="C1", text="a card", blocks=card(button("approve", "a1:d1")))
    answer = await person("click", user="U2", channel="C1", ts=posted["ts"], action_id="approve")
    assert (answer["ok"], answer["acked"]) == (True, True)
    await until(lambda: clicks)
    body = clicks[0]
    assert body["type"] == "block_actions"
    assert body["user"] == {"id": "U2", "username": "sam", "name": "sam", "team_id": "T0TEST"}
    assert body["api_app_id"] == "A0TEST"
    assert body["container"]["message_ts"] == posted["ts"]
    assert body["channel"] == {"id": "C1", "name": "general"}
    assert body["message"]["text"] == "a card"
    assert {"action_id": "approve", "value": "a1:d1", "block_id": "b1"}.items() <= body["actions"][0].items()
    assert body["state"] == {"values": {}}
    message = await person.message(posted["ts"])
    assert (message["text"], message["blocks"]) == ("approved", [])


async def test_only_what_is_shown_can_be_clicked(bot: Bot, person: Person) -> None:
    @bot.app.action("approve")
    async def approve(ack: AsyncAck) -> None:
        await ack()

    await bot.connect()
    two = card(button("approve", "one"), block_id="b1") + card(button("approve", "two"), block_id="b2")
    posted = await bot.client.chat_postMessage(channel="C1", text="a card", blocks=two)
    where = {"channel": "C1", "ts": posted["ts"], "action_id": "approve"}
    chosen = await person("click", user="U2", **where, value="two")
    assert (chosen["action"]["value"], chosen["action"]["block_id"]) == ("two", "b2")
    assert (await person("click", user="U2", **where, block_id="b1"))["action"]["value"] == "one"
    assert (await person("click", user="U2", **where, value="three"))["error"] == "action_not_found"
    assert (await person("click", user="U2", **where | {"action_id": "deny"}))["error"] == "action_not_found"
    assert (await person("click", user="U4", **where))["error"] == "not_in_channel"
    assert (await person("click", user="U2", **where | {"ts": "1.000000"}))["error"] == "message_not_found"
    await bot.client.chat_update(channel="C1", ts=posted["ts"], text="done", blocks=[])
    assert (await person("click", user="U2", **where))["error"] == "action_not_found"
    stale = await person("click", user="U2", **where, stale=True, value="one")
    assert (stale["ok"], stale["action"]["value"]) == (True, "one")
    await person("deactivate", user="U2")
    assert (await person("click", user="U2", **where, value="one"))["error"] == "account_inactive"
    assert (await person("click", user="U2", **where, stale=True, value="one"))["ok"]


async def test_an_ephemeral_is_for_one_person(bot: Bot, person: Person) -> None:
    bodies: list[Json] = []

    @bot.app.action("ask")
    async def ask(ack: AsyncAck, body: Json, respond: AsyncRespond) -> None:
        await ack()
        bodies.append(body)
        await respond(delete_original=True)

    await bot.connect()
    sent = await bot.client.chat_postEphemeral(channel="C1", user="U1", text="psst", blocks=card(button("ask", "x")))
    where = {"channel": "C1", "ts": sent["message_ts"], "action_id": "ask"}
    assert (await person.message(sent["message_ts"]))["ephemeral_to"] == "U1"
    history = await bot.client.conversations_history(channel="C1")
    assert history["messages"] == []
    assert (await person("click", user="U2", **where))["error"] == "message_not_found"
    assert (await person("click", user="U1", **where))["ok"]
    await until(lambda: bodies)
    assert "message" not in bodies[0]
    assert bodies[0]["container"]["is_ephemeral"] is True
    assert (await person.state())["messages"] == []


async def test_a_form_from_command_to_submission(bot: Bot, person: Person) -> None:
    answers = [
        {"response_action": "errors", "errors": {"goal": "too vague"}},
        {"response_action": "update", "view": modal(private_metadata="second")},
        {"response_action": "push", "view": modal(private_metadata="third")},
        {"response_action": "clear"},
    ]
    submitted: list[Json] = []

    @bot.app.command("/ops")
    async def ops(ack: AsyncAck, command: Json, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=command["trigger_id"], view=modal(private_metadata="first"))
        await ack()

    @bot.app.view("task")
    async def task(ack: AsyncAck, view: Json) -> None:
        submitted.append(view)
        await ack(**answers[len(submitted) - 1])

    await bot.connect()
    await person("command", user="U1", channel="C1", command="/ops", text="")
    (view,) = (await person.state())["views"]
    where = {"user": "U1", "view_id": view["id"]}
    assert (view["user"], view["title"]["text"], view["private_metadata"]) == ("U1", "Task", "first")
    assert (await person("submit", **where, values={}))["errors"] == {"goal": "Please complete this required field."}
    assert (await person("submit", **where | {"user": "U2"}, values={}))["error"] == "view_not_found"
    refused = await person("submit", **where, values={"goal": {"what": "fix"}})
    assert (refused["ok"], refused["response_action"], refused["errors"]) == (True, "errors", {"goal": "too vague"})
    assert (await person.state())["views"][0]["errors"] == {"goal": "too vague"}
    assert (await person("submit", **where, values={"what": "fix it"}))["response_action"] == "update"
    pushed = await person("submit", **where, values={"goal": "fix it"})
    stack = (await person.state())["views"]
    assert [each["private_metadata"] for each in stack] == ["second", "third"]
    assert (stack[1]["root_view_id"], stack[1]["previous_view_id"]) == (view["id"], view["id"])
    cleared = await person("submit", user="U1", view_id=pushed["view_id"], values={"goal": "fix it"})
    assert cleared["response_action"] == "clear"
    assert (await person.state())["views"] == []
    assert submitted[0]["state"]["values"] == {"goal": {"what": {"type": "plain_text_input", "value": "fix"}}}


async def test_a_trigger_lives_three_seconds_and_once(start: Start, session: ClientSession) -> None:
    playground = await start(timing={"trigger_life": 0.3})
    person, bot = Person(playground.url, session), bot_of(client_of(playground, session))
    errors: list[str] = []
    done = asyncio.Event()

    @bot.app.command("/ops")
    async def ops(ack: AsyncAck, command: Json, client: AsyncWebClient) -> None:
        await ack()
        if command["text"] == "late":
            await asyncio.sleep(0.4)
        for _ in range(2):
            try:
                await client.views_open(trigger_id=command["trigger_id"], view=modal())
            except SlackApiError as error:
                errors.append(error.response["error"])
        done.set()

    handler = await bot.connect()
    await person("command", user="U1", channel="C1", command="/ops", text="")
    await done.wait()
    assert errors == ["exchanged_trigger_id"]
    errors.clear()
    done.clear()
    await person("command", user="U1", channel="C1", command="/ops", text="late")
    await done.wait()
    assert errors == ["expired_trigger_id"] * 2
    await handler.close_async()


async def test_views_are_updated_under_their_hash_and_closed(bot: Bot, person: Person) -> None:
    closed: list[Json] = []
    opened: list[object] = []

    @bot.app.shortcut("task_new")
    async def new_task(ack: AsyncAck, shortcut: Json, client: AsyncWebClient) -> None:
        await ack()
        opened.append(await client.views_open(trigger_id=shortcut["trigger_id"], view=modal(notify_on_close=True)))

    @bot.app.view_closed("task")
    async def gone(ack: AsyncAck, body: Json) -> None:
        await ack()
        closed.append(body)

    await bot.connect()
    assert (await person("shortcut", user="U1", callback_id="task_new"))["ok"]
    await until(lambda: opened)
    (view,) = (await person.state())["views"]
    change = {"view_id": view["id"], "view": modal(private_metadata="2", notify_on_close=True), "hash": view["hash"]}
    await bot.client.views_update(**change)
    with pytest.raises(SlackApiError) as raised:
        await bot.client.views_update(**change)
    assert raised.value.response["error"] == "hash_conflict"
    answer = await person("close", user="U1", view_id=view["id"])
    assert (answer["notified"], answer["acked"]) == (True, True)
    await until(lambda: closed)
    assert (await person.state())["views"] == []


async def test_a_message_shortcut(bot: Bot, person: Person) -> None:
    seen: list[Json] = []

    @bot.app.shortcut("explain")
    async def explain(ack: AsyncAck, body: Json) -> None:
        await ack()
        seen.append(body)

    await bot.connect()
    said = await person("say", user="U1", channel="C1", text="what is this")
    assert (await person("shortcut", user="U1", callback_id="explain"))["status"] == 400
    assert (await person("shortcut", user="U1", callback_id="explain", channel="C1", ts=said["ts"]))["ok"]
    assert (seen[0]["type"], seen[0]["message"]["ts"], seen[0]["channel"]["id"]) == ("message_action", said["ts"], "C1")


async def test_a_home_tab_with_a_select_from_outside(bot: Bot, person: Person) -> None:
    chosen: list[Json] = []
    option = {"text": {"type": "plain_text", "text": "Web"}, "value": "web"}
    select = {"type": "external_select", "action_id": "service", "min_query_length": 0}
    text = {"type": "mrkdwn", "text": "Pick"}
    home = {"type": "home", "blocks": [{"type": "section", "block_id": "s", "text": text, "accessory": select}]}

    @bot.app.options("service")
    async def options(ack: AsyncAck) -> None:
        await ack(options=[option])

    @bot.app.action("service")
    async def picked(ack: AsyncAck, body: Json) -> None:
        await ack()
        chosen.append(body)

    await bot.connect()
    await bot.client.views_publish(user_id="U1", view=home)
    (view,) = (await person.state())["views"]
    where = {"user": "U1", "view_id": view["id"], "action_id": "service"}
    assert (await person("options", **where, value="we"))["options"] == [option]
    await person("click", **where, selected_option=option)
    assert chosen[0]["actions"][0]["selected_option"] == option
    assert chosen[0]["view"]["state"]["values"]["s"]["service"]["selected_option"] == option


async def test_a_response_address_works_five_times(bot: Bot, person: Person, session: ClientSession) -> None:
    urls: list[str] = []

    @bot.app.command("/ops")
    async def ops(ack: AsyncAck, command: Json) -> None:
        urls.append(command["response_url"])
        await ack({"response_type": "in_channel", "text": "seen by all"})

    await bot.connect()
    answer = await person("command", user="U1", channel="C1", command="/ops", text="x")
    assert (await person.message(answer["ts"]))["ephemeral_to"] is None
    statuses = []
    for number in range(6):
        async with session.post(urls[0], json={"text": f"part {number}"}) as response:
            statuses.append((response.status, await response.text()))
    assert [status for status, _ in statuses] == [200] * 5 + [404]
    assert "used_url" in statuses[5][1]
    assert len([m for m in (await person.state())["messages"] if m["ephemeral_to"] == "U1"]) == 5


async def test_nobody_answers(start: Start, session: ClientSession) -> None:
    playground = await start(timing={"ack_timeout": 0.2})
    person, bot = Person(playground.url, session), bot_of(client_of(playground, session))

    @bot.app.action("slow")
    async def slow(ack: AsyncAck) -> None:
        await asyncio.sleep(0.4)
        await ack()

    handler = await bot.connect()
    posted = await bot.client.chat_postMessage(channel="C1", text="x", blocks=card(button("slow", "x")))
    answer = await person("click", user="U1", channel="C1", ts=posted["ts"], action_id="slow")
    assert (answer["ok"], answer["error"], answer["delivered"]) == (False, "operation_timeout", True)
    await handler.close_async()

"""Misbehaviour on demand, redelivery, and the rules of Socket Mode."""

import asyncio
import time

import pytest
from aiohttp import ClientSession, WSMsgType
from slack_bolt.async_app import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground import Playground
from tests.playground.conftest import APP_TOKEN, Bot, Json, Person, Start, client_of, until


async def test_duplicates_carry_the_same_event(bot: Bot, person: Person) -> None:
    await bot.connect()
    await person("faults", duplicate=2)
    await person("say", user="U1", channel="C1", text="one")
    await until(lambda: len(bot.bodies) == 3)
    assert len({body["event_id"] for body in bot.bodies}) == 1


async def test_a_delay_holds_events_and_commands(bot: Bot, person: Person) -> None:
    @bot.app.command("/ops")
    async def ops(ack: AsyncAck) -> None:
        await ack("late")

    await bot.connect()
    await person("faults", delay_ms=150)
    began = time.monotonic()
    await person("say", user="U1", channel="C1", text="one")
    await person("command", user="U1", channel="C1", command="/ops", text="")
    assert time.monotonic() - began >= 0.3
    await person("reset")
    assert (await person.state())["faults"]["delay_ms"] == 0


async def test_reordered_events_all_arrive(bot: Bot, person: Person) -> None:
    await bot.connect()
    await person("faults", reorder=8)
    sent = [(await person("say", user="U1", channel="C1", text=str(n)))["ts"] for n in range(16)]
    await until(lambda: len(bot.events) == 16)
    arrived = [event["ts"] for event in bot.events]
    assert sorted(arrived) == sent
    assert arrived != sent


async def test_a_dropped_event_comes_again_a_lost_one_does_not(start: Start, session: ClientSession) -> None:
    playground = await start(timing={"ack_timeout": 0.2, "retries": [0.0]})
    person = Person(playground.url, session)
    async with session.ws_connect(await _address(playground, session)) as socket:
        await socket.receive_json()
        await person("faults", drop=1)
        answer = await person("say", user="U1", channel="C1", text="one")
        assert (answer["deliveries"][0]["delivered"], answer["deliveries"][0]["acked"]) == (False, False)
        again = await socket.receive_json(timeout=2)
        assert (again["retry_attempt"], again["retry_reason"]) == (1, "timeout")
        await socket.send_json({"envelope_id": again["envelope_id"]})
        await person("faults", lose=1)
        await person("say", user="U1", channel="C1", text="two")
        await person("say", user="U1", channel="C1", text="three")
        assert (await socket.receive_json(timeout=2))["payload"]["event"]["text"] == "three"
        await person("faults", drop=1)
        refused = await person("command", user="U1", channel="C1", command="/ops", text="")
        assert (refused["ok"], refused["error"]) == (False, "operation_timeout")


async def test_what_is_not_acknowledged_comes_again_until_it_is(start: Start, session: ClientSession) -> None:
    playground = await start(timing={"ack_timeout": 0.1, "retries": [0.0, 0.05, 0.1]})
    person = Person(playground.url, session)
    async with session.ws_connect(await _address(playground, session)) as socket:
        await socket.receive_json()
        answer = await person("say", user="U1", channel="C1", text="one")
        assert answer["deliveries"] == [{"delivered": True, "acked": False, "error": "operation_timeout"}]
        seen = [await socket.receive_json(timeout=2) for _ in range(4)]
        assert [each["retry_attempt"] for each in seen] == [0, 1, 2, 3]
        assert len({each["payload"]["event_id"] for each in seen}) == 1
        assert len({each["envelope_id"] for each in seen}) == 4
        answer = await person("command", user="U1", channel="C1", command="/ops", text="")
        assert answer["error"] == "operation_timeout"
        assert (await socket.receive_json())["type"] == "slash_commands"
        with pytest.raises(TimeoutError):
            await socket.receive_json(timeout=0.3)


async def test_an_event_cut_off_with_its_socket_comes_again_on_another(start: Start, session: ClientSession) -> None:
    playground = await start(timing={"ack_timeout": 1.0, "retries": [0.0, 0.05]})
    person = Person(playground.url, session)
    first = await session.ws_connect(await _address(playground, session))
    await first.receive_json()
    said = asyncio.create_task(person("say", user="U1", channel="C1", text="one"))
    await first.receive_json()
    second = await session.ws_connect(await _address(playground, session))
    await second.receive_json()
    await first.close()
    assert (await second.receive_json(timeout=2))["retry_attempt"] == 1
    assert (await said)["deliveries"][0]["acked"] is False
    await second.close()


async def test_nothing_is_queued_while_nobody_is_connected(bot: Bot, person: Person) -> None:
    answer = await person("say", user="U1", channel="C1", text="unheard")
    assert answer["deliveries"] == [{"delivered": False, "acked": False, "error": "dispatch_failed"}]
    await bot.connect()
    await person("say", user="U1", channel="C1", text="heard")
    assert [event["text"] for event in bot.events] == ["heard"]


async def test_each_event_goes_to_one_of_several_sockets(bot: Bot, person: Person) -> None:
    await bot.connect()
    await bot.connect()
    assert (await person.state())["connected"] == 2
    for number in range(12):
        await person("say", user="U1", channel="C1", text=str(number))
    assert [event["text"] for event in bot.events] == [str(number) for number in range(12)]


async def test_tickets_are_single_use_and_sockets_are_ten(playground: Playground, session: ClientSession) -> None:
    address = await _address(playground, session)
    sockets = [await session.ws_connect(address)]
    hello = await sockets[0].receive_json()
    assert (hello["type"], hello["connection_info"]) == ("hello", {"app_id": "A0TEST"})
    async with session.get(address.replace("ws:", "http:")) as response:
        assert response.status == 403
    for _ in range(9):
        sockets.append(await session.ws_connect(await _address(playground, session)))
        await sockets[-1].receive_json()
    async with session.ws_connect(await _address(playground, session)) as eleventh:
        assert (await eleventh.receive_json())["reason"] == "too_many_websockets"
    await sockets[0].ping()
    for socket in sockets:
        await socket.close()


async def test_a_client_is_asked_to_refresh(playground: Playground, person: Person, session: ClientSession) -> None:
    async with session.ws_connect(await _address(playground, session)) as socket:
        await socket.receive_json()
        assert (await person("disconnect"))["sockets"] == 1
        assert (await socket.receive_json())["reason"] == "refresh_requested"
        assert (await socket.receive()).type is WSMsgType.CLOSE


async def test_limits_and_errors_on_demand(client: AsyncWebClient, person: Person) -> None:
    await person("faults", rate_limit={"method": "chat.postMessage", "count": 1, "retry_after": 7})
    await client.auth_test()
    with pytest.raises(SlackApiError) as raised:
        await client.chat_postMessage(channel="C1", text="one")
    assert (raised.value.response.status_code, raised.value.response.headers["Retry-After"]) == (429, "7")
    await person("faults", server_error=1)
    assert await _status(client) == 500
    assert (await person.state())["messages"] == []
    await person("faults", server_error_after_commit=1)
    await client.auth_test()
    assert await _status(client) == 500
    assert [each["text"] for each in (await person.state())["messages"]] == ["one"]
    assert (await person("faults", banana=1))["status"] == 400
    assert (await person("faults", drop=-1))["status"] == 400


async def _status(client: AsyncWebClient) -> int:
    with pytest.raises(SlackApiError) as raised:
        await client.chat_postMessage(channel="C1", text="one")
    return int(raised.value.response.status_code)


async def _address(playground: Playground, session: ClientSession) -> str:
    answer: Json = (await client_of(playground, session, APP_TOKEN).apps_connections_open(app_token=APP_TOKEN)).data  # type: ignore[assignment]
    return str(answer["url"])

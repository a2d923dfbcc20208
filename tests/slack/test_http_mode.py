"""HTTP mode: what Slack signed goes through; what strangers send is refused before Bolt, never with a 5xx."""

import hashlib
import hmac
import io
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web

from domain.envelopes import Envelope
from handlers.inbox import Consumer
from handlers.slack.app import Intake, build_app
from handlers.slack.gateway import web_client
from handlers.slack.http import add_routes
from playground import Playground
from state.store import Store
from tests.slack.conftest import BOT_TOKEN
from tests.slack.fakes import RealClock

SECRET = "0123456789abcdef"


class Door:
    def __init__(self, url: str, session: ClientSession, seen: list[Envelope]) -> None:
        self.url, self.session, self.seen = url, session, seen

    async def post(self, body: bytes, **headers: str | bytes) -> tuple[int, str]:
        async with self.session.post(self.url, data=io.BytesIO(body), headers=headers) as response:  # type: ignore[arg-type]
            return response.status, await response.text()

    async def signed(self, payload: dict[str, Any], **more: str) -> tuple[int, str]:
        body = json.dumps(payload).encode()
        return await self.post(body, **sign(body), **more, **{"Content-Type": "application/json"})


def sign(body: bytes, at: float | None = None) -> dict[str, str]:
    stamp = str(int(at if at is not None else time.time()))
    digest = hmac.new(SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


@pytest.fixture
async def door(playground: Playground, session: ClientSession, store: Store) -> AsyncIterator[Door]:
    seen: list[Envelope] = []
    consumer = Consumer(store.inbox)
    consumer.offer = seen.append  # type: ignore[method-assign]  # nothing is handled here
    client = web_client(BOT_TOKEN, session, f"{playground.url}/api/")
    app = build_app(client, Intake(consumer=consumer, clock=RealClock()), signing_secret=SECRET)
    application = web.Application()
    add_routes(application.router, app, SECRET)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield Door(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events", session, seen)
    await runner.cleanup()


def mention() -> dict[str, Any]:
    event = {
        "type": "app_mention",
        "user": "U1",
        "channel": "C1",
        "ts": "1.000001",
        "event_ts": "1.000001",
        "text": "x",
    }
    return {"type": "event_callback", "event_id": "Ev1", "team_id": "T0TEST", "api_app_id": "A0TEST", "event": event}


async def test_what_slack_signed_is_committed_once(door: Door) -> None:
    assert (await door.signed(mention()))[0] == 200
    retry = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
    assert (await door.signed(mention(), **retry))[0] == 200
    assert [each.key for each in door.seen] == ["event:T0TEST:C1:1.000001"]


async def test_the_handshake(door: Door) -> None:
    status, text = await door.signed({"type": "url_verification", "challenge": "abc", "token": "t"})
    assert status == 200
    assert "abc" in text


async def test_everything_is_answered(door: Door) -> None:
    """No 404: Slack would send it again."""
    for payload in (
        {"type": "event_callback", "event_id": "E2", "team_id": "T", "event": {"type": "never_heard_of"}},
        {
            "type": "event_callback",
            "event_id": "E3",
            "team_id": "T",
            "event": {"type": "user_change", "user": {"id": "U1"}},
        },
    ):
        assert (await door.signed(payload))[0] == 200


HEX = "v0=" + "a" * 64


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"{}"),
        ({"X-Slack-Request-Timestamp": "soon", "X-Slack-Signature": HEX}, b"{}"),
        ({"X-Slack-Request-Timestamp": "٣٤٥", "X-Slack-Signature": HEX}, b"{}"),
        ({"X-Slack-Request-Timestamp": "9" * 400, "X-Slack-Signature": HEX}, b"{}"),
        ({"X-Slack-Request-Timestamp": "-1", "X-Slack-Signature": HEX}, b"{}"),
        ({"X-Slack-Request-Timestamp": "1e3", "X-Slack-Signature": HEX}, b"{}"),
        ({"X-Slack-Request-Timestamp": "nan", "X-Slack-Signature": HEX}, b"{}"),
        ({"X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": "v0=ü"}, b"{}"),
        ({"X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": HEX}, b"{}"),
        (sign(b"{}", 0), b"{}"),
        (sign(b"other"), b"{}"),
    ],
)
async def test_strangers_are_refused(door: Door, headers: dict[str, str], body: bytes) -> None:
    status, text = await door.post(body, **headers)
    assert status == 401
    assert text == ""
    assert door.seen == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe", "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b'"x"', "application/json"),
        (b"{", "application/json"),
        (b"payload=[", "application/x-www-form-urlencoded"),
        (b"payload=[]", "application/x-www-form-urlencoded"),
        (b"", "application/json"),
        (b'{"event": 5, "type": "event_callback"}', "application/json"),
        (b'{"type": "block_actions", "actions": 7, "user": []}', "application/json"),
    ],
)
async def test_nothing_signed_makes_us_fall_over(door: Door, body: bytes, kind: str) -> None:
    status, _ = await door.post(body, **sign(body), **{"Content-Type": kind})
    assert status in (200, 400, 404)


async def test_a_large_body_is_not_read(door: Door) -> None:
    body = b"x" * (1 << 20) + b"y"
    status, _ = await door.post(body, **sign(body))
    assert status == 413

"""The gateway's manners: pace, retries, and what it says of what it does not know."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession, web

from handlers.slack.gateway import Gateway, web_client
from handlers.slack.show.message import note
from handlers.slack.wire import Bucket, SlackAway, SlackSaid, SlackUncertain, Wire
from tests.slack.fakes import RealClock

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass
class JumpingClock:
    """Sleeping moves it, and is written down."""

    moment: datetime = NOON
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.moment

    async def sleep_until(self, moment: datetime) -> None:
        self.slept.append((moment - self.moment).total_seconds())
        self.moment = max(self.moment, moment)


@dataclass
class Script:
    """A Slack that answers what it is told to, and remembers what it was asked."""

    url: str = ""
    answers: list[Any] = field(default_factory=list)
    asked: list[tuple[str, Any]] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.content_type == "application/json" else dict(request.query)
        self.asked.append((request.match_info["method"], body))
        answer = self.answers.pop(0) if self.answers else {"ok": True, "channel": "C1", "ts": "1.0"}
        if answer == "hang up":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if isinstance(answer, web.Response):
            return answer
        return web.json_response(answer)


@pytest.fixture
async def slack() -> AsyncIterator[Script]:
    script, app = Script(), web.Application()
    app.router.add_route("*", "/api/{method}", script.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    script.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api"
    yield script
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


def wire(slack: Script, session: ClientSession, clock: Any) -> Wire:
    return Wire(web_client("xoxb-1", session, slack.url), clock)


def busy(seconds: str = "7") -> web.Response:
    return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": seconds})


BODY = {"channel": "C1", "text": "x"}


async def test_429_waits_as_long_as_slack_says(slack: Script, session: ClientSession) -> None:
    clock = JumpingClock()
    slack.answers = [busy("7"), busy("3")]
    assert (await wire(slack, session, clock).call("chat.postMessage", body=BODY))["ts"] == "1.0"
    assert sum(clock.slept) == pytest.approx(10, abs=1)
    assert len(slack.asked) == 3


async def test_429_for_ever_is_given_up(slack: Script, session: ClientSession) -> None:
    slack.answers = [busy("60") for _ in range(9)]
    with pytest.raises(SlackAway):
        await wire(slack, session, JumpingClock()).call("chat.postMessage", body=BODY)
    assert len(slack.asked) == 2


@pytest.mark.parametrize(
    "answer", ["hang up", web.Response(status=502, text="bad gateway"), {"ok": False, "error": "fatal_error"}]
)
async def test_a_post_without_an_answer_is_never_sent_twice(slack: Script, session: ClientSession, answer: Any) -> None:
    slack.answers = [answer]
    with pytest.raises(SlackUncertain):
        await wire(slack, session, JumpingClock()).call("chat.postMessage", body=BODY)
    assert len(slack.asked) == 1


async def test_what_may_be_repeated_is(slack: Script, session: ClientSession) -> None:
    slack.answers = ["hang up", web.Response(status=500)]
    await wire(slack, session, JumpingClock()).call("chat.update", body=BODY, repeatable=True)
    assert len(slack.asked) == 3


async def test_a_refusal_is_slacks_word(slack: Script, session: ClientSession) -> None:
    slack.answers = [{"ok": False, "error": "missing_scope", "needed": "files:write"}]
    with pytest.raises(SlackSaid) as refused:
        await wire(slack, session, JumpingClock()).call("files.getUploadURLExternal", query={})
    assert refused.value.error == "missing_scope"
    assert "files:write" in str(refused.value)


async def test_nobody_there_is_away(session: ClientSession) -> None:
    clock = JumpingClock()
    nowhere = Wire(web_client("xoxb-1", session, "http://127.0.0.1:9/api"), clock)
    with pytest.raises(SlackAway):
        await nowhere.call("chat.postMessage", body=BODY)
    assert len(clock.slept) == 3


async def test_a_trigger_is_not_waited_for(slack: Script, session: ClientSession) -> None:
    clock = JumpingClock()
    slack.answers = [busy()]
    with pytest.raises(SlackAway):
        await wire(slack, session, clock).call("views.open", body={}, patient=False)
    assert clock.slept == []


async def test_every_post_is_quiet(slack: Script, session: ClientSession) -> None:
    gateway = Gateway(web_client("xoxb-1", session, slack.url), session, RealClock())
    await gateway.post("C1", note("https://evil.example").body(), thread_ts="1.0")
    (_, body), *_ = slack.asked
    assert body["unfurl_links"] is False
    assert body["unfurl_media"] is False
    assert body["thread_ts"] == "1.0"


async def test_answers_go_only_to_slack(slack: Script, session: ClientSession) -> None:
    gateway = Gateway(web_client("xoxb-1", session, slack.url), session, RealClock())
    with pytest.raises(SlackSaid, match="not_an_address_of_slack"):
        await gateway.respond("http://169.254.169.254/latest", note("x"))


async def test_a_bucket_lets_a_burst_out_and_then_its_pace() -> None:
    clock = JumpingClock()
    bucket = Bucket(clock=clock, per_second=2.0, burst=3.0)
    for _ in range(5):
        await bucket.take()
    assert sum(clock.slept) == pytest.approx(1.0)
    bucket.close_for(10)
    await bucket.take()
    assert sum(clock.slept) == pytest.approx(11.0, abs=0.6)


async def test_buckets_are_fair() -> None:
    clock, order = JumpingClock(), list[int]()
    bucket = Bucket(clock=clock, per_second=1.0, burst=1.0)

    async def take(number: int) -> None:
        await bucket.take()
        order.append(number)

    await asyncio.gather(*(take(number) for number in range(5)))
    assert order == [0, 1, 2, 3, 4]

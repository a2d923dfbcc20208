"""The same app behind a request_url: signed posts that Bolt verifies, and retries by header."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import ClientSession, web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncAck

from playground import Playground
from tests.playground.conftest import Bot, Json, Person, Start, bot_of, client_of, until, workspace_document

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """The app's web server; `answer` may be replaced by a test."""

    def __init__(self) -> None:
        self.answer: Respond | None = None
        self.headers: list[dict[str, str]] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        assert self.answer is not None
        return await self.answer(request)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    app = web.Application()
    app.router.add_post("/slack/events", site.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield site
    await runner.cleanup()


@pytest.fixture
async def playground(site: Site, start: Start) -> Playground:
    document = workspace_document(timing={"ack_timeout": 1.0, "retries": [0.0, 0.05]})
    document["apps"][0]["request_url"] = site.url
    return await start(**document)


@pytest.fixture
def bot(site: Site, playground: Playground, session: ClientSession) -> Bot:
    bot = bot_of(client_of(playground, session))

    async def answer(request: web.Request) -> web.StreamResponse:
        return await to_aiohttp_response(await bot.app.async_dispatch(await to_bolt_request(request)))

    site.answer = answer
    return bot


async def test_events_commands_and_clicks_are_signed_posts(bot: Bot, person: Person) -> None:
    @bot.app.event("message")
    async def message() -> None: ...

    @bot.app.command("/ops")
    async def ops(ack: AsyncAck, command: Json) -> None:
        await ack(f"on it: {command['text']}")

    @bot.app.action("go")
    async def go(ack: AsyncAck) -> None:
        await ack()

    answer = await person("say", user="U1", channel="C1", text="hello")
    assert answer["deliveries"] == [{"delivered": True, "acked": True, "error": None}]
    assert bot.types() == ["message"]
    assert (await person("command", user="U1", channel="C1", command="/ops", text="x & y"))[
        "text"
    ] == "on it: x &amp; y"
    element = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    blocks = [{"type": "actions", "elements": [element]}]
    posted = await bot.client.chat_postMessage(channel="C1", text="x", blocks=blocks)
    assert (await person("click", user="U1", channel="C1", ts=posted["ts"], action_id="go"))["acked"]


async def test_errors_are_retried_with_headers_unless_the_app_objects(
    site: Site, bot: Bot, playground: Playground, person: Person
) -> None:
    @bot.app.event("message")
    async def message() -> None: ...

    await person("say", user="U1", channel="C1", text="hello")  # the address is verified now
    site.headers.clear()

    async def failing(_request: web.Request) -> web.Response:
        return web.Response(status=500)

    site.answer = failing
    answer = await person("say", user="U1", channel="C1", text="again")
    assert answer["deliveries"] == [{"delivered": True, "acked": False, "error": "http_error"}]
    await until(lambda: len(site.headers) == 3)
    assert [each.get("X-Slack-Retry-Num") for each in site.headers] == [None, "1", "2"]
    assert site.headers[1]["X-Slack-Retry-Reason"] == "http_error"

    async def final(_request: web.Request) -> web.Response:
        return web.Response(status=500, headers={"x-slack-no-retry": "1"})

    site.answer, site.headers = final, []
    await person("say", user="U1", channel="C1", text="no more")
    assert len(site.headers) == 1

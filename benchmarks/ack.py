"""How soon Slack gets its acknowledgement, under 50 concurrent clients sending signed slash commands.

Slack allows three seconds. Ours answers only after the request is committed (SQLite, `synchronous=FULL`); beside it the
floor: the same server verifying the same signature and storing nothing. The clients are another process.
"""

import asyncio
import hashlib
import hmac
import itertools
import multiprocessing
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from benchmarks.loop import Now
from benchmarks.report import Row, table
from domain.envelopes import Envelope
from handlers.inbox import Consumer
from handlers.slack.app import Intake, build_app
from handlers.slack.envelopes import DOOR
from handlers.slack.gateway import web_client
from handlers.slack.http import add_routes
from playground import Playground, parse_workspace
from state.store import Store

CLIENTS, REQUESTS = 50, 3000
SECRET = "benchmark"  # noqa: S105  # signs nothing but this
TEAM = {
    "team": {"id": "T1"},
    "users": [{"id": "U1"}],
    "channels": [{"id": "C1", "members": ["U1"]}],
    "apps": [
        {"id": "A1", "manifest": {"display_information": {"name": "bench"}, "oauth_config": {"scopes": {"bot": []}}}}
    ],
}


def body(number: int) -> str:
    """One slash command."""
    fields = {"command": "/ops", "text": "status", "user_id": "U1", "channel_id": "C1", "team_id": "T1"}
    return urlencode(
        {**fields, "trigger_id": f"{number}.1.x", "api_app_id": "A1", "response_url": "http://127.0.0.1/x"}
    )


def signed(text: str) -> dict[str, str]:
    """Slack's headers."""
    now = str(int(time.time()))
    mac = hmac.new(SECRET.encode(), f"v0:{now}:{text}".encode(), hashlib.sha256).hexdigest()
    kind = "application/x-www-form-urlencoded"
    return {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": f"v0={mac}", "Content-Type": kind}


def clients(url: str, answers: "multiprocessing.Queue[list[float]]") -> None:
    """The other process: every request once, 50 at a time; milliseconds of each."""
    answers.put(asyncio.run(_clients(url)))


async def _clients(url: str) -> list[float]:
    numbers, took = itertools.count(), list[float]()

    async def one(session: aiohttp.ClientSession) -> None:
        while (number := next(numbers)) < REQUESTS:
            text = body(number)
            began = time.perf_counter()
            async with session.post(url, data=text, headers=signed(text)) as answer:
                await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{url} answered {answer.status}")
            took.append((time.perf_counter() - began) * 1000)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CLIENTS)) as session:
        await asyncio.gather(*(one(session) for _ in range(CLIENTS)))
    return took


async def measured(app: web.Application, path: str) -> tuple[float, float, float]:
    """(acknowledgements a second, median ms, 99th percentile ms)."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    answers: multiprocessing.Queue[list[float]] = multiprocessing.get_context("spawn").Queue()
    process = multiprocessing.get_context("spawn").Process(
        target=clients, args=(f"http://{host}:{port}{path}", answers)
    )
    process.start()
    took = await asyncio.to_thread(answers.get)
    await asyncio.to_thread(process.join)
    await runner.cleanup()
    ordered = sorted(took)
    busy = sum(took) / CLIENTS / 1000
    return len(took) / busy, statistics.median(took), ordered[int(len(ordered) * 0.99)]


async def floor() -> tuple[float, float, float]:
    """The signature, and nothing else."""
    verifier = SignatureVerifier(SECRET)

    async def answer(request: web.Request) -> web.Response:
        text = await request.text()
        good = verifier.is_valid_request(text, dict(request.headers))
        return web.Response(status=200 if good else 401)

    app = web.Application()
    app.router.add_post("/slack/events", answer)
    return await measured(app, "/slack/events")


async def ours(folder: Path) -> tuple[float, float, float]:
    """Bolt, our middleware, the durable inbox, and the consumer behind it."""
    workspace = parse_workspace(TEAM, folder=folder)
    page = Playground(workspace, None)
    await page.start("127.0.0.1", 0)
    store = await Store.open(folder / "ack.sqlite", clock=Now())
    consumer, stop = Consumer(store.inbox), asyncio.Event()

    async def handle(_envelope: Envelope) -> None:
        return None

    consumer.register(DOOR, handle)
    running = asyncio.ensure_future(consumer.run(stop))
    async with aiohttp.ClientSession() as session:
        client = web_client(workspace.apps[0].bot_token, session, f"{page.url}/api/")
        bolt = build_app(client, Intake(consumer=consumer, clock=Now()), signing_secret=SECRET)
        app = web.Application()
        add_routes(app.router, bolt, SECRET)
        found = await measured(app, "/slack/events")
    stop.set()
    await running
    await store.close()
    await page.stop()
    return found


async def measure() -> list[Row]:
    """The table's rows."""
    with tempfile.TemporaryDirectory() as name:
        bare: Any = await floor()
        full: Any = await ours(Path(name))
    return [
        Row("signature only", bare[0], "acks/s", bare[0]),
        Row("signature only, median", bare[1], "ms", bare[1]),
        Row("signature only, 99th percentile", bare[2], "ms", bare[2]),
        Row("committed, then acknowledged", full[0], "acks/s", bare[0]),
        Row("committed, then acknowledged, median", full[1], "ms", bare[1]),
        Row("committed, then acknowledged, 99th percentile", full[2], "ms", bare[2]),
    ]


def main() -> None:
    """Print the table."""
    print(table(f"Acknowledgement, {CLIENTS} concurrent clients", asyncio.run(measure())))


if __name__ == "__main__":
    main()

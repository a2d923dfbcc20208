"""From the click on Approve to the recorded start of the action: the real demo, the real SDK, a real restart.

Both moments are of this machine's clock: just before the click is sent, and the `at` of `ActionStarted`. Beside it the
floor: a request to the same API that does nothing durable.
"""

import asyncio
import itertools
import json
import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.report import Row, table

ROUNDS = 12
REQUESTER, SRE, CHANNEL = "U0REQUESTER", "U0SRE0001", "C0INCIDENTS"


class Demo:
    """The demo in a process of its own."""

    def __init__(self, session: aiohttp.ClientSession, facts: dict[str, Any]) -> None:
        self._session = session
        self._page, self._http = facts["playground"], facts["http"]
        self._headers = {"Authorization": f"Bearer {facts['api_token']}"}

    async def act(self, action: str, **fields: Any) -> Any:
        """A person does something."""
        async with self._session.post(f"{self._page}/playground/{action}", json=fields) as answer:
            return await answer.json()

    async def state(self) -> Any:
        """What the page shows."""
        async with self._session.get(f"{self._page}/playground/state") as answer:
            return await answer.json()

    async def api(self, path: str) -> Any:
        """What the API says."""
        async with self._session.get(f"{self._http}{path}", headers=self._headers) as answer:
            return await answer.json()

    async def wedge(self) -> None:
        """Make the service ill, by its own page."""
        topic = next(c["topic"] for c in (await self.state())["channels"] if c["id"] == CHANNEL)
        text = topic if isinstance(topic, str) else topic["value"]
        url = next(word for word in text.split() if word.startswith("http"))
        async with self._session.post(f"{url}wedge", allow_redirects=False):
            return

    async def card(self, known: set[str]) -> Any:
        """The next approval card in the incident channel."""
        for _ in range(400):
            for message in (await self.state())["messages"]:
                named = (message.get("metadata") or {}).get("event_payload") or {}
                if named.get("approval_id") and named["approval_id"] not in known and message["channel"] == CHANNEL:
                    known.add(named["approval_id"])
                    return message
            await asyncio.sleep(0.05)
        raise TimeoutError("no card")


async def one(demo: Demo, known: set[str]) -> float:
    """Milliseconds from click to start."""
    await demo.wedge()
    await demo.act("command", user=REQUESTER, channel=CHANNEL, command="/ops", text="restart web")
    card = await demo.card(known)
    run_id = card["metadata"]["event_payload"]["run_id"]
    clicked = time.time()
    await demo.act("click", user=SRE, channel=CHANNEL, ts=card["ts"], action_id="approve")
    for _ in itertools.count():
        run = await demo.api(f"/v1/runs/{run_id}")
        if run["status"] == "finished":
            break
        await asyncio.sleep(0.05)
    events = (await demo.api(f"/v1/runs/{run_id}/events"))["events"]
    approval = next(e for e in reversed(events) if e["type"] == "ActionStarted" and e["data"].get("approval_id"))
    return (datetime.fromisoformat(approval["at"]).timestamp() - clicked) * 1000


async def measure() -> list[Row]:
    """The table's rows."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["demo", "--no-alerts", "--port", "7990", "--dir", folder]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            assert process.stdout is not None
            await asyncio.wait_for(process.stdout.readline(), 60)
            facts = json.loads(await asyncio.to_thread((Path(folder) / "demo.json").read_text))
            async with aiohttp.ClientSession() as session:
                demo, known = Demo(session, facts), set[str]()
                took = [await one(demo, known) for _ in range(ROUNDS)]
                bare = []
                for _ in range(50):
                    began = time.perf_counter()
                    await demo.api("/v1/approvals?status=open")
                    bare.append((time.perf_counter() - began) * 1000)
        finally:
            process.terminate()
            await process.wait()
    floor = statistics.median(bare)
    return [
        Row("a request that does nothing durable, median", floor, "ms", floor),
        Row("click to recorded start, median", statistics.median(took), "ms", floor),
        Row("click to recorded start, worst", max(took), "ms", floor),
    ]


def main() -> None:
    """Print the table."""
    print(table("From the click to the start", asyncio.run(measure())))


if __name__ == "__main__":
    main()

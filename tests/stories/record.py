"""The stories' logs, as they were: `python -m tests.stories.record` follows every story once more and keeps its log.

Kept are the events as the store encodes them. Every later version must fold them to the same end.
"""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path

from aiohttp import ClientSession

from bot.clock import SystemClock
from domain.events import Posted, Recorded, VoteRefused
from domain.evolve import replay
from domain.runs import Run
from state.codec import Encoded, decode, encode
from state.store import Store
from tests.stories.demo import Demo, laid_out
from tests.stories.page import CONTRACTOR, INCIDENTS, INFRA, REQUESTER, SRE, Json, Page

GOLDEN = Path(__file__).parent / "golden"


async def finding(page: Page) -> str:
    run = await page.asked(REQUESTER, "fix finding S3-7 in acme/infra", INFRA)
    await page.click(SRE, await page.card(run, "merge", INFRA), "merge")
    return run


async def alert(page: Page) -> str:
    known = set(await page.run_ids())
    await page.wedge()
    await page.alert("golden")
    run = await page.new_run(known)
    await page.click(SRE, await page.card(run, "approve", INCIDENTS), "approve")
    return run


async def question(page: Page) -> str:
    return await page.asked(REQUESTER, "why is web down?", INCIDENTS)


async def refusal(page: Page) -> str:
    return await page.asked(CONTRACTOR, "restart web", INCIDENTS)


async def override(page: Page) -> str:
    """Paused, resumed, redirected, and stopped in the end."""
    run, _ = await page.parked(INCIDENTS)
    await page.ops(SRE, f"pause {run}", INCIDENTS)
    await page.flags(run, "paused")
    await page.ops(REQUESTER, f"resume {run}", INCIDENTS)
    await page.flags(run)
    await page.ops(REQUESTER, f"redirect {run} fix finding S3-7 in acme/infra", INCIDENTS)
    await page.status(run, "waiting", "awaiting_approval")
    await page.ops(SRE, f"stop {run}", INCIDENTS)
    return run


# In this order: the override redirects to a finding that is still open.
STORIES: dict[str, Callable[[Page], Awaitable[str]]] = {
    "override": override,
    "refusal": refusal,
    "question": question,
    "alert": alert,
    "finding": finding,
}


def kept(log: Sequence[Recorded]) -> list[Json]:
    """A log as it is kept."""
    rows = []
    for recorded in log:
        encoded = encode(recorded.event)
        rows.append(
            {
                "seq": recorded.seq,
                "at": recorded.at.isoformat(),
                "type": encoded.type,
                "version": encoded.version,
                "payload": json.loads(encoded.payload),
            }
        )
    return rows


def read(name: str) -> tuple[str, list[Recorded]]:
    """A kept log, as the code of today reads it: (run id, events)."""
    document = json.loads((GOLDEN / f"{name}.json").read_text())
    run = document["run_id"]
    log = []
    for row in document["events"]:
        encoded = Encoded(row["type"], row["version"], json.dumps(row["payload"]).encode())
        event = decode(encoded, stream=run, seq=row["seq"])
        at = datetime.fromisoformat(row["at"])
        log.append(Recorded(stream=run, seq=row["seq"], at=at, event=event, position=row["seq"]))
    return run, log


def shape(log: Sequence[Recorded]) -> list[str]:
    """What happened, without ids and times, receipts, which come when Slack is quick or slow, and refused clicks."""
    return [type(each.event).__name__ for each in log if not isinstance(each.event, Posted | VoteRefused)]


def summary(run: Run) -> Json:
    """What a fold must come to."""
    return {
        "status": run.status.value,
        "outcome": run.outcome.value if run.outcome else None,
        "agent": run.agent,
        "iterations": run.iterations,
        "calls": [[each.call.tool, each.status.value] for each in run.records],
        "posted": len(run.posted),
    }


async def log_of(demo: Demo, run: str) -> list[Recorded]:
    """The run's log, from the store beside the running demo."""
    store = await Store.open(demo.directory / "state" / "countersign.sqlite", clock=SystemClock(), exclusive=False)
    try:
        return list(await store.journal.read(run))
    finally:
        await store.close()


async def _record(demo: Demo) -> None:
    async with ClientSession() as session:
        page = Page(demo, session)
        for name, story in STORIES.items():
            run = await story(page)
            await page.outcome(run)
            log = await log_of(demo, run)
            document = {"run_id": run, "summary": summary(replay(run, log)), "events": kept(log)}
            (GOLDEN / f"{name}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    """Follow them all in a demo of their own."""
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        demo = Demo(laid_out(Path(directory) / "demo"))
        try:
            demo.start()
            asyncio.run(_record(demo))
        finally:
            demo.close()


if __name__ == "__main__":
    main()

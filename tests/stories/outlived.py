"""A story followed through the deaths of its demo, by people and machines who try again as people and machines do."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import ClientError

from tests.stories.demo import Demo
from tests.stories.page import INCIDENTS, INFRA, REQUESTER, SRE, Page, buttons, payload_of

PLAIN = ("-m", "bot")
_PATIENCE_S = 2.0  # before somebody whose command was not acknowledged types it again
_STEP_S = 0.05


@dataclass
class Finding:
    """Story 1: asked for once acknowledged, merged by an SRE wherever a button shows."""

    action: str = "merge"
    channel: str = INFRA
    said: float = 0.0
    heard: bool = False

    async def begin(self, page: Page) -> None:
        """Type the command; again if nobody acknowledged it and nothing came of it."""
        if not self.heard and time.monotonic() - self.said > _PATIENCE_S:
            self.said = time.monotonic()
            self.heard = bool((await page.ops(REQUESTER, "fix finding S3-7 in acme/infra"))["ok"])


@dataclass
class Alert:
    """Story 2: Alertmanager sends until it is answered, an SRE countersigns."""

    action: str = "approve"
    channel: str = INCIDENTS
    heard: bool = False

    async def begin(self, page: Page) -> None:
        if not self.heard:
            self.heard = (await page.alert())["http"] == 202


async def outlive(page: Page, story: Finding | Alert, fuses: Iterator[str], within: float = 100) -> str:
    """Follow the story to its end; whenever the demo has died, start it again with the next fuse. The run's id."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            if not page.demo.alive:
                await _start(page.demo, next(fuses, None))
            run = await _run(page, story)
            if run is not None and await _over(page, story, run):
                return run
        except (ClientError, TimeoutError, FileNotFoundError):
            pass  # it has just died, or dies while it answers
        await asyncio.sleep(_STEP_S)
    raise AssertionError(f"not over after {within} s and {page.demo.lives} lives:\n{page.demo.said}")


async def restart(demo: Demo) -> None:
    """A last `kill -9`, and a life without a fuse."""
    if demo.alive:
        await asyncio.to_thread(demo.kill)
    await _start(demo, None)


async def _start(demo: Demo, fuse: str | None) -> None:
    demo.launcher = PLAIN if fuse is None else ("-m", "tests.stories.fuse", fuse)
    await asyncio.to_thread(demo.launch)
    ready = await asyncio.to_thread(demo.wait_ready)
    assert ready or not demo.alive, demo.said
    assert ready or (demo.process is not None and demo.process.returncode == -9), demo.said


async def _run(page: Page, story: Finding | Alert) -> str | None:
    """The story's run, begun if nothing has come of it yet."""
    found = await page.run_ids()
    assert len(found) < 2, "one occurrence is one run"
    if not found:
        await story.begin(page)
    return found[0] if found else None


async def _over(page: Page, story: Finding | Alert, run: str) -> bool:
    """Whether it has ended and Slack shows it; meanwhile, press the button that is there."""
    standing = await page.messages(run=run)
    asking = [m for m in standing if story.action in buttons(m) and m["channel"] == story.channel]
    if asking:
        await page.click(SRE, asking[-1], story.action)
    finished = (await page.run(run))["status"] == "finished"
    return finished and not asking and any(payload_of(m).get("key") == f"{run}:outcome" for m in standing)

"""The real demo as a process of its own, and people who click in a real Chromium."""

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from tests.page.conftest import CHROMIUM, FLAGS
from tests.stories.demo import Demo

PATIENCE_MS = 25_000

REQUESTER, SRE, CONTRACTOR = "U0REQUESTER", "U0SRE0001", "U0CONTRACT"
INFRA, INCIDENTS, APPROVALS = "C0INFRA0001", "C0INCIDENTS", "C0APPROVALS"


@dataclass(frozen=True)
class Pane:
    """One person's side of the page."""

    root: Locator

    @property
    def thread(self) -> Locator:
        return self.root.get_by_test_id("thread-pane")

    @property
    def channel(self) -> Locator:
        """The messages of the channel, without those of the open thread."""
        return self.root.locator("main.channel")

    @property
    def card(self) -> Locator:
        """The newest message of the channel that everybody sees."""
        return self.channel.locator("[data-testid=message]:not(.ephemeral)").last

    async def act_as(self, user: str) -> None:
        await self.root.locator(f"[data-testid=act-as-face][data-user={user}]").click()
        await expect(self.root.get_by_test_id("act-as")).to_have_attribute("data-user", user)

    async def go(self, channel: str) -> None:
        await self.root.locator(f".place[data-channel={channel}]").click()

    async def type(self, text: str) -> None:
        box = self.root.get_by_test_id("composer")
        await box.fill(text)
        await box.press("Enter")

    async def open_thread(self, about: str = "") -> None:
        """The thread of the newest card, or of the newest one that says so."""
        cards = self.channel.locator("[data-testid=message]:not(.ephemeral)")
        await cards.filter(has_text=about).last.get_by_test_id("thread-link").click()
        await expect(self.thread).to_be_visible()

    async def press(self, action: str, *, in_thread: bool = True) -> None:
        """The newest button of that name."""
        where = self.thread if in_thread else self.card
        await where.locator(f"[data-action-id={action}]").last.click()

    async def told(self, text: str) -> None:
        """Something that only this person sees says so."""
        await expect(self.root.locator(".msg.ephemeral", has_text=text).last).to_be_visible()


@dataclass(frozen=True)
class Stage:
    """The running demo and a browser to look at it."""

    demo: Demo
    browser: Browser

    async def page(self, user: str, channel: str) -> Page:
        context = await self.browser.new_context(viewport={"width": 1440, "height": 900})
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(f"{self.demo.url}/?as={user}&channel={channel}")
        await page.wait_for_selector("body.ready")
        return page

    async def pane(self, user: str, channel: str) -> Pane:
        return side(await self.page(user, channel))


def side(page: Page, number: int = 0) -> Pane:
    """A side of the page, from the left."""
    return Pane(page.get_by_test_id("pane").nth(number))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo as a newcomer starts it, alerts and all."""
    demo = Demo(tmp_path_factory.mktemp("clicked") / "demo", alerts=True)
    try:
        yield demo.start()
    finally:
        demo.close()


@pytest_asyncio.fixture
async def stage(demo: Demo) -> AsyncIterator[Stage]:
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        expect.set_options(timeout=PATIENCE_MS)
        yield Stage(demo, browser)
        await browser.close()


@pytest.fixture(autouse=True, scope="package")
def _seen() -> None:
    """Without a browser nothing here is looked at, which continuous integration does not accept."""
    if CHROMIUM is None:
        reason = "no chromium on the PATH: the stories were not clicked through"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)

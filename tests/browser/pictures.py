"""Takes the pictures of docs/images from the real demo: `python -m tests.browser.pictures [DIR]`. Needs chromium."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, async_playwright

from tests.browser.conftest import CONTRACTOR, INCIDENTS, INFRA, REQUESTER, SRE
from tests.page.conftest import CHROMIUM, FLAGS
from tests.stories.demo import Demo

IMAGES = Path(__file__).parents[2] / "docs" / "images"


async def pictures(demo: Demo, out: Path) -> None:
    """Stories 1, 2 and 4, really executed, as people saw them."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        await _finding(demo, browser, out)
        await _incident(demo, browser, out)
        await browser.close()


async def _finding(demo: Demo, browser: Browser, out: Path) -> None:
    async with _page(demo, browser, REQUESTER, INFRA) as page:
        await _type(page, "/ops fix finding S3-7 in acme/infra")
        await page.get_by_test_id("thread-link").click()
        await _thread(page).locator("[data-action-id=merge]").wait_for()
    async with _page(demo, browser, SRE, INFRA, height=2400) as page:
        await page.get_by_test_id("thread-link").click()
        card = _thread(page).get_by_test_id("message").filter(has_text="Ready to merge: acme/infra")
        await card.locator("[data-action-id=merge]").wait_for()
        await page.mouse.move(5, 5)
        await card.screenshot(path=out / "approval.png")
    async with _page(demo, browser, SRE, INFRA) as page:
        await page.get_by_test_id("thread-link").click()
        await _thread(page).locator("[data-action-id=merge]").wait_for()
        await page.mouse.move(5, 5)
        await page.screenshot(path=out / "page.png")
    async with _page(demo, browser, SRE, INFRA, dark=True) as page:
        await page.get_by_test_id("thread-link").click()
        await _thread(page).locator("[data-action-id=merge]").click()
        await _last(page, "Countersigned by")
        await page.mouse.move(5, 5)
        await page.screenshot(path=out / "dark.png")


async def _incident(demo: Demo, browser: Browser, out: Path) -> None:
    async with _page(demo, browser, SRE, INCIDENTS) as page:
        async with page.context.expect_page() as opened:
            await page.locator(".topic a").click()
        shop = await opened.value
        await shop.get_by_role("button", name="Wedge it").click()
        await shop.close()
        await page.get_by_test_id("thread-link").click()
        await _thread(page).locator("[data-action-id=approve]").wait_for()
    async with _page(demo, browser, SRE, INCIDENTS) as page:
        await page.get_by_test_id("thread-link").click()
        await _thread(page).locator("[data-action-id=approve]").click()
        await _last(page, "Countersigned by")
        await page.mouse.move(5, 5)
        await page.screenshot(path=out / "restart.png")
    async with _page(demo, browser, CONTRACTOR, INCIDENTS, width=1000) as page:
        await _type(page, "/ops restart web")
        card = page.get_by_test_id("message").filter(has_text="Refused by policy")
        await card.locator("[data-action-id=details]").wait_for()
        await page.mouse.move(5, 5)
        await card.screenshot(path=out / "refusal.png")


@asynccontextmanager
async def _page(
    demo: Demo, browser: Browser, user: str, channel: str, *, width: int = 1440, height: int = 900, dark: bool = False
) -> AsyncIterator[Page]:
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", locale="en-GB"
    )
    page = await context.new_page()
    await page.goto(f"{demo.url}/?as={user}&channel={channel}")
    await page.wait_for_selector("body.ready")
    yield page
    await context.close()


async def _type(page: Page, text: str) -> None:
    await page.get_by_test_id("composer").fill(text)
    await page.get_by_test_id("composer").press("Enter")


def _thread(page: Page) -> Locator:
    return page.get_by_test_id("thread-pane")


async def _last(page: Page, text: str) -> None:
    """Until the thread's last message says so, and the card in the channel with it."""
    await _thread(page).get_by_test_id("message").last.filter(has_text=text).wait_for()
    await page.locator("main.channel [data-testid=message]:not(.ephemeral)").last.filter(has_text="✓ Done").wait_for()


def main(out: Path) -> None:
    """Runs a demo of its own and leaves nothing behind but the pictures."""
    with tempfile.TemporaryDirectory() as scratch:
        demo = Demo(Path(scratch) / "demo", alerts=True)
        try:
            demo.start()
            asyncio.run(pictures(demo, out))
        finally:
            demo.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)

"""Story 5 by button: pause, resume, deny, stop."""

import pytest
from playwright.async_api import expect

from .conftest import INFRA, REQUESTER, SRE, Stage, side

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


async def test_a_person_pauses_resumes_denies_and_stops_by_button(stage: Stage) -> None:
    page = await stage.page(REQUESTER, INFRA)
    requester = side(page)
    live = requester.card
    await requester.type("/ops fix finding S3-7 in acme/infra")
    await requester.press("pause", in_thread=False)
    await expect(live).to_contain_text("Paused")
    await requester.press("resume", in_thread=False)
    await expect(live).to_contain_text("Waiting for a person to merge")
    await expect(live).not_to_contain_text("Paused")

    sre = await stage.pane(SRE, INFRA)
    await sre.open_thread()
    await sre.press("deny")
    form = sre.root.get_by_test_id("modal")
    await form.locator("textarea").fill("Not in this week.")
    await form.get_by_test_id("modal-submit").click()
    await expect(form).to_be_hidden()
    await expect(sre.thread).to_contain_text("⊘ Denied: acme/infra")
    await expect(sre.thread).to_contain_text("Not in this week.")

    await requester.type("/ops fix finding S3-7 in acme/infra")
    await expect(live.locator("[data-action-id=pause]")).to_be_visible()
    await requester.press("stop", in_thread=False)
    await page.get_by_test_id("confirm-yes").click()
    await expect(live).to_contain_text("■ Stopped")
    await expect(live.locator("[data-action-id=stop]")).to_have_count(0)

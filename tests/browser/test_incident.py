"""Stories 2 and 4 as people click them: an alert and its restart, and who may not ask for one."""

import pytest
from playwright.async_api import expect

from .conftest import CONTRACTOR, INCIDENTS, SRE, Stage, side

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

ALERT = "web does not answer its health check"


async def test_an_alert_becomes_one_countersigned_restart(stage: Stage) -> None:
    page = await stage.page(SRE, INCIDENTS)
    sre = side(page)
    async with page.context.expect_page() as opened:
        await page.locator(".topic a").click()
    shop = await opened.value
    await expect(shop.locator("h1")).to_contain_text("healthy")
    await shop.get_by_role("button", name="Wedge it").click()
    await expect(shop.locator("h1")).to_contain_text("down")
    await page.bring_to_front()

    await sre.open_thread(ALERT)
    card = sre.thread.get_by_test_id("message").filter(has_text="Countersignature asked: service.restart on prod/web")
    for fact in ("Restart web.", "Generation: 1, becomes 2", "Prediction:", "Check that follows", "Rollback:"):
        await expect(card).to_contain_text(fact)
    contractor = await stage.pane(CONTRACTOR, INCIDENTS)
    await contractor.open_thread(ALERT)
    await contractor.press("approve")
    await expect(contractor.root.locator(".msg.ephemeral").last).to_contain_text("Who can help: group sre")

    await sre.root.locator(".place", has_text="Countersign").click()
    await page.get_by_test_id("tab-home").click()
    home = page.get_by_test_id("app-home")
    await expect(home).to_contain_text("someone of group sre is asked: Restart web.", ignore_case=True)
    await sre.go(INCIDENTS)
    await sre.open_thread(ALERT)
    await sre.press("details")
    details = page.get_by_test_id("modal")
    await expect(details).to_contain_text("Prediction, in the operator's words (not checked)")
    await page.get_by_test_id("modal-close").click()
    await expect(details).to_be_hidden()
    await sre.press("approve")
    await expect(sre.thread).to_contain_text("✓ Done: service.restart on prod/web")
    await expect(sre.thread.get_by_test_id("message").last).to_contain_text("generation 1 became 2")
    live = sre.channel.get_by_test_id("message").filter(has_text=ALERT)
    await expect(live).to_contain_text("✓ Done")
    await shop.reload()
    await expect(shop.locator("h1")).to_contain_text("healthy")
    await expect(shop.locator("dl")).to_contain_text("Generation2")


async def test_a_contractor_is_refused_with_the_rule_and_who_can_help(stage: Stage) -> None:
    contractor = await stage.pane(CONTRACTOR, INCIDENTS)
    await contractor.type("/ops restart web")
    card = contractor.card
    await expect(card).to_contain_text("⊘ Refused by policy")
    await expect(card).to_contain_text("contractors-no-production, policies/organization.yaml:3")
    await expect(card).to_contain_text("Who can help: group sre")
    await expect(card.locator("[data-action-id=approve]")).to_have_count(0)

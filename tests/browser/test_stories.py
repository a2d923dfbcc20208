"""The stories as a newcomer clicks them, in a real browser against the real demo."""

import pytest
from playwright.async_api import expect

from .conftest import CONTRACTOR, INCIDENTS, INFRA, REQUESTER, SRE, Stage, side

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


async def test_a_finding_becomes_a_merged_change_with_two_people_side_by_side(stage: Stage) -> None:
    page = await stage.page(REQUESTER, INFRA)
    requester = side(page)
    await requester.type("/ops fix finding S3-7 in acme/infra")
    await requester.told("its card is here in a moment")
    await requester.open_thread()
    card = requester.thread.get_by_test_id("message").filter(has_text="Ready to merge: acme/infra")
    await expect(card).to_contain_text("Merge acme/infra#1: Encrypt buckets at rest (S3-7)")
    await expect(card).to_contain_text("scan passed (no findings)")
    await expect(card.locator(".line.add", has_text="kms_master_key_id = aws_kms_key.data.arn")).to_be_visible()

    await page.get_by_test_id("split").click()
    sre = side(page, 1)
    await sre.act_as(SRE)
    await sre.go(INFRA)
    await sre.open_thread()
    await requester.press("merge")
    await requester.told("Whoever asked for it, or shaped it, cannot countersign it.")
    await expect(sre.root.locator(".msg.ephemeral", has_text="cannot countersign")).to_have_count(0)
    await sre.press("merge")
    for person in (requester, sre):
        await expect(person.card).to_contain_text("✓ Done")
        await expect(person.thread).to_contain_text("✓ Merged: acme/infra")
        await expect(person.thread.get_by_test_id("message").last).to_contain_text("Countersigned by @SRE")
    await expect(requester.thread).to_contain_text("the scan of exactly that commit is clean")
    await expect(requester.thread.locator("[data-action-id=merge]")).to_have_count(0)


async def test_an_alert_becomes_one_countersigned_restart(stage: Stage) -> None:
    page = await stage.page(SRE, INCIDENTS)
    sre = side(page)
    async with page.context.expect_page() as opened:
        await page.locator(".topic a").click()
    shop = await opened.value
    await expect(shop.locator("h1")).to_contain_text("healthy")
    await shop.get_by_role("button", name="Wedge it").click()
    await expect(shop.locator("h1")).to_contain_text("down")

    await sre.open_thread()
    card = sre.thread.get_by_test_id("message").filter(has_text="Countersignature asked: service.restart on prod/web")
    for fact in ("Restart web.", "Generation: 1, becomes 2", "Prediction:", "Check that follows", "Rollback:"):
        await expect(card).to_contain_text(fact)
    contractor = await stage.pane(CONTRACTOR, INCIDENTS)
    await contractor.open_thread()
    await contractor.press("approve")
    await expect(contractor.root.locator(".msg.ephemeral").last).to_contain_text("Who can help: group sre")

    await sre.root.locator(".place", has_text="Countersign").click()
    await page.get_by_test_id("tab-home").click()
    home = page.get_by_test_id("app-home")
    await expect(home).to_contain_text("someone of group sre is asked: Restart web.", ignore_case=True)
    await sre.go(INCIDENTS)
    await sre.open_thread()
    await sre.press("details")
    details = page.get_by_test_id("modal")
    await expect(details).to_contain_text("Prediction, in the operator's words (not checked)")
    await page.get_by_test_id("modal-close").click()
    await expect(details).to_be_hidden()
    await sre.press("approve")
    await expect(sre.thread).to_contain_text("✓ Done: service.restart on prod/web")
    await expect(sre.thread.get_by_test_id("message").last).to_contain_text("generation 1 became 2")
    await expect(sre.card).to_contain_text("✓ Done")
    await shop.reload()
    await expect(shop.locator("h1")).to_contain_text("healthy")
    await expect(shop.locator("dl")).to_contain_text("Generation2")


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


async def test_a_contractor_is_refused_with_the_rule_and_who_can_help(stage: Stage) -> None:
    contractor = await stage.pane(CONTRACTOR, INCIDENTS)
    await contractor.type("/ops restart web")
    card = contractor.card
    await expect(card).to_contain_text("⊘ Refused by policy")
    await expect(card).to_contain_text("contractors-no-production, policies/organization.yaml:3")
    await expect(card).to_contain_text("Who can help: group sre")
    await expect(card.locator("[data-action-id=approve]")).to_have_count(0)

"""Story 1 as two people click it, side by side."""

import pytest
from playwright.async_api import expect

from .conftest import INFRA, REQUESTER, SRE, Stage, side

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

"""What networks and people do to messages: twice, late, out of order, lost, refused; one outcome."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.stories.demo import Demo
from tests.stories.page import APPROVALS, BOT, REQUESTER, SRE, SRE2, Page, buttons, until
from tests.stories.truth import generation, no_message_twice, sound

CALM = {
    "duplicate": 0, "reorder": 0, "delay_ms": 0, "drop": 0, "lose": 0, "rate_limit": 0, "server_error": 0,
    "server_error_after_commit": 0,
}  # fmt: skip


@pytest.fixture
async def page(page: Page) -> AsyncIterator[Page]:
    """The shared demo's page; no fault outlives its test."""
    yield page
    assert (await page.do("faults", **CALM))["ok"]


async def restarted_once(page: Page, run: str, before: int) -> None:
    """The run ended well, and what may happen once has."""
    assert await page.ended(run) == "succeeded"
    assert generation(page.demo) == before + 1
    types = await page.types(run)
    assert types.count("ApprovalGranted") == 1
    started = [e for e in await page.events(run) if e["type"] == "ActionStarted" and e["data"].get("approval_id")]
    assert len(started) == 1


async def test_everything_is_delivered_three_times(demo: Demo, page: Page, room: str) -> None:
    before, known = generation(demo), set(await page.run_ids())
    await page.do("faults", duplicate=2)
    run, card = await page.parked(room)
    assert (await page.click(SRE, card, "approve"))["ok"]
    await restarted_once(page, run, before)
    assert set(await page.run_ids()) - known == {run}


async def test_mentions_come_out_of_order_and_twice(demo: Demo, page: Page, room: str) -> None:
    known = set(await page.run_ids())
    await page.do("faults", reorder=3, duplicate=1)
    for question in ("is web healthy?", "how is web?", "what happened to web?"):
        await page.do("say", user=REQUESTER, channel=room, text=f"<@{BOT}> {question}")

    async def three() -> set[str] | None:
        found = set(await page.run_ids()) - known
        return found if len(found) >= 3 else None

    runs = await until(three, 15, "three runs")
    assert [await page.ended(run) for run in runs] == ["succeeded"] * 3


async def test_a_mention_is_lost_once_and_comes_again(demo: Demo, page: Page, room: str) -> None:
    known = set(await page.run_ids())
    await page.do("faults", drop=1)
    await page.do("say", user=REQUESTER, channel=room, text=f"<@{BOT}> is web healthy?")
    assert await page.ended(await page.new_run(known)) == "succeeded"
    assert len(set(await page.run_ids()) - known) == 1


async def test_everything_comes_late(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    await page.do("faults", delay_ms=400)
    run, card = await page.parked(room)
    assert (await page.click(SRE, card, "approve"))["ok"]
    await restarted_once(page, run, before)


async def test_slack_posts_and_answers_500(demo: Demo, page: Page, room: str) -> None:
    await page.do("faults", server_error_after_commit={"method": "chat.postMessage", "count": 4})
    run, card = await page.parked(room)
    assert (await page.click(SRE, card, "approve"))["ok"]
    assert await page.ended(run) == "succeeded"
    await no_message_twice(page)


async def test_slack_says_wait_and_fails_before_it_does_anything(demo: Demo, page: Page, room: str) -> None:
    limit = {"method": "chat.postMessage", "count": 2, "retry_after": 1}
    await page.do("faults", rate_limit=limit, server_error={"method": "chat.postMessage", "count": 2})
    run = await page.asked(REQUESTER, "why is web down?", room)
    assert await page.outcome(run) == "succeeded"
    await no_message_twice(page)


async def test_a_double_click_is_one_vote(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run, card = await page.parked(room)
    both = await asyncio.gather(page.click(SRE, card, "approve"), page.click(SRE, card, "approve"))
    assert any(answer["ok"] for answer in both)
    await restarted_once(page, run, before)
    assert (await page.types(run)).count("VoteCast") == 1


async def test_two_approvers_at_the_same_instant_start_it_once(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run, card = await page.parked(room)
    copy = await page.card(run, "approve", APPROVALS)
    await asyncio.gather(page.click(SRE, card, "approve"), page.click(SRE2, copy, "approve"))
    await restarted_once(page, run, before)
    told = [text for person in (SRE, SRE2) for text in await page.private(person)]
    assert any("decided already" in text for text in told), "the later one hears it"


async def test_an_approval_and_a_denial_at_the_same_instant_are_one_decision(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run, card = await page.parked(room)
    assert (await page.click(SRE2, card, "deny"))["ok"]
    form = await until(lambda: page.form(SRE2), 5, "the form that asks why")
    await asyncio.gather(
        page.click(SRE, card, "approve"), page.do("submit", user=SRE2, view_id=form["id"], values={"text": "not now"})
    )
    await page.ended(run)
    [approval] = (await page.run(run))["approvals"]
    assert approval["status"] in ("used", "denied")
    assert generation(demo) == before + (approval["status"] == "used")


async def test_a_click_on_an_old_card_changes_nothing(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run, card = await page.parked(room)
    assert (await page.click(SRE, card, "approve"))["ok"]
    await restarted_once(page, run, before)
    for person in (SRE, SRE2):
        old = await page.click(person, card, "approve", stale=True, value=buttons(card)["approve"])
        assert old["ok"], "it is heard, and answered"
        await page.told(person, "decided already")
    forged = buttons(card)["approve"].rpartition(":")[0] + ":" + "0" * 64
    assert (await page.click(SRE, card, "approve", stale=True, value=forged))["ok"]
    assert (await page.types(run)).count("VoteCast") == 1
    assert generation(demo) == before + 1


async def test_all_of_it_is_in_a_sound_log(demo: Demo, page: Page) -> None:
    assert None not in (await sound(demo)).values()
    await no_message_twice(page)

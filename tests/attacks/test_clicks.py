"""Forged, replayed and misplaced clicks against a real demo, over the playground's control API."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.demo import Demo, laid_out
from tests.stories.page import APPROVALS, CONTRACTOR, GUEST, REQUESTER, SECURITY, SRE, SRE2, Json, Page, buttons
from tests.stories.truth import generation, sound

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, sample_forge: Path) -> Iterator[Demo]:
    """A demo behind a proxy that is not there: what stays on this machine needs none."""
    proxies = {"HTTP_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    demo = Demo(laid_out(tmp_path_factory.mktemp("clicks") / "demo", sample_forge), environ=proxies)
    try:
        yield demo.start()
    finally:
        demo.close()


async def pressed(page: Page, user: str, message: Json, value: str, *, stale: bool = True) -> None:
    await page.click(user, message, "approve", value=value, stale=stale)


async def test_no_forged_click_starts_anything_and_the_right_one_does(demo: Demo, page: Page, room: str) -> None:
    run, card = await page.parked(room)
    copy = await page.card(run, "approve", APPROVALS)
    before = generation(demo)
    approval, digest = buttons(card)["approve"].split()
    own = (await page.do("say", user=SRE, channel=room, text="a message of my own"))["ts"]
    elsewhere = {"channel": room, "ts": own}
    foreign = next(m for m in await page.messages(room, run) if m["ts"] not in (card["ts"], copy["ts"]))

    for user in (REQUESTER, CONTRACTOR, GUEST, SECURITY):
        await pressed(page, user, card, f"{approval} {digest}", stale=user == GUEST)
    for value in (f"{approval} {digest[:12]}", f"{approval} sha256:", f"{approval} {digest} x", approval, "", digest):
        await pressed(page, SRE, card, value)
    for value in (f"organization.c1 {digest}", f"r-aaaaaaaaaa.c1 {digest}", f"{approval}.c1 {digest}"):
        await pressed(page, SRE, card, value)
    for message in (elsewhere, foreign):
        await pressed(page, SRE, message, f"{approval} {digest}")
    await asyncio.sleep(4)
    assert "ActionStarted" not in (await page.types(run))[(await page.types(run)).index("ApprovalRequested") :]
    assert "VoteCast" not in await page.types(run)
    assert generation(demo) == before

    await page.do("channel", channel=room, is_ext_shared=True)
    await pressed(page, SRE, card, f"{approval} {digest}")
    await page.do("channel", channel=room, is_ext_shared=False)
    await page.do("deactivate", user=SRE)
    await pressed(page, SRE, copy, f"{approval} {digest}")
    await asyncio.sleep(2)
    assert "VoteCast" not in await page.types(run)
    assert (await page.click(SRE2, copy, "approve"))["ok"]
    assert await page.ended(run) == "succeeded"
    assert generation(demo) == before + 1

    for user in (SRE2, SECURITY):  # a click again, on an old copy of the card
        await pressed(page, user, card, f"{approval} {digest}")
    await asyncio.sleep(1)
    assert generation(demo) == before + 1
    assert (await sound(demo))[run] == "succeeded"

"""A freeze from Slack: refused with the right words, lifted, gone through; cards that wait meanwhile; broken glass."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.stories.demo import Demo, laid_out
from tests.stories.page import (
    APPROVALS,
    CONTRACTOR,
    GUEST,
    REQUESTER,
    SECURITY,
    SRE,
    SRE2,
    Json,
    Page,
    buttons,
    until,
    words,
)
from tests.stories.truth import generation, no_message_twice, sound

pytestmark = pytest.mark.timeout(120)
WHY = "the shop is down and nobody answers"


def two_or_glass(directory: Path) -> Path:
    """Here production asks for two of the SRE group, and permits one of them to force it."""
    path = directory / "policies" / "production.yaml"
    rules = yaml.safe_load(path.read_text())
    rule = rules["policies"][0]
    rule["approve"] = [{"from": "group:sre", "count": 2, "within": "4h", "use_within": "15m", "break_glass": True}]
    del rule["tests"]
    path.write_text(yaml.safe_dump(rules, sort_keys=False))
    return directory


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(two_or_glass(laid_out(tmp_path_factory.mktemp("freezes") / "demo")))
    try:
        yield demo.start()
    finally:
        demo.close()


async def noticed(page: Page, what: str) -> Json:
    """A notice where approvers meet."""

    async def look() -> Json | None:
        return next((m for m in await page.messages(APPROVALS) if what in words(m)), None)

    return await until(look, 15, f"a notice of {what!r}")


async def name_of(page: Page, user: str) -> str:
    """The freeze that this person has declared last."""
    said = [text for text in await page.private(user) if "lifts it" in text]
    return said[-1].partition("/ops unfreeze ")[2].split("`")[0].split()[0]


async def test_a_freeze_refuses_with_the_right_words_and_lifted_it_goes_through(
    demo: Demo, page: Page, room: str
) -> None:
    before = generation(demo)
    await page.ops(REQUESTER, "freeze prdo until tomorrow 08:00", room)
    assert "Nothing was frozen" in await page.told(REQUESTER, "“prdo” is nothing that the catalogue knows")
    await page.ops(REQUESTER, "freeze prod until tomorrow 08:00 because of the demo day", room)
    told = await page.told(REQUESTER, "Frozen: env=prod, until")
    assert "In the catalogue that is prod/*, prod/web." in told
    await noticed(page, "❄ Frozen: ")
    name = await name_of(page, REQUESTER)

    await page.wedge()
    run = await page.asked(REQUESTER, "restart web", room)
    assert await page.outcome(run) != "succeeded"
    said = "\n".join(words(m) for m in await page.messages(room, run))
    assert "frozen by" in said
    assert "the demo day (until " in said
    assert "ApprovalRequested" not in await page.types(run)
    assert generation(demo) == before

    await page.ops(CONTRACTOR, f"unfreeze {name}", room)
    await page.told(CONTRACTOR, "Only administrators may")
    await page.ops(GUEST, "freeze everything until tomorrow", room)
    await page.ops(SRE, f"unfreeze {name} the demo is over", room)  # an administrator
    await page.told(SRE, "is lifted")
    await noticed(page, "❄ Lifted: ")
    again, card = await page.parked(room)
    assert (await page.click(SRE, card, "approve"))["ok"]
    assert (await page.click(SRE2, card, "approve"))["ok"]
    assert await page.ended(again) == "succeeded"
    assert generation(demo) == before + 1


async def test_a_card_that_waits_is_frozen_and_thawed(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run, card = await page.parked(room)
    assert (await page.click(SRE, card, "approve"))["ok"]
    value = buttons(card)["approve"]
    assert demo.cli("freeze", "prod/web", "--until", "2h", "--why", "from a shell").code == 0

    async def frozen() -> bool:
        found = [m for m in await page.messages(run=run) if "deny" in buttons(m)]
        return len(found) == 2 and not any("approve" in buttons(m) for m in found)

    async def thawed() -> bool:
        found = [m for m in await page.messages(run=run) if "deny" in buttons(m)]
        return len(found) == 2 and all("approve" in buttons(m) for m in found)

    await until(frozen, 20, "the card and its copy to be frozen")
    await page.click(SRE2, card, "approve", value=value, stale=True)
    await page.told(SRE2, "This is frozen now")
    assert (await page.types(run)).count("VoteCast") == 1
    listed = demo.cli("freezes", "--json")
    [one] = [one for one in listed.json if one["holds"]]
    assert (one["covers"], one["why"]) == ("resource prod/web", "from a shell")
    assert demo.cli("unfreeze", one["id"]).code == 0
    await until(thawed, 20, "the card and its copy to be thawed")
    assert (await page.click(SRE2, card, "approve"))["ok"]  # the vote of before still counts
    assert await page.ended(run) == "succeeded"
    assert generation(demo) == before + 1


async def test_a_freeze_ends_by_itself_and_says_so(demo: Demo, page: Page, room: str) -> None:
    run, card = await page.parked(room)
    soon = datetime.now(UTC) + timedelta(seconds=6)
    assert demo.cli("freeze", "everything", "--until", soon.isoformat()).code == 0
    assert demo.cli("freeze", "everything", "--until", "2020-01-01").code == 1
    assert demo.cli("freeze", "nowhere/*", "--until", "1h").code == 1
    assert demo.cli("freeze", "prod", "--until", "whenever").code == 2
    await until(lambda: _over(page), 30, "the freeze to end by itself")
    assert (await page.click(SRE, await page.card(run, "break_glass", room), "deny"))["ok"]
    form = await until(lambda: page.form(SRE), 5, "the form that asks why")
    assert (await page.do("submit", user=SRE, view_id=form["id"], values={"text": "enough"}))["ok"]
    await page.ended(run)
    assert card["channel"] == room


async def _over(page: Page) -> bool:
    return any("Its time has come" in words(m) for m in await page.messages(APPROVALS))


async def test_glass_is_broken_by_one_with_a_reason_and_everybody_hears(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run, card = await page.parked(room)
    for user, why in ((REQUESTER, "asked for it, or shaped it"), (SECURITY, "asks somebody else")):
        await page.ops(user, f"break-glass {run} {WHY}", room)
        await page.told(user, why)
    await page.ops(SRE, f"break-glass {run} soon", room)
    await page.told(SRE, "needs a reason")
    assert "GlassBroken" not in await page.types(run)
    assert (await page.click(SRE2, card, "break_glass"))["ok"]
    form = await until(lambda: page.form(SRE2), 5, "the form that asks why")
    assert not (await page.do("submit", user=SRE2, view_id=form["id"], values={"text": "now!"}))["ok"]
    assert (await page.do("submit", user=SRE2, view_id=form["id"], values={"text": WHY}))["ok"]
    assert await page.outcome(run) == "succeeded"
    assert generation(demo) == before + 1
    notice = await noticed(page, "broke the glass")
    assert WHY in words(notice)
    told = {m["channel"] for m in await page.messages() if "broke the glass" in words(m) and m["channel"][0] == "D"}
    assert len(told) == 2  # both administrators; one of them is the auditor
    shown = demo.cli("runs", "show", run)
    assert WHY in shown.out
    assert "break_glass" in shown.out


async def test_the_switch_is_announced_and_stands_on_the_cards(demo: Demo, page: Page, room: str) -> None:
    run, _ = await page.parked(room)
    await page.ops(REQUESTER, "stop-all a drill", room)
    await noticed(page, "■ Everything is stopped")

    async def said() -> bool:
        cards = [m for m in await page.messages(room, run) if {"deny", "pause"} & set(buttons(m))]
        return len(cards) == 2 and all("Everything is stopped" in words(m) for m in cards)

    await until(said, 15, "the cards to say that everything is stopped")
    await page.do("open_home", user=SRE)
    await page.ops(SRE, "resume-all", room)
    await noticed(page, "▶ Everything goes on")
    await page.ops(REQUESTER, f"stop {run}", room)
    assert await page.ended(run) == "stopped"


async def test_everything_said_above_is_in_a_sound_log(demo: Demo, page: Page) -> None:
    assert None not in (await sound(demo)).values()
    await no_message_twice(page)

"""The ladder in the running demo: a record, a promotion that others countersign, and one broken prediction."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.stories.demo import Demo, laid_out
from tests.stories.page import APPROVALS, GUEST, REQUESTER, SECURITY, SRE, SRE2, Json, Page, buttons, until, words
from tests.stories.truth import Infra, no_message_twice, sound

pytestmark = pytest.mark.timeout(150)
FIX = "fix finding S3-7 in acme/infra"


def first_only(directory: Path) -> Path:
    """Here one merge is enough, and the runbook predicts of its change request what only the first one fulfils."""
    path = directory / "agents" / "remediation.yaml"
    agent = yaml.safe_load(path.read_text())
    agent["earns"][0]["after"]["approved"] = 1
    path.write_text(yaml.safe_dump(agent, sort_keys=False))
    path = directory / "runbooks" / "encrypt-bucket.yaml"
    runbook = yaml.safe_load(path.read_text())
    step = next(step for step in runbook["steps"] if step["id"] == "open")
    step["call"]["expect"] = {"condition": "result.number == 1", "describe": "it is the first change request"}
    path.write_text(yaml.safe_dump(runbook, sort_keys=False))
    return directory


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, sample_forge: Path) -> Iterator[Demo]:
    demo = Demo(first_only(laid_out(tmp_path_factory.mktemp("autonomy") / "demo", sample_forge)))
    try:
        yield demo.start()
    finally:
        demo.close()


def found_again(demo: Demo) -> None:
    """Somebody takes the encryption out again: there is a finding once more."""
    infra = Infra(demo.directory)
    first = infra.git("rev-list", "--max-parents=0", "main").strip()
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@acme.example")
    made = infra.git(*who, "commit-tree", f"{first}^{{tree}}", "-p", "main", "-m", "Take it out again").strip()
    infra.git("update-ref", "refs/heads/main", made)
    assert not infra.encrypted()


async def stands(demo: Demo) -> Json:
    """Where the agent stands, by a shell beside the demo."""
    told = demo.cli("autonomy", "remediation", "--json")
    assert told.code == 0, told.err
    [standing] = told.json["agents"]
    return dict(standing)


async def noticed(page: Page, what: str) -> str:
    """A notice where approvers meet."""

    async def look() -> str | None:
        return next((words(m) for m in await page.messages(APPROVALS) if what in words(m)), None)

    return await until(look, 15, f"a notice of {what!r}")


async def why(page: Page, run: str) -> str:
    """What `/ops why RUN` tells whoever asks."""
    await page.ops(REQUESTER, f"why {run}")
    return await page.told(REQUESTER, f"Why · {run}")


async def decided(page: Page, run: str) -> Json:
    [event] = [event for event in await page.events(run) if event["type"] == "PolicyDecided"]
    return dict(event["data"]["decision"])


async def test_an_agent_climbs_by_its_record_and_falls_by_one_broken_prediction(
    demo: Demo, page: Page, room: str
) -> None:
    await page.ops(SRE, "autonomy promote remediation", room)
    await page.told(SRE, "Not yet: 0 of 1 approved as proposed within 30d")
    first = await page.asked(REQUESTER, FIX, room)
    assert (await page.click(SRE, await page.card(first, "merge", room), "merge"))["ok"]
    assert await page.outcome(first) == "succeeded", [words(m) for m in await page.by_key(first, "outcome")]
    assert (await stands(demo))["next"]["lacking"] == []
    await page.ops(GUEST, "autonomy remediation", room)
    shown = await page.told(GUEST, "agent: remediation")
    assert "starts from: draft" in shown
    assert "record: 1 approved as proposed, 0 denied, 0 edited" in shown
    assert "next rung: sandbox, which also admits to execute in a lent environment" in shown

    promotion = await promoted(page, room)
    standing = await stands(demo)
    assert (standing["given"], standing["starts"]) == ("draft", "sandbox")
    assert (standing["earned"]["run_id"], standing["earned"]["by"]) == (promotion, [f"user:{SRE2}"])
    earned = await noticed(page, "▲ Earned: remediation starts from sandbox")
    assert SRE2 in earned
    assert promotion in earned
    assert "Its record: 1 approved as proposed" in earned

    found_again(demo)
    second = await page.asked(REQUESTER, FIX, room)

    async def told() -> bool:
        said = [words(m) for m in await page.messages(room, second)]
        return any("remediation has lost the tier that this run began with, by itself" in text for text in said)

    await until(told, 30, "the thread to hear that the tier is lost")
    lost = await noticed(page, "▼ Lost: remediation starts from the tier of its file again, by itself")
    assert f"forge.open_change of {second} did not come out as predicted" in lost
    assert (await decided(page, second))["tier"] == 3
    said = await why(page, second)
    line = (await stands(demo))["next"]["line"]
    assert f"earned:remediation (agents/remediation.yaml:{line})" in said
    await page.ended(second)

    standing = await stands(demo)
    assert (standing["starts"], standing["earned"]) == ("draft", None)
    assert standing["next"]["lacking"][0] == "0 of 1 approved as proposed within 30d", "it begins from the bottom"
    third = await page.asked(REQUESTER, FIX, room)
    await page.ended(third)
    decision = await decided(page, third)
    assert decision["tier"] == 2
    assert "earned:remediation" not in str(decision["reasons"])
    await page.ops(SRE, "autonomy demote remediation enough for now", room)
    await page.told(SRE, "remediation has earned nothing that could be taken back")
    assert (await sound(demo))[promotion] == "succeeded"
    await no_message_twice(page)


async def promoted(page: Page, room: str) -> str:
    """The requester asks for the promotion, others countersign it; what they see is all there is to know."""
    await page.ops(SRE, "autonomy promote remediation", room)
    said = await page.told(SRE, "Proposed as `r-")  # by this, or by the review of every minute, which was joined then
    promotion = said.partition("`")[2].partition("`")[0]
    card = await page.card(promotion, "approve")
    assert card["channel"] == APPROVALS, "no door placed it, and people have to see it"
    text = words(card)
    for part in (
        "New runs of remediation would start from sandbox; now: draft",
        "sandbox, which also admits to execute in a lent environment",
        "1 approved as proposed within 30d of forge.merge, at most 1 denied and 0 edited",
        "(agents/remediation.yaml:",
        "1 approved as proposed, 0 denied, 0 edited",
        "must show result['starts from'].startsWith(\"sandbox\")",
        "One prediction that does not hold, or one rollback",
        "/ops autonomy demote remediation",
        "earns:remediation:sandbox (agents/remediation.yaml:",
        "someone of group sre",
    ):
        assert part in text, part
    assert "taint" not in text.lower()
    for person, why_not in ((SRE, "Whoever asked for it"), (SECURITY, "asks somebody else")):
        assert (await page.click(person, card, "approve"))["ok"]
        await page.told(person, why_not)
    assert "VoteCast" not in await page.types(promotion)
    assert (await page.click(SRE2, card, "approve"))["ok"]
    assert await page.outcome(promotion) == "succeeded"
    [end] = await page.by_key(promotion, "outcome")
    assert "remediation starts from sandbox from now on" in words(end)
    assert not any("approve" in buttons(m) for m in await page.messages(run=promotion))
    return promotion

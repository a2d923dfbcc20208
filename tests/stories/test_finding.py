"""Story 1: a finding becomes a change request, a second person merges it, the scan of what was applied closes it."""

from tests.stories.demo import Demo
from tests.stories.page import CONTRACTOR, GUEST, INFRA, REQUESTER, SRE, Page, buttons, words
from tests.stories.record import log_of, read, shape
from tests.stories.truth import Infra, no_message_twice, sound


async def test_a_finding_is_merged_applied_and_clean(demo: Demo, page: Page) -> None:
    infra = Infra(demo.directory)
    assert not infra.encrypted()
    run = await page.asked(REQUESTER, "fix finding S3-7 in acme/infra")
    card = await page.card(run, "merge", INFRA)

    branch = f"countersign/{run}"
    assert infra.branches == [branch]
    assert [(change["branch"], change["state"]) for change in infra.changes] == [(branch, "open")]
    assert infra.encrypted(branch)
    assert not infra.encrypted()
    difference = infra.git("diff", f"main...{branch}")
    assert difference.strip() in words(card), "the card shows the whole difference"

    for person, why in [
        (REQUESTER, "Whoever asked for it"),
        (CONTRACTOR, "somebody else to countersign"),
        (GUEST, "guests, external people and bots do not"),
    ]:
        assert (await page.click(person, card, "merge"))["ok"]
        await page.told(person, why)
    assert "VoteCast" not in await page.types(run)
    assert [change["state"] for change in infra.changes] == ["open"]

    assert (await page.click(SRE, card, "merge"))["ok"]
    assert await page.outcome(run) == "succeeded"

    assert infra.encrypted()
    assert infra.merges == 1
    assert infra.branches == [branch]
    assert [change["state"] for change in infra.changes] == ["merged"]
    [end] = await page.by_key(run, "outcome")
    assert "merged" in words(end)
    assert "the scan of exactly that commit is clean" in words(end)
    for message in await page.messages(run=run):
        assert not {"merge", "approve"} & set(buttons(message)), "nothing is left to click"
    assert (await sound(demo))[run] == "succeeded"
    assert shape(await log_of(demo, run)) == shape(read("finding")[1])
    await no_message_twice(page)

"""Rules are changed while the bot runs: a file is edited while a card is open, saved broken, mended, taken back."""

import asyncio
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.stories.demo import Demo
from tests.stories.page import APPROVALS, CONTRACTOR, REQUESTER, SRE, SRE2, Page, buttons, until, words

PRODUCTION = "policies/production.yaml"
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "change-policies.md").read_text()


def rewrite(demo: Demo, old: str, new: str, name: str = PRODUCTION) -> None:
    """Say something otherwise in one file of the demo's directory."""
    path = demo.directory / name
    said = path.read_text()
    assert old in said, (name, old)
    path.write_text(said.replace(old, new))


async def announced(page: Page, *texts: str, after: int = 0) -> dict[str, Any]:
    """The message where approvals are shown that says all this, among those after the first `after`."""

    async def find() -> dict[str, Any] | None:
        messages = await page.messages(APPROVALS)
        return next((m for m in messages[after:] if all(text in words(m) for text in texts)), None)

    return await until(find, 15, f"an announcement of {texts}")


async def get(page: Page, path: str) -> str:
    async with page.session.get(f"{page.demo.http}/{path}") as answer:
        return await answer.text()


async def in_force(page: Page) -> str:
    """The hash of the rules that hold, as the numbers say."""
    found = re.search(r'countersign_policy_info\{hash="(sha256:[0-9a-f]+)"\} 1', await get(page, "metrics"))
    assert found is not None
    return found[1]


async def loads(page: Page) -> list[dict[str, Any]]:
    told = page.demo.cli("runs", "trace", "organization", "--json")
    assert told.code == 0, told.err
    return [event for event in told.json["events"] if event["type"] == "PolicyLoaded"]


async def test_a_stricter_rule_closes_the_card_and_asks_again(demo: Demo, page: Page, room: str) -> None:
    run, card = await page.parked(room)
    before, told = await in_force(page), len(await page.messages(APPROVALS))
    rewrite(demo, 'from: "group:sre", count: 1, within: 4h', 'from: "group:sre", count: 2, within: 4h')
    said = words(await announced(page, "Rules reloaded", "changed: rule no-direct-production", after=told))
    assert PRODUCTION in said
    after = await in_force(page)
    assert before != after
    assert before.removeprefix("sha256:")[:12] in said
    assert after.removeprefix("sha256:")[:12] in said

    async def asked_again() -> bool:
        return [one["status"] for one in (await page.run(run))["approvals"]] == ["voided", "open"]

    await until(asked_again, 10, "the run to ask again")
    closed = [event["data"] for event in await page.events(run) if event["type"] == "ApprovalClosed"]
    assert "1 of group:sre, and now for 2 of group:sre" in closed[0]["why"]
    assert (await page.click(SRE, card, "approve", stale=True, value=buttons(card)["approve"]))["ok"]
    await page.told(SRE, "decided already")

    async def newer() -> dict[str, Any] | None:
        found = await page.card(run, "approve", room)
        return found if buttons(found)["approve"] != buttons(card)["approve"] else None

    asked = await until(newer, 30, "the new card")
    assert (await page.click(SRE, asked, "approve"))["ok"]
    await page.told(SRE, "Still missing")
    assert (await page.click(SRE2, await page.card(run, "approve", room), "approve"))["ok"]
    assert await page.ended(run) == "succeeded"
    rewrite(demo, 'from: "group:sre", count: 2, within: 4h', 'from: "group:sre", count: 1, within: 4h')
    await until(lambda: _is(page, before), 15, "the old version")


async def _is(page: Page, policy_hash: str) -> bool:
    return await in_force(page) == policy_hash


async def _sound(page: Page) -> bool:
    return "countersign_policy_faults 0.0" in await get(page, "metrics")


async def test_an_unrelated_change_voids_nothing(demo: Demo, page: Page, room: str) -> None:
    run, card = await page.parked(room)
    before, told = await in_force(page), len(await page.messages(APPROVALS))
    new = "\n  - {id: no-tea, level: organization, match: {type: [tea]}, deny: There is no tea.}\n\nfreezes:"
    rewrite(demo, "\nfreezes:", new)
    await announced(page, "added: rule no-tea", after=told)
    assert (await page.click(SRE, card, "approve"))["ok"]
    assert await page.ended(run) == "succeeded"
    rewrite(demo, new, "\nfreezes:")
    await until(lambda: _is(page, before), 15, "the old version")


async def test_a_broken_file_changes_nothing_is_told_once_and_mended(demo: Demo, page: Page, room: str) -> None:
    before, told = await in_force(page), len(await page.messages(APPROVALS))
    rewrite(demo, "level: resource", "level: planet")
    message = await announced(page, "is at fault", f"{PRODUCTION}:4", "planet", after=told)
    rewrite(demo, "level: planet", "level: moon")
    await announced(page, "moon", after=told)
    assert len(await page.messages(APPROVALS)) == told + 1, "the same message follows what is wrong"
    assert await in_force(page) == before
    assert "countersign_policy_faults 1.0" in await get(page, "metrics")
    assert "a newer version on disk is at fault" in await get(page, "readyz")
    assert '"status": "ready"' in await get(page, "readyz")
    await page.ops(REQUESTER, "status", room)
    await page.told(REQUESTER, f"a newer version on disk is at fault: {PRODUCTION}:4")
    run, card = await page.parked(room)
    assert (await page.click(SRE, card, "approve"))["ok"]
    assert await page.ended(run) == "succeeded"
    rewrite(demo, "level: moon", "level: resource")
    await announced(page, "Mended", after=told)
    assert "countersign_policy_faults 0.0" in await get(page, "metrics")
    assert message["ts"] in {m["ts"] for m in await page.messages(APPROVALS)}


async def test_admins_reload_by_command_and_by_signal(demo: Demo, page: Page, room: str) -> None:
    await page.ops(CONTRACTOR, "reload", room)
    await page.told(CONTRACTOR, "Only administrators may")
    await page.ops(SRE, "reload", room)
    await page.told(SRE, "Nothing has changed")
    before = await in_force(page)
    rewrite(demo, "within: 4h, use_within", "within: 3h, use_within")
    await page.ops(SRE, "reload", room)
    await page.told(SRE, "Rules reloaded")
    assert await in_force(page) != before
    rewrite(demo, "within: 3h, use_within", "within: 4h, use_within")
    assert demo.process is not None
    demo.process.send_signal(signal.SIGHUP)
    await until(lambda: _is(page, before), 15, "the signal to be heeded")
    whys = [event["data"]["why"] for event in await loads(page)]
    assert f"{PRODUCTION}: user:{SRE}" in whys
    assert whys[-1] == f"{PRODUCTION}: a hangup signal"


async def test_what_needs_a_restart_is_named_and_not_half_applied(demo: Demo, page: Page, room: str) -> None:
    told = len(await page.messages(APPROVALS))
    rewrite(demo, "C0APPROVALS", "C0INFRA0001", "countersign.yaml")
    await announced(page, "from the next start on: places", after=told)
    run, _ = await page.parked(room)
    await page.card(run, "approve", APPROVALS)
    await page.ops(REQUESTER, f"stop {run}", room)
    rewrite(demo, "C0INFRA0001]", "C0APPROVALS]", "countersign.yaml")
    assert await page.ended(run) == "stopped"


async def test_the_past_is_judged_again_beside_the_running_bot(
    demo: Demo, page: Page, room: str, tmp_path: Path
) -> None:
    """As the page about changing policies shows it."""
    run, card = await page.parked(room)
    assert (await page.click(SRE, card, "approve"))["ok"]
    assert await page.ended(run) == "succeeded"
    assert demo.cli("policy", "status").code == 0
    for name in ("countersign.yaml", "resources.yaml"):
        shutil.copy(demo.directory / name, tmp_path)
    for name in ("agents", "policies", "runbooks"):
        shutil.copytree(demo.directory / name, tmp_path / name)
    candidate = tmp_path / PRODUCTION
    candidate.write_text(candidate.read_text().replace("count: 1, within: 4h", "count: 2, within: 4h"))
    told = demo.cli("policy", "backtest", "--candidate", str(tmp_path), "--limit", "1", "--fail-on-widening")
    assert told.code == 0, told.err
    shown = PAGE.partition("```text\n")[2].partition("```")[0]
    assert re.sub(r"r-\w+", "RUN", shown) in re.sub(r"r-\w+", "RUN", told.out)
    assert "2 stricter, 0 looser" in told.out.splitlines()[-1]
    candidate.write_text(candidate.read_text().replace("effect: [change]", "effect: [execute]"))
    told = demo.cli("policy", "backtest", "--candidate", str(tmp_path), "--limit", "1", "--fail-on-widening", "--json")
    assert told.code == 1
    assert told.json["both_ways"] + told.json["looser"] > 0
    candidate.write_text("policies: 3")
    assert demo.cli("policy", "backtest", "--candidate", str(tmp_path)).code == 2
    rewrite(demo, "level: resource", "level: planet")
    told = demo.cli("policy", "status")
    assert told.code == 1
    assert f"on disk, at fault: {PRODUCTION}:4" in told.out
    rewrite(demo, "level: planet", "level: resource")
    await until(lambda: _sound(page), 15, "what is on disk to be sound again")


@pytest.mark.slow
async def test_killed_while_it_reloads_it_starts_with_what_is_on_disk(fresh: Demo, session: ClientSession) -> None:
    page = Page(fresh.start(), session)
    for turn, (old, new) in enumerate([(1, 2), (2, 1), (1, 2)]):
        rewrite(fresh, f"count: {old}, within: 4h", f"count: {new}, within: 4h")
        assert fresh.process is not None
        fresh.process.send_signal(signal.SIGHUP)
        await asyncio.sleep(0.05 * turn)
        fresh.kill()
        fresh.start()
        run, _ = await page.parked("C0INFRA0001")
        [asked] = [event["data"] for event in await page.events(run) if event["type"] == "ApprovalRequested"]
        assert asked["request"]["requirements"][0]["count"] == new
        assert fresh.cli("audit", "verify").code == 0

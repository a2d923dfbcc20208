"""Story 5: people see it and stop it at any moment: by button, command, word, Slack's own Stop, and the switch."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.demo import Demo, laid_out, slow_to_start
from tests.stories.page import REQUESTER, SRE, SRE2, Page, buttons, until
from tests.stories.truth import generation, no_message_twice, sound


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, sample_forge: Path) -> Iterator[Demo]:
    """Here a restart takes long enough to say something meanwhile."""
    demo = Demo(slow_to_start(laid_out(tmp_path_factory.mktemp("override") / "demo", sample_forge), 1.5))
    try:
        yield demo.start()
    finally:
        demo.close()


async def acting(page: Page, room: str) -> str:
    """A run whose restart is under way."""
    run, card = await page.parked(room)
    assert (await page.click(SRE, card, "approve"))["ok"]
    await page.status(run, "acting")
    return run


async def test_paused_by_command_while_it_acts_the_result_is_kept(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run = await acting(page, room)
    await page.ops(REQUESTER, f"pause {run}", room)
    await page.flags(run, "paused")
    await until(lambda: _has(page, run, "ActionReturned", "service.restart"), 10, "the restart to return")
    assert (await page.run(run))["status"] != "finished"
    await page.ops(REQUESTER, f"resume {run}", room)
    assert await page.ended(run) == "succeeded"
    assert generation(demo) == before + 1


async def test_stopped_by_button_while_it_acts_the_result_is_kept(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run = await acting(page, room)
    assert (await page.click(SRE2, await page.card(run, "stop", room), "stop"))["ok"]
    assert await page.ended(run) == "stopped"
    assert await _has(page, run, "ActionReturned", "service.restart")
    assert generation(demo) == before + 1


async def test_slacks_own_stop_ends_a_parked_run(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run, card = await page.parked(room)
    await page.native_stop(REQUESTER, room, card["thread_ts"])
    assert await page.ended(run) == "stopped"
    stale = await page.click(SRE, card, "approve", stale=True, value=buttons(card)["approve"])
    assert stale["ok"]
    await page.told(SRE, "decided already")
    assert generation(demo) == before


async def test_slacks_own_stop_while_it_acts(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run, card = await page.parked(room)
    await until(lambda: _session(page, card["thread_ts"]), 20, "Slack to show its Stop")
    assert (await page.click(SRE, card, "approve"))["ok"]
    await page.status(run, "acting")
    await page.native_stop(SRE2, room, card["thread_ts"])
    assert await page.ended(run) == "stopped"
    assert generation(demo) == before + 1


async def test_a_word_in_the_thread_stops(demo: Demo, page: Page, room: str) -> None:
    run, card = await page.parked(room)
    await page.do("say", user=SRE2, channel=room, thread_ts=card["thread_ts"], text="stop")
    assert await page.ended(run) == "stopped"


async def test_redirected_by_form_to_a_question(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run, _ = await page.parked(room)
    assert (await page.click(REQUESTER, await page.card(run, "redirect", room), "redirect"))["ok"]
    form = await until(lambda: page.form(REQUESTER), 5, "the form")
    assert (await page.do("submit", user=REQUESTER, view_id=form["id"], values={"text": "why is web down?"}))["ok"]
    assert await page.ended(run) == "succeeded"
    assert "voided" in {approval["status"] for approval in (await page.run(run))["approvals"]}
    [asked] = [event["data"] for event in await page.events(run) if event["type"] == "Redirected"]
    assert asked["agent"] == "advisor"
    assert generation(demo) == before


async def test_redirected_by_command_to_what_nobody_knows_nothing_changes(demo: Demo, page: Page, room: str) -> None:
    run, _ = await page.parked(room)
    await page.ops(REQUESTER, f"redirect {run} make tea", room)
    await page.told(REQUESTER, "No runbook fits")
    assert (await page.run(run))["status"] == "awaiting_approval"
    await page.ops(REQUESTER, f"stop {run}", room)
    assert await page.ended(run) == "stopped"


async def test_the_switch_holds_everything_until_an_admin_lets_go(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run, card = await page.parked(room)
    await page.ops(REQUESTER, "stop-all a drill", room)
    await page.told(REQUESTER, "Everything is stopped")
    assert (await page.click(SRE, card, "approve"))["ok"]
    await page.status(run, "approved")
    asked = await page.asked(REQUESTER, "why is web down?", room)
    await page.ops(REQUESTER, "resume-all", room)
    await page.told(REQUESTER, "Only administrators may")
    assert generation(demo) == before
    assert "ActionStarted" not in await page.types(asked)
    await page.ops(SRE, "resume-all the drill is over", room)
    assert await page.ended(run) == "succeeded"
    assert await page.ended(asked) == "succeeded"
    assert generation(demo) == before + 1


async def test_the_switch_from_a_shell_beside_the_running_demo(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run, card = await page.parked(room)
    assert demo.cli("stop-all", "--why", "a drill").code == 0
    assert (await page.click(SRE, card, "approve"))["ok"]
    await page.status(run, "approved")
    asked = await page.asked(REQUESTER, "why is web down?", room)
    assert "ActionStarted" not in await page.types(asked)
    assert generation(demo) == before
    assert demo.cli("resume-all").code == 0
    assert await page.ended(run) == "succeeded"
    assert await page.ended(asked) == "succeeded"
    assert generation(demo) == before + 1


async def test_everything_said_above_is_in_a_sound_log(demo: Demo, page: Page) -> None:
    assert None not in (await sound(demo)).values()
    await no_message_twice(page)


async def _has(page: Page, run: str, kind: str, tool: str) -> bool:
    events = await page.events(run)
    calls = [call for event in events if event["type"] == "CallsProposed" for call in event["data"]["calls"]]
    tools = {call["call_id"]: call["tool"] for call in calls}
    return any(event["type"] == kind and tools.get(event["data"]["call_id"]) == tool for event in events)


async def _session(page: Page, thread: str) -> bool:
    sessions = (await page.state())["sessions"]
    return any(s["thread_ts"] == thread and s["status"] in ("active", "processing") for s in sessions)

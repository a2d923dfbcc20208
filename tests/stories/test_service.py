"""Stories 2, 3 and 4, about the service `web`: an alert and its restart, a question, a refusal."""

from tests.stories.demo import Demo
from tests.stories.page import (
    APPROVALS,
    BOT,
    CONTRACTOR,
    INCIDENTS,
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
from tests.stories.record import log_of, read, shape
from tests.stories.truth import generation, no_message_twice, sound


async def test_an_alert_leads_to_one_countersigned_restart(demo: Demo, page: Page) -> None:
    before = generation(demo)
    await page.wedge()
    known = set(await page.run_ids())
    assert (await page.alert("a1"))["http"] == 202
    run = await page.new_run(known)
    card = await page.card(run, "approve", INCIDENTS)

    thread = await page.slack.conversations_replies(channel=INCIDENTS, ts=card["thread_ts"])
    told = "\n".join(words(message) for message in thread["messages"])
    for found in ("web runs and is not healthy", "answered 503", "of web's log"):
        assert found in told, "what was found stands in the thread"
    shown = words(card)
    for part in ("Within 30 seconds web runs as a new generation", "Check that follows", "cannot be taken back"):
        assert part in shown, "prediction, check and rollback stand on the card"
    assert f"becomes {before + 1}" in shown
    assert generation(demo) == before, "nothing happens before it is countersigned"

    for person in (CONTRACTOR, SECURITY, REQUESTER):
        assert (await page.click(person, card, "approve"))["ok"]
        assert "group sre" in await page.told(person, "somebody else to countersign"), "and who could"
    copy = await page.card(run, "approve", APPROVALS)
    assert (await page.click(SRE2, copy, "approve"))["ok"], "a click on the copy is a click"

    assert await page.outcome(run) == "succeeded"
    assert generation(demo) == before + 1
    [end] = await page.by_key(run, "outcome")
    assert f"generation {before} became {before + 1}" in words(end)
    assert "as predicted" in "\n".join(words(m) for m in await page.messages(run=run)).lower()
    await until(lambda: _quiet(page, run), 30, "the cards to lose their buttons")
    assert shape(await log_of(demo, run)) == shape(read("alert")[1])
    assert (await sound(demo))[run] == "succeeded"
    await no_message_twice(page)


async def test_a_question_is_answered_with_evidence_and_nothing_above_a_read(demo: Demo, page: Page) -> None:
    before = generation(demo)
    run = await page.asked(REQUESTER, "why is web down?", INCIDENTS)
    assert await page.outcome(run) == "succeeded"
    answered = await page.run(run)
    assert answered["decision"]["tier"] == 1
    assert answered["approvals"] == []
    calls = [event["data"]["calls"] for event in await page.events(run) if event["type"] == "CallsProposed"]
    assert {call["effect"] for batch in calls for call in batch} == {"read"}
    [end] = await page.by_key(run, "outcome")
    assert "answered" in words(end)
    assert "Recommendation" in words(end)
    assert generation(demo) == before
    assert (await sound(demo))[run] == "succeeded"


async def test_a_mention_is_a_request_too(demo: Demo, page: Page) -> None:
    known = set(await page.run_ids())
    said = await page.do("say", user=REQUESTER, channel=INCIDENTS, text=f"<@{BOT}> is web healthy?")
    run = await page.new_run(known)
    assert await page.outcome(run) == "succeeded"
    assert {m["thread_ts"] for m in await page.messages(INCIDENTS, run)} == {said["ts"]}


async def test_a_contractor_is_refused_production_before_anything_runs(demo: Demo, page: Page) -> None:
    before = generation(demo)
    run = await page.asked(CONTRACTOR, "restart web", INCIDENTS)
    assert await page.outcome(run) == "denied"
    types = await page.types(run)
    assert not {"CallsProposed", "ActionStarted", "ApprovalRequested"} & set(types)
    [end] = await page.by_key(run, "outcome")
    for part in ("contractors-no-production", "policies/organization.yaml:3", "Someone of group:sre"):
        assert part in words(end), "the rule, where it stands, and who could help"
    assert generation(demo) == before
    assert (await sound(demo))[run] == "denied"
    assert shape(await log_of(demo, run)) == shape(read("refusal")[1])


async def test_paused_by_button_a_vote_counts_and_starts_nothing(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run, card = await page.parked(room)
    assert (await page.click(SRE2, await page.card(run, "pause", room), "pause"))["ok"]
    await page.flags(run, "paused")
    assert (await page.click(SRE, card, "approve"))["ok"]
    await page.status(run, "approved")
    resume = await page.card(run, "resume", room)
    assert (await page.click(CONTRACTOR, resume, "resume"))["ok"]
    await page.told(CONTRACTOR, "may not resume")
    assert generation(demo) == before
    assert (await page.click(REQUESTER, resume, "resume"))["ok"]
    assert await page.ended(run) == "succeeded"
    assert generation(demo) == before + 1


async def test_the_copy_among_approvals_stays_in_step(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run, card = await page.parked(room)
    copy = await page.card(run, "approve", APPROVALS)
    assert buttons(copy)["approve"] == buttons(card)["approve"]
    assert (await page.click(SECURITY, copy, "approve"))["ok"]
    await page.told(SECURITY, "somebody else to countersign")
    assert (await page.click(SRE2, copy, "deny"))["ok"]
    form = await until(lambda: page.form(SRE2), 5, "the form that asks why")
    assert (await page.do("submit", user=SRE2, view_id=form["id"], values={"text": "not today"}))["ok"]

    async def neither() -> bool:
        return not any("approve" in buttons(m) for m in await page.messages(run=run))

    await until(neither, 45, "both cards to lose their buttons")
    assert generation(demo) == before
    await page.ended(run)


async def test_a_card_that_somebody_deletes_is_shown_again(demo: Demo, page: Page, room: str) -> None:
    before = generation(demo)
    run, card = await page.parked(room)
    assert (await page.do("delete", user=SRE, channel=room, ts=card["ts"]))["ok"]

    async def anew() -> Json | None:
        found = [m for m in await page.messages(room, run) if "approve" in buttons(m) and m["ts"] != card["ts"]]
        return found[0] if found else None

    again = await until(anew, 20, "the card to be shown again")
    assert (await page.click(SRE, again, "approve"))["ok"]
    assert await page.ended(run) == "succeeded"
    assert generation(demo) == before + 1
    await no_message_twice(page)


async def _quiet(page: Page, run: str) -> bool:
    return not any({"approve", "deny"} & set(buttons(m)) for m in await page.messages(run=run))

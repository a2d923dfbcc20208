"""From what a person does in Slack to what the operator hears, and back: the official SDK over real sockets."""

import asyncio
import json
from typing import Any

import pytest

from domain import events as e
from domain.envelopes import Envelope
from domain.signals import SignalKind
from domain.tasks import Place, Trust, run_id_of
from handlers.slack.wire import SlackSaid
from loop.ports import Unrouted
from tests.slack import samples as s
from tests.slack.conftest import House, until


def buttons(row: dict[str, Any]) -> list[str]:
    return [each["action_id"] for block in row["blocks"] if block["type"] == "actions" for each in block["elements"]]


def decided(row: dict[str, Any]) -> bool:
    """Whether nothing can be decided on this card any more."""
    return not {"approve", "deny", "merge", "answer", "answer_0", "answer_1"} & set(buttons(row))


async def test_a_command_becomes_a_run_with_a_card_and_a_private_word(house: House) -> None:
    answer = await house.ops("fix finding S3-7")
    card = await house.one(":card")
    (task,) = house.operator.submitted
    assert task.type == "chat"
    assert task.goal == "fix finding S3-7"
    assert task.requester == "user:U1"
    assert task.trust is Trust.PERSON
    assert task.trigger.source_id == answer["trigger_id"]
    assert task.place == Place(channel="C1")
    assert card["channel"] == "C1"
    assert not card.get("thread_ts")
    assert card["metadata"]["event_type"] == "countersign_run"
    assert card["metadata"]["event_payload"]["run_id"] == run_id_of(task)
    assert buttons(card) == ["pause", "redirect", "stop", "details"]
    await house.quiet()
    assert any(run_id_of(task) in each for each in await house.whispers("U1"))


async def test_a_mention_is_one_request_though_slack_sends_two_events(house: House) -> None:
    ts = await house.say("<@U0BOT> restart prod/web")
    card = await house.one(":card")
    await house.quiet()
    (task,) = house.operator.submitted
    assert task.goal == "restart prod/web"
    assert task.trigger.source_id == f"T0TEST:C1:{ts}"
    assert card["thread_ts"] == ts


async def test_a_direct_message_is_a_request(house: House) -> None:
    im = (await house.act("open_im", user="U1", **{"with": "U0BOT"}))["channel"]
    ts = await house.say("restart prod/web", channel=im)
    card = await house.one(":card")
    assert card["channel"] == im
    assert card["thread_ts"] == ts


async def test_nothing_is_acknowledged_before_it_is_committed(house: House) -> None:
    gate, order, put = asyncio.Event(), [], house.store.inbox.put

    async def slow_put(envelope: Envelope) -> bool:
        await gate.wait()
        order.append("committed")
        return await put(envelope)

    house.store.inbox.put = slow_put  # type: ignore[method-assign]  # the one place where the disk can be made slow
    sent = asyncio.create_task(house.ops("fix S3-7"))
    done, _ = await asyncio.wait({sent}, timeout=0.2)
    assert not done
    gate.set()
    await sent
    order.append("acknowledged")
    assert order == ["committed", "acknowledged"]


async def test_duplicates_are_one(house: House) -> None:
    await house.act("faults", duplicate=2)
    await house.ops("fix S3-7")
    await house.say("<@U0BOT> fix S3-8")
    await until(lambda: _submitted(house, 2))
    await asyncio.sleep(0.1)
    await house.quiet()
    assert [task.goal for task in house.operator.submitted] == ["fix S3-7", "fix S3-8"]
    assert len(await house.messages(":card")) == 2


async def _submitted(house: House, count: int) -> bool:
    return len(house.operator.submitted) >= count


async def test_the_same_words_twice_are_two_runs(house: House) -> None:
    await house.ops("fix S3-7")
    await house.ops("fix S3-7")
    await until(lambda: _submitted(house, 2))


async def test_reordered_events_end_as_they_were_meant(house: House) -> None:
    await house.act("faults", reorder=True)
    ts = await house.say("<@U0BOT> restart prod/web")
    await house.say("and be quick", thread_ts=ts)
    await until(lambda: _said(house), seconds=8)
    assert [signal.text for _, signal in house.operator.signals] == ["and be quick"]
    assert len(house.operator.submitted) == 1


async def _said(house: House) -> bool:
    return bool(house.operator.signals)


async def asked(house: House, **changes: Any) -> tuple[dict[str, Any], str]:
    """A run that waits for a countersignature: its approval card, and the approval's id."""
    await house.ops("restart prod/web")
    await until(lambda: _submitted(house, 1))
    run_id = run_id_of(house.operator.submitted[0])
    approval_id = f"{run_id}.c1"
    await house.write(s.decided(), s.proposed(s.call(**changes)), s.asked(approval_id))
    return await house.one(f"{approval_id}:card"), approval_id


async def test_a_countersignature(house: House) -> None:
    card, approval_id = await asked(house)
    root = await house.one(f"{run_id_of(house.operator.submitted[0])}:card")
    assert card["thread_ts"] == root["ts"]
    assert card["metadata"]["event_payload"]["approval_id"] == approval_id
    copy = await house.one(f"{approval_id}:copy")
    assert copy["channel"] == "C7"
    await house.click("approve", card["ts"])
    await house.one(f"{approval_id}:card", decided)
    await house.one(f"{approval_id}:copy", decided)
    (click,) = house.operator.clicks
    assert (click.by, click.digest, click.card) == ("user:U2", s.DIGEST, ("C1", card["ts"]))
    await house.quiet()
    assert any("Countersigned" in each for each in await house.whispers("U2"))


async def test_whoever_may_not_is_told_why_privately(house: House) -> None:
    card, approval_id = await asked(house)
    await house.click("approve", card["ts"], user="U1")
    await house.consumer.idle()
    (whisper,) = [each for each in await house.whispers("U1") if "somebody else" in each]
    assert "group sre" in whisper
    assert "approve" in buttons(await house.one(f"{approval_id}:card"))


async def test_a_double_click_and_two_approvers_at_once_count_once(house: House) -> None:
    card, approval_id = await asked(house)
    house.operator.approvers = ("user:U2", "user:U1")
    await asyncio.gather(*(house.click("approve", card["ts"], user=user) for user in ("U2", "U2", "U1")))
    await house.one(f"{approval_id}:card", decided)
    await house.consumer.idle()
    run = await house.operator.run(run_id_of(house.operator.submitted[0]))
    assert run is not None
    assert len(run.record("c1").votes) == 1


async def test_a_click_on_an_old_card_is_refused(house: House) -> None:
    card, approval_id = await asked(house)
    await house.click("approve", card["ts"])
    await house.one(f"{approval_id}:card", decided)
    value = f"{approval_id} {s.DIGEST}"
    await house.click("approve", card["ts"], user="U1", value=value, stale=True)
    await house.consumer.idle()
    assert any("decided already" in each for each in await house.whispers("U1"))


async def test_a_denial_asks_for_its_reason(house: House) -> None:
    card, approval_id = await asked(house)
    await house.click("deny", card["ts"])
    (view,) = await until(lambda: _views(house, "deny"))
    await house.act("submit", user="U2", view_id=view["id"], values={"text": {"text": "not during the sale"}})
    await house.one(f"{approval_id}:card", lambda row: "not during the sale" in json.dumps(row))
    (click,) = house.operator.clicks
    assert click.reason == "not during the sale"


async def test_a_denial_whose_form_is_late_counts_at_once(house: House) -> None:
    card, approval_id = await asked(house)
    await house.act("faults", server_error={"method": "views.open", "count": 1})
    await house.click("deny", card["ts"])
    await house.one(f"{approval_id}:card", decided)
    assert house.operator.clicks[0].reason == ""


async def _views(house: House, name: str) -> list[dict[str, Any]]:
    return [view for view in (await house.state())["views"] if view["callback_id"] == name]


async def test_details_are_paged_and_whole(house: House) -> None:
    diff = "".join(f"+ line {number} of the plan\n" for number in range(4_000))
    card, _ = await asked(house, preview=s.Preview(summary="much", diff=diff))
    await house.click("details", card["ts"])

    async def page(number: int) -> list[dict[str, Any]]:
        return [view for view in await _views(house, "details") if f"Page {number} of" in json.dumps(view)]

    (view,) = await until(lambda: page(1))
    await house.act("click", user="U2", view_id=view["id"], action_id="page_next")
    await until(lambda: page(2))


async def test_a_long_payload_is_delivered_as_a_file_before_its_card(house: House) -> None:
    diff = "".join(f"+ line {number} of the plan\n" for number in range(4_000))
    card, approval_id = await asked(house, preview=s.Preview(summary="much", diff=diff))
    assert "approve" in buttons(card)
    files = [row for row in await house.messages() if row.get("files") and row["channel"] == "C1"]
    (shared,) = files
    assert shared["ts"] < card["ts"]
    assert shared["thread_ts"] == card["thread_ts"]
    whole = await house.playground.hub.blobs.get(shared["files"][0]["id"])
    assert whole is not None
    assert diff in whole.decode()
    assert approval_id in shared["files"][0]["name"]


async def test_without_its_payload_a_card_has_no_approve(house: House) -> None:
    await house.act("faults", rate_limit=0)
    wire = house.gateway._wire
    call = wire.call

    async def refusing(method: str, **more: Any) -> Any:
        if method == "files.getUploadURLExternal":
            raise SlackSaid(method, "missing_scope", "files:write")
        return await call(method, **more)

    wire.call = refusing  # type: ignore[method-assign]  # the playground has no switch for this refusal
    card, _ = await asked(house, preview=s.Preview(summary="much", diff="+ line\n" * 5_000))
    assert "approve" not in buttons(card)
    assert "deny" in buttons(card)


async def test_a_thread_reply_is_heard_and_stop_overtakes(house: House) -> None:
    ts = await house.say("<@U0BOT> restart prod/web")
    await house.one(":card")
    await house.say("it is the second one", thread_ts=ts)
    await house.say("stop", user="U2", thread_ts=ts)
    await until(lambda: _heard(house, 2))
    kinds = {(signal.kind, signal.by) for _, signal in house.operator.signals}
    assert kinds == {(SignalKind.SAY, "user:U1"), (SignalKind.STOP, "user:U2")}


async def _heard(house: House, count: int) -> bool:
    return len(house.operator.signals) >= count


async def test_stop_does_not_wait_for_a_slow_submission(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.inbox._GRACE_S", 0.01)
    await house.ops("restart prod/web")
    await until(lambda: _submitted(house, 1))
    run_id = run_id_of(house.operator.submitted[0])
    house.operator.delay = 30
    await house.ops("something slow")
    await house.ops(f"stop {run_id}")
    await until(lambda: _heard(house, 1), seconds=2)


async def test_slacks_own_stop_button(house: House) -> None:
    ts = await house.say("<@U0BOT> restart prod/web")
    await house.one(":card")
    await house.quiet()
    answer = await house.act("stop_agent", user="U2", channel="C1", thread_ts=ts)
    assert answer["ok"], answer
    await until(lambda: _heard(house, 1))
    assert house.operator.signals[0][1].kind is SignalKind.STOP
    assert house.operator.signals[0][1].by == "user:U2"


async def test_buttons_and_forms_of_the_card(house: House) -> None:
    await house.ops("restart prod/web")
    card = await house.one(":card")
    await house.click("pause", card["ts"])
    await house.one(":card", lambda row: "resume" in buttons(row))
    await house.click("redirect", card["ts"], user="U1")
    (view,) = await until(lambda: _views(house, "redirect"))
    await house.act("submit", user="U1", view_id=view["id"], values={"text": {"text": "look only"}})
    await until(lambda: _heard(house, 2))
    assert [(each.kind, each.text) for _, each in house.operator.signals] == [
        (SignalKind.PAUSE, ""),
        (SignalKind.REDIRECT, "look only"),
    ]


async def test_a_question_is_answered_once_by_button_or_by_words(house: House) -> None:
    ts = await house.say("<@U0BOT> restart prod/web")
    await until(lambda: _submitted(house, 1))
    await house.write(s.decided(), e.QuestionAsked(question="Which one?", options=("blue", "green")))
    card = await house.one(":q0:card")
    await house.click("answer_1", card["ts"])
    await house.one(":q0:card", decided)
    value = f"{run_id_of(house.operator.submitted[0])} 0 0"
    await house.click("answer_0", card["ts"], user="U1", value=value, stale=True)
    await house.consumer.idle()
    assert [each.text for _, each in house.operator.signals] == ["green"]
    assert any("not open any more" in each for each in await house.whispers("U1"))
    await house.write(e.QuestionAsked(question="How many?"))
    await house.say("three", thread_ts=ts)
    await until(lambda: _heard(house, 2))
    assert house.operator.signals[1][1].kind is SignalKind.ANSWER


async def test_what_fits_nothing_is_said_with_the_nearest(house: House) -> None:
    house.operator.unrouted = Unrouted(why="Nothing here makes coffee.", nearest=("restart prod/web",))
    ts = await house.say("<@U0BOT> make coffee")
    answer = await house.one(f"unrouted:T0TEST:C1:{ts}")
    assert answer["thread_ts"] == ts
    assert "restart prod/web" in json.dumps(answer)
    await house.ops("make coffee")
    await house.consumer.idle()
    assert any("makes coffee" in each for each in await house.whispers("U1"))


async def test_help_status_why_and_approvals(house: House) -> None:
    _, _approval = await asked(house)
    run_id = run_id_of(house.operator.submitted[0])
    for text, says in (
        ("help", "/ops REQUEST"),
        ("status", run_id),
        (f"status {run_id}", "Waiting for a countersignature"),
        (f"why {run_id}", "policies/org.yaml:3"),
        ("approvals", "restart prod/web"),
        ("status r-aaaaaaaaaa", "There is no run r-aaaaaaaaaa"),
        (f"frobnicate {run_id}", "I do not know"),
        ("pause r-aaaaaaaaaa", "There is no run"),
        ("stop", "Say which run"),
        (f"retry {run_id}", "Again, as"),
    ):
        before = len(await house.whispers("U2"))
        await house.ops(text, user="U2")
        await house.consumer.idle()
        new = (await house.whispers("U2"))[before:]
        assert any(says in each for each in new), (text, new)
    assert "archives" in "".join(await house.whispers("U2"))


async def test_private_runs_are_not_shown_to_others(house: House) -> None:
    _, _approval = await asked(house)
    house.operator.unreadable.add("user:U2")
    run_id = run_id_of(house.operator.submitted[0])
    for text in ("status", f"status {run_id}", f"why {run_id}", "approvals", f"retry {run_id}"):
        await house.ops(text, user="U2")
        await house.consumer.idle()
    assert "restart prod/web" not in "".join(await house.whispers("U2"))
    assert house.operator.retried == []


async def test_the_switch(house: House) -> None:
    await house.ops("stop-all fire")
    await house.consumer.idle()
    assert house.operator.stopped
    await house.ops("resume-all")
    await house.consumer.idle()
    assert house.operator.stopped
    assert any("Only admins" in each for each in await house.whispers("U1"))


async def test_the_home_tab(house: House) -> None:
    _, _approval = await asked(house)
    await house.act("open_home", user="U1")

    async def shown() -> bool:
        return any(view["type"] == "home" and "prod/web" in json.dumps(view) for view in (await house.state())["views"])

    await until(shown)


async def test_an_edit_asks_and_runs_nothing_again(house: House) -> None:
    ts = await house.say("<@U0BOT> restart prod/web")
    await house.one(":card")
    await house.act("edit", user="U1", channel="C1", ts=ts, text="<@U0BOT> restart prod/db")

    async def told() -> bool:
        return any("You changed the words" in each for each in await house.whispers("U1"))

    await until(told)
    assert len(house.operator.submitted) == 1
    assert house.operator.signals == []


async def test_a_deleted_request_pauses_and_asks(house: House) -> None:
    ts = await house.say("<@U0BOT> restart prod/web")
    await house.one(":card")
    await house.act("delete", user="U1", channel="C1", ts=ts)
    await until(lambda: _heard(house, 1))
    assert house.operator.signals[0][1].kind is SignalKind.PAUSE
    await house.consumer.idle()
    assert any("was deleted" in each for each in await house.whispers("U1"))


async def test_bots_are_not_heard(house: House) -> None:
    await house.say("<@U0BOT> restart prod/web", user="U6")
    await house.quiet()
    assert house.operator.submitted == []


async def test_where_we_are_not_nothing_is_started(house: House) -> None:
    await house.ops("restart prod/web", channel="C2")
    await house.consumer.idle()
    assert house.operator.submitted == []
    everything = json.dumps((await house.state())["messages"])
    assert "I am not in this channel" in everything


async def test_a_request_about_a_message(house: House) -> None:
    ts = await house.say("disk is full", user="U6")
    await house.act("shortcut", user="U1", callback_id="task_from_message", channel="C1", ts=ts)
    (view,) = await until(lambda: _views(house, "task"))
    await house.act("submit", user="U1", view_id=view["id"], values={"text": {"text": "look into this"}})
    await until(lambda: _submitted(house, 1))
    (task,) = house.operator.submitted
    assert task.payload == {"message": "disk is full"}
    assert task.trust is Trust.UNTRUSTED
    assert task.trigger.source_id == view["id"]
    card = await house.one(":card")
    assert card["thread_ts"] == ts


async def test_what_fails_for_good_is_said(house: House) -> None:
    house.operator.fail = 99
    await house.ops("restart prod/web")
    await house.consumer.idle()
    assert any("tried several times" in each for each in await house.whispers("U1"))
    assert await house.store.inbox.pending() == []


async def test_what_fails_for_a_while_is_done(house: House) -> None:
    house.operator.fail = 2
    await house.ops("restart prod/web")
    await house.one(":card")


async def test_changes_of_people_and_rooms_are_heard(house: House) -> None:
    await house.act("usergroup", id="S1", users=["U1"])

    async def heard() -> bool:
        return bool(house.heard)

    await until(heard)
    assert house.heard[0][0] in ("subteam_updated", "subteam_members_changed")

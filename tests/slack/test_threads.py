"""The threads stay true: whatever Slack does, one message each, and the last word is the right one."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.thread.composer import Places
from bot.thread.receipts import JournalReceipts
from domain import events as e
from domain.evolve import replay
from domain.tasks import Place, Source, Trigger, run_id_of
from handlers.slack.wire import SlackSaid
from playground import Playground
from state.store import Store
from tests.slack import samples as s
from tests.slack.conftest import House, until
from tests.slack.test_door import buttons, decided


async def begin(house: House, **changes: Any) -> str:
    """A run that nobody asked for in Slack; its id."""
    task = s.task(**changes)
    await house.operator.submit(task)
    return run_id_of(task)


async def whole(house: House, **changes: Any) -> str:
    run_id = await begin(house, **changes)
    approval_id = f"{run_id}.c1"
    await house.write(s.decided(), s.proposed(), s.asked(approval_id))
    vote = e.Vote(approval_id=approval_id, by="user:U2", ballot=s.Ballot.APPROVE, digest=s.DIGEST)
    granted = e.ApprovalGranted(approval_id=approval_id, use_until=s.NOON, voters=("user:U2",))
    await house.write(e.VoteCast(vote=vote), granted, s.started(), s.returned())
    await house.write(e.Concluded(summary="web is healthy"), s.finished())
    return run_id


async def receipts(house: House, run_id: str) -> list[str]:
    return [r.event.key for r in await house.store.journal.read(run_id) if isinstance(r.event, e.Posted)]


async def test_a_whole_run_is_told_once_and_ends_right(house: House) -> None:
    run_id = await whole(house)
    outcome = await house.one(f"{run_id}:outcome")
    card = await house.one(f"{run_id}:card", lambda row: buttons(row) == ["details"])
    await house.one(f"{run_id}.c1:card", lambda row: decided(row) and "restarted" in json.dumps(row))
    await house.quiet()
    assert outcome["thread_ts"] == card["ts"]
    traces = await house.messages(":trace")
    assert {row["thread_ts"] for row in traces} == {card["ts"]}
    wanted = {f"{run_id}:{name}" for name in ("card", "card:end", "outcome", f"{run_id}.c1:card", f"{run_id}.c1:copy")}

    async def recorded() -> list[str]:
        """The receipts, once all are there: the last are written after Slack has shown what they are for."""
        found = await receipts(house, run_id)
        return found if wanted <= set(found) else []

    keys = await until(recorded)
    assert sorted(keys) == sorted(set(keys))


async def test_what_a_private_channel_is_asked_is_shown_nowhere_else(house: House) -> None:
    run_id = await whole(house, place=Place(channel="C3"))
    await house.one(f"{run_id}:outcome")
    await house.quiet()
    assert f"{run_id}:{run_id}.c1:card" in await receipts(house, run_id)
    assert {row["channel"] for row in await house.messages() if run_id in json.dumps(row)} == {"C3"}


async def test_an_alert_is_told_in_its_channel(house: House) -> None:
    trigger = Trigger(source=Source.ALERT, source_id="down@1", timestamp=s.NOON)
    await begin(house, requester=None, trigger=trigger, place=Place(channel="C7"))
    card = await house.one(":card")
    assert card["channel"] == "C7"
    assert not card.get("thread_ts")


async def test_a_run_without_a_place_is_told_nowhere(house: House) -> None:
    await begin(house, place=None)
    await asyncio.sleep(0.1)
    await house.quiet()
    assert await house.messages(":card") == []


async def test_429_is_waited_for(house: House) -> None:
    await house.act("faults", rate_limit={"method": "chat.postMessage", "count": 1, "retry_after": 1})
    run_id = await whole(house)
    await house.one(f"{run_id}:outcome", seconds=10)
    assert len(await house.messages(f"{run_id}:card")) == 1


async def test_5xx_after_the_commit_leaves_one_message(house: House) -> None:
    await house.act("faults", server_error_after_commit={"method": "chat.postMessage", "count": 3})
    run_id = await whole(house)
    await house.one(f"{run_id}:outcome", seconds=12)
    await house.quiet()
    for name in ("card", "outcome", f"{run_id}.c1:card", f"{run_id}.c1:copy"):
        assert len(await house.messages(f"{run_id}:{name}")) == 1, name


async def test_5xx_before_the_commit_is_posted_again(house: House) -> None:
    await house.act("faults", server_error={"method": "chat.postMessage", "count": 2})
    run_id = await begin(house)
    await house.one(f"{run_id}:card", seconds=10)


async def test_a_lost_answer_to_a_file_leaves_one_file(house: House) -> None:
    await house.act("faults", server_error_after_commit={"method": "files.completeUploadExternal", "count": 1})
    run_id = await begin(house)
    await house.write(s.decided(), s.proposed(s.call(prediction="x" * 20_000)), s.asked(f"{run_id}.c1"))
    card = await house.one(f"{run_id}.c1:card", seconds=10)
    assert "approve" in buttons(card)
    files = [row for row in await house.messages() if row.get("files") and row["channel"] == "C1"]
    assert len(files) == 1


async def test_a_deleted_card_is_shown_again(house: House) -> None:
    run_id = await begin(house)
    await house.write(s.decided(), s.proposed(), s.asked(f"{run_id}.c1"))
    first = await house.one(f"{run_id}.c1:card")
    await house.quiet()
    deleted = await house.act("delete", user="U2", channel="C1", ts=first["ts"])
    assert deleted["ok"], deleted
    again = await house.one(f"{run_id}.c1:card", lambda row: row["ts"] != first["ts"], seconds=8)
    assert "approve" in buttons(again)
    run = await house.operator.run(run_id)
    assert run is not None
    await until(lambda: _posted(house, run_id, again["ts"]))
    await house.click("approve", again["ts"])
    await house.one(f"{run_id}.c1:card", decided, seconds=8)


async def _posted(house: House, run_id: str, ts: str) -> bool:
    run = await house.operator.run(run_id)
    return run is not None and ("C1", ts) in run.posted.values()


async def test_where_it_cannot_be_shown_the_requester_is_told(house: House) -> None:
    run_id = await begin(house, place=Place(channel="C6"))

    async def told() -> bool:
        rows = (await house.state())["messages"]
        return any("I cannot show" in json.dumps(row) and row["channel"].startswith("D") for row in rows)

    await until(told)
    await house.quiet()
    assert await house.store.outbox.where(f"{run_id}:card") is None


async def test_a_card_that_slack_refuses_is_said_in_words(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    call = house.gateway._wire.call

    async def refusing(method: str, **more: Any) -> Any:
        if method in ("chat.postMessage", "chat.update") and '"header"' in json.dumps(more):
            raise SlackSaid(method, "invalid_blocks")
        return await call(method, **more)

    monkeypatch.setattr(house.gateway._wire, "call", refusing)
    await begin(house)
    row = await house.one(":card")
    assert "could not be shown as a card" in json.dumps(row)


async def test_a_rebuilt_outbox_posts_nothing_again(
    playground: Playground, session: ClientSession, store: Store
) -> None:
    first = House(playground, session, store, Places(approvals="C7"))
    await first.open()
    run_id = await whole(first)
    await first.one(f"{run_id}:outcome")
    await first.quiet()
    before = await first.state()
    await first.close()

    def forget(raw: Any) -> None:
        raw.execute("DELETE FROM outbox")
        raw.execute("DELETE FROM readers")

    await store.database.write(forget)
    second = House(playground, session, store, Places(approvals="C7"))
    await second.open()
    await asyncio.sleep(0.3)
    await second.quiet()
    after = await second.state()
    await second.close()
    assert len(after["messages"]) == len(before["messages"])
    log = await store.journal.read(run_id)
    assert replay(run_id, log).outcome is not None


async def test_killed_between_sending_and_remembering(
    playground: Playground, session: ClientSession, store: Store
) -> None:
    """The worst moment: Slack has the card, the outbox does not know it."""
    first = House(playground, session, store, Places(approvals="C7"))

    async def dies(*_: object) -> None:
        raise asyncio.CancelledError

    first.store.outbox.sent = dies  # type: ignore[method-assign]  # the process dies here
    await first.open()
    run_id = await begin(first)
    await first.one(f"{run_id}:card")
    await first.socket.stop()
    for task in first.tasks:
        task.cancel()
    await asyncio.gather(*first.tasks, return_exceptions=True)
    del first.store.outbox.sent
    second = House(playground, session, store, Places(approvals="C7"))
    await second.open()
    second.operator.submitted = first.operator.submitted
    await second.write(s.decided(), s.proposed(), s.asked(f"{run_id}.c1"))
    await second.one(f"{run_id}.c1:card")
    await second.quiet()
    assert len(await second.messages(f"{run_id}:card")) == 1
    await second.close()


async def test_updates_of_one_card_are_coalesced(house: House) -> None:
    run_id = await begin(house)
    await house.one(f"{run_id}:card")
    for _ in range(3):
        await house.write(e.Paused(by="user:U1"), e.Resumed(by="user:U1"))
        await asyncio.sleep(0.01)
    await house.write(e.Paused(by="user:U2"))
    await house.one(f"{run_id}:card", lambda row: "resume" in buttons(row))
    async with house.session.get(f"{house.playground.url}/playground/traffic") as response:
        traffic = (await response.json())["traffic"]
    assert 0 < sum("chat.update" in (row.get("name"), row.get("method")) for row in traffic) <= 5


async def test_receipts_survive_a_race(store: Store) -> None:
    receipts_, task = JournalReceipts(store.journal), s.task()
    run_id = run_id_of(task)
    await store.journal.append(run_id, 0, [e.TaskReceived(task=task, agent="operator")])
    posted = [e.Posted(key=f"k{n}", channel="C1", ts=f"{n}.0") for n in range(20)]
    await asyncio.gather(*(receipts_.posted(run_id, each) for each in posted))
    await receipts_.posted(run_id, posted[0])
    found = [r.event for r in await store.journal.read(run_id) if isinstance(r.event, e.Posted)]
    assert sorted(each.key for each in found) == sorted(each.key for each in posted)


async def test_the_session_shows_the_stop_button(house: House) -> None:
    ts = await house.say("<@U0BOT> restart prod/web")
    await house.one(":card")
    await house.quiet()
    session = house.playground.hub.world.session("C1", ts)
    assert session["status"] == "processing"
    await house.write(s.decided(), s.finished())
    await house.one(":outcome")
    await house.quiet()
    assert house.playground.hub.world.session("C1", ts)["status"] == "closed"

"""Freezes, the switch and broken glass, from a person's words to what everybody is told."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.thread.follower import Follower
from domain import events as e
from domain.approvals import Ballot
from domain.events import ORGANIZATION_STREAM
from domain.tasks import Place, run_id_of
from handlers.slack.commands import is_command, parse
from handlers.slack.intents import urgent
from handlers.slack.show.approval import approval
from handlers.slack.words import Forced, Freeze, Misspoken, Request, Seat, Told, Unfreeze
from tests.slack import samples as s
from tests.slack.conftest import House, until
from tests.slack.test_door import buttons

SEAT = Seat(user="U1", channel="C1")
WHY = "nobody answers and the shop is down"


def read(text: str, here: str | None = None) -> Any:
    return parse(text, SEAT, occurrence="1", at=s.NOON, here=here)


# ── What the words mean ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "what", "until_", "why"),
    [
        ("freeze prod until monday", "prod", "monday", ""),
        ("freeze prod/* until 2026-12-01 08:00 because of the release", "prod/*", "2026-12-01 08:00", "the release"),
        ("Freeze everything for 4h because demo", "everything", "4h", "demo"),
        ("freeze: env=prod till 18:00", "env=prod", "18:00", ""),
        ("freeze repo acme/infra until tomorrow 08:00", "repo acme/infra", "tomorrow 08:00", ""),
    ],
)
def test_a_freeze_says_what_until_when_and_why(text: str, what: str, until_: str, why: str) -> None:
    assert read(text) == Freeze(seat=SEAT, what=what, until=until_, why=why)
    assert urgent(read(text))


@pytest.mark.parametrize("text", ["freeze", "freeze prod", "freeze until monday", "freeze the database backups"])
def test_half_a_freeze_freezes_nothing_and_says_how(text: str) -> None:
    said = read(text)
    assert isinstance(said, Misspoken)
    assert "/ops freeze WHAT until WHEN" in said.text


def test_the_other_verbs() -> None:
    assert read("unfreeze `freeze-3` the release is out") == Unfreeze(
        seat=SEAT, freeze="freeze-3", why="the release is out"
    )
    assert isinstance(read("unfreeze"), Misspoken)
    assert read("freezes") == Told(seat=SEAT, what="freezes")
    assert read(f"break-glass r-abcde {WHY}") == Forced(seat=SEAT, run_id="r-abcde", why=WHY)
    assert read(f"break-glass {WHY}", here="r-abcde") == Forced(seat=SEAT, run_id="r-abcde", why=WHY)
    for text in ("break-glass", "break-glass r-abcde", f"break-glass {WHY}"):
        assert isinstance(read(text), Misspoken)
    assert isinstance(read("freezes the backups of web"), Request)


@pytest.mark.parametrize(
    "text", ["freeze prod until 18:00", "unfreeze freeze-1", "freezes", "break-glass the shop is down"]
)
def test_in_a_thread_they_are_commands(text: str) -> None:
    assert is_command(text)
    assert not is_command("freeze it please")


# ── What becomes of them ──────────────────────────────────────────────────────────────────────────────────────────────


async def heard(house: House, text: str, user: str = "U1") -> str:
    before = len(await house.whispers(user))
    await house.ops(text, user=user)
    await house.consumer.idle()
    return "".join((await house.whispers(user))[before:])


async def test_a_freeze_is_read_where_the_person_is(house: House) -> None:
    assert "Frozen: prod" in await heard(house, "freeze prod until 2026-12-01 08:00 because of the release")
    [(by, what, moment, why, zone)] = house.operator.frozen
    assert (by, what, why, zone) == ("user:U1", "prod", "the release", "America/New_York")
    assert moment == datetime(2026, 12, 1, 13, tzinfo=UTC)


async def test_where_slack_does_not_say_where_it_is_utc(house: House) -> None:
    await house.act("faults", rate_limit={"method": "users.info", "count": 50, "retry_after": 1})
    await house.ops("freeze prod until 2026-12-01 08:00")
    await until(lambda: _frozen(house), 20)
    assert house.operator.frozen[0][2:] == (datetime(2026, 12, 1, 8, tzinfo=UTC), "", "UTC")


async def _frozen(house: House) -> bool:
    return bool(house.operator.frozen)


async def test_a_mention_freezes_too(house: House) -> None:
    await house.say("<@U0BOT> freeze prod/* until tomorrow")
    await house.consumer.idle()
    assert [what for _, what, *_ in house.operator.frozen] == ["prod/*"]
    assert house.operator.submitted == []


async def test_what_cannot_be_read_freezes_nothing(house: House) -> None:
    assert "as a time. Say" in await heard(house, "freeze prod until the cows come home")
    assert "Say prod. Nothing was frozen." in await heard(house, "freeze prdo until 18:00")
    assert house.operator.frozen == []


async def test_freezes_are_listed_and_lifted_and_shown_at_home(house: House) -> None:
    assert "Nothing is frozen." in await heard(house, "freezes")
    await heard(house, "freeze prod for 4h because demo day")
    said = await heard(house, "freezes")
    assert "/ops unfreeze freeze-1 lifts it" in said
    assert "demo day" in said
    await house.act("open_home", user="U1")
    await house.consumer.idle()
    [home] = [view for view in (await house.state())["views"] if view["type"] == "home"]
    assert "Frozen now" in json.dumps(home, ensure_ascii=False)
    await heard(house, "unfreeze freeze-1 done")
    assert house.operator.lifted == [("user:U1", "freeze-1", "done")]


# ── What everybody is told ────────────────────────────────────────────────────────────────────────────────────────────

LATER = datetime.now(UTC) + timedelta(hours=4)


async def happens(house: House, *events: e.Event) -> None:
    await house.operator.write(ORGANIZATION_STREAM, *events)


async def notices(house: House) -> list[str]:
    found = [
        row for row in await house.messages() if f"{ORGANIZATION_STREAM}:" in json.dumps(row.get("metadata") or {})
    ]
    assert {row["channel"] for row in found} <= {"C7"}
    return ["".join(_texts(row["blocks"])) for row in found]


def _texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["text"]] if isinstance(node.get("text"), str) else [node["user_id"]] if "user_id" in node else []
        return own + [text for value in node.values() for text in _texts(value)]
    return [text for each in node for text in _texts(each)] if isinstance(node, list) else []


async def test_freezes_and_the_switch_are_announced_once_each(house: House) -> None:
    frozen = e.FreezeDeclared(
        id="freeze-1", by="user:U1", until=LATER, where=(("label:env", ("prod",)),), why="demo", zone="Europe/Berlin"
    )
    stopped, resumed = e.EverythingStopped(by="user:U1", why="smoke"), e.EverythingResumed(by="shell:ops")
    lifted = e.FreezeLifted(id="freeze-1", by="user:U2", why="done")
    await happens(house, frozen, lifted, frozen, e.FreezeEnded(id="freeze-1"), stopped, resumed)
    await until(lambda: _count(house, 6), 15)
    await house.quiet()
    said = await notices(house)
    assert said[0].startswith("❄ Frozen: env=prod, until ")
    assert "by U1: demo" in said[0]
    assert "/ops unfreeze freeze-1 lifts it." in said[0]
    assert said[1] == "❄ Lifted: env=prod (freeze-1), by U2: done"
    assert said[3] == "❄ Over: env=prod (freeze-1). Its time has come."
    assert said[4].startswith("■ Everything is stopped by U1: smoke")
    assert said[5] == "▶ Everything goes on, says shell ops"
    assert len(said) == 6


async def _count(house: House, count: int) -> bool:
    return len(await notices(house)) >= count


async def test_an_announcement_that_is_answered_or_deleted_harms_nothing(house: House) -> None:
    await happens(house, e.EverythingStopped(by="user:U1"))
    await until(lambda: _count(house, 1))
    [row] = [row for row in await house.messages() if row["channel"] == "C7"]
    await house.say("<@U0BOT> why?", user="U2", channel="C7", thread_ts=row["ts"])
    await house.act("delete", user="U2", channel="C7", ts=row["ts"])
    await house.consumer.idle()
    await house.quiet()


async def test_cards_say_that_everything_is_stopped_and_that_it_goes_on(house: House) -> None:
    await house.ops("restart web")
    await house.one(":card")
    await happens(house, e.EverythingStopped(by="user:U2"))
    await house.one(":card", lambda row: "Everything is stopped" in json.dumps(row))
    await happens(house, e.EverythingResumed(by="user:U2"))
    await house.one(":card", lambda row: "Everything is stopped" not in json.dumps(row))


async def test_the_switch_loses_nothing_that_runs_had_still_to_tell(house: House) -> None:
    """A follower that begins anew looks at open runs when the switch moves: what comes after is told in its turn."""
    await house.ops("restart web")
    await house.one(":card")
    run_id = run_id_of(house.operator.submitted[0])
    await house.quiet()
    house.tasks[1].cancel()
    await asyncio.gather(house.tasks.pop(1), return_exceptions=True)
    await happens(house, e.EverythingStopped(by="user:U2"))
    await house.operator.write(run_id, s.decided(), s.proposed(), s.asked(f"{run_id}.c1"))
    anew = Follower(house.store.journal, house.store.outbox, house.places, wake=house.courier.wake)
    house.tasks.append(asyncio.create_task(anew.run(house.stop)))
    await house.one(f"{run_id}.c1:card", lambda row: "Everything is stopped" in json.dumps(row))


async def asked(house: House, *, glass: bool = True, channel: str = "C1") -> tuple[str, dict[str, Any]]:
    await house.operator.submit(s.task(place=Place(channel=channel)))
    run_id = run_id_of(house.operator.submitted[-1])
    event = s.asked(f"{run_id}.c1")
    needs = tuple(replace(one, break_glass=glass, count=2) for one in event.request.requirements)
    await house.write(s.decided(), s.proposed(), replace(event, request=replace(event.request, requirements=needs)))
    return run_id, await house.one(f"{run_id}.c1:card")


async def test_a_frozen_card_says_so_at_once_and_gives_its_buttons_back(house: House) -> None:
    run_id, card = await asked(house)
    assert buttons(card) == ["approve", "deny", "ask", "details", "break_glass"]
    text = "frozen by user:U2: demo day (until 2026-12-01 08:00 CET)"
    await house.write(e.CallFrozen(approval_id=f"{run_id}.c1", text=text))
    frozen = await house.one(f"{run_id}.c1:card", lambda row: buttons(row) == ["deny", "ask", "details"])
    said = "".join(_texts(frozen["blocks"]))
    assert "❄ Frozen by U2: demo day (until 2026-12-01 08:00 CET). Approving now would not start it" in said
    await until(lambda: _told(house, "What people are asked here waits for it."))
    await house.write(e.CallThawed(approval_id=f"{run_id}.c1"))
    await house.one(f"{run_id}.c1:card", lambda row: "approve" in buttons(row))
    await until(lambda: _told(house, "No longer frozen"))


async def _told(house: House, text: str) -> bool:
    return any(text in json.dumps(row, ensure_ascii=False) for row in await house.messages(":trace"))


async def test_broken_glass_by_the_button_wants_a_reason(house: House) -> None:
    run_id, card = await asked(house)
    assert (await house.click("break_glass", card["ts"]))["ok"]
    [form] = await until(lambda: _forms(house))
    assert form["callback_id"] == "break_glass"
    short = await house.act("submit", user="U2", view_id=form["id"], values={"text": "now"})
    assert not short["ok"]
    assert (await house.act("submit", user="U2", view_id=form["id"], values={"text": WHY}))["ok"]
    await house.consumer.idle()
    [click] = house.operator.clicks
    assert (click.ballot, click.reason, click.by, click.digest) == (Ballot.BREAK_GLASS, WHY, "user:U2", s.DIGEST)
    assert click.card == ("C1", card["ts"])
    assert click.approval_id == f"{run_id}.c1"


async def _forms(house: House) -> list[Any]:
    return [view for view in (await house.state())["views"] if view["type"] == "modal"]


async def test_broken_glass_by_command_is_a_click_on_the_card(house: House) -> None:
    run_id, card = await asked(house)
    await house.quiet()
    await heard(house, f"break-glass {run_id} {WHY}", user="U2")
    [click] = house.operator.clicks
    assert (click.card, click.channel, click.digest) == (("C1", card["ts"]), "C1", s.DIGEST)
    assert "asks nobody that you can see" in await heard(house, f"break-glass r-unknown {WHY}", user="U2")
    house.operator.unreadable.add("user:U2")
    assert "asks nobody that you can see" in await heard(house, f"break-glass {run_id} {WHY}", user="U2")
    assert len(house.operator.clicks) == 1


async def test_it_is_offered_only_where_all_rules_permit_it(house: House) -> None:
    _, card = await asked(house, glass=False)
    assert "break_glass" not in buttons(card)


async def test_broken_glass_is_announced_to_approvers_and_told_to_those_who_must_hear(house: House) -> None:
    run_id, _ = await asked(house)
    vote = e.Vote(approval_id=f"{run_id}.c1", by="user:U2", ballot=Ballot.BREAK_GLASS, digest=s.DIGEST, reason=WHY)
    broken = e.GlassBroken(approval_id=vote.approval_id, by=vote.by, why=WHY, told=("user:U1", "user:GONE"))
    await house.write(e.VoteCast(vote=vote), broken)
    rows = await until(lambda: _glass(house, run_id, 2), 10)
    assert sorted(row["channel"][0] for row in rows) == ["C", "D"]
    for row in rows:
        said = "".join(_texts(row["blocks"]))
        assert said.startswith(f"⚠ U2 broke the glass for service.restart on prod/web in {run_id}: {WHY}")
        assert "2 of group sre" in said
    await until(lambda: _told(house, "broke the glass"))
    await house.quiet()


async def test_of_a_private_run_only_that_it_happened_is_said_elsewhere(house: House) -> None:
    run_id, _ = await asked(house, channel="C3")
    await house.write(e.GlassBroken(approval_id=f"{run_id}.c1", by="user:U2", why=WHY))
    [row] = await until(lambda: _glass(house, run_id, 1), 10)
    said = "".join(_texts(row["blocks"]))
    assert row["channel"] == "C7"
    assert WHY in said
    assert "prod/web" not in json.dumps(row)


async def _glass(house: House, run_id: str, count: int) -> list[Any]:
    rows = [row for row in await house.messages() if f"{run_id}:" in json.dumps(row) and ":glass:" in json.dumps(row)]
    return rows if len(rows) == count else []


def test_who_broke_the_glass_stands_on_the_card() -> None:
    broken = s.voted(ballot=Ballot.BREAK_GLASS, reason=WHY)
    told = s.story(s.received(), s.decided(), s.proposed(), s.asked(), broken)
    record = told.run.approval(s.APPROVAL)
    assert record is not None
    assert f"⚠ U2 broke the glass: {WHY}" in "".join(_texts(list(approval(told, record).card.blocks)))

"""Freezes that people declare: who may, what it does to cards that wait, and that time ends them by itself."""

from datetime import timedelta

import pytest

from domain import events as e
from domain.approvals import Ballot
from domain.decisions import Requirement
from domain.events import ORGANIZATION_STREAM
from domain.freezes import spell_until
from domain.signals import SignalKind
from loop.doors import Reply
from tests.loop.house import SRE, START, House, propose

HOUR = timedelta(hours=1)


async def freeze(house: House, by: str = "user:SRE2", what: str = "prod", hours: float = 2, **more: str) -> Reply:
    more = {"why": "demo day", "zone": "Europe/Berlin", **more}
    reply = await house.controller.freeze(by, what, house.clock.now() + hours * HOUR, **more)
    await house.settle()
    return reply


async def declared(house: House) -> list[e.Event]:
    kinds = e.FreezeDeclared | e.FreezeLifted | e.FreezeEnded
    return [r.event for r in await house.journal.read(ORGANIZATION_STREAM) if isinstance(r.event, kinds)]


async def test_it_is_said_back_exactly_and_recorded_with_who_and_why() -> None:
    async with House() as house:
        reply = await freeze(house)
        assert reply.text == (
            "Frozen: prod, until Sat 2026-11-21 11:00 CET (10:00 UTC), as `freeze-1`."
            " In the catalogue that is prod/web. Changes are denied until then; `/ops unfreeze freeze-1` lifts it."
        )
        where = (("resource", ("prod",)),)
        assert await declared(house) == [
            e.FreezeDeclared(
                id="freeze-1", by="user:SRE2", until=START + 2 * HOUR, where=where, why="demo day", zone="Europe/Berlin"
            )
        ]


@pytest.mark.parametrize(
    ("by", "what", "hours", "why"),
    [
        ("user:GUEST", "prod", 2, "Only full, active members"),
        ("user:UNKNOWN", "prod", 2, "Only full, active members"),
        ("user:SRE1", "nonsense", 2, "nothing that the catalogue knows. Say prod. Nothing was frozen."),
        ("user:SRE1", "prod", 0, "is over already. Nothing was frozen."),
        ("user:SRE1", "prod", -1, "is over already"),
        ("user:SRE1", "prod", 24 * 367, "more than a year away"),
    ],
)
async def test_what_cannot_be_frozen_is_not(by: str, what: str, hours: float, why: str) -> None:
    async with House() as house:
        reply = await freeze(house, by, what, hours)
        assert not reply.ok
        assert why in reply.text
        assert await declared(house) == []


async def test_a_freeze_may_be_declared_while_nobody_can_be_looked_up_and_not_lifted() -> None:
    async with House() as house:
        house.directory.up = False
        assert (await freeze(house, "user:SRE1")).ok
        assert not (await house.controller.unfreeze("user:SRE1", "freeze-1", "")).ok
        house.directory.up = True
        assert (await house.controller.unfreeze("user:SRE1", "freeze-1", "")).ok


async def test_who_lifts() -> None:
    async with House() as house:
        for _ in range(3):
            await freeze(house, "user:SRE2")
        lift = house.controller.unfreeze
        assert not (await lift("user:OTHER", "freeze-1", "")).ok
        assert not (await lift("token:ci", "freeze-1", "")).ok
        assert not (await lift("user:GUEST", "freeze-1", "")).ok
        unknown = await lift("user:SRE2", "freeze-9", "")
        assert not unknown.ok
        assert (await lift("user:SRE2", "freeze-1", "over early")).ok  # who declared it
        assert (await lift("user:SRE1", "freeze-2", "")).ok  # an administrator
        assert not (await lift("user:SRE1", "freeze-2", "")).ok
        lifted = [event for event in await declared(house) if isinstance(event, e.FreezeLifted)]
        assert [(one.id, one.by, one.why) for one in lifted] == [
            ("freeze-1", "user:SRE2", "over early"),
            ("freeze-2", "user:SRE1", ""),
        ]


async def test_who_has_left_the_team_lifts_nothing_they_declared() -> None:
    async with House() as house:
        await freeze(house, "user:SRE2")
        del house.directory.people["user:SRE2"]
        assert not (await house.controller.unfreeze("user:SRE2", "freeze-1", "")).ok


async def test_a_card_is_frozen_at_once_takes_no_vote_and_takes_it_when_the_time_has_come() -> None:
    async with House(propose("restart")) as house:
        run_id = await house.ask()
        reply = await freeze(house)
        assert "One card that waits for people is frozen with it." in reply.text
        assert (await house.run(run_id)).batch[0].frozen == "frozen by user:SRE2"
        refused = await house.vote(run_id, "SRE1")
        assert not refused.ok
        assert "frozen by user:SRE2" in refused.text
        assert "VoteCast" not in await house.log(run_id)
        house.clock.move(hours=2)
        await house.controller.freezing.look()
        assert (await house.run(run_id)).batch[0].frozen == ""
        assert [type(event).__name__ for event in await declared(house)] == ["FreezeDeclared", "FreezeEnded"]
        assert (await house.vote(run_id, "SRE1")).ok
        assert house.hands.effects.total() == 1


async def test_lifting_thaws_at_once_and_each_is_recorded_once() -> None:
    async with House(propose("restart")) as house:
        run_id = await house.ask()
        await freeze(house)
        for _ in range(3):
            await house.controller.freezing.look()
        await house.controller.unfreeze("user:SRE2", "freeze-1", "")
        await house.controller.freezing.look()
        log = await house.log(run_id)
        assert (log.count("CallFrozen"), log.count("CallThawed")) == (1, 1)
        assert (await house.vote(run_id, "SRE1")).ok


async def test_a_frozen_card_can_still_be_denied() -> None:
    async with House(propose("restart")) as house:
        run_id = await house.ask()
        await freeze(house)
        assert (await house.vote(run_id, "SRE1", Ballot.DENY, reason="not now")).ok


async def test_time_ends_a_freeze_across_a_crash_and_says_so_once() -> None:
    async with House(propose("restart")) as house:
        run_id = await house.ask()
        await freeze(house)
        house.clock.move(hours=3)
        await house.crash()
        for _ in range(3):
            await house.controller.freezing.look()
        assert [type(event).__name__ for event in await declared(house)] == ["FreezeDeclared", "FreezeEnded"]
        assert (await house.run(run_id)).batch[0].frozen == ""


async def test_a_crash_between_the_freeze_and_its_mark_loses_neither() -> None:
    async with House(propose("restart")) as house:
        run_id = await house.ask()
        until = START + HOUR
        await house.journal.append(
            ORGANIZATION_STREAM, 0, [e.FreezeDeclared(id="freeze-1", by="shell:ops", until=until, where=())]
        )
        await house.crash()
        await house.controller.freezing.look()
        assert (await house.run(run_id)).batch[0].frozen
        assert not (await house.vote(run_id, "SRE1")).ok


async def test_what_was_granted_before_the_freeze_does_not_start_in_it() -> None:
    async with House(propose("restart")) as house:
        house.rules.requirements = (Requirement(approvers=SRE, use_within_s=7200),)
        run_id = await house.ask()
        await house.say(run_id, SignalKind.PAUSE)
        assert (await house.vote(run_id, "SRE1")).ok
        await freeze(house)
        await house.say(run_id, SignalKind.RESUME)
        assert house.hands.effects.total() == 0
        assert "ApprovalClosed" in await house.log(run_id)


def test_moments_are_said_where_the_person_is_and_in_utc() -> None:
    assert spell_until(START, "Europe/Berlin") == "until Sat 2026-11-21 09:00 CET (08:00 UTC)"
    assert spell_until(START, "Pacific/Auckland") == "until Sat 2026-11-21 21:00 NZDT (08:00 UTC)"
    assert spell_until(START, "Pacific/Honolulu") == "until Fri 2026-11-20 22:00 HST (2026-11-21 08:00 UTC)"
    assert spell_until(START, "UTC") == spell_until(START, "Africa/Accra") == "until Sat 2026-11-21 08:00 UTC"

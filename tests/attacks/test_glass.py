"""Breaking the glass: one person in place of several, with a reason, for one call, and never whoever asked for it."""

from dataclasses import replace

import pytest

from domain import events as e
from domain.approvals import Ballot, Vote
from domain.decisions import Approvers, Requirement
from domain.people import Person
from domain.runs import CallStatus
from domain.signals import SignalKind
from loop.doors import Click, Reply
from tests.loop.house import SRE, House, propose

RESTART = propose("restart")
OTHER = Approvers(kind="user", name="OTHER")
TWO = (Requirement(approvers=SRE, count=2, break_glass=True),)
WHY = "the shop is down and nobody answers"


async def asked(house: House, requirements: tuple[Requirement, ...] = TWO, occurrence: str = "1") -> str:
    house.rules.requirements = requirements
    return await house.ask(occurrence)


async def breaks(house: House, run_id: str, by: str = "SRE1", why: str = WHY, **more: object) -> Reply:
    return await house.vote(run_id, by, Ballot.BREAK_GLASS, reason=why, **more)


async def votes(house: House, run_id: str) -> list[Vote]:
    return [r.event.vote for r in await house.events(run_id) if isinstance(r.event, e.VoteCast)]


async def refused(house: House, run_id: str, reply: Reply, why: str) -> None:
    assert not reply.ok
    assert why in reply.text
    assert await votes(house, run_id) == []
    assert house.hands.effects.total() == 0


async def test_one_person_forces_it_and_everybody_hears_of_it() -> None:
    async with House(RESTART) as house:
        run_id = await asked(house)
        assert (await breaks(house, run_id, "SRE2")).ok
        assert house.hands.effects.total() == 1
        [vote] = await votes(house, run_id)
        assert (vote.ballot, vote.reason, vote.by) == (Ballot.BREAK_GLASS, WHY, "user:SRE2")
        [broken] = [r.event for r in await house.events(run_id) if isinstance(r.event, e.GlassBroken)]
        assert (broken.by, broken.why, broken.told) == ("user:SRE2", WHY, ("user:SRE1",))  # admins, here


UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u2800\u3164\uffa0\u115f\u1160\u034f\ufe0f\u202e\u0000"


@pytest.mark.parametrize(
    "why", ["", "short", "   a     b   ", "\n\t\n\t\n\t\n\t\n\t\n", UNSEEN, *(c * 20 for c in UNSEEN), f"short{UNSEEN}"]
)
async def test_without_a_reason_nothing_breaks(why: str) -> None:
    async with House(RESTART) as house:
        run_id = await asked(house)
        await refused(house, run_id, await breaks(house, run_id, why=why), "needs a reason")


@pytest.mark.parametrize(
    ("by", "why"),
    [
        ("REQUESTER", "asked for it, or shaped it"),
        ("OTHER", "asks somebody else"),
        ("GUEST", "does not count"),
        ("UNKNOWN", "does not count"),
    ],
)
async def test_nobody_breaks_it_whom_the_rule_does_not_name(by: str, why: str) -> None:
    async with House(RESTART) as house:
        run_id = await asked(house)
        await refused(house, run_id, await breaks(house, run_id, by), why)


async def test_the_requester_breaks_nothing_even_where_the_rule_says_self() -> None:
    async with House(RESTART) as house:
        run_id = await asked(house, (Requirement(approvers=Approvers(kind="self"), break_glass=True),))
        await refused(house, run_id, await breaks(house, run_id, "REQUESTER"), "asked for it, or shaped it")


async def test_who_redirected_it_breaks_nothing() -> None:
    async with House(RESTART, RESTART) as house:
        run_id = await asked(house)
        assert (await house.say(run_id, SignalKind.REDIRECT, "user:SRE1", "the other one")).ok
        await refused(house, run_id, await breaks(house, run_id), "asked for it, or shaped it")


async def test_a_rule_without_it_is_not_forced() -> None:
    async with House(RESTART) as house:
        run_id = await asked(house, (Requirement(approvers=SRE, count=2),))
        await refused(house, run_id, await breaks(house, run_id), "does not permit it")


async def test_one_rule_without_it_is_enough_to_refuse() -> None:
    async with House(RESTART) as house:
        run_id = await asked(house, (*TWO, Requirement(approvers=OTHER)))
        await refused(house, run_id, await breaks(house, run_id), "does not permit it")


async def test_it_satisfies_only_the_requirement_that_asks_for_this_person() -> None:
    async with House(RESTART) as house:
        run_id = await asked(house, (*TWO, Requirement(approvers=OTHER, break_glass=True)))
        reply = await breaks(house, run_id)
        assert reply.ok
        assert "Still missing: 1 of user:OTHER" in reply.text
        assert house.hands.effects.total() == 0
        assert not (await breaks(house, run_id, "SRE2")).ok  # that part is covered
        assert (await house.vote(run_id, "OTHER")).ok
        assert house.hands.effects.total() == 1


async def test_it_is_for_this_call_once() -> None:
    async with House(propose("restart", "wire")) as house:
        run_id = await asked(house)
        first = (await house.run(run_id)).batch[0].request
        assert first is not None
        assert (await breaks(house, run_id)).ok
        assert house.hands.started == ["restart"]
        again = Click(
            approval_id=first.approval_id, by="user:SRE2", ballot=Ballot.BREAK_GLASS, digest=first.digest, reason=WHY,
            card=("C1", "1.1"),
        )  # fmt: skip
        assert not (await house.controller.vote(again)).ok
        second = (await house.run(run_id)).batch[1].request
        assert second is not None
        stale = replace(again, approval_id=second.approval_id)
        assert not (await house.controller.vote(stale)).ok
        assert house.hands.started == ["restart"]


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:" + "0" * 64])
async def test_another_digest_breaks_nothing(digest: str) -> None:
    async with House(RESTART) as house:
        run_id = await asked(house)
        await refused(house, run_id, await breaks(house, run_id, digest=digest), "another version")


async def test_not_from_a_channel_that_is_shared() -> None:
    async with House(RESTART) as house:
        run_id = await asked(house)
        house.rooms.shared.add("C9")
        await refused(house, run_id, await breaks(house, run_id, channel="C9"), "shared with another organization")
        await refused(
            house, run_id, await breaks(house, run_id, card=("C9", "1.1")), "shared with another organization"
        )


async def test_who_has_left_by_the_start_has_broken_nothing() -> None:
    async with House(RESTART) as house:
        run_id = await asked(house)
        await house.say(run_id, SignalKind.PAUSE)
        assert (await breaks(house, run_id)).ok
        house.directory.people["user:SRE1"] = Person(principal="user:SRE1", name="gone", active=False)
        await house.say(run_id, SignalKind.RESUME)
        assert house.hands.effects.total() == 0
        assert (await house.run(run_id)).past[0].status is CallStatus.DROPPED


async def test_rules_that_forbid_it_meanwhile_undo_it() -> None:
    async with House(RESTART) as house:
        run_id = await asked(house)
        await house.say(run_id, SignalKind.PAUSE)
        assert (await breaks(house, run_id)).ok
        house.rules.hash = "sha256:stricter"
        await house.say(run_id, SignalKind.RESUME)
        assert house.hands.effects.total() == 0


async def test_it_breaks_no_freeze_and_no_switch() -> None:
    async with House(RESTART) as house:
        run_id = await asked(house)
        later = house.clock.now().replace(hour=23)
        assert (await house.controller.freeze("user:SRE2", "prod", later, "", "UTC")).ok
        await refused(house, run_id, await breaks(house, run_id), "frozen")
        assert (await house.controller.unfreeze("user:SRE2", "freeze-1", "")).ok
        assert (await house.controller.stop_everything("user:SRE2", "")).ok
        assert (await breaks(house, run_id)).ok
        assert house.hands.effects.total() == 0


async def test_nobody_can_be_looked_up_nothing_breaks() -> None:
    async with House(RESTART) as house:
        run_id = await asked(house)
        house.directory.up = False
        await refused(house, run_id, await breaks(house, run_id), "Nobody can say now")

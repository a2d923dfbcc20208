"""Clicks that are forged, replayed, stale or cast by the wrong hands count for nothing and start nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from domain.approvals import Ballot
from domain.decisions import Requirement
from domain.events import ORGANIZATION_STREAM, Posted
from domain.people import Person
from domain.runs import CallStatus, Run, Status
from domain.signals import SignalKind
from domain.tasks import Trigger
from loop.doors import Reply
from loop.ports import Ask
from tests.loop.house import SRE, START, House, propose, task

RESTART = propose("restart")
CARD = ("C1", "100.1")


async def asked(house: House, occurrence: str = "1") -> tuple[str, str]:
    """A run that waits for a countersignature, and the digest that its card shows."""
    run_id = await house.ask(occurrence)
    request = (await house.run(run_id)).records[-1].request
    assert request is not None
    return run_id, request.digest


async def nothing_happened(house: House, run_id: str) -> bool:
    return house.hands.effects.total() == 0 and (await house.run(run_id)).status is Status.AWAITING_APPROVAL


FORGERIES: list[Callable[[str], str]] = [
    lambda d: "",
    lambda d: "s",
    lambda d: "sha256:",
    lambda d: d[:9],
    lambda d: d[:19],
    lambda d: d[:-1],
    lambda d: d + " ",
    lambda d: d.upper(),
    lambda d: "sha256:" + "0" * 64,
    lambda d: d.removeprefix("sha256:"),
]


@pytest.mark.parametrize("forge", FORGERIES, ids=range(len(FORGERIES)))
async def test_a_vote_names_the_whole_digest(forge: Callable[[str], str]) -> None:
    async with House(RESTART) as house:
        run_id, digest = await asked(house)
        assert not (await house.vote(run_id, "SRE1", digest=forge(digest))).ok
        assert await nothing_happened(house, run_id)


async def test_one_runs_digest_does_not_open_anothers_approval() -> None:
    async with House(RESTART) as house:
        one, digest = await asked(house, "1")
        other, _ = await asked(house, "2")
        assert not (await house.vote(other, "SRE1", digest=digest)).ok
        assert not (await house.vote(one, "SRE1", approval_id=f"{other}.c1", digest=digest)).ok
        assert await nothing_happened(house, one)
        assert await nothing_happened(house, other)


@pytest.mark.parametrize(
    "approval_id",
    ["", ".", "x", f"{ORGANIZATION_STREAM}.c1", "r-nothing.c1", "r-x.c1.c1", "\x00.c1", "../..c1", "r-" + "a" * 9000],
)
async def test_an_approval_that_is_not_there_is_refused_in_words(approval_id: str) -> None:
    async with House(RESTART) as house:
        run_id, digest = await asked(house)
        reply = await house.controller.stop_everything("user:SRE1", "so that the organization's own stream exists")
        assert reply.ok
        assert not (await house.vote(run_id, "SRE1", approval_id=approval_id, digest=digest)).ok


@pytest.mark.parametrize("run_id", [ORGANIZATION_STREAM, "", "r-nothing"])
async def test_only_runs_are_runs(run_id: str) -> None:
    async with House(RESTART) as house:
        assert (await house.controller.stop_everything("user:SRE1", "")).ok
        assert await house.controller.run(run_id) is None
        assert not (await house.say(run_id, SignalKind.STOP, "user:SRE1")).ok
        assert isinstance(await house.controller.retry(run_id, "user:SRE1", "1"), Reply)


async def test_a_vote_is_cast_on_a_card_that_shows_this_approval() -> None:
    async with House(RESTART) as house:
        run_id, _ = await asked(house)
        key = f"{run_id}:{run_id}.c1:card"
        await house.controller.posted(run_id, Posted(key=key, channel=CARD[0], ts=CARD[1]))
        for card in [("C9", CARD[1]), (CARD[0], "100.2"), ("D1", "1.1"), ("", "")]:
            assert not (await house.vote(run_id, "SRE1", card=card)).ok, card
        assert await nothing_happened(house, run_id)
        assert (await house.vote(run_id, "SRE1", card=CARD)).ok


CHANGES: list[Callable[[Person], Person | None]] = [
    lambda p: replace(p, active=False),
    lambda p: replace(p, guest=True),
    lambda p: replace(p, external=True),
    lambda p: replace(p, bot=True),
    lambda p: replace(p, groups=frozenset()),
    lambda p: None,
]


@pytest.mark.parametrize("change", CHANGES, ids=range(len(CHANGES)))
async def test_a_voter_who_no_longer_counts_at_the_start_starts_nothing(
    change: Callable[[Person], Person | None],
) -> None:
    async with House(RESTART) as house:
        house.rules.requirements = (Requirement(approvers=SRE, count=2),)
        run_id, _ = await asked(house)
        assert (await house.vote(run_id, "SRE1")).ok
        after = change(house.directory.people["user:SRE1"])
        if after is None:
            del house.directory.people["user:SRE1"]
        else:
            house.directory.people["user:SRE1"] = after
        await house.vote(run_id, "SRE2")
        assert house.hands.effects.total() == 0


async def test_between_the_deciding_click_and_the_start_everything_is_looked_at_again() -> None:
    async with House(RESTART) as house:
        run_id, _ = await asked(house)
        await house.say(run_id, SignalKind.PAUSE)
        assert (await house.vote(run_id, "SRE1")).ok
        house.directory.people["user:SRE1"] = Person(principal="user:SRE1", name="gone", active=False)
        await house.say(run_id, SignalKind.RESUME)
        assert house.hands.effects.total() == 0
        assert (await house.run(run_id)).past[0].status is CallStatus.DROPPED


@pytest.mark.parametrize("many", [2, 5])
async def test_racing_clicks_of_both_kinds_end_in_one_answer(many: int) -> None:
    async with House(RESTART) as house:
        run_id, _ = await asked(house)
        clicks = [
            house.vote(run_id, by, ballot)
            for _ in range(many)
            for by, ballot in (("SRE1", Ballot.DENY), ("SRE2", Ballot.APPROVE), ("REQUESTER", Ballot.DENY))
        ]
        replies = await asyncio.gather(*clicks)
        assert [r.ok for r in replies].count(True) == 1
        assert house.hands.effects.total() == 0  # the denial was first


@pytest.mark.parametrize("shape", [SignalKind.REDIRECT, SignalKind.ANSWER])
async def test_who_shaped_it_never_countersigns_it(shape: SignalKind) -> None:
    turns = [Ask(question="which?", by="script")] if shape is SignalKind.ANSWER else []
    async with House(*turns, RESTART, RESTART) as house:
        run_id = await house.ask()
        assert (await house.say(run_id, shape, "user:SRE1", "the web one")).ok
        run = await house.run(run_id)
        assert run.status is Status.AWAITING_APPROVAL
        assert not (await house.vote(run_id, "SRE1")).ok
        assert await nothing_happened(house, run_id)
        assert (await house.vote(run_id, "SRE2")).ok


async def test_no_votes_after_the_hour() -> None:
    async with House(RESTART) as house:
        run_id, _ = await asked(house)
        house.clock.move(hours=23, minutes=59, seconds=59)
        await house.settle()
        house.clock._now = house.clock.now().replace(day=23)  # the timer has not looked yet
        assert not (await house.vote(run_id, "SRE1")).ok
        assert house.hands.effects.total() == 0


@pytest.mark.parametrize("kind", [SignalKind.RESUME, SignalKind.REDIRECT, SignalKind.ANSWER, SignalKind.TAKE_OVER])
async def test_a_token_steers_only_its_own_runs(kind: SignalKind) -> None:
    async with House(RESTART) as house:
        run_id, _ = await asked(house)
        assert (await house.say(run_id, SignalKind.PAUSE)).ok
        before = len(await house.log(run_id))
        assert not (await house.say(run_id, kind, "token:ci", "something else")).ok
        assert len(await house.log(run_id)) == before
        own = await house.ask("2", requester="token:ci")
        assert (await house.say(own, SignalKind.PAUSE, "token:ci")).ok
        assert (await house.say(own, SignalKind.RESUME, "token:ci")).ok


async def test_a_run_that_one_cannot_see_cannot_be_retried_or_joined() -> None:
    async with House(RESTART) as house:
        house.rooms.private["C1"] = {"user:REQUESTER"}
        trigger = Trigger(source=task("1").trigger.source, source_id="1", timestamp=START, correlation="secret")
        run_id = await house.ask("1", trigger=trigger)
        intruder = replace(
            task("2", requester="user:OTHER"),
            trigger=replace(trigger, source_id="2"),
            place=None,
        )
        answer = await house.controller.submit(intruder)
        assert getattr(answer, "run_id", None) != run_id
        heard: Run = await house.run(run_id)
        assert heard.messages == ()
        await house.say(run_id, SignalKind.STOP)
        assert isinstance(await house.controller.retry(run_id, "user:OTHER", "1"), Reply)
        assert isinstance(await house.controller.retry(run_id, "token:ci", "1"), Reply)

"""What every journal promises, held against each of them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC

import pytest

from domain.events import (
    ORGANIZATION_STREAM,
    EverythingResumed,
    EverythingStopped,
    InstanceStarted,
    PersonSpoke,
    PolicyLoaded,
    Recorded,
    RunFinished,
)
from domain.outcomes import Outcome
from domain.settling import IllegalEvent
from loop.ports import ApprovalUnused, Conflict, Guard, GuardRefused, Journal, OrganizationAt, SwitchOff
from state.errors import Unencodable
from tests.state.samples import NOON, asked, finished, granted, received, returned, started

SPOKE = PersonSpoke(by="user:U1", text="hello")


async def take(journal: Journal, position: int, count: int) -> list[Recorded]:
    events = journal.follow(position)
    assert isinstance(events, AsyncGenerator)
    async with aclosing(events), asyncio.timeout(5):
        return [await anext(events) for _ in range(count)]


async def test_what_is_appended_is_read_back_as_it_was_recorded(journal: Journal) -> None:
    first = await journal.append("r-1", 0, [received(), SPOKE])
    second = await journal.append("r-1", 2, [SPOKE])
    assert [each.seq for each in first + second] == [1, 2, 3]
    assert [each.position for each in first + second] == [1, 2, 3]
    assert first[0].at > NOON
    assert first[0].at.tzinfo is UTC
    assert await journal.read("r-1") == first + second
    assert await journal.read("r-1", after=1) == (first + second)[1:]
    assert await journal.read("r-2") == []


async def test_each_event_carries_its_own_hash(journal: Journal) -> None:
    records = await journal.append("r-1", 0, [received(), SPOKE, SPOKE])
    records += await journal.append("r-2", 0, [received()])
    assert len({each.hash for each in records}) == 4
    assert all(len(each.hash) == 64 for each in records)


async def test_nothing_appended_is_nothing_written(journal: Journal) -> None:
    assert await journal.append("r-1", 0, []) == []
    assert await journal.read("r-1") == []


@pytest.mark.parametrize("expected", [0, 1, 3])
async def test_a_stream_that_has_moved_on_is_a_conflict(journal: Journal, expected: int) -> None:
    await journal.append("r-1", 0, [received(), SPOKE])
    with pytest.raises(Conflict) as caught:
        await journal.append("r-1", expected, [SPOKE])
    assert (caught.value.stream, caught.value.expected, caught.value.actual) == ("r-1", expected, 2)
    assert len(await journal.read("r-1")) == 2


async def test_of_many_who_expect_the_same_one_wins(journal: Journal) -> None:
    await journal.append("r-1", 0, [received()])
    said = [PersonSpoke(by="user:U1", text=str(n)) for n in range(20)]
    answers = await asyncio.gather(*(journal.append("r-1", 1, [each]) for each in said), return_exceptions=True)
    won = [answer for answer in answers if isinstance(answer, list)]
    assert len(won) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == 19
    assert (await journal.read("r-1", after=1)) == won[0]


async def test_a_refused_append_fails_alone(journal: Journal) -> None:
    await journal.append("r-1", 0, [received()])
    answers = await asyncio.gather(
        journal.append("r-2", 0, [received("2")]),
        journal.append("r-1", 7, [SPOKE]),
        journal.append("r-3", 0, [SPOKE]),  # a run must begin with its task
        journal.append("r-1", 1, [SPOKE]),
        return_exceptions=True,
    )
    assert [type(each) for each in answers] == [list, Conflict, IllegalEvent, list]
    assert await journal.open_runs() == ["r-1", "r-2"]


async def test_what_cannot_have_happened_is_not_written(journal: Journal) -> None:
    await journal.append("r-1", 0, [received(), RunFinished(outcome=Outcome.STOPPED, summary="stopped")])
    with pytest.raises(IllegalEvent):
        await journal.append("r-1", 2, [SPOKE])
    with pytest.raises(IllegalEvent):
        await journal.append("r-2", 0, [received(), returned("c9")])
    with pytest.raises(IllegalEvent):
        await journal.append(ORGANIZATION_STREAM, 0, [SPOKE])
    with pytest.raises(IllegalEvent):
        await journal.append("r-2", 0, [EverythingStopped(by="user:U1")])
    assert await journal.read("r-2") == []


async def test_what_would_not_read_back_is_not_written(journal: Journal) -> None:
    with pytest.raises(Unencodable):
        await journal.append("r-1", 0, [received(), PersonSpoke(by="user:U1", text="\ud800")])
    assert await journal.read("r-1") == []


async def test_the_switch_stops_guarded_appends_until_it_is_off(journal: Journal) -> None:
    await journal.append("r-1", 0, [received()])
    assert not await journal.switched_off()
    instance = InstanceStarted(boot=1, version="0", sandbox="none", policy_hash="")
    await journal.append(ORGANIZATION_STREAM, 0, [instance, EverythingStopped(by="user:U1", why="look")])
    assert await journal.switched_off()
    with pytest.raises(GuardRefused) as caught:
        await journal.append("r-1", 1, [SPOKE], [SwitchOff()])
    assert caught.value.guard == SwitchOff()
    await journal.append("r-1", 1, [SPOKE])
    await journal.append(ORGANIZATION_STREAM, 2, [EverythingResumed(by="user:U1")])
    await journal.append("r-1", 2, [SPOKE], [SwitchOff()])
    assert not await journal.switched_off()


async def test_an_append_can_ask_that_the_organization_has_not_moved_on(journal: Journal) -> None:
    await journal.append("r-1", 0, [received()], [OrganizationAt(0)])
    await journal.append(ORGANIZATION_STREAM, 0, [PolicyLoaded(policy_hash="sha256:b")])
    with pytest.raises(GuardRefused) as caught:
        await journal.append("r-1", 1, [SPOKE], [OrganizationAt(0)])
    assert caught.value.guard == OrganizationAt(0)
    await journal.append("r-1", 1, [SPOKE], [OrganizationAt(1)])


async def test_what_an_agents_calls_came_to_is_told(journal: Journal) -> None:
    story = [received(), *asked(), *granted(), started()]
    (recorded, *_) = await journal.append("r-1", 0, story)
    await journal.append("r-2", 0, [received("2"), *asked()])
    first, second = await journal.deeds("sre", NOON)
    assert (first.run_id, first.tool, first.approved, first.held) == ("r-1", "service.restart", True, None)
    assert (second.run_id, second.approved) == ("r-2", False)
    (returned_,) = await journal.append("r-1", len(story), [replace(returned(), met=False)])
    after = await journal.deeds("sre", returned_.at)
    assert [(deed.run_id, deed.held, deed.at) for deed in after] == [("r-1", False, returned_.at)]
    assert await journal.deeds("other", NOON) == []
    assert recorded.at < returned_.at


async def test_an_approval_is_taken_once(journal: Journal) -> None:
    await journal.append("r-1", 0, [received(), *asked(), *granted()])
    guards: Sequence[Guard] = [SwitchOff(), ApprovalUnused("a1")]
    answers = await asyncio.gather(
        *(journal.append("r-1", 6, [started()], guards) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(answer, list) for answer in answers) == 1
    with pytest.raises(GuardRefused) as caught:
        await journal.append("r-1", 7, [SPOKE], guards)
    assert caught.value.guard == ApprovalUnused("a1")
    assert len(await journal.read("r-1")) == 7


async def test_an_approval_may_be_asked_for_granted_and_taken_in_one_append(journal: Journal) -> None:
    await journal.append("r-1", 0, [received(), *asked(), *granted(), started()], [ApprovalUnused("a1")])
    with pytest.raises(GuardRefused):
        await journal.append("r-1", 7, [SPOKE], [ApprovalUnused("a1")])


@pytest.mark.parametrize("approval", ["a1", "a9"])
async def test_a_guarded_append_that_starts_nothing_under_the_approval_is_refused(
    journal: Journal, approval: str
) -> None:
    await journal.append("r-1", 0, [received(), *asked(), *granted()])
    with pytest.raises(GuardRefused):
        await journal.append("r-1", 6, [SPOKE], [ApprovalUnused(approval)])
    await journal.append("r-1", 6, [started()], [ApprovalUnused("a1")])


async def test_an_action_cannot_start_before_the_grant(journal: Journal) -> None:
    await journal.append("r-1", 0, [received(), *asked()])
    with pytest.raises(IllegalEvent):
        await journal.append("r-1", 4, [started()], [ApprovalUnused("a1")])


async def test_another_runs_approval_is_not_ours_to_take(journal: Journal) -> None:
    await journal.append("r-1", 0, [received(), *asked(), *granted()])
    await journal.append("r-2", 0, [received("2"), *asked("a2"), *granted("a2")])
    with pytest.raises(GuardRefused):
        await journal.append("r-2", 6, [started("a1")], [ApprovalUnused("a1")])


async def test_finished_runs_are_not_open(journal: Journal) -> None:
    for n in range(3):
        await journal.append(f"r-{n}", 0, [received(str(n))])
    await journal.append("r-1", 1, [finished()])
    assert await journal.open_runs() == ["r-0", "r-2"]


async def test_correlated_runs_come_newest_first_and_stay_in_their_organization(journal: Journal) -> None:
    for n, organization in enumerate(["acme", "acme", "other", "acme"]):
        await journal.append(f"r-{n}", 0, [received(str(n), "finding-7", organization)])
    await journal.append("r-4", 0, [received("4", "finding-8")])
    await journal.append("r-5", 0, [received("5")])
    assert await journal.correlated("acme", "finding-7") == ["r-3", "r-1", "r-0"]
    assert await journal.correlated("acme", "finding-9") == []


async def test_followers_get_what_was_recorded_and_then_what_comes(journal: Journal) -> None:
    written = await journal.append("r-1", 0, [received(), SPOKE])
    following = asyncio.create_task(take(journal, 0, 4))
    late = asyncio.create_task(take(journal, 2, 2))
    await asyncio.sleep(0.01)
    written += await journal.append("r-2", 0, [received("2")])
    written += await journal.append("r-1", 2, [SPOKE])
    assert await following == written
    assert await late == written[2:]


async def test_followers_miss_nothing_while_many_write(journal: Journal) -> None:
    followers = [asyncio.create_task(take(journal, 0, 400)) for _ in range(3)]

    async def write(n: int) -> list[Recorded]:
        records = await journal.append(f"r-{n}", 0, [received(str(n))])
        for seq in range(1, 10):
            records += await journal.append(f"r-{n}", seq, [SPOKE])
        return records

    written = [each for part in await asyncio.gather(*(write(n) for n in range(40))) for each in part]
    written.sort(key=lambda each: each.position)
    for follower in followers:
        assert await follower == written


async def test_following_ends_when_the_journal_is_closed(journal: Journal) -> None:
    async def follow() -> int:
        return len([each async for each in journal.follow(0)])

    following = asyncio.create_task(follow())
    await journal.append("r-1", 0, [received()])
    await asyncio.sleep(0.01)
    await journal.close()  # type: ignore[attr-defined]  # both have it; the port does not ask for it
    assert await asyncio.wait_for(following, 2) == 1

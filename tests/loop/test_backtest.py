"""The recorded past under other rules: what flips, which way, because of which piece; and what the candidate is not to
blame for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain import events as e
from domain.events import ORGANIZATION_STREAM, Recorded
from domain.people import Person, Snapshot
from loop.backtest import Backtest, Side, Unfoldable
from loop.rulebook import Rulebook
from policy.analysis.backtest import Direction, Report
from policy.engine import PolicySet
from tests.loop.house import START, FakeCatalog, House, propose
from tests.loop.test_reload import AGENT, DRAFT, LOOKS, NEVER, RESTART, TWO, UNRELATED, RealHouse, policies

PEOPLE = Snapshot(
    version="configuration",
    at=START,
    people={
        f"user:{name}": Person(principal=f"user:{name}", name=name, groups=frozenset({"sre"}))
        for name in ("REQUESTER", "SRE1", "SRE2")
    },
)
CLOSED = "- {id: closed, level: organization, match: {type: [chat]}, deny: Closed.}\n"
ONCE = "budgets:\n- {id: once, match: {tool: [restart]}, of: actions, most: 1, every: day}\n"


async def past(house: House) -> list[Recorded]:
    """The whole log, in its order."""
    found = []
    async for recorded in house.journal.follow(0):
        found.append(recorded)
        if len(found) == len(house.journal._log):
            break
    return found


def side(found: PolicySet) -> Side:
    book = Rulebook(
        organization="acme", rules=found, agents=found.agents, catalog=FakeCatalog(), approvers=found.approvers
    )
    return Side(found, book, PEOPLE)


def judged(log: Sequence[Recorded], current: PolicySet, candidate: PolicySet, since: datetime | None = None) -> Report:
    judge = Backtest(side(current), side(candidate), since=since)
    for recorded in log:
        judge.hear(recorded)
    return judge.report()


async def story(text: str, *turns: object) -> list[Recorded]:
    """A run that restarted something under one countersignature, or as far as the rules let it."""
    async with RealHouse(text, *(turns or (propose("look"), propose("restart")))) as house:
        run_id = await house.ask()
        if "ApprovalRequested" in await house.log(run_id):
            await house.vote(run_id, "SRE1")
        return await past(house)


def told(report: Report) -> list[tuple[str, str, str, str]]:
    return [(f.where, f.turn.direction.value, f.turn.kind, " ".join(p.text for p in f.because)) for f in report.flips]


async def test_the_same_rules_flip_nothing() -> None:
    report = judged(await story(RESTART), policies(RESTART), policies("# a comment\n" + RESTART))
    assert (report.runs, report.judged, report.moved, report.unreached) == (1, 5, 0, 0)
    assert not report.flips
    assert not report.differences
    assert not report.widens


async def test_stricter_and_looser_are_told_apart_and_put_down_to_their_rules() -> None:
    log = await story(RESTART + LOOKS.replace("deny: Nobody looks.", "limit: {tier: sandbox}"))
    current = policies(RESTART + LOOKS.replace("deny: Nobody looks.", "limit: {tier: sandbox}"))
    report = judged(log, current, policies(RESTART + LOOKS))
    assert told(report) == [
        ("boundary", "stricter", "now denied", "rule blind (changed)"),
        ("start", "stricter", "now denied", "rule blind (changed)"),
    ]
    report = judged(log, policies(RESTART + NEVER), policies(TWO))
    assert told(report) == [
        ("boundary", "looser", "now asks", "rule never (removed)"),
        ("start", "looser", "now asks", "rule never (removed)"),
    ]
    assert report.widens
    assert report.moved == 2, "what was recorded is not what today's rules say either; the candidate is not why"
    report = judged(log, policies(RESTART), policies(TWO + UNRELATED))
    assert told(report)[0] == ("boundary", "stricter", "stricter approvals", "rule restarts (changed)")
    assert (report.count(Direction.STRICTER), report.count(Direction.LOOSER)) == (2, 0)


async def test_a_door_that_would_have_been_shut_is_one_flip_and_its_calls_never_come() -> None:
    report = judged(await story(RESTART), policies(RESTART), policies(RESTART + CLOSED))
    assert told(report) == [("door", "stricter", "now denied", "rule closed (added)")]
    assert report.flips[0].candidate.sentence == "Closed. (closed, policies/org.yaml:4)"
    assert report.unreached == 4


async def test_a_wider_door_carries_on_to_the_calls_behind_it() -> None:
    log = await story(DRAFT)
    report = judged(log, policies(DRAFT), policies(""))
    kinds = told(report)
    assert kinds[0] == ("door", "looser", "higher tier", "rule drafts (removed)")
    assert kinds[1] == ("boundary", "looser", "now asks", "rule drafts (removed)")


async def test_two_changes_that_only_flip_together_are_both_named() -> None:
    log = await story(RESTART)
    both = RESTART + NEVER + NEVER.replace("never", "nor")
    report = judged(log, policies(RESTART), policies(both))
    because = {" ".join(piece.text for piece in flip.because) for flip in report.flips}
    assert because == {"rule never (added) rule nor (added)"}, "to put one of two denials back undoes nothing"
    report = judged(log, policies(both), policies(RESTART + NEVER.replace("never", "nor")))
    assert report.flips == ()


async def test_an_agent_that_is_granted_less_is_to_blame() -> None:
    less = AGENT.replace("tier: production", "tier: draft")
    report = judged(await story(RESTART), policies(RESTART), policies(RESTART, agents=(less,)))
    assert told(report)[0] == ("door", "stricter", "lower tier", "agent agent (changed)")
    assert {flip.turn.kind for flip in report.flips} == {"lower tier", "now denied"}


async def test_a_freeze_of_the_time_holds_for_both_sides() -> None:
    async with RealHouse(RESTART, propose("restart")) as house:
        run_id = await house.ask()
        await house.journal.append(
            ORGANIZATION_STREAM,
            0,
            [
                e.FreezeDeclared(
                    id="f1", by="user:SRE1", until=START + timedelta(hours=1), where=(("tool", ("restart",)),)
                )
            ],
        )
        await house.vote(run_id, "SRE1")
        log = await past(house)
    report = judged(log, policies(RESTART), policies(TWO))
    assert report.moved == 0
    assert [flip.seq for flip in report.flips] == [flip.seq for flip in report.flips if flip.where == "boundary"]
    for recorded in log:
        if isinstance(recorded.event, e.CallDenied):
            assert recorded.seq not in {flip.seq for flip in report.flips}


async def test_a_budget_is_filled_by_the_past_of_the_side_that_has_it() -> None:
    async with RealHouse(RESTART, propose("restart"), propose("restart")) as house:
        run_id = await house.ask()
        await house.vote(run_id, "SRE1")
        await house.vote(run_id, "SRE1")
        assert house.hands.effects.total() == 2
        log = await past(house)
    report = judged(log, policies(RESTART), policies(RESTART + ONCE))
    assert told(report) == [
        ("boundary", "stricter", "now denied", "budget once (added)"),
        ("start", "stricter", "now denied", "budget once (added)"),
    ]
    assert "1 of 1 actions" in report.flips[0].candidate.sentence


async def test_only_what_came_since_is_judged_and_all_of_it_is_folded() -> None:
    async with RealHouse(RESTART, propose("look"), propose("restart")) as house:
        run_id = await house.ask()
        house.clock.move(minutes=5)
        await house.vote(run_id, "SRE1")
        log = await past(house)
    report = judged(log, policies(RESTART), policies(TWO), since=START + timedelta(minutes=1))
    assert [flip.where for flip in report.flips] == ["start"]
    assert report.judged == 1
    nothing = judged(log, policies(RESTART), policies(TWO), since=START + timedelta(days=1))
    assert (nothing.runs, nothing.judged, nothing.flips) == (0, 0, ())


async def test_an_empty_past_flips_nothing() -> None:
    report = judged([], policies(RESTART), policies(TWO))
    assert (report.runs, report.judged, len(report.differences)) == (0, 0, 1)


async def test_a_log_that_cannot_have_been_written_is_said_to_be() -> None:
    log = await story(RESTART)
    torn = [recorded for recorded in log if not isinstance(recorded.event, e.CallsProposed)]
    with pytest.raises(Unfoldable, match=r"r-\w+ event \d+: \w+ cannot follow"):
        judged(torn, policies(RESTART), policies(TWO))


async def test_every_answer_of_the_log_is_found_again_by_the_rules_that_gave_it() -> None:
    """The past, judged under the rules of its time, says what was recorded: nothing has moved."""
    for text in (RESTART, TWO, DRAFT, LOOKS, NEVER + RESTART, CLOSED):
        report = judged(await story(text), policies(text), policies(text))
        assert report.moved == 0, text
        assert report.judged > 0
    assert replace(PEOPLE, version="other") != PEOPLE

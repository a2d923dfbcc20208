"""Who counts, and how often: distinct people, one seat each, never whoever asked."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changes.votes import Electorate, counts, tally
from domain.approvals import Ballot, Vote
from domain.decisions import Approvers, Requirement
from domain.people import Person, Snapshot

SRE, SECURITY = Approvers(kind="group", name="sre"), Approvers(kind="group", name="security")
PEER, SELF = Approvers(kind="peer"), Approvers(kind="self")
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def person(name: str, *groups: str, **flags: bool) -> Person:
    return Person(principal=f"user:{name}", name=name, groups=frozenset(groups), **flags)


PEOPLE = [
    person("REQUESTER", "sre"),
    person("SRE1", "sre"),
    person("SRE2", "sre"),
    person("BOTH", "sre", "security"),
    person("SECURITY", "security"),
    person("GUEST", "sre", guest=True),
    person("GONE", "sre", active=False),
    person("BOT", "sre", bot=True),
    person("ELSEWHERE", "sre", external=True),
    person("NOBODY"),
]
DIRECTORY = Snapshot(version="1", at=NOW, people={p.principal: p for p in PEOPLE})
VOTERS = Electorate(people=DIRECTORY, peers=(SRE,), requester="user:REQUESTER", excluded=("user:REQUESTER",))


def votes(*names: str, ballot: Ballot = Ballot.APPROVE) -> list[Vote]:
    return [Vote(approval_id="a", by=f"user:{n}", ballot=ballot, digest="d") for n in names]


def need(*pairs: tuple[Approvers, int]) -> list[Requirement]:
    return [Requirement(approvers=a, count=n) for a, n in pairs]


@pytest.mark.parametrize(
    ("requirements", "names", "met"),
    [
        (need((SRE, 1)), ["SRE1"], True),
        (need((SRE, 1)), ["REQUESTER"], False),
        (need((SRE, 2)), ["SRE1", "SRE1"], False),
        (need((SRE, 2)), ["SRE1", "SRE2"], True),
        (need((SRE, 1), (SECURITY, 1)), ["BOTH"], False),
        (need((SRE, 1), (SECURITY, 1)), ["BOTH", "SRE1"], True),
        (need((SRE, 1), (SECURITY, 1)), ["SRE1", "BOTH"], True),
        (need((SRE, 1), (SECURITY, 1)), ["BOTH", "SECURITY"], True),
        (need((SRE, 1), (PEER, 1)), ["SRE1"], False),
        (need((PEER, 1)), ["NOBODY"], False),
        (need((SELF, 1)), ["REQUESTER"], True),
        (need((SELF, 1)), ["SRE1"], False),
        (need((Approvers(kind="user", name="SRE2"), 1)), ["SRE1"], False),
        (need((Approvers(kind="any", of=(SRE, SECURITY)), 2)), ["SRE1", "SECURITY"], True),
        (need((Approvers(kind="all", of=(SRE, SECURITY)), 1)), ["SRE1"], False),
        (need((Approvers(kind="all", of=(SRE, SECURITY)), 1)), ["SRE1", "SECURITY"], True),
        (need((Approvers(kind="oncall", name="web"), 1)), ["SRE1"], False),
        (need((SRE, 1)), ["GUEST", "GONE", "BOT", "ELSEWHERE", "UNKNOWN"], False),
    ],
)
def test_a_ballot(requirements: list[Requirement], names: list[str], met: bool) -> None:
    assert tally(requirements, votes(*names), VOTERS).met is met


def test_a_later_stage_is_closed_until_the_earlier_one_is_full() -> None:
    stages = [Requirement(approvers=SRE, count=1), Requirement(approvers=SECURITY, count=1, stage=1)]
    assert not counts("user:SECURITY", stages, [], VOTERS)
    assert counts("user:SECURITY", stages, votes("SRE1"), VOTERS)


def test_a_vote_that_fills_no_seat_does_not_count() -> None:
    assert not counts("user:SRE2", need((SRE, 1), (SECURITY, 1)), votes("SRE1"), VOTERS)


def test_a_denial_is_no_approval_and_the_last_word_counts() -> None:
    assert not tally(need((SRE, 1)), votes("SRE1", ballot=Ballot.DENY), VOTERS).met
    assert not tally(need((SRE, 1)), votes("SRE1") + votes("SRE1", ballot=Ballot.DENY), VOTERS).met


NAMES = st.lists(st.sampled_from([p.name for p in PEOPLE]), max_size=8)
RULES = st.lists(
    st.builds(Requirement, approvers=st.sampled_from([SRE, SECURITY, PEER]), count=st.integers(1, 3)), max_size=3
)


@given(RULES, NAMES)
def test_nobody_serves_twice_and_only_the_eligible_serve(requirements: list[Requirement], names: list[str]) -> None:
    state = tally(requirements, votes(*names), VOTERS)
    seats = sum(r.count for r in requirements)
    assert len(set(state.serving)) == len(state.serving) <= seats
    assert set(state.serving) <= {"user:SRE1", "user:SRE2", "user:BOTH", "user:SECURITY"}
    assert state.met == (len(state.serving) == seats)


@given(RULES, NAMES, st.randoms())
def test_the_order_of_votes_does_not_matter_without_stages(
    requirements: list[Requirement], names: list[str], random: object
) -> None:
    shuffled = names[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert tally(requirements, votes(*names), VOTERS).met == tally(requirements, votes(*shuffled), VOTERS).met

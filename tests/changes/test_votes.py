"""Who counts, and how often: distinct people, one seat each, never whoever asked."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changes.votes import Electorate, breakable, counts, may_break, tally
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


# ── Breaking the glass ────────────────────────────────────────────────────────────────────────────────────────────────


def glass(*pairs: tuple[Approvers, int], stage: int = 0) -> list[Requirement]:
    return [Requirement(approvers=a, count=n, break_glass=True, stage=stage) for a, n in pairs]


def broken(*names: str) -> list[Vote]:
    return votes(*names, ballot=Ballot.BREAK_GLASS)


ALL = Approvers(kind="all", of=(SRE, SECURITY))


@pytest.mark.parametrize(
    ("requirements", "cast", "met"),
    [
        (glass((SRE, 3)), broken("SRE1"), True),
        (glass((SRE, 3)), votes("SRE1"), False),
        (need((SRE, 2)), broken("SRE1"), False),  # its rule does not permit it
        (glass((SRE, 2)), broken("SECURITY"), False),  # eligible only for another requirement
        (glass((SRE, 2), (SECURITY, 2)), broken("SRE1"), False),
        (glass((SRE, 2), (SECURITY, 2)), broken("SRE1", "SECURITY"), True),
        (glass((SRE, 2), (SECURITY, 2)), broken("BOTH"), False),  # one requirement, however many they could serve
        (glass((SRE, 2), (SECURITY, 2)), broken("BOTH", "SRE1"), True),
        (glass((SRE, 2), (SECURITY, 2)), broken("SECURITY", "BOTH"), True),
        (glass((SRE, 2)) + need((SECURITY, 1)), broken("SRE1"), False),  # the other still needs its people
        (glass((SRE, 2)) + need((SECURITY, 1)), broken("SRE1") + votes("SECURITY"), True),
        (glass((SRE, 2)), votes("SRE1") + broken("SRE1"), True),  # the last word counts
        (glass((SRE, 2)), broken("SRE1") + votes("SRE1"), False),
        (glass((SRE, 2)), broken("SRE1") + votes("SRE1", ballot=Ballot.DENY), False),
        (glass((SRE, 1)), broken("REQUESTER"), False),
        (glass((SELF, 1)), broken("REQUESTER"), False),
        (glass((SRE, 1)), broken("GUEST", "GONE", "BOT", "ELSEWHERE", "UNKNOWN"), False),
        (glass((ALL, 2)), broken("SRE1"), False),
        (glass((ALL, 2)), broken("BOTH"), True),
        (glass((SECURITY, 1), stage=1) + need((SRE, 1)), broken("SECURITY"), False),
        (glass((SECURITY, 2), stage=1) + need((SRE, 1)), broken("SECURITY") + votes("SRE1"), True),
    ],
)
def test_broken_glass(requirements: list[Requirement], cast: list[Vote], met: bool) -> None:
    assert tally(requirements, cast, VOTERS).met is met


def test_it_is_offered_only_where_every_rule_permits_it() -> None:
    assert breakable(glass((SRE, 2), (SECURITY, 1)))
    assert not breakable(glass((SRE, 2)) + need((SECURITY, 1)))
    assert not breakable([])


def test_who_may_break_the_glass() -> None:
    assert may_break("user:SRE1", glass((SRE, 2)), VOTERS)
    for who in ("SECURITY", "REQUESTER", "GUEST", "NOBODY"):
        assert not may_break(f"user:{who}", glass((SRE, 2)), VOTERS)
    shaped = Electorate(people=DIRECTORY, peers=(SRE,), requester="user:REQUESTER", excluded=("user:SRE1",))
    assert not may_break("user:SRE1", glass((SRE, 2)), shaped)


GLASS_RULES = st.lists(
    st.builds(
        Requirement,
        approvers=st.sampled_from([SRE, SECURITY, PEER, SELF, ALL]),
        count=st.integers(1, 3),
        break_glass=st.booleans(),
    ),
    max_size=3,
)
CAST = st.lists(
    st.builds(
        lambda name, ballot: votes(name, ballot=ballot)[0],
        st.sampled_from([p.name for p in PEOPLE]),
        st.sampled_from([Ballot.APPROVE, Ballot.BREAK_GLASS]),
    ),
    max_size=6,
    unique_by=lambda vote: vote.by,
)


@given(GLASS_RULES, CAST, st.randoms())
def test_the_order_of_broken_glass_does_not_matter(
    requirements: list[Requirement], cast: list[Vote], random: object
) -> None:
    shuffled = cast[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = tally(requirements, cast, VOTERS), tally(requirements, shuffled, VOTERS)
    assert sum(m.count for m in one.missing) == sum(m.count for m in other.missing)


@given(GLASS_RULES, CAST, st.sampled_from([p.name for p in PEOPLE]), st.sampled_from(list(Ballot)[::2]))
def test_one_more_vote_never_undoes_what_is_met(
    requirements: list[Requirement], cast: list[Vote], name: str, ballot: Ballot
) -> None:
    more = [vote for vote in votes(name, ballot=ballot) if vote.by not in {cast_.by for cast_ in cast}]
    before, after = tally(requirements, cast, VOTERS), tally(requirements, [*cast, *more], VOTERS)
    assert sum(m.count for m in after.missing) <= sum(m.count for m in before.missing)


@given(GLASS_RULES, CAST)
def test_it_is_worth_no_more_than_the_people_it_stands_for(requirements: list[Requirement], cast: list[Vote]) -> None:
    """With every breaker's requirement struck out, the rest is met by the others alone; and nobody else serves."""
    state = tally(requirements, cast, VOTERS)
    eligible = {"user:SRE1", "user:SRE2", "user:BOTH", "user:SECURITY"}
    own = any(one.approvers == SELF for one in requirements)
    assert set(state.serving) <= eligible | ({"user:REQUESTER"} if own else set())
    breakers = [vote.by for vote in cast if vote.ballot is Ballot.BREAK_GLASS]
    plain = [vote for vote in cast if vote.ballot is Ballot.APPROVE]
    permitted = [one for one in requirements if one.break_glass]
    best = any(
        tally([one for i, one in enumerate(requirements) if i not in struck], plain, VOTERS).met
        and _served(struck, requirements, breakers)
        for n in range(min(len(breakers), len(permitted)) + 1)
        for struck in itertools.combinations(range(len(requirements)), n)
    )
    assert state.met == best


def _served(struck: tuple[int, ...], requirements: list[Requirement], breakers: list[str]) -> bool:
    """Whether different people may satisfy each of these alone."""
    return any(
        all(may_break(who, [requirements[i]], VOTERS) for i, who in zip(struck, order, strict=True))
        for order in itertools.permutations(breakers, len(struck))
    )

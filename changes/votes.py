"""Whose vote counts, and whether enough have been cast. Checked at the click and again just before the start.

The law: only full, active, human members of the team count; a person counts once, for one requirement, however many
groups they are in; the requester, and whoever shaped the call, never counts unless the rule says `self`. Whoever breaks
the glass takes every seat of one requirement whose rule permits that, under the same law but for `self`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.approvals import Ballot, Vote
from domain.decisions import Approvers, Requirement
from domain.people import Person, Snapshot
from domain.tasks import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Electorate:
    """Against whom votes are held: the directory now, `approvers:` of the configuration, and who may not."""

    people: Snapshot
    peers: tuple[Approvers, ...]
    requester: Principal | None
    excluded: tuple[Principal, ...]

    def why_not(self, voter: Principal) -> str | None:
        """Why this person never counts, whatever the rule; None if they might."""
        person = self.people.people.get(voter)
        if person is None:
            return "the directory does not know you"
        if not person.counts:
            return "only full, active members of this team countersign; guests, external people and bots do not"
        return None

    def eligible(self, voter: Principal, approvers: Approvers) -> bool:
        """Whether this person may serve a requirement that asks for `approvers`."""
        person = self.people.people.get(voter)
        if person is None or not person.counts:
            return False
        if approvers.kind == "self":
            return voter == self.requester
        if approvers.kind == "any":
            return any(self.eligible(voter, part) for part in approvers.of)
        if voter in self.excluded:
            return False
        return self._named(person, approvers)

    def _named(self, person: Person, approvers: Approvers) -> bool:
        match approvers.kind:
            case "peer":
                return any(part.kind != "peer" and self.eligible(person.principal, part) for part in self.peers)
            case "user":
                return person.principal == f"user:{approvers.name}"
            case "group":
                return approvers.name in person.groups
            case "oncall":
                return person.principal in self.people.on_call.get(approvers.name or "", frozenset())
            case _:
                return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What a request still lacks."""

    approvers: Approvers
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The state of a ballot: who serves, and what is missing. Met when nothing is."""

    serving: tuple[Principal, ...]
    missing: tuple[Missing, ...]

    @property
    def met(self) -> bool:
        """Whether every requirement has its people."""
        return not self.missing


def tally(requirements: Sequence[Requirement], votes: Iterable[Vote], electorate: Electorate) -> Tally:
    """Match votes to requirements so that as many seats as possible are filled, each person at most once.

    Stages fill in order: a later stage's seats are closed until every earlier seat is taken.
    """
    last = list({vote.by: vote for vote in votes}.values())
    approving = [vote.by for vote in last if vote.ballot is Ballot.APPROVE]
    breaking = [vote.by for vote in last if vote.ballot is Ballot.BREAK_GLASS]
    ways = _ways(breaking, requirements, electorate, {})
    return min((_filled(requirements, approving, alone, electorate) for alone in ways), key=_lacks)


def counts(
    voter: Principal,
    requirements: Sequence[Requirement],
    votes: Sequence[Vote],
    electorate: Electorate,
    ballot: Ballot = Ballot.APPROVE,
) -> bool:
    """Whether this ballot of `voter` would fill a seat that is still empty."""
    before = tally(requirements, votes, electorate)
    vote = Vote(approval_id="", by=voter, ballot=ballot, digest="")
    return _lacks(tally(requirements, [*votes, vote], electorate)) < _lacks(before)


def may_serve(voter: Principal, requirements: Sequence[Requirement], electorate: Electorate) -> bool:
    """Whether this person could serve any of these at all."""
    return any(electorate.eligible(voter, approvers) for _, _, approvers in _seats(requirements))


def breakable(requirements: Sequence[Requirement]) -> bool:
    """Whether breaking the glass is offered at all: every rule that asks must permit it."""
    return bool(requirements) and all(requirement.break_glass for requirement in requirements)


def may_break(voter: Principal, requirements: Sequence[Requirement], electorate: Electorate) -> bool:
    """Whether this person could satisfy one of these alone."""
    return any(_breaks(voter, requirement, electorate) for requirement in requirements)


def _breaks(voter: Principal, requirement: Requirement, electorate: Electorate) -> bool:
    """Nobody breaks the glass for what they asked for or shaped themselves, even where the rule says `self`."""
    if not requirement.break_glass or voter == electorate.requester or voter in electorate.excluded:
        return False
    return all(electorate.eligible(voter, part) for part in _parts(requirement))


def _ways(
    breaking: Sequence[Principal],
    requirements: Sequence[Requirement],
    electorate: Electorate,
    alone: Mapping[int, Principal],
) -> Iterator[Mapping[int, Principal]]:
    """Every way to give each of these people a requirement to satisfy alone, as far as there are enough."""
    if not breaking:
        yield alone
        return
    voter, *others = breaking
    free = [i for i, one in enumerate(requirements) if i not in alone and _breaks(voter, one, electorate)]
    for index in free:
        yield from _ways(others, requirements, electorate, {**alone, index: voter})
    if not free:
        yield from _ways(others, requirements, electorate, alone)


def _filled(
    requirements: Sequence[Requirement],
    approving: Sequence[Principal],
    alone: Mapping[int, Principal],
    electorate: Electorate,
) -> Tally:
    """The state where `alone` satisfy these requirements, by index, and the others fill seats."""
    seats = _seats(requirements)
    taken = {i: alone[one] for i, (one, _, _) in enumerate(seats) if one in alone}
    offered = [(stage, approvers) for _, stage, approvers in seats]
    fixed = frozenset(taken)
    for stage in sorted({stage for stage, _ in offered}):
        for voter in approving:
            if voter not in taken.values():
                open_ = [i for i, (s, _) in enumerate(offered) if s <= stage and i not in fixed]
                _seat(voter, open_, offered, taken, electorate, set())
        if any(s == stage and i not in taken for i, (s, _) in enumerate(offered)):
            taken = {i: voter for i, voter in taken.items() if offered[i][0] <= stage}
            break
    return Tally(serving=tuple(dict.fromkeys(taken.values())), missing=_missing(offered, taken))


def _lacks(state: Tally) -> int:
    return sum(missing.count for missing in state.missing)


def _parts(requirement: Requirement) -> tuple[Approvers, ...]:
    """Whom it asks, one by one: `all` asks each of its parts for as many as it asks for."""
    return requirement.approvers.of if requirement.approvers.kind == "all" else (requirement.approvers,)


def _seats(requirements: Sequence[Requirement]) -> list[tuple[int, int, Approvers]]:
    """(requirement, stage, who) of every vote needed."""
    return [
        (index, requirement.stage, part)
        for index, requirement in enumerate(requirements)
        for part in _parts(requirement)
        for _ in range(requirement.count)
    ]


def _seat(
    voter: Principal,
    open_: Sequence[int],
    seats: Sequence[tuple[int, Approvers]],
    taken: dict[int, Principal],
    electorate: Electorate,
    tried: set[int],
) -> bool:
    """Give `voter` a seat, moving others if that helps (an augmenting path of bipartite matching)."""
    for index in open_:
        if index in tried or not electorate.eligible(voter, seats[index][1]):
            continue
        tried.add(index)
        holder = taken.get(index)
        if holder is None or _seat(holder, open_, seats, taken, electorate, tried):
            taken[index] = voter
            return True
    return False


def _missing(seats: Sequence[tuple[int, Approvers]], taken: dict[int, Principal]) -> tuple[Missing, ...]:
    empty: dict[str, Missing] = {}
    for index, (_, approvers) in enumerate(seats):
        if index not in taken:
            before = empty.get(approvers.text)
            empty[approvers.text] = Missing(approvers=approvers, count=(before.count if before else 0) + 1)
    return tuple(empty.values())

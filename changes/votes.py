"""Whose vote counts, and whether enough have been cast. Checked at the click and again just before the start.

The law: only full, active, human members of the team count; a person counts once, for one requirement, however many
groups they are in; the requester, and whoever shaped the call, never counts unless the rule says `self`.
"""

from collections.abc import Iterable, Sequence
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
    approving = [v.by for v in {v.by: v for v in votes}.values() if v.ballot is Ballot.APPROVE]
    taken: dict[int, Principal] = {}
    seats = _seats(requirements)
    for stage in sorted({stage for stage, _ in seats}):
        for voter in approving:
            if voter not in taken.values():
                _seat(voter, [i for i, (s, _) in enumerate(seats) if s <= stage], seats, taken, electorate, set())
        if any(s == stage and i not in taken for i, (s, _) in enumerate(seats)):
            break
    return Tally(serving=tuple(taken.values()), missing=_missing(seats, taken))


def counts(
    voter: Principal, requirements: Sequence[Requirement], votes: Sequence[Vote], electorate: Electorate
) -> bool:
    """Whether an approval by `voter` would fill a seat that is still empty."""
    before = tally(requirements, votes, electorate)
    vote = Vote(approval_id="", by=voter, ballot=Ballot.APPROVE, digest="")
    return len(tally(requirements, [*votes, vote], electorate).serving) > len(before.serving)


def may_serve(voter: Principal, requirements: Sequence[Requirement], electorate: Electorate) -> bool:
    """Whether this person could serve any of these at all."""
    return any(electorate.eligible(voter, approvers) for _, approvers in _seats(requirements))


def _seats(requirements: Sequence[Requirement]) -> list[tuple[int, Approvers]]:
    """(stage, who) of every vote needed. `all` asks each of its parts for as many as it asks for."""
    seats: list[tuple[int, Approvers]] = []
    for requirement in requirements:
        parts = requirement.approvers.of if requirement.approvers.kind == "all" else (requirement.approvers,)
        seats += [(requirement.stage, part) for part in parts for _ in range(requirement.count)]
    return seats


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

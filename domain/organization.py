"""The organization is a fold of its own stream: the switch, and what people have declared beside the files.

A run's log says what happened to the run; this one says what holds for all of them. Rules files are not here: their
hash is, so that the log tells which version was in force when.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from domain import events as e
from domain.tasks import Principal
from domain.tiers import Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredFreeze:
    """A freeze that a person declared: nothing that fits `where` changes until `until`, or until it is lifted.

    `where` holds attributes and patterns as rules match them: `resource: prod/*`, `label:env: prod`.
    """

    id: str
    by: Principal
    why: str
    since: datetime
    until: datetime
    where: tuple[tuple[str, tuple[str, ...]], ...]
    zone: str = "UTC"  # in which people are told the time


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """The tier that an agent starts from, above the one of its file, and the run in which people countersigned that."""

    tier: Tier
    since: datetime
    run_id: str
    by: tuple[Principal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """What holds for every run. `seq` is the number of events it was folded from."""

    seq: int = 0
    boot: int = 0
    policy_hash: str = ""
    stopped_by: Principal | None = None
    freezes: Mapping[str, DeclaredFreeze] = field(default_factory=dict)
    declared: int = 0  # freezes so far: the next one's id follows from it
    earned: Mapping[str, Earned] = field(default_factory=dict)  # by agent
    lost: Mapping[str, datetime] = field(default_factory=dict)  # by agent: when what it had earned was last taken back

    @property
    def stopped(self) -> bool:
        """Whether the switch is on."""
        return self.stopped_by is not None


def evolve_organization(organization: Organization, recorded: e.Recorded) -> Organization:
    """The organization after one more event of its stream. Raises TypeError for an event of a run."""
    event = recorded.event
    if not isinstance(event, e.OrganizationEvent):
        raise TypeError(f"{type(event).__name__} happens to a run, not to the organization")
    organization = replace(organization, seq=recorded.seq)
    match event:
        case e.InstanceStarted(boot=boot, policy_hash=policy_hash):
            return replace(organization, boot=boot, policy_hash=policy_hash)
        case e.EverythingStopped(by=by):
            return replace(organization, stopped_by=by)
        case e.EverythingResumed():
            return replace(organization, stopped_by=None)
        case e.PolicyLoaded(policy_hash=policy_hash):
            return replace(organization, policy_hash=policy_hash)
        case e.FreezeDeclared():
            declared = _declared(event, recorded.at)
            freezes = {**organization.freezes, event.id: declared}
            return replace(organization, freezes=freezes, declared=organization.declared + 1)
        case e.FreezeLifted(id=name) | e.FreezeEnded(id=name):
            left = {key: freeze for key, freeze in organization.freezes.items() if key != name}
            return replace(organization, freezes=left)
        case e.TierEarned(agent=agent, tier=tier, run_id=run_id, by=by):
            earned = Earned(tier=tier, since=recorded.at, run_id=run_id, by=by)
            return replace(organization, earned={**organization.earned, agent: earned})
        case e.TierLost(agent=agent):
            kept = {slug: earned for slug, earned in organization.earned.items() if slug != agent}
            return replace(organization, earned=kept, lost={**organization.lost, agent: recorded.at})
        case _:
            assert_never(event)


def replay_organization(log: Iterable[e.Recorded]) -> Organization:
    """The organization as its whole log says."""
    organization = Organization()
    for recorded in log:
        organization = evolve_organization(organization, recorded)
    return organization


def _declared(event: e.FreezeDeclared, since: datetime) -> DeclaredFreeze:
    return DeclaredFreeze(
        id=event.id, by=event.by, why=event.why, since=since, until=event.until, where=event.where, zone=event.zone
    )

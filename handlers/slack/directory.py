"""Who people are, from Slack and from the configuration. Fails closed: half an answer is no answer.

A group that cannot be read makes the whole snapshot unavailable: an empty one would refuse approvers, but it would
also lift every rule that binds its members.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.canonical import Json, canonical_json
from domain.people import Person, Snapshot
from handlers.slack.envelopes import text_of
from handlers.slack.gateway import Gateway
from handlers.slack.wire import SlackTrouble
from loop.ports import Clock, DirectoryUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGroup:
    """A group whose members stand in the configuration, as `U1` or `user:U1`."""

    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserGroup:
    """A group of Slack's: `{slack: S123}`."""

    slack: str


GroupSource = FileGroup | UserGroup


class SlackDirectory:
    """Implements loop.ports.Directory. One look-up at a time; those who wait share its answer."""

    def __init__(
        self,
        gateway: Gateway,
        clock: Clock,
        *,
        groups: Mapping[str, GroupSource],
        on_call: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._groups = dict(groups)
        self._on_call = {name: frozenset(map(_principal, who)) for name, who in (on_call or {}).items()}
        self._team: str | None = None
        self._last: Snapshot | None = None
        self._lock = asyncio.Lock()

    async def snapshot(self, max_age_s: float = 60.0) -> Snapshot:
        """See Directory.snapshot."""
        fresh = self._fresh(max_age_s)
        if fresh is not None:
            return fresh
        async with self._lock:
            fresh = self._fresh(max_age_s)
            while fresh is None:
                groups = self._groups
                try:
                    looked = await self._look()
                except SlackTrouble as error:
                    raise DirectoryUnavailable(f"Slack does not say who people are: {error}") from error
                if groups is self._groups:  # else they were read anew meanwhile, and with them the rules about them
                    fresh = self._last = looked
            return fresh

    def forget(self) -> None:
        """Somebody or some group has changed: what is known is old."""
        self._last = None

    def regroup(self, groups: Mapping[str, GroupSource]) -> None:
        """The configuration was read anew."""
        self._groups = dict(groups)
        self.forget()

    def _fresh(self, max_age_s: float) -> Snapshot | None:
        last = self._last
        if last is None or not 0 <= (self._clock.now() - last.at).total_seconds() <= max_age_s:
            return None  # what seems to be of later than now may be of any age: the clock has been set back
        return last

    async def _look(self) -> Snapshot:
        at = self._clock.now()  # before asking: the answer is at least this old
        if self._team is None:
            self._team = await self._gateway.team()
        rows, members = await self._gateway.users(), {}
        for name, source in self._groups.items():
            listed = (
                source.members if isinstance(source, FileGroup) else await self._gateway.group_members(source.slack)
            )
            members[name] = frozenset(map(_principal, listed))
        people = [person_of(row, self._team, members) for row in rows if text_of(row, "id")]
        return Snapshot(
            version=_version(people, self._on_call, at),
            at=at,
            people={person.principal: person for person in people},
            on_call=self._on_call,
        )


def person_of(row: Mapping[str, Json], team: str, groups: Mapping[str, frozenset[str]]) -> Person:
    """A row of users.list as a person. What Slack leaves out of a deactivated one does not make it a member."""
    principal = f"user:{text_of(row, 'id')}"
    home = text_of(row, "team_id")
    profile = row.get("profile")
    name = text_of(profile, "display_name") or text_of(row, "real_name") or text_of(row, "name")
    return Person(
        principal=principal,
        name=name,
        active=not row.get("deleted"),
        guest=bool(row.get("is_restricted") or row.get("is_ultra_restricted")),
        external=bool(row.get("is_stranger")) or bool(team and home and home != team),
        bot=bool(row.get("is_bot") or row.get("is_workflow_bot")) or text_of(row, "id") == "USLACKBOT",
        groups=frozenset(name for name, members in groups.items() if principal in members),
    )


def _principal(member: str) -> str:
    return member if member.startswith("user:") else f"user:{member}"


def _version(people: Sequence[Person], on_call: Mapping[str, frozenset[str]], at: datetime) -> str:
    """Names what was known; equal while nothing changes but the time."""
    rows = [[p.principal, p.counts, sorted(p.groups)] for p in sorted(people, key=lambda p: p.principal)]
    shifts = {name: sorted(who) for name, who in on_call.items()}
    content = hashlib.sha256(canonical_json([rows, shifts])).hexdigest()[:16]
    return f"{content}@{at:%Y-%m-%dT%H:%M:%SZ}"

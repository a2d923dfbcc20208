"""Who people are: what the directory says at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.tasks import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What the directory knows of a person, now. Only full, active members of our own team may steer or vote."""

    principal: Principal  # "user:U1"
    name: str
    active: bool = True
    guest: bool = False
    external: bool = False
    bot: bool = False
    groups: frozenset[str] = frozenset()

    @property
    def counts(self) -> bool:
        """A full, active, human member of the team."""
        return self.active and not (self.guest or self.external or self.bot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The directory at one moment. A vote is checked against one that is fresh, whose version is recorded."""

    version: str
    at: datetime
    people: Mapping[str, Person] = field(default_factory=dict)  # by principal
    on_call: Mapping[str, frozenset[str]] = field(default_factory=dict)  # schedule -> principals

"""What an analysis goes by, and what it finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.tasks import Principal
from policy.engine import PolicySet
from policy.explaining.explain import Tools
from policy.facts import Groups


class Kind(StrEnum):
    """What is strange. A note is worth knowing and may well be meant; every other kind is a warning."""

    NEVER = "never-matches"
    SHADOWED = "shadowed"
    IDLE = "narrows-nothing"
    OVER = "over"
    STRANGER = "unknown-person"
    NOBODY = "nobody-can-approve"
    RUNG = "rung-out-of-reach"
    ABSENT = "not-installed"
    UNSEEN = "not-looked-at"

    @property
    def note(self) -> bool:
        """Whether it is only worth knowing."""
        return self in {Kind.ABSENT, Kind.UNSEEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """What is strange about one rule or freeze, where it stands, and what would be right."""

    kind: Kind
    policy: str
    file: str
    line: int
    problem: str
    suggestion: str = ""

    def __str__(self) -> str:
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{self.file}:{self.line}: {self.policy}: {self.problem}{hint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The rules, and what is known of the world that they speak of."""

    policies: PolicySet
    tools: Tools
    now: datetime
    groups: Groups = field(default_factory=dict)
    people: frozenset[Principal] = frozenset()  # named in the configuration; empty: it names nobody
    approvers_at: tuple[str, int] = ("countersign.yaml", 1)
    followers: Mapping[str, frozenset[str]] | None = None  # type of task -> agents with a runbook for it; None: unknown

    @property
    def labels_of_tools(self) -> tuple[Mapping[str, str], ...]:
        """The labels that installed tools bring along."""
        specs = (self.tools.spec(name) for name in self.tools.names())
        return tuple(spec.labels for spec in specs if spec is not None and spec.labels)

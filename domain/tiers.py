"""How far an agent may go (Tier) and what a call does outside its own workspace (Effect)."""

from enum import IntEnum, StrEnum


class Tier(IntEnum):
    """The autonomy ladder. A decision's tier is the lowest that anyone set."""

    OBSERVE = 0
    RECOMMEND = 1
    DRAFT = 2
    SANDBOX = 3
    PRODUCTION = 4

    @property
    def label(self) -> str:
        """The name that rules and people use."""
        return self.name.lower()


class Effect(StrEnum):
    """What a call changes outside the run's own workspace."""

    READ = "read"  # nothing: cloning, scanning, reading, editing the workspace
    DRAFT = "draft"  # branches, change requests, their validation pipelines
    EXECUTE = "execute"  # code whose effects stay in a lent environment
    CHANGE = "change"  # anything real

    @property
    def words(self) -> str:
        """What a call of this effect does, for people: `it may ...`."""
        return _WORDS[self]


_WORDS = {
    Effect.READ: "read",
    Effect.DRAFT: "draft a change",
    Effect.EXECUTE: "execute in a lent environment",
    Effect.CHANGE: "change something real",
}


_LEAST_TIER = {
    Effect.READ: Tier.OBSERVE,
    Effect.DRAFT: Tier.DRAFT,
    Effect.EXECUTE: Tier.SANDBOX,
    Effect.CHANGE: Tier.PRODUCTION,
}


def admits(tier: Tier, effect: Effect) -> bool:
    """Whether `tier` admits `effect` at all; if not, a call is denied and nobody is asked."""
    return tier >= _LEAST_TIER[effect]

"""The definition of who handles a task: an agent's grant, tools and manner."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.canonical import Json
from domain.decisions import Approvers
from domain.tiers import Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class SuccessCheck:
    """A READ call that must meet its expectation before a run may end `succeeded`.

    `arguments` may hold `${inputs.NAME}` and `${task.PATH}`; `expect` is CEL over `result`.
    """

    tool: str
    arguments: Mapping[str, Json]
    expect: str
    describe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Earning:
    """One rung that an agent may earn: which record makes it ask, and who countersigns besides what the rules ask.

    At least `approved` calls of `tools`, as proposed, within the last `within_s`; of them, and of what was refused in
    that time, at most so many `denied` and `edited`; and nothing rolled back, no prediction broken.
    """

    tier: Tier
    approved: int
    within_s: float
    tools: tuple[str, ...] = ("*",)
    denied: int = 0
    edited: int = 0
    by: tuple[Approvers, ...] = ()
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One file of `agents/`. What it grants is the start of every decision; rules only narrow it."""

    slug: str
    describe: str
    handles: tuple[str, ...]  # task types
    tier: Tier
    tools: tuple[str, ...]  # globs over tool names
    runbooks: tuple[str, ...] = ()  # globs over runbook ids
    owners: tuple[str, ...] = ()  # principals and groups that may steer its runs
    max_iterations: int | None = None
    timeout_s: float | None = None
    deadline_s: float | None = None
    budget_usd: float | None = None
    max_actions: int | None = None
    max_tokens: int | None = None
    success: tuple[SuccessCheck, ...] = ()
    fallback: str = "escalate"  # what giving up does: tell these people, with all that is known
    file: str = ""
    line: int = 0
    inputs: Mapping[str, str] = field(default_factory=dict)  # input name -> description, for forms
    earns: tuple[Earning, ...] = ()  # the rungs above `tier`, lowest first

    @property
    def ceiling(self) -> Tier:
        """The highest tier that it may ever start from."""
        return max((self.tier, *(rung.tier for rung in self.earns)))

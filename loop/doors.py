"""What doors may ask of the operator, and what it answers. Doors live above; the controller implements it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.approvals import Ballot
from domain.budgets import Balance
from domain.decisions import Remedy
from domain.freezes import Frozen
from domain.runs import Run, Status
from domain.signals import Signal
from domain.tasks import Principal, Task
from loop.ports import Unrouted
from policy.sources.autonomy import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The task's run. `created` is False when the same occurrence came again, or it joined an open run."""

    run_id: str
    created: bool
    joined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """The same dedupe key came with another body."""

    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to tell the person who asked. `ok` False: nothing changed, and `text` says why and who could."""

    ok: bool
    text: str
    help: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A click on a card: who, which way, on which card, with the digest that the card showed.

    `channel` is where it was said, if not on the card: a command.
    """

    approval_id: str
    by: Principal
    ballot: Ballot
    digest: str
    reason: str = ""
    card: tuple[str, str] | None = None
    channel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Run ids, newest first, and where the next page begins."""

    run_ids: tuple[str, ...]
    cursor: str | None = None


class Views(Protocol):
    """Listings, read from projections."""

    async def runs(self, *, status: Status | None = None, limit: int = 50, cursor: str | None = None) -> Page:
        """Runs, the last updated first. Raises ValueError for a cursor that is not ours."""
        ...

    async def open_approvals(self) -> list[tuple[str, str]]:
        """(run id, approval id) of every request that waits for votes, oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Ways to another answer about a denied call, or about the run itself (no call id)."""

    call_id: str | None
    remedies: tuple[Remedy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What explains a run beside its own log: the rules as they are now, in words, and what would have to change."""

    policy_hash: str
    digest: str = ""  # names `words`; another one than the decision's where the rules have changed since
    words: str = ""
    ways: tuple[Ways, ...] = ()
    note: str = ""  # why something is missing


class Operator(Protocol):
    """The operator as the doors see it. Everything a person or a machine can make it do."""

    async def submit(self, task: Task) -> Submitted | Clash | Unrouted | Reply:
        """Accept a task. Durable when it returns. `Reply` (not ok) where it cannot be taken now."""
        ...

    async def signal(self, run_id: str, signal: Signal) -> Reply:
        """A person's word to a run, if they may."""
        ...

    async def vote(self, click: Click) -> Reply:
        """A person's vote, checked against the rule now."""
        ...

    async def retry(self, run_id: str, by: Principal, occurrence: str) -> Submitted | Reply:
        """The finished run's task again, as a new occurrence."""
        ...

    async def stop_everything(self, by: Principal, why: str) -> Reply:
        """The switch: nothing starts until it is resumed."""
        ...

    async def resume_everything(self, by: Principal, why: str) -> Reply:
        """`admins:` only."""
        ...

    async def freeze(self, by: Principal, what: str, until: datetime, why: str, zone: str) -> Reply:
        """Nothing that `what` means changes until then; `zone` is that of whoever asks."""
        ...

    async def unfreeze(self, by: Principal, name: str, why: str) -> Reply:
        """End a freeze that was declared: whoever declared it, or one of `admins:`; never a token."""
        ...

    async def freezes(self) -> tuple[Frozen, ...]:
        """Every freeze that holds or will hold again, those of the files too."""
        ...

    async def budgets(self, who: Principal) -> tuple[Balance, ...]:
        """What is used of each account that `who` may see: approvers, `admins:`, `auditors:` all, others their own."""
        ...

    async def standings(self) -> Sequence[Standing]:
        """Where each agent starts from, its record, and what its next rung asks for, by name."""
        ...

    async def promote(self, slug: str, by: Principal, occurrence: str) -> Submitted | Reply:
        """Propose what the agent's record has earned; whoever asks does not countersign it."""
        ...

    async def demote(self, slug: str, by: Principal, why: str) -> Reply:
        """Take back what the agent has earned."""
        ...

    async def run(self, run_id: str) -> Run | None:
        """The folded run."""
        ...

    async def why(self, run: Run) -> Why:
        """What explains the run. Whoever asks must be one who may read it."""
        ...

    async def may_read(self, principal: Principal, run: Run) -> bool:
        """Where its thread is: members of a private channel, the run's approvers and `auditors:`; else everybody."""
        ...

    async def everything_stopped(self) -> bool:
        """Whether the switch is on."""
        ...

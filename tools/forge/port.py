"""What we need of a forge: repositories on this machine now, GitHub and others behind the same protocol.

Expected answers are values: `Refused` says why a merge did not happen. Errors: `ForgeError` and below.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class ForgeError(Exception):
    """The forge could not do what was asked; the message says what would help."""


class UnknownRepositoryError(ForgeError):
    """There is no such repository here."""


class UnknownChangeError(ForgeError):
    """There is no such change request."""


class UnknownBranchError(ForgeError):
    """There is no such branch."""


class ChangeState(StrEnum):
    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class CheckState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change request. While it is open, `head` and `base_head` follow the branches; afterwards they stand still."""

    repository: str
    number: int
    branch: str
    base: str
    title: str
    body: str
    head: str
    base_head: str
    state: ChangeState
    key: str
    merged_as: str | None = None
    merged_by: str | None = None
    url: str | None = None

    @property
    def reference(self) -> str:
        """`acme/infra#3`."""
        return f"{self.repository}#{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: CheckState
    summary: str = ""
    log: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What was said about one exact head. `plan` says in words what would change."""

    repository: str
    head: str
    state: CheckState
    checks: tuple[Check, ...] = ()
    plan: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return self.state in (CheckState.PASSED, CheckState.FAILED)


PIPELINE = "pipeline"  # who reports checks where nobody else does


def together(repository: str, head: str, found: Mapping[str, Checks | None]) -> Checks | None:
    """What several reporters said about a head; whoever has said nothing yet is waited for. None: nobody has."""
    said = [checks for checks in found.values() if checks is not None]
    if not said:
        return None
    silent = [Check(name=by, state=CheckState.QUEUED) for by, checks in found.items() if checks is None]
    states = {checks.state for checks in said} | {check.state for check in silent}
    unfinished = states & {CheckState.QUEUED, CheckState.RUNNING}
    failed = CheckState.FAILED in states
    return Checks(
        repository=repository,
        head=head,
        state=CheckState.RUNNING if unfinished else CheckState.FAILED if failed else CheckState.PASSED,
        checks=(*(check for checks in said for check in checks.checks), *silent),
        plan=tuple(line for checks in said for line in checks.plan),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The change is in its base branch as the commit `commit`; `repeated`: it had been before."""

    commit: str
    by: str
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nothing was merged. `kind`: stale | conflict | closed."""

    kind: str
    why: str


class Forge(Protocol):
    async def open_change(
        self, repository: str, *, branch: str, base: str, title: str, body: str, key: str
    ) -> tuple[Change, bool]:
        """The change request and whether it was opened now; the same key or branch again gives the same one."""
        ...

    async def get_change(self, repository: str, number: int) -> Change: ...

    async def list_changes(self, repository: str, state: ChangeState | None = None) -> tuple[Change, ...]: ...

    async def find_by_key(self, repository: str, key: str) -> Change | None: ...

    async def checks(self, repository: str, head: str, by: str | None = None) -> Checks | None:
        """What is known about that head, by one reporter or by all together; None when nobody has seen it."""
        ...

    async def set_checks(self, checks: Checks, by: str = PIPELINE) -> None:
        """What `by` says about a head, in place of what it said before; others' checks stay."""
        ...

    async def merge(self, repository: str, number: int, head: str, by: str) -> Merged | Refused:
        """Merge if the branch still stands at `head`. The same again gives the same answer."""
        ...

    async def close_change(self, repository: str, number: int, by: str) -> Change: ...

    async def diff(self, repository: str, number: int) -> str:
        """The whole change as a unified diff. Raises ForgeError rather than shortening it."""
        ...

    async def branch_head(self, repository: str, branch: str) -> str | None: ...

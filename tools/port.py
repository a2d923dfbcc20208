"""What a tool is to the toolbox. One class a tool, one file a system; `tools/registry.py` lists them all.

Blame: a tool raises `ToolFailure` when it knows that nothing happened outside the workspace, and the loop's
`OutcomeUnknown` when an effect may have happened. Anything else that escapes a tool is a fault of the tool.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from domain.calls import Doubt, ErrorKind, Preview, ToolSpec
from domain.canonical import Json
from tools.broker import Lent, Need

Arguments = Mapping[str, Json]


class ToolFailure(Exception):
    """The call failed and had no effect outside the workspace. `kind` says whose fault, hence what to do next."""

    def __init__(self, kind: ErrorKind, why: str) -> None:
        super().__init__(why)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where one call is done: the run's own directory, what is lent for the call, and for whom it is."""

    run_id: str
    workspace: Path
    lent: Lent
    key: str = ""  # the idempotency key; empty while preparing
    requester: str | None = None
    voters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a tool brought back. `ok` False: the tool ran and the answer is no."""

    summary: str
    data: Mapping[str, Json] = field(default_factory=dict)
    ok: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The target of a call before it: its state in a word that changes when it does, and what the call would do."""

    fingerprint: str | None = None
    preview: Preview | None = None


class Tool(Protocol):
    @property
    def spec(self) -> ToolSpec: ...

    @property
    def needs(self) -> tuple[Need, ...]:
        """What must be lent for a call."""
        ...

    async def look(self, arguments: Arguments, at: Workplace) -> Look:
        """Look at the target; change nothing. Raises ToolFailure when the call cannot be done."""
        ...

    async def perform(self, arguments: Arguments, at: Workplace) -> Done: ...

    async def check(self, arguments: Arguments, at: Workplace) -> Doubt:
        """Whether the effect under `at.key` happened; changes nothing."""
        ...


class Reading:
    """What every tool without an effect answers: nothing to look at, nothing to lend, nothing to doubt."""

    __slots__ = ()

    @property
    def needs(self) -> tuple[Need, ...]:
        return ()

    async def look(self, arguments: Arguments, at: Workplace) -> Look:
        return Look()

    async def check(self, arguments: Arguments, at: Workplace) -> Doubt:
        return Doubt.NOT_HAPPENED

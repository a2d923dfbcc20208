"""Lends what a call needs, for that call only: tokens for systems outside, paths for systems on this machine.

Nothing is handed out that names more than the call does, and what was lent is useless once the call is over: a `Lent`
that was taken back refuses to be read, and every secret in it is known to the redaction of the call's result.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from domain.canonical import Json


class NotLentError(Exception):
    """The broker does not lend this, or the loan is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Access to what `argument` names, in `system`: the repository `acme/infra`, to read or to write."""

    system: Literal["repository"]
    argument: str
    mode: Literal["read", "write"] = "read"


@dataclass(slots=True, kw_only=True)
class Lent:
    """What is lent for one call, by system. `secrets` are removed from whatever comes back."""

    paths: dict[str, tuple[Path, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    over: bool = False

    def path(self, system: str, *, write: bool = False) -> Path:
        """The lent path. Raises NotLentError when it was not lent in that way."""
        path, mode = self.paths.get(system, (None, ""))
        if self.over or path is None or (write and mode != "write"):
            raise NotLentError(f"no {'write' if write else 'read'} access to a {system} is lent for this call")
        return path

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(self.tokens.values())

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """(path, what to call it instead)."""
        return tuple((str(path), f"[{system}]") for system, (path, _) in self.paths.items())


class Broker(Protocol):
    def lend(
        self, needs: tuple[Need, ...], arguments: Mapping[str, Json], *, holder: str
    ) -> AbstractAsyncContextManager[Lent]:
        """Lend for the length of the context. `holder` names the call, for the record. Raises NotLentError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBroker:
    """Lends repositories of a local forge; `where` finds one and raises LookupError-like errors of the forge."""

    where: Callable[[str], Path]

    @asynccontextmanager
    async def lend(
        self,
        needs: tuple[Need, ...],
        arguments: Mapping[str, Json],
        *,
        holder: str,
    ) -> AsyncIterator[Lent]:
        lent = Lent()
        for need in needs:
            name = arguments.get(need.argument)
            if not isinstance(name, str):
                raise NotLentError(f"{holder}: the call does not say which {need.system} it needs")
            lent.paths[need.system] = (self.where(name), need.mode)
        try:
            yield lent
        finally:
            lent.over = True

"""What a system that runs services can do for us; a process on this machine, a container platform or a cloud."""

from dataclasses import dataclass
from typing import Protocol

from domain.calls import Doubt


class ServiceError(Exception):
    """The service could not be reached or is not known here."""


class UnknownServiceError(ServiceError):
    """Nobody configured a service of this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """`generation` counts starts; `healthy` is None when there is nothing to ask."""

    service: str
    running: bool
    healthy: bool | None
    generation: int
    pid: int | None = None
    uptime_s: float | None = None
    url: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """`repeated`: this key had been carried out before, and this is what was recorded then."""

    service: str
    key: str
    before: int  # generations
    after: int
    pid: int
    healthy: bool
    repeated: bool = False


class ServiceControl(Protocol):
    def names(self) -> tuple[str, ...]: ...

    async def status(self, service: str) -> ServiceStatus: ...

    async def logs(self, service: str, lines: int) -> str:
        """The last lines, oldest first."""
        ...

    async def restart(self, service: str, key: str) -> Restarted:
        """Restart once per key, however often it is called and wherever a caller was killed."""
        ...

    async def check(self, service: str, key: str) -> Doubt:
        """Whether the restart under `key` happened."""
        ...

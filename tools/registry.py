"""Every tool that can be installed, in one table. What is not listed here does not exist."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.autonomy import Lower, Raise, Record, Rungs, lower_spec, raise_spec, record_spec
from tools.files import Edit, ListFiles, ReadFile, Search
from tools.forge.port import Forge
from tools.forge.tools import LookAtApplied, LookAtChange, Merge, OpenChange
from tools.git.runner import Git, Identity
from tools.git.tools import Clone, Commit, Push
from tools.http import Probe
from tools.port import Tool
from tools.sandbox.port import Sandbox
from tools.scan import Scan
from tools.services.port import ServiceControl
from tools.services.tools import Logs, Restart, Status, logs_spec, restart_spec, status_spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Systems:
    """What there is to be touched here. A system that is None has no tools."""

    sandbox: Sandbox
    git: Git
    forge: Forge | None = None
    applied: Callable[[str], Path] | None = None  # where a repository's applied state is recorded
    services: ServiceControl | None = None
    environment: str = "prod"  # services are resources of it: prod/web
    probe_allow: tuple[str, ...] = ()
    rungs: Rungs | None = None  # where an agent may earn a tier
    author: Identity
    people: Callable[[str], Identity | None] = lambda _principal: None
    checkov: Path | None = None


def installed(systems: Systems) -> tuple[Tool, ...]:
    """The tools of these systems."""
    tools: list[Tool] = []
    if systems.forge is not None:
        tools += [Clone(git=systems.git), Push(git=systems.git)]
        tools += [Commit(git=systems.git, author=systems.author, people=systems.people)]
        tools += [ListFiles(), ReadFile(), Search(), Edit()]
        tools += [Scan(sandbox=systems.sandbox, git=systems.git, checkov=systems.checkov)]
        tools += [OpenChange(forge=systems.forge), LookAtChange(forge=systems.forge), Merge(forge=systems.forge)]
    if systems.applied is not None:
        tools += [LookAtApplied(where=systems.applied)]
    if systems.services is not None:
        tools += [Status(services=systems.services, spec=status_spec(systems.environment))]
        tools += [Logs(services=systems.services, spec=logs_spec(systems.environment))]
        tools += [Restart(services=systems.services, spec=restart_spec(systems.environment))]
    if systems.rungs is not None:
        tools += [Record(rungs=systems.rungs, spec=record_spec())]
        tools += [Raise(rungs=systems.rungs, spec=raise_spec()), Lower(rungs=systems.rungs, spec=lower_spec())]
    if systems.probe_allow:
        tools += [Probe(allow=systems.probe_allow)]
    return tuple(tools)

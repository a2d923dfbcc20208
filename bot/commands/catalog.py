"""The tools that rules are checked against, without touching any system: specifications only."""

from pathlib import Path

from bot.configuration import Configuration
from bot.configuration.sections import Systems as Named
from tools.catalog import ToolCatalog, catalog_of
from tools.forge.local import LocalForge
from tools.git.runner import Git, Identity
from tools.registry import Systems, installed
from tools.sandbox.none import NoSandbox
from tools.services.local import LocalServices


def catalog_for(configuration: Configuration) -> ToolCatalog:
    """Every tool of this version, named for this organization's environment. Nothing here can perform one."""
    return _catalog(configuration.systems)


def known_tools() -> tuple[str, ...]:
    """The names of every tool of this version."""
    return _catalog(Named(workspaces=Path())).names()


def _catalog(named: Named) -> ToolCatalog:
    git = Git(sandbox=NoSandbox(why="rules are being read, nothing may run"))
    systems = Systems(
        sandbox=git.sandbox,
        git=git,
        forge=LocalForge(root=named.workspaces, git=git),
        applied=lambda _repository: named.workspaces,
        services=LocalServices(services={}),
        environment=named.environment,
        probe_allow=named.probe_allow or ("localhost",),
        author=Identity(name="Countersign", email="countersign@localhost"),
    )
    return catalog_of(tool.spec for tool in installed(systems))

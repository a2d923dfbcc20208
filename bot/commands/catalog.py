"""The tools that rules are checked against, without touching any system: specifications only."""

from bot.configuration import Configuration
from tools.catalog import ToolCatalog, catalog_of
from tools.forge.local import LocalForge
from tools.git.runner import Git, Identity
from tools.registry import Systems, installed
from tools.sandbox.none import NoSandbox
from tools.services.local import LocalServices


def catalog_for(configuration: Configuration) -> ToolCatalog:
    """Every tool of this version, named for this organization's environment. Nothing here can perform one."""
    git = Git(sandbox=NoSandbox(why="rules are being read, nothing may run"))
    directory = configuration.directory
    systems = Systems(
        sandbox=git.sandbox,
        git=git,
        forge=LocalForge(root=directory, git=git),
        applied=lambda _repository: directory,
        services=LocalServices(services={}),
        environment=configuration.systems.environment,
        probe_allow=configuration.systems.probe_allow or ("localhost",),
        author=Identity(name="Countersign", email="countersign@localhost"),
    )
    return catalog_of(tool.spec for tool in installed(systems))

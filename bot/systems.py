"""What the configuration says there is to be touched: one reading, for the hands and for everybody who checks rules."""

from collections.abc import Callable
from pathlib import Path

from bot.configuration import Configuration
from bot.configuration.sections import Service
from bot.configuration.sections import Systems as Named
from bot.ladder import LadderRungs
from domain.tasks import Principal
from tools.autonomy import Rungs
from tools.catalog import ToolCatalog, catalog_of
from tools.forge.local import LocalForge
from tools.git.runner import Git, Identity
from tools.pipeline.local import applied_path
from tools.registry import Systems, installed
from tools.sandbox.none import NoSandbox
from tools.services.local import LocalService, LocalServices

NAME = "Countersign"
_NOTHING_RUNS = "rules are being read, nothing may run"


def forge_of(named: Named, git: Git) -> LocalForge | None:
    """The configured forge."""
    return LocalForge(root=named.forge_root, git=git) if named.forge_root is not None else None


def systems_of(
    named: Named,
    *,
    git: Git,
    forge: LocalForge | None,
    author: Identity,
    people: Callable[[Principal], Identity | None] = lambda _: None,
    rungs: Rungs | None = None,
) -> Systems:
    """The configured systems; one that is not configured is None, and has no tools."""
    services = {name: _service(service) for name, service in named.services.items()}
    return Systems(
        sandbox=git.sandbox,
        git=git,
        forge=forge,
        applied=(lambda repository: applied_path(forge, repository)) if forge is not None else None,
        services=LocalServices(services=services) if services else None,
        environment=named.environment,
        probe_allow=named.probe_allow,
        author=author,
        people=people,
        rungs=rungs,
    )


def catalog_for(configuration: Configuration) -> ToolCatalog:
    """The tools that `serve` installs over this configuration. Nothing here can perform one."""
    return _catalog(configuration.systems, climbing=any(agent.earns for agent in configuration.agents.values()))


def known_tools() -> tuple[str, ...]:
    """The names of every tool of this version, whether or not its system is configured."""
    web = Service(name="web")
    here = Path()
    return _catalog(
        Named(workspaces=here, forge_root=here, services={"web": web}, probe_allow=("localhost",)), climbing=True
    ).names()


def _catalog(named: Named, *, climbing: bool) -> ToolCatalog:
    git = Git(sandbox=NoSandbox(why=_NOTHING_RUNS))
    author = Identity(name=NAME, email="countersign@localhost")
    rungs = LadderRungs() if climbing else None
    systems = systems_of(named, git=git, forge=forge_of(named, git), author=author, rungs=rungs)
    return catalog_of(tool.spec for tool in installed(systems))


def _service(service: Service) -> LocalService:
    directory = service.directory or Path("services") / service.name
    return LocalService(
        name=service.name,
        directory=directory,
        argv=service.argv,
        log=service.log or directory / f"{service.name}.log",
        url=service.url or "",
        health=service.health or service.url or "",
    )

"""What can be touched from here: the sandbox found, the tools over it, the pipeline, and what runs wait for."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bot.configuration import Configuration
from bot.policy_checks import POLICY
from bot.systems import NAME, forge_of, systems_of
from domain.tasks import Principal
from tools.autonomy import Rungs
from tools.broker import LocalBroker
from tools.catalog import ToolCatalog
from tools.git.runner import Git, Identity
from tools.pipeline.local import LocalPipeline, Settled
from tools.pipeline.watch import ForgeWatch
from tools.registry import installed
from tools.sandbox.probe import SandboxReport, probe
from tools.toolbox import Toolbox, toolbox_of
from tools.workspace import Workspaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """The hands, and what belongs to them."""

    sandbox: SandboxReport
    toolbox: Toolbox
    pipeline: LocalPipeline | None
    watch: ForgeWatch | None

    @property
    def catalog(self) -> ToolCatalog:
        """The installed tools' specifications."""
        return self.toolbox.catalog

    @property
    def unconfined(self) -> bool:
        """Whether programs run without isolation, which every card has to say."""
        return self.sandbox.kind == "unconfined"


async def equip(configuration: Configuration, settled: Settled, rungs: Rungs) -> Equipment:
    """Find a sandbox, and install the tools of the configured systems. `settled` is told topics of the pipeline.

    `rungs` are climbed where an agent's file states any.
    """
    systems = configuration.systems
    sandbox, report = await probe(allow_unconfined=systems.sandbox_opt_out)
    git = Git(sandbox=sandbox)
    forge = forge_of(systems, git)
    policies = systems.policy_repository
    if forge is not None and policies is not None:
        forge = replace(forge, reporters={policies.name: (POLICY,)})
    author = Identity(name=NAME, email=f"countersign@{configuration.organization}.example")
    climbed = rungs if any(agent.earns for agent in configuration.agents.values()) else None
    touched = systems_of(systems, git=git, forge=forge, author=author, people=_identities(configuration), rungs=climbed)
    tools = installed(touched)
    broker = LocalBroker(where=forge.bare if forge is not None else _no_repository)
    toolbox = toolbox_of(tools, broker=broker, workspaces=Workspaces(root=systems.workspaces))
    if forge is None or touched.applied is None:
        return Equipment(sandbox=report, toolbox=toolbox, pipeline=None, watch=None)
    pipeline = LocalPipeline(
        forge=forge,
        git=git,
        sandbox=sandbox,
        repositories=repositories_in(forge.root),
        checked_elsewhere=frozenset({policies.name} if policies is not None else ()),
        settled=settled,
    )
    watch = ForgeWatch(forge=forge, applied=touched.applied)
    return Equipment(sandbox=report, toolbox=toolbox, pipeline=pipeline, watch=watch)


def repositories_in(root: Path) -> tuple[str, ...]:
    """OWNER/NAME of every bare repository beneath a local forge's root."""
    return tuple(sorted(f"{path.parent.name}/{path.stem}" for path in root.glob("*/*.git")))


def _identities(configuration: Configuration) -> Callable[[Principal], Identity | None]:
    """Requesters and approvers as co-authors of what they asked for and countersigned."""

    def identity(principal: Principal) -> Identity | None:
        kind, _, user = principal.partition(":")
        person = configuration.people.get(user) if kind == "user" else None
        if person is None:
            return None
        email = person.email or f"{user.lower()}@{configuration.organization}.example"
        return Identity(name=person.name, email=email)

    return identity


def _no_repository(repository: str) -> Path:
    raise LookupError(f"no forge is configured: {repository} cannot be lent")

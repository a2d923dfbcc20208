"""Real sandboxes, real git and real processes for the tools' tests."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from examples.acme.setup import REPOSITORY, web_service
from tools.forge.local import LocalForge
from tools.git.runner import Git
from tools.pipeline.local import LocalPipeline, applied_path
from tools.pipeline.watch import ForgeWatch
from tools.sandbox.bubblewrap import Bubblewrap, find_bwrap
from tools.sandbox.landlock import Landlock, landlock_abi
from tools.sandbox.port import Sandbox
from tools.sandbox.probe import trial
from tools.sandbox.unconfined import Unconfined
from tools.services.local import LocalServices

_RUNGS: dict[str, Sandbox | str] = {}  # tried once a session


async def confined_sandboxes() -> dict[str, Sandbox | str]:
    """Each isolating rung, or why it is not to be had here."""
    if _RUNGS:
        return _RUNGS
    path, abi = find_bwrap(), landlock_abi()
    found: dict[str, Sandbox | str] = {"bubblewrap": "bwrap is not installed", "landlock": "no Landlock in the kernel"}
    if path is not None:
        bubblewrap = Bubblewrap(bwrap=path)
        found["bubblewrap"] = await trial(bubblewrap) or bubblewrap
    if abi:
        landlock = Landlock(abi=abi)
        found["landlock"] = await trial(landlock) or landlock
    _RUNGS.update(found)
    return found


@pytest.fixture(params=["bubblewrap", "landlock"])
async def confined(request: pytest.FixtureRequest) -> Sandbox:
    found = (await confined_sandboxes())[request.param]
    if isinstance(found, str):
        pytest.skip(f"{request.param} cannot be had here: {found}")
    return found


@pytest.fixture(params=["bubblewrap", "landlock", "unconfined"])
async def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Every rung that runs something."""
    if request.param == "unconfined":
        return Unconfined()
    found = (await confined_sandboxes())[request.param]
    if isinstance(found, str):
        pytest.skip(f"{request.param} cannot be had here: {found}")
    return found


@pytest.fixture
async def best() -> Sandbox:
    """The sandbox that the product would choose; unconfined where there is none."""
    found = [rung for rung in (await confined_sandboxes()).values() if not isinstance(rung, str)]
    return found[0] if found else Unconfined()


@pytest.fixture
def room() -> Iterator[Path]:
    """A short-lived directory with a short path."""
    with tempfile.TemporaryDirectory(prefix="cs-", ignore_cleanup_errors=True) as path:
        yield Path(path).resolve()


@dataclass(frozen=True, slots=True, kw_only=True)
class Acme:
    """The sample organization's systems in a directory of their own."""

    root: Path
    sandbox: Sandbox
    git: Git
    forge: LocalForge
    pipeline: LocalPipeline
    watch: ForgeWatch
    head: str
    told: list[str]


@pytest.fixture
async def acme(room: Path, best: Sandbox, sample_forge: Path) -> Acme:
    git, told = Git(sandbox=best), []
    forge = LocalForge(root=room / "forge", git=git)
    shutil.copytree(sample_forge, forge.root)
    head = (forge.bare(REPOSITORY) / "refs" / "heads" / "main").read_text().strip()

    async def settled(topic: str) -> None:
        told.append(topic)

    pipeline = LocalPipeline(forge=forge, git=git, sandbox=best, repositories=(REPOSITORY,), settled=settled)
    watch = ForgeWatch(forge=forge, applied=lambda name: applied_path(forge, name))
    return Acme(root=room, sandbox=best, git=git, forge=forge, pipeline=pipeline, watch=watch, head=head, told=told)


@pytest.fixture
async def services(room: Path) -> AsyncIterator[LocalServices]:
    """The running service `web`, ended afterwards."""
    control = LocalServices(services={"web": web_service(room / "web")})
    await control.ensure_started("web")
    yield control
    await control.stop("web")

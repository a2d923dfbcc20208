"""Sets the sample organization's material up: a real repository behind a local forge, and a real service process.

Everything here may be run again: what is there already is adopted, and what a crash left half-made is made anew.
"""

import asyncio
import shutil
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

from tools.durable import held, read_json, write_json
from tools.forge.local import LocalForge
from tools.git.runner import Git, Identity, authored
from tools.pipeline.applied import Applied, load_applied, save_applied
from tools.pipeline.checkout import checkout
from tools.pipeline.local import applied_path
from tools.pipeline.steps import resources_of
from tools.services.local import LocalService

REPOSITORY = "acme/infra"
SERVICE = "web"
AUTHOR = Identity(name="Platform Team", email="platform@acme.example")
_DATE = "2026-10-05T08:00:00+00:00"
_MESSAGE = "Describe the infrastructure of the web shop\n\nNetwork, database, storage and logs, as they stand.\n"
_HERE = Path(__file__).parent


async def create_repository(forge: LocalForge) -> str:
    """The repository `acme/infra` beneath the forge's root, with its tree applied; returns the head of `main`."""
    bare = forge.root / f"{REPOSITORY}.git"
    async with held(forge.root / "setup.lock"):
        if not await asyncio.to_thread((bare / "HEAD").is_file):
            draft = bare.with_suffix(".draft")
            await asyncio.to_thread(_cleared, draft)
            await _fill(forge.git, draft, _HERE / "infra")
            await asyncio.to_thread(draft.rename, bare)
        head = await forge.branch_head(REPOSITORY, "main")
        if head is None:
            raise RuntimeError(f"{bare} has no branch main: remove the directory and start again")
        await _apply_first(forge, head)
        return head


def web_service(directory: Path) -> LocalService:
    """The service `web` with its records and log in `directory`; its port is chosen once and remembered."""
    remembered = read_json(directory / "service.json")
    if remembered is None:
        remembered = {"port": _free_port()}
        write_json(directory / "service.json", remembered)
    port = int(remembered["port"])
    log = directory / "web.log"
    program = _HERE / "service" / "web.py"
    return LocalService(
        name=SERVICE,
        directory=directory,
        argv=(
            *(sys.executable, "-I", str(program), "--port", str(port)),
            *("--log", str(log), "--generation", "{generation}"),
        ),
        log=log,
        url=f"http://127.0.0.1:{port}/",
        health=f"http://127.0.0.1:{port}/healthz",
    )


async def _fill(git: Git, bare: Path, tree: Path) -> None:
    """A bare repository whose one commit holds `tree`; the same tree gives the same commit everywhere."""
    await git.run("init", "--quiet", "--bare", "--template=", "--initial-branch=main", ".", workspace=bare)
    await git.run("--git-dir=.", "config", "core.hooksPath", "/dev/null", workspace=bare)
    index = {"GIT_INDEX_FILE": str(bare / "setup.index")}
    await git.run(
        *("--git-dir=.", f"--work-tree={tree}", "-c", "core.fileMode=false", "add", "--all", "--force", "."),
        workspace=bare,
        read_only=(tree,),
        env=index,
    )
    made = (await git.run("--git-dir=.", "write-tree", workspace=bare, env=index)).strip()
    commit = await git.run(
        *("--git-dir=.", "commit-tree", made, "-F", "-"),
        workspace=bare,
        stdin=_MESSAGE.encode(),
        env=authored(AUTHOR, _DATE),
    )
    await git.run("--git-dir=.", "update-ref", "refs/heads/main", commit.strip(), workspace=bare)
    await asyncio.to_thread((bare / "setup.index").unlink)


async def _apply_first(forge: LocalForge, head: str) -> None:
    """The state that the world is in before anyone asks for anything."""
    path = applied_path(forge, REPOSITORY)
    if load_applied(path).head is None:
        async with checkout(forge.git, forge.bare(REPOSITORY), head) as tree:
            resources = await resources_of(forge.git.sandbox, tree)
        save_applied(path, Applied().after(head, resources, datetime.now(UTC)))


def _cleared(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)
    directory.mkdir(parents=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

"""The demo's own directory: a configuration directory like any other, with the sample's material beside it.

DIR/countersign.yaml, agents/, policies/, runbooks/, resources.yaml   copied once; yours to edit afterwards
DIR/state/       the store        DIR/playground/   what was said in the playground
DIR/forge/       repositories     DIR/web/          the service's records and log
"""

import asyncio
import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

import examples.acme
from examples.acme.setup import create_repository, web_service
from playground import Workspace, parse_workspace
from tools.forge.local import LocalForge
from tools.git.runner import Git
from tools.sandbox.probe import probe
from tools.services.local import LocalService

MATERIAL = Path(examples.acme.__file__).parent / "config"
MANIFEST = Path(__file__).resolve().parents[2] / "manifest.yml"
MARK = "demo.json"
SYSTEMS = "# Where this machine keeps the systems"  # begins what the sample's main file says of an imagined machine


class NotADemo(Exception):
    """The directory holds something else; nothing was touched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The directory, ready to be served."""

    directory: Path
    workspace: Workspace
    service: LocalService


async def prepare(directory: Path) -> Prepared:
    """Make or adopt the demo in `directory`. What is there already is kept."""
    service = await asyncio.to_thread(lay_out, directory)
    sandbox, _ = await probe(allow_unconfined=True)  # our own material, before anybody asks for anything
    await create_repository(LocalForge(root=directory / "forge", git=Git(sandbox=sandbox)))
    return Prepared(directory=directory, workspace=_workspace(directory, service), service=service)


def lay_out(directory: Path) -> LocalService:
    """The configuration, and where the service keeps its things; nothing is run yet."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    service = web_service(directory / "web")
    if not (directory / "countersign.yaml").exists():
        _copy(directory, service)
    return service


def clear(directory: Path) -> None:
    """`--fresh`: begin anew. Raises NotADemo for a directory that no demo made."""
    if not directory.exists() or not any(directory.iterdir()):
        return
    if not (directory / MARK).exists():
        raise NotADemo(f"{directory} is not empty and was not made by `countersign demo`: nothing was removed")
    shutil.rmtree(directory)


def write_mark(directory: Path, facts: dict[str, object]) -> None:
    """`demo.json`: where everything is. It holds a token, so only its owner may read it."""
    path, draft = directory / MARK, directory / f"{MARK}.new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(facts, file, indent=2)
    draft.replace(path)


def known_token(directory: Path) -> str | None:
    """The API token of an earlier start."""
    try:
        return str(json.loads((directory / MARK).read_text())["api_token"])
    except (OSError, ValueError, KeyError):
        return None


def _copy(directory: Path, service: LocalService) -> None:
    """The sample configuration, completed with where this machine keeps things. The main file comes last."""
    for entry in sorted(MATERIAL.iterdir()):
        if entry.is_dir():
            shutil.copytree(entry, directory / entry.name, dirs_exist_ok=True)
        elif entry.name != "countersign.yaml":
            shutil.copy(entry, directory / entry.name)
    here = {
        "forge": {"root": "forge"},
        "services": {
            service.name: {
                "directory": str(service.directory.relative_to(directory)),
                "argv": list(service.argv),
                "log": str(service.log.relative_to(directory)),
                "url": service.url,
                "health": service.health,
            }
        },
        "probes": {"allow": [service.url.removeprefix("http://").rstrip("/")]},
    }
    said = (MATERIAL / "countersign.yaml").read_text().partition(SYSTEMS)[0]
    added = yaml.safe_dump(here, sort_keys=False, width=200)
    text = f"{said}{SYSTEMS}; written by `countersign demo`.\n{added}"
    draft = directory / f"countersign.yaml.{secrets.token_hex(4)}"
    draft.write_text(text)
    draft.replace(directory / "countersign.yaml")


def _workspace(directory: Path, service: LocalService) -> Workspace:
    """The playground's seed: the sample workspace, with the service's address and the app's manifest in it."""
    said = (directory / "workspace.yaml").read_text().replace("SERVICE_URL", service.url)
    document = yaml.safe_load(said)
    for app in document["apps"]:
        app["manifest"] = str(MANIFEST)
    return parse_workspace(document, folder=directory)

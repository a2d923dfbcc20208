"""What is dear to make and never changed: made once a session, copied by those who need one of their own."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from examples.acme.setup import create_repository
from tools.forge.local import LocalForge
from tools.git.runner import Git
from tools.sandbox.probe import probe


@pytest.fixture(scope="session")
def sample_forge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A forge's directory with the sample repository in it, as the demo makes it. To be copied, not changed."""
    root = tmp_path_factory.mktemp("sample") / "forge"
    asyncio.run(_made(root))
    return root


async def _made(root: Path) -> None:
    sandbox, _ = await probe(allow_unconfined=True)
    await create_repository(LocalForge(root=root, git=Git(sandbox=sandbox)))


# ── Several workers ───────────────────────────────────────────────────────────────────────────────────────────────────

TOGETHER = ("tests/stories/", "tests/browser/")  # whose modules share a demo, which is dear to start


class _Workers(LoadScopeScheduling):
    """Tests that share a demo stay on one worker; any other goes to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if nodeid.startswith(TOGETHER) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _Workers(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers begin with what takes long, else one would still be at it when the others have nothing left."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.nodeid.startswith(TOGETHER))

"""What is dear to make and never changed: made once a session, copied by those who need one of their own."""

import asyncio
from pathlib import Path

import pytest

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share a demo stay together when several workers run them."""
    for item in items:
        if isinstance(item, pytest.Function) and "demo" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))

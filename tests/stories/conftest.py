"""A demo for each module that shares one, and demos of their own for tests that break theirs."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientTimeout

from tests.stories.demo import ROOMS, Demo, laid_out
from tests.stories.page import Page


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, sample_forge: Path) -> Iterator[Demo]:
    """One demo, shared by the tests of a module."""
    demo = Demo(laid_out(tmp_path_factory.mktemp("stories") / "demo", sample_forge))
    try:
        yield demo.start()
    finally:
        demo.close()


@pytest.fixture
def fresh(tmp_path: Path, sample_forge: Path) -> Iterator[Demo]:
    """A demo that only this test uses; laid out, not yet started."""
    demo = Demo(laid_out(tmp_path / "demo", sample_forge))
    try:
        yield demo
    finally:
        demo.close()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession(timeout=ClientTimeout(total=20)) as session:
        yield session


@pytest.fixture
async def page(demo: Demo, session: ClientSession) -> Page:
    """The shared demo's page."""
    return Page(demo, session)


@pytest.fixture(scope="module")
def rooms() -> Iterator[str]:
    return iter(ROOMS)


@pytest.fixture
def room(rooms: Iterator[str]) -> str:
    """A channel of the shared demo that no other test uses."""
    return next(rooms)

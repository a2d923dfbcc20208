"""API tokens: shown once, kept as keyed hashes."""

from datetime import timedelta

import pytest

from state.store import Store
from state.tokens import TokenNameTaken
from tests.state.samples import SteppingClock


async def test_a_token_opens_until_it_is_revoked(store: Store) -> None:
    secret, token = await store.tokens.create("ci", act_as=True)
    other, _ = await store.tokens.create("ops")
    found = await store.tokens.verify(secret)
    assert found is not None
    assert (found.name, found.act_as, found.created_at) == ("ci", True, token.created_at)
    assert await store.tokens.revoke("ci")
    assert not await store.tokens.revoke("ci")
    assert not await store.tokens.revoke("nobody")
    assert await store.tokens.verify(secret) is None
    assert (await store.tokens.verify(other)) is not None
    assert [(each.name, each.revoked_at is not None) for each in await store.tokens.list()] == [
        ("ci", True),
        ("ops", False),
    ]


@pytest.mark.parametrize("secret", ["", "cs_", "cs_guess", "\ud800", "x" * 100_000])
async def test_anything_else_opens_nothing(store: Store, secret: str) -> None:
    await store.tokens.create("ci")
    assert await store.tokens.verify(secret) is None


async def test_the_secret_is_not_in_the_file(store: Store) -> None:
    secret, _ = await store.tokens.create("ci")
    await store.tokens.verify(secret)
    path = store.database.path
    await store.close()
    assert all(secret[3:].encode() not in each.read_bytes() for each in path.parent.iterdir())


async def test_a_name_is_used_once(store: Store) -> None:
    await store.tokens.create("ci")
    await store.tokens.revoke("ci")
    with pytest.raises(TokenNameTaken):
        await store.tokens.create("ci")


@pytest.mark.parametrize("name", ["", "a b", "-x", "x" * 65, "ü"])
async def test_a_bad_name_is_refused(store: Store, name: str) -> None:
    with pytest.raises(ValueError, match="is no name for a token"):
        await store.tokens.create(name)


async def test_the_last_use_is_noted_by_the_minute(store: Store, clock: SteppingClock) -> None:
    secret, _ = await store.tokens.create("ci")
    await store.tokens.verify(secret)
    (first,) = await store.tokens.list()
    await store.tokens.verify(secret)
    assert (await store.tokens.list()) == [first]
    clock.moment += timedelta(minutes=2)
    await store.tokens.verify(secret)
    (later,) = await store.tokens.list()
    assert first.last_used_at is not None
    assert later.last_used_at is not None
    assert later.last_used_at - first.last_used_at > timedelta(minutes=2)

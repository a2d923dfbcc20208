"""The way in: durable on return, deduped by the commit, kept until done."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from domain.envelopes import Envelope
from state.errors import Unencodable
from state.store import Store
from tests.state.samples import NOON, SteppingClock

SIGNAL = Envelope(
    door="slack",
    key="Ev1",
    lane="C1",
    order="1700.1",
    body={"text": "hé \ud83d", "n": [1, None, {"a": 1.5}]},
    received_at=NOON,
)


async def test_a_redelivery_is_known_even_after_it_is_done(store: Store) -> None:
    assert await store.inbox.put(SIGNAL)
    assert not await store.inbox.put(SIGNAL)
    await store.inbox.done("slack", "Ev1")
    assert not await store.inbox.put(replace(SIGNAL, body={"other": 1}))
    assert await store.inbox.put(replace(SIGNAL, door="api"))


async def test_of_two_at_once_one_is_the_first(store: Store) -> None:
    answers = await asyncio.gather(*(store.inbox.put(SIGNAL) for _ in range(8)))
    assert sorted(answers) == [False] * 7 + [True]


async def test_what_waits_survives_a_restart_in_order(store: Store, path: Path, clock: SteppingClock) -> None:
    signals = [replace(SIGNAL, key=f"Ev{n}", urgent=n == 3) for n in (5, 3, 1, 2)]
    for signal in signals:
        await store.inbox.put(signal)
    await store.inbox.done("slack", "Ev3")
    await store.inbox.set_aside("slack", "Ev1", "cannot be read")
    await store.close()
    again = await Store.open(path, clock=clock)
    assert await again.inbox.pending() == [signals[0], signals[3]]
    assert not await again.inbox.put(signals[2])
    await again.close()


async def test_a_body_goes_when_it_is_done_and_stays_when_set_aside(store: Store) -> None:
    await store.inbox.put(SIGNAL)
    await store.inbox.put(replace(SIGNAL, key="Ev2"))
    await store.inbox.done("slack", "Ev1")
    await store.inbox.set_aside("slack", "Ev2", "why")
    await store.inbox.set_aside("slack", "Ev1", "too late")
    rows = await store.database.read(
        lambda raw: raw.execute("SELECT key, status, body IS NULL, why FROM inbox ORDER BY id").fetchall()
    )
    assert rows == [("Ev1", "done", 1, None), ("Ev2", "aside", 0, "why")]


@pytest.mark.parametrize("body", [{"x": float("nan")}, {"x": object()}])
async def test_a_body_that_json_cannot_carry_is_refused(store: Store, body: dict[str, object]) -> None:
    with pytest.raises(Unencodable):
        await store.inbox.put(replace(SIGNAL, body=body))

"""The inbox consumer: order within a lane, lanes beside each other, overtaking, retries, restarts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.envelopes import Envelope
from handlers.inbox import Consumer, NotYet
from state.store import Store
from tests.slack.fakes import RealClock

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def envelope(key: str, lane: str = "a", order: str = "1", *, urgent: bool = False) -> Envelope:
    return Envelope(door="test", key=key, lane=lane, order=order, body={}, received_at=NOW, urgent=urgent)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "x.sqlite", clock=RealClock())
    yield store
    await store.close()


class Bench:
    """A consumer that runs, and what it handled."""

    def __init__(self, store: Store, patience: tuple[float, ...] = (0.01, 0.01)) -> None:
        self.store = store
        self.consumer = Consumer(store.inbox, patience=patience)
        self.seen: list[str] = []
        self.regrets: list[tuple[str, str]] = []
        self.stop = asyncio.Event()

    def register(self, act: Callable[[Envelope], Awaitable[None]] | None = None) -> None:
        async def handle(envelope: Envelope) -> None:
            if act is not None:
                await act(envelope)
            self.seen.append(envelope.key)

        async def regret(envelope: Envelope, why: str) -> None:
            self.regrets.append((envelope.key, why))

        self.consumer.register("test", handle, regret)

    async def __aenter__(self) -> "Bench":
        self.task = asyncio.create_task(self.consumer.run(self.stop))
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        await self.task


async def test_a_lane_is_handled_in_order_and_lanes_beside_each_other(store: Store) -> None:
    bench, gate = Bench(store), asyncio.Event()

    async def act(envelope: Envelope) -> None:
        if envelope.key == "first":
            await gate.wait()

    bench.register(act)
    async with bench:
        await bench.consumer.accept(envelope("first", order="1"))
        await asyncio.sleep(0.01)
        for key, order in (("fourth", "4"), ("third", "3"), ("second", "2")):
            await bench.consumer.accept(envelope(key, order=order))
        await bench.consumer.accept(envelope("other", lane="b"))
        await asyncio.sleep(0.02)
        assert bench.seen == ["other"]
        gate.set()
        await bench.consumer.idle()
    assert bench.seen == ["other", "first", "second", "third", "fourth"]


async def test_urgent_envelopes_overtake_their_lane(store: Store) -> None:
    bench, gate = Bench(store), asyncio.Event()

    async def act(envelope: Envelope) -> None:
        if not envelope.urgent:
            await gate.wait()

    bench.register(act)
    async with bench:
        await bench.consumer.accept(envelope("slow"))
        await bench.consumer.accept(envelope("stop", order="2", urgent=True))
        await asyncio.sleep(0.02)
        assert bench.seen == ["stop"]
        gate.set()
        await bench.consumer.idle()


async def test_a_redelivery_is_known_even_when_done(store: Store) -> None:
    bench = Bench(store)
    bench.register()
    async with bench:
        assert await bench.consumer.accept(envelope("x"))
        assert not await bench.consumer.accept(envelope("x"))
        await bench.consumer.idle()
        assert not await bench.consumer.accept(envelope("x"))
    assert bench.seen == ["x"]


async def test_a_failure_is_tried_again_and_holds_up_its_lane(store: Store) -> None:
    bench, tries = Bench(store), 0

    async def act(envelope: Envelope) -> None:
        nonlocal tries
        if envelope.key == "bad":
            tries += 1
            if tries < 3:
                raise RuntimeError("not now")

    bench.register(act)
    async with bench:
        await bench.consumer.accept(envelope("bad"))
        await bench.consumer.accept(envelope("after", order="2"))
        await bench.consumer.idle()
    assert bench.seen == ["bad", "after"]
    assert tries == 3


async def test_what_cannot_be_handled_is_set_aside_with_the_reason_and_said(store: Store) -> None:
    bench = Bench(store)

    async def act(envelope: Envelope) -> None:
        if envelope.key == "bad":
            raise RuntimeError("never")

    bench.register(act)
    async with bench:
        await bench.consumer.accept(envelope("bad"))
        await bench.consumer.accept(envelope("after", order="2"))
        await bench.consumer.idle()
    assert bench.seen == ["after"]
    assert bench.regrets == [("bad", "RuntimeError: never")]
    assert await store.inbox.pending() == []
    assert not await store.inbox.put(envelope("bad"))


async def test_an_earlier_one_that_comes_late_goes_first(store: Store) -> None:
    """A reply that overtook its thread's first message waits for it."""
    bench = Bench(store)

    async def act(envelope: Envelope) -> None:
        if envelope.key == "reply" and "root" not in bench.seen:
            raise NotYet

    bench.register(act)
    async with bench:
        await bench.consumer.accept(envelope("reply", order="2"))
        await asyncio.sleep(0.02)
        await bench.consumer.accept(envelope("root", order="1"))
        await bench.consumer.idle()
    assert bench.seen == ["root", "reply"]


async def test_what_was_committed_is_handled_after_a_restart(store: Store) -> None:
    for number in range(3):
        await store.inbox.put(envelope(f"k{number}", order=str(number)))
    bench = Bench(store)
    bench.register()
    await bench.consumer.accept(envelope("k3", order="3"))  # before it runs
    async with bench:
        await asyncio.sleep(0.05)
        await bench.consumer.idle()
    assert bench.seen == ["k0", "k1", "k2", "k3"]
    assert await store.inbox.pending() == []


async def test_a_stop_leaves_the_unfinished_in_the_inbox(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.inbox._GRACE_S", 0.01)
    bench = Bench(store)

    async def act(_: Envelope) -> None:
        await asyncio.sleep(60)

    bench.register(act)
    async with bench:
        await bench.consumer.accept(envelope("x"))
        await asyncio.sleep(0.01)
    assert [each.key for each in await store.inbox.pending()] == ["x"]


async def test_a_door_that_nobody_handles_is_set_aside(store: Store) -> None:
    bench = Bench(store)
    async with bench:
        await bench.consumer.accept(envelope("x"))
        await bench.consumer.idle()
    assert await store.inbox.pending() == []

"""The queue in memory: priority, replacement, giving back, epochs."""

import asyncio

import pytest

from domain.runs import Run
from loop.ports import Lease
from state.memory import MemoryQueue


def lease(queue: MemoryQueue, run: str, priority: int = 1) -> Lease:
    return Lease(run=Run(run_id=run), epoch=queue.next_epoch(), priority=priority)


async def claimed(queue: MemoryQueue) -> list[str]:
    names = []
    while len(queue):
        names.append((await queue.claim()).run.run_id)
    return names


def test_epochs_grow_and_never_repeat_across_boots() -> None:
    first, second = MemoryQueue(boot=1), MemoryQueue(boot=2)
    epochs = [first.next_epoch() for _ in range(1000)]
    assert epochs == sorted(set(epochs))
    assert epochs[0] == (1 << 32) + 1
    assert second.next_epoch() > epochs[-1]


async def test_the_highest_priority_comes_first_then_the_first_come() -> None:
    queue = MemoryQueue()
    for run, priority in (("low", 3), ("a", 1), ("urgent", 0), ("b", 1)):
        await queue.put(lease(queue, run, priority))
    assert await claimed(queue) == ["urgent", "a", "b", "low"]


async def test_a_newer_lease_replaces_an_unclaimed_one_in_its_place() -> None:
    queue = MemoryQueue()
    old, other, new = lease(queue, "a"), lease(queue, "b"), lease(queue, "a")
    for each in (old, other, new):
        await queue.put(each)
    assert await queue.claim() == new
    assert await queue.claim() == other
    assert len(queue) == 0
    await queue.put(old)
    await queue.put(new)
    await queue.put(old)  # late, and older
    assert await queue.claim() == new
    assert len(queue) == 0


async def test_a_claimed_lease_is_not_replaced() -> None:
    queue = MemoryQueue()
    await queue.put(old := lease(queue, "a"))
    assert await queue.claim() == old
    await queue.put(new := lease(queue, "a"))
    await queue.give_back(old)
    assert await queue.claim() == new
    assert len(queue) == 0


async def test_a_lease_given_back_takes_its_old_place_once() -> None:
    queue = MemoryQueue()
    for run in ("a", "b"):
        await queue.put(lease(queue, run))
    first = await queue.claim()
    await queue.give_back(first)
    await queue.give_back(first)
    assert await claimed(queue) == ["a", "b"]
    await queue.done(first)
    await queue.give_back(first)
    assert len(queue) == 0


async def test_claiming_waits_and_a_cancelled_claim_takes_nothing() -> None:
    queue = MemoryQueue()
    waiting = [asyncio.create_task(queue.claim()) for _ in range(3)]
    await asyncio.sleep(0)
    await queue.put(lease(queue, "a"))
    waiting[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    assert (await waiting[1]).run.run_id == "a"
    await queue.put(lease(queue, "b"))
    assert (await waiting[2]).run.run_id == "b"

"""A process that appends from many tasks and prints what was acknowledged, until somebody kills it."""

import asyncio
import sys
from pathlib import Path

from domain.envelopes import Envelope
from domain.events import PersonSpoke
from state.store import Store
from tests.state.samples import NOON, SteppingClock, received

_TASKS = 16


async def append(store: Store, name: str) -> None:
    """One run's life: an event, a line, an event, a line."""
    seq = 0
    while True:
        event = PersonSpoke(by="user:U1", text=f"{name} {seq}") if seq else received(name)
        (recorded,) = await store.journal.append(name, seq, [event])
        seq = recorded.seq
        sys.stdout.write(f"event {name} {seq} {recorded.hash}\n")
        if seq % 7 == 0:
            envelope = Envelope(door="slack", key=f"{name}-{seq}", lane=name, order=str(seq), body={}, received_at=NOON)
            await store.inbox.put(envelope)
            sys.stdout.write(f"inbox {envelope.key} 0 0\n")


async def main(path: Path) -> None:
    store = await Store.open(path, clock=SteppingClock())
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a text file, always
    async with asyncio.TaskGroup() as group:
        for n in range(_TASKS):
            group.create_task(append(store, f"r-{store.boot}-{n}"))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

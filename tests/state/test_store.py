"""The store as a whole: what it hands to the doors, and what it says about itself."""

from handlers.ports import Inbox, Outbox, Tokens
from loop.doors import Views
from loop.ports import Journal, Queue
from state.memory import MemoryJournal, MemoryQueue
from state.store import Store
from tests.state.samples import SteppingClock


async def test_every_port_has_its_adapter(store: Store, clock: SteppingClock) -> None:
    """The type checker holds each assignment."""
    journals: list[Journal] = [store.journal, MemoryJournal(clock)]
    queue: Queue = MemoryQueue(store.boot)
    inbox: Inbox = store.inbox
    outbox: Outbox = store.outbox
    tokens: Tokens = store.tokens
    views: Views = store.views
    assert all((journals, queue is not None, inbox, outbox, tokens, views))


async def test_the_key_does_not_show(store: Store) -> None:
    assert repr(store.key) not in repr(store)
    assert store.key.hex() not in repr(store)

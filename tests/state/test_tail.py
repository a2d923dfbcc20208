"""The end of the log at hand: bounded, without gaps, and honest about what it no longer holds."""

from domain.events import PersonSpoke, Recorded
from state.store import Store
from state.tail import Tail
from tests.state.samples import NOON, received


def events(first: int, last: int) -> list[Recorded]:
    said = PersonSpoke(by="user:U1", text="hello")
    return [Recorded(stream="r", seq=n, at=NOON, event=said, position=n) for n in range(first, last + 1)]


def positions(tail: Tail, after: int, limit: int = 10) -> list[int] | None:
    found = tail.after(after, limit)
    return None if found is None else [each.position for each in found]


def test_what_is_at_hand_is_given_and_what_is_not_is_said() -> None:
    tail = Tail()
    assert positions(tail, 0) == []
    tail.jump(5)
    assert positions(tail, 0) is None
    tail.extend(events(6, 8))
    assert positions(tail, 4) is None
    assert positions(tail, 5) == [6, 7, 8]
    assert positions(tail, 6, limit=1) == [7]
    assert positions(tail, 8) == []
    tail.extend(events(11, 12))  # another process wrote 9 and 10
    assert positions(tail, 8) is None
    assert positions(tail, 10) == [11, 12]
    tail.jump(11)
    assert tail.end == 12


def test_the_oldest_are_let_go() -> None:
    tail = Tail()
    for first in range(1, 10_001, 10):
        tail.extend(events(first, first + 9))
    assert positions(tail, 9_999) == [10_000]
    assert positions(tail, 5_000) is None
    assert len(tail._events) <= 2048


async def test_who_lags_behind_what_is_at_hand_misses_nothing(store: Store) -> None:
    following = store.journal.follow(0)
    await store.journal.append("r-1", 0, [received()])
    seen = [(await anext(following)).position]
    said = PersonSpoke(by="user:U1", text="hello")
    for seq in range(1, 3001, 500):
        await store.journal.append("r-1", seq, [said] * 500)
    seen += [(await anext(following)).position for _ in range(3000)]
    await following.aclose()
    assert seen == list(range(1, 3002))

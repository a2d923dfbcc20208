"""The way out: queued once, delivered in order within a run, uncertain across a crash."""

from datetime import timedelta
from pathlib import Path

from domain.envelopes import Post, Queued
from state.store import Store
from tests.state.samples import NOON, SteppingClock


def post(key: str, run: str = "r-1", text: str = "", *, guaranteed: bool = True, replaces: str | None = None) -> Post:
    return Post(key=key, run_id=run, body={"text": text or key}, guaranteed=guaranteed, replaces=replaces)


async def due(store: Store, minutes: float = 0, limit: int = 50) -> list[str]:
    return [each.post.key for each in await store.outbox.due(NOON + timedelta(minutes=minutes), limit)]


async def test_posts_and_the_readers_position_move_together(store: Store) -> None:
    assert await store.outbox.position("thread") == 0
    await store.outbox.put([post("a"), post("b", replaces="a")], reader="thread", position=7)
    assert await store.outbox.position("thread") == 7
    assert await store.outbox.due(NOON) == [Queued(post=post("a")), Queued(post=post("b", replaces="a"))]
    await store.outbox.put([], reader="thread", position=5)
    assert await store.outbox.position("thread") == 7
    assert await store.outbox.position("home") == 0


async def test_a_known_key_is_queued_once_even_when_it_is_out(store: Store) -> None:
    await store.outbox.put([post("a", text="first")], reader="thread", position=1)
    await store.outbox.put([post("a", text="second")], reader="thread", position=2)
    (only,) = await store.outbox.due(NOON)
    assert only.post.body == {"text": "first"}
    await store.outbox.trying("a")
    await store.outbox.sent("a", "C1", "1.1")
    await store.outbox.put([post("a", text="third")], reader="thread", position=3)
    assert await due(store) == []


async def test_of_coalesced_posts_the_latest_counts_in_its_place(store: Store) -> None:
    first = [post("progress", text="1 of 3", guaranteed=False), post("card")]
    await store.outbox.put(first, reader="thread", position=1)
    await store.outbox.put([post("progress", text="2 of 3", guaranteed=False)], reader="thread", position=2)
    progress, card = await store.outbox.due(NOON)
    assert (progress.post.body, card.post.key) == ({"text": "2 of 3"}, "card")


async def test_a_coalesced_post_that_was_out_is_queued_anew_behind_the_others(store: Store) -> None:
    await store.outbox.put([post("progress", guaranteed=False), post("card")], reader="thread", position=1)
    await store.outbox.trying("progress")
    await store.outbox.sent("progress", "C1", "1.1")
    await store.outbox.put([post("progress", text="more", guaranteed=False)], reader="thread", position=2)
    assert await due(store) == ["card", "progress"]
    assert await store.outbox.where("progress") == ("C1", "1.1")
    assert (await store.outbox.due(NOON))[1].attempts == 0


async def test_content_that_comes_during_a_try_still_goes_out(store: Store) -> None:
    await store.outbox.put([post("progress", text="old", guaranteed=False)], reader="thread", position=1)
    await store.outbox.trying("progress")
    await store.outbox.put([post("progress", text="new", guaranteed=False)], reader="thread", position=2)
    await store.outbox.sent("progress", "C1", "1.1")
    (left,) = await store.outbox.due(NOON)
    assert (left.post.body, left.uncertain) == ({"text": "new"}, False)
    assert await store.outbox.where("progress") == ("C1", "1.1")
    await store.outbox.trying("progress")
    await store.outbox.sent("progress", "C1", "1.1")
    assert await due(store) == []


async def test_a_later_post_of_a_run_waits_for_an_earlier_one(store: Store) -> None:
    await store.outbox.put([post("a"), post("b"), post("x", "r-2"), post("c")], reader="thread", position=1)
    await store.outbox.trying("b")
    await store.outbox.retry("b", NOON + timedelta(minutes=5), "rate limit")
    assert await due(store) == ["a", "x"]
    assert await due(store, 5) == ["a", "b", "x", "c"]
    assert await due(store, 5, limit=2) == ["a", "b"]
    await store.outbox.drop("b", "the channel is gone")
    assert await due(store) == ["a", "x", "c"]


async def test_a_try_that_was_cut_short_is_uncertain_after_the_restart(
    store: Store, path: Path, clock: SteppingClock
) -> None:
    await store.outbox.put([post("a"), post("b", "r-2"), post("c", "r-3")], reader="thread", position=1)
    for key in ("a", "b"):
        await store.outbox.trying(key)
    await store.outbox.retry("b", NOON, "refused before it was sent")
    await store.close()
    again = await Store.open(path, clock=clock)
    assert [(q.post.key, q.attempts, q.uncertain) for q in await again.outbox.due(NOON)] == [
        ("a", 1, True),
        ("b", 1, False),
        ("c", 0, False),
    ]
    await again.outbox.retry("a", NOON, "timed out", uncertain=True)
    assert (await again.outbox.due(NOON))[0].uncertain
    await again.close()


async def test_messages_are_found_by_key_and_by_place(store: Store) -> None:
    await store.outbox.put([post("a"), post("b", replaces="a"), post("x", "r-2")], reader="thread", position=1)
    assert await store.outbox.where("a") is None
    for key, ts in (("a", "1.1"), ("b", "1.1"), ("x", "2.2")):
        await store.outbox.trying(key)
        await store.outbox.sent(key, "C1", ts)
    assert await store.outbox.where("b") == ("C1", "1.1")
    assert await store.outbox.where("none") is None
    assert await store.outbox.run_at("C1", "1.1") == "r-1"
    assert await store.outbox.run_at("C1", "2.2") == "r-2"
    assert await store.outbox.run_at("C2", "2.2") is None

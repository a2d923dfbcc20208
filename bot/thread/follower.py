"""Follows the journal and queues what the threads should show. Its place moves in the transaction of its posts."""

import asyncio
import contextlib
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from bot.thread.composer import Places, live, loss, settled, step
from bot.thread.notices import of_organization
from domain.envelopes import Post
from domain.events import ORGANIZATION_STREAM, Posted, Recorded, TaskReceived, TierLost
from domain.organization import Organization, evolve_organization
from domain.runs import Run
from domain.settling import IllegalEvent
from handlers.ports import Outbox
from handlers.slack.show.story import Story
from loop.ports import Journal

READER = "slack"
_BATCH = 200  # events that share one transaction
_STORIES = 1_000  # runs kept folded
_AGAIN_S = 1.0

_log = structlog.get_logger(__name__)


class Follower:
    """The reader of the log that keeps Slack true."""

    def __init__(
        self,
        journal: Journal,
        outbox: Outbox,
        places: Places,
        *,
        wake: Callable[[], None] = lambda: None,
        public: Callable[[str], Awaitable[bool]] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal = journal
        self._outbox = outbox
        self._everywhere = places
        self._wake = wake
        self._public = public
        self._clock = now
        self._organization = Organization()
        self._places: dict[str, Places] = {}  # by run: approvals of private runs are not shown elsewhere
        self._stories: OrderedDict[str, Story] = OrderedDict()
        self._receipts: dict[str, set[str]] = {}  # posts of a run that are out, also by receipts later in the log
        self._shown: dict[str, str] = {}  # coalesced key -> what was queued last
        self._open: set[str] = set()  # coalesced keys that may wait in the outbox
        self._broken: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until `stop`. What fails is tried again from the last place that was saved."""
        while not stop.is_set():
            try:
                await self._follow(stop)
            except Exception as error:
                _log.error("the follower stumbled", why=f"{type(error).__name__}: {error}")
                self._stories.clear()
                self._shown.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_AGAIN_S):
                        await stop.wait()

    async def refresh(self, run_id: str) -> None:
        """Show the run's cards again: one of them is gone."""
        log = await self._journal.read(run_id) if run_id != ORGANIZATION_STREAM else []
        if not log:
            return
        story, places = Story(run=Run(run_id=run_id)), await self._places_of(log[0])
        for recorded in log:
            story, _ = step(story, recorded, places)
        places = replace(places, stopped=self._organization.stopped)
        cards = live(story, places) + settled(story, places)
        await self._outbox.put(cards, reader=READER, position=0)
        self._wake()

    async def _follow(self, stop: asyncio.Event) -> None:
        position = await self._outbox.position(READER)
        arrived: asyncio.Queue[Recorded] = asyncio.Queue(maxsize=_BATCH)

        async def pump() -> None:
            async for recorded in self._journal.follow(position):
                await arrived.put(recorded)

        pumping, stopping = asyncio.create_task(pump()), asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                first = asyncio.create_task(arrived.get())
                await asyncio.wait({first, pumping, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not first.done():
                    first.cancel()
                    if pumping.done():
                        pumping.result()
                        return
                    continue
                batch = [first.result()]
                while not arrived.empty() and len(batch) < _BATCH:
                    batch.append(arrived.get_nowait())
                await self._take(batch)
        finally:
            for task in (pumping, stopping):
                task.cancel()
            await asyncio.gather(pumping, stopping, return_exceptions=True)

    async def _take(self, batch: Sequence[Recorded]) -> None:
        """Fold the events, queue what follows, and move on, in one transaction."""
        posts: list[Post] = []
        touched: dict[str, None] = {}
        for recorded in batch:
            if recorded.stream == ORGANIZATION_STREAM:
                said, moved = await self._declared(recorded)
                posts += said
                touched |= dict.fromkeys(moved)
                continue
            if recorded.stream in self._broken:
                continue
            if isinstance(recorded.event, Posted) and recorded.stream not in self._stories:
                continue
            try:
                posts += await self._one(recorded)
            except IllegalEvent as error:
                _log.error("a run cannot be shown", run=recorded.stream, why=str(error))
                self._broken.add(recorded.stream)
                continue
            if not isinstance(recorded.event, Posted):
                touched[recorded.stream] = None
        for run_id in touched:
            if run_id in self._stories:
                posts += self._fresh(self._now(self._stories[run_id]))
        await self._outbox.put(posts, reader=READER, position=batch[-1].position)
        if posts:
            self._wake()

    async def _declared(self, recorded: Recorded) -> tuple[list[Post], list[str]]:
        """What is to be said of the organization, and the runs whose cards look otherwise now."""
        before = self._organization
        for each in await self._journal.read(ORGANIZATION_STREAM, before.seq) if recorded.seq > before.seq else ():
            if each.seq <= recorded.seq:
                before, self._organization = self._organization, evolve_organization(self._organization, each)
        said = of_organization(before, recorded, self._everywhere.notices, self._clock())
        lost = isinstance(recorded.event, TierLost)
        if before.stopped == self._organization.stopped and not lost:
            return said, []
        open_runs = (await self._journal.open_runs())[:_STORIES]
        for run_id in open_runs:
            await self._known(run_id, recorded.position)
            if lost and run_id in self._stories:
                out = self._receipts.get(run_id, set())
                told = loss(self._stories[run_id], recorded, self._places[run_id], self._clock())
                said += [post for post in told if post.key not in out]
        return said, [] if lost else open_runs

    async def _known(self, run_id: str, position: int) -> None:
        """Have the run's story at hand, as far as it was told."""
        if run_id in self._stories or run_id in self._broken:
            return
        told = [each for each in await self._journal.read(run_id) if each.position < position]
        if told:  # what comes after is still to be told
            self._stories[run_id] = await self._load(replace(told[-1], seq=told[-1].seq + 1))

    def _now(self, story: Story) -> list[Post]:
        """The cards as they should look; of approvals that are over, those whose older look may still wait, once."""
        places = replace(self._places[story.run.run_id], stopped=self._organization.stopped)
        over = settled(story, places, self._open)
        self._open -= {post.key for post in over}
        now = live(story, places)
        self._open |= {post.key for post in now}
        return now + over

    async def _one(self, recorded: Recorded) -> list[Post]:
        run_id = recorded.stream
        story = self._stories.get(run_id)
        if story is None:
            story = await self._load(recorded)
        if recorded.seq <= story.run.seq:
            return []
        places = replace(self._places[run_id], stopped=self._organization.stopped)
        story, posts = step(story, recorded, places)
        if isinstance(recorded.event, Posted):
            self._receipts.setdefault(run_id, set()).add(recorded.event.key)
        self._stories[run_id] = story
        self._stories.move_to_end(run_id)
        while len(self._stories) > _STORIES:
            gone, _ = self._stories.popitem(last=False)
            self._receipts.pop(gone, None)
            self._places.pop(gone, None)
        out = self._receipts.get(run_id, set())
        return [post for post in posts if post.key not in out]

    async def _load(self, next_: Recorded) -> Story:
        """The story before `next_`; the receipts of all, so that a rebuild posts nothing twice."""
        run_id = next_.stream
        log = await self._journal.read(run_id)
        self._receipts[run_id] = {r.event.key for r in log if isinstance(r.event, Posted)}
        places = self._places[run_id] = await self._places_of(log[0] if log else next_)
        story = Story(run=Run(run_id=run_id))
        for recorded in log[: next_.seq - 1]:
            story, _ = step(story, recorded, places)
        return story

    async def _places_of(self, first: Recorded) -> Places:
        """Where the run may be shown: a run is visible where its thread is, so a private one has no second copies."""
        task = first.event.task if isinstance(first.event, TaskReceived) else None
        if self._public is None or task is None or task.place is None or await self._public(task.place.channel):
            return self._everywhere
        return replace(self._everywhere, approvals=None, private=True)

    def _fresh(self, posts: Sequence[Post]) -> list[Post]:
        """Those that would show something else than what was queued last."""
        found = []
        for post in posts:
            content = json.dumps(post.body)
            if self._shown.get(post.key) != content:
                self._shown[post.key] = content
                found.append(post)
        if len(self._shown) > 10 * _STORIES:
            self._shown.clear()
            self._open.clear()
        return found

"""Delivers the outbox through the gateway. A post that may be out already is looked up before it is sent again."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog

from bot.thread.receipts import Receipts
from bot.thread.refusals import BAD, GONE, LOST, NO_SESSIONS, SETUP
from domain.canonical import Json
from domain.envelopes import Queued
from domain.events import ORGANIZATION_STREAM, Posted
from handlers.ports import Outbox
from handlers.slack.gateway import Gateway
from handlers.slack.show.message import note
from handlers.slack.wire import SlackAway, SlackSaid, SlackTrouble, SlackUncertain
from loop.ports import Clock, Journal

_AT_ONCE = 16  # runs whose posts are on their way at the same moment
_POLL_S = 0.25
_SPACING_S = 1.2  # between two updates of one message
_TRIES = 5
_LIMIT = 500

_log = structlog.get_logger(__name__)


class Courier:
    """A run's guaranteed posts go out in order, its coalesced ones beside them; runs go beside each other."""

    def __init__(self, outbox: Outbox, gateway: Gateway, journal: Journal, receipts: Receipts, clock: Clock) -> None:
        self._outbox = outbox
        self._gateway = gateway
        self._journal = journal
        self._receipts = receipts
        self._clock = clock
        self._bell = asyncio.Event()
        self._busy: set[tuple[str, bool]] = set()  # (run, guaranteed)
        self._updated: dict[str, float] = {}  # message key -> when it was last updated
        self._warned: set[str] = set()  # runs whose requester was told that they cannot be shown
        self._sessions = True  # whether this workspace knows agent sessions
        self._room = asyncio.Semaphore(_AT_ONCE)

    def wake(self) -> None:
        """Something was queued."""
        self._bell.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop`; what is on its way then is finished, or comes back as uncertain."""
        tasks: set[asyncio.Task[None]] = set()

        async def ring_at_the_end() -> None:
            await stop.wait()
            self._bell.set()

        ringing = asyncio.create_task(ring_at_the_end())
        try:
            while not stop.is_set():
                self._bell.clear()
                try:
                    await self._round(tasks)
                except Exception as error:
                    _log.error("the outbox cannot be read", why=f"{type(error).__name__}: {error}")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_S):
                        await self._bell.wait()
        finally:
            ringing.cancel()
            if tasks:
                _, late = await asyncio.wait(tasks, timeout=5)
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)

    async def _round(self, tasks: set[asyncio.Task[None]]) -> None:
        lanes: dict[tuple[str, bool], list[Queued]] = {}
        due = await self._outbox.due(self._clock.now(), _LIMIT)
        coming = {queued.post.key for queued in due}
        for queued in due:
            lanes.setdefault((queued.post.run_id, queued.post.guaranteed), []).append(queued)
        for name, lane in lanes.items():
            if name not in self._busy:
                self._busy.add(name)
                task = asyncio.create_task(self._serve(name, lane, coming))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    async def _serve(self, name: tuple[str, bool], lane: Sequence[Queued], coming: set[str]) -> None:
        """A run's guaranteed posts in order, one that did not go out holding up the rest; or its coalesced ones."""
        try:
            async with self._room:
                for queued in lane:
                    if queued.post.guaranteed:
                        if not await self._deliver(queued):
                            break
                    elif not self._too_soon(queued) and not await self._early(queued, coming):
                        await self._deliver(queued)
                    else:
                        continue
                    self._bell.set()
        except Exception as error:
            _log.error("a delivery failed", run=name[0], why=f"{type(error).__name__}: {error}")
        finally:
            self._busy.discard(name)

    async def _early(self, queued: Queued, coming: set[str]) -> bool:
        """Whether what a coalesced post changes, or stands below, has yet to be posted."""
        thread = queued.post.body.get("thread")
        below = thread.get("key") if isinstance(thread, Mapping) else None
        wanted = [key for key in (queued.post.replaces, below) if key in coming]
        return any([await self._where(queued.post.run_id, str(key)) is None for key in wanted])

    def _too_soon(self, queued: Queued) -> bool:
        last = self._updated.get(queued.post.replaces or queued.post.key)
        return not queued.post.guaranteed and last is not None and self._now() - last < _SPACING_S

    async def _deliver(self, queued: Queued) -> bool:
        """Try once. True when the post is out, or will never be."""
        key = queued.post.key
        try:
            await self._outbox.trying(key)
            if not queued.post.guaranteed:
                queued = await self._latest(queued)
            place = await self._send(queued)
        except SlackSaid as error:
            return await self._refused(queued, error)
        except SlackUncertain as error:
            await self._later(queued, str(error), uncertain=True)
            return False
        except (SlackAway, SlackTrouble) as error:
            await self._later(queued, str(error), uncertain=queued.uncertain)
            return False
        if place is None:
            await self._outbox.drop(key, "what it belongs to was never shown")
            return True
        await self._outbox.sent(key, *place)
        if queued.post.guaranteed and queued.post.run_id != ORGANIZATION_STREAM:
            await self._receipts.posted(queued.post.run_id, Posted(key=key, channel=place[0], ts=place[1]))
        return True

    async def _latest(self, queued: Queued) -> Queued:
        """The newest content of a coalesced post. Read after `trying`, so that what comes later still is to go."""
        due = await self._outbox.due(self._clock.now(), _LIMIT)
        return next((each for each in due if each.post.key == queued.post.key), queued)

    async def _send(self, queued: Queued) -> tuple[str, str] | None:
        body = queued.post.body
        match body.get("do"):
            case "post":
                return await self._post(queued, queued.post.key)
            case "update":
                return await self._update(queued)
            case "file":
                return await self._file(queued)
            case "status":
                thread = await self._thread(queued) if self._sessions else None
                if thread is None:
                    return None
                await self._gateway.session_status(str(body["channel"]), thread, str(body["status"]))
                return str(body["channel"]), f"session:{thread}"  # not a message of ours
            case other:
                _log.error("an unknown kind of post", key=queued.post.key, kind=str(other))
                return None

    async def _post(self, queued: Queued, key: str) -> tuple[str, str] | None:
        body, channel = queued.post.body, str(queued.post.body["channel"])
        channel = await self._gateway.conversation(channel) if channel[0] in "UW" else channel  # to a person
        thread = await self._thread(queued)
        if body.get("thread") and thread is None:
            return None
        if queued.uncertain:
            ts = await self._gateway.find(channel, key, thread_ts=thread)
            if ts is not None:
                return channel, ts
        return await self._gateway.post(channel, await self._shown(queued), thread_ts=thread)

    async def _update(self, queued: Queued) -> tuple[str, str] | None:
        """Change the message; where it is gone, show it anew."""
        target = queued.post.replaces or ""
        where = await self._where(queued.post.run_id, target)
        if where is None:
            return None
        self._updated[target] = self._now()
        try:
            await self._gateway.update(*where, await self._shown(queued))
        except SlackSaid as error:
            if error.error not in LOST:
                raise
        else:
            return where
        place = await self._post(queued, target)
        if place is not None:
            await self._outbox.sent(target, *place)
            await self._receipts.posted(queued.post.run_id, Posted(key=target, channel=place[0], ts=place[1]))
        return place

    async def _file(self, queued: Queued) -> tuple[str, str] | None:
        body, channel = queued.post.body, str(queued.post.body["channel"])
        name, thread = str(body["name"]), await self._thread(queued)
        if body.get("thread") and thread is None:
            return None
        if queued.uncertain:
            ts = await self._gateway.find_file(channel, name, thread_ts=thread)
            if ts is not None:
                return channel, ts
        return channel, await self._gateway.upload(channel, name, str(body["text"]), thread_ts=thread)

    async def _shown(self, queued: Queued) -> Mapping[str, Json]:
        """The message; without Approve where what would be approved could not be delivered."""
        body = queued.post.body
        message, needs = body["message"], body.get("needs")
        if isinstance(needs, str) and await self._where(queued.post.run_id, needs) is None:
            message = body["otherwise"]
        return {**dict(message), "metadata": body["metadata"]}

    async def _thread(self, queued: Queued) -> str | None:
        thread = queued.post.body.get("thread")
        if not isinstance(thread, Mapping):
            return None
        if isinstance(thread.get("ts"), str):
            return str(thread["ts"])
        where = await self._where(queued.post.run_id, str(thread.get("key")))
        return where[1] if where else None

    async def _where(self, run_id: str, key: str) -> tuple[str, str] | None:
        """Where a post is: by the outbox, else by its receipt in the log."""
        known = await self._outbox.where(key)
        if known is not None:
            return known
        posted = [
            r.event for r in await self._journal.read(run_id) if isinstance(r.event, Posted) and r.event.key == key
        ]
        return (posted[-1].channel, posted[-1].ts) if posted else None

    # ── When it does not go ───────────────────────────────────────────────────────────────────────────────────────────

    async def _refused(self, queued: Queued, error: SlackSaid) -> bool:
        post, do = queued.post, queued.post.body.get("do")
        if do == "status":
            self._sessions = self._sessions and error.error not in NO_SESSIONS
            await self._outbox.drop(post.key, str(error))
            return True
        if error.error in BAD and do in ("post", "update"):
            return await self._plainly(queued, error)
        if error.error in SETUP:
            _log.error("Slack refuses our token", error=str(error))
            await self._later(queued, str(error), uncertain=False, seconds=30)
            return False
        final = error.error in (GONE | LOST) or do == "file" or queued.attempts >= _TRIES
        if not final:
            await self._later(queued, str(error), uncertain=False)
            return False
        _log.warning("not delivered", key=post.key, why=str(error))
        await self._outbox.drop(post.key, str(error))
        if do == "post" and error.error in GONE:
            await self._warn(queued, error)
        return True

    async def _plainly(self, queued: Queued, error: SlackSaid) -> bool:
        """Our own mistake: Slack does not take the card. Say so in words, with no button that could be pressed."""
        _log.error("Slack does not take a card of ours", key=queued.post.key, error=str(error))
        body = queued.post.body
        text = f"This could not be shown as a card ({error.error}). `/ops status {queued.post.run_id}` tells more."
        message = note(text).body() | {"metadata": body["metadata"]}
        try:
            where = await self._where(queued.post.run_id, queued.post.replaces) if queued.post.replaces else None
            if where is not None:
                await self._gateway.update(*where, message)
            else:
                where = await self._gateway.post(str(body["channel"]), message, thread_ts=await self._thread(queued))
        except SlackTrouble as trouble:
            await self._later(queued, str(trouble), uncertain=isinstance(trouble, SlackUncertain))
            return False
        await self._outbox.sent(queued.post.key, *where)
        return True

    async def _warn(self, queued: Queued, error: SlackSaid) -> None:
        """Tell the requester, once, that the run cannot be shown where it was asked for."""
        requester = queued.post.body.get("requester")
        if queued.post.run_id in self._warned or not isinstance(requester, str) or not requester.startswith("user:"):
            return
        self._warned.add(queued.post.run_id)
        text = f"I cannot show `{queued.post.run_id}` where you asked for it ({error.error}). "
        message = note(
            text + f"`/ops status {queued.post.run_id}` shows it; `/ops stop {queued.post.run_id}` stops it."
        )
        try:
            await self._gateway.direct(requester.partition(":")[2], message)
        except SlackTrouble as trouble:
            _log.warning("the requester could not be told", run=queued.post.run_id, why=str(trouble))

    async def _later(self, queued: Queued, why: str, *, uncertain: bool, seconds: float | None = None) -> None:
        pause = seconds if seconds is not None else min(30.0, 0.5 * 2 ** min(queued.attempts, 6))
        at = self._clock.now() + timedelta(seconds=pause)
        await self._outbox.retry(queued.post.key, at, why, uncertain=uncertain)

    def _now(self) -> float:
        return self._clock.now().timestamp()

"""The inbox consumer: what was committed is handled, one lane per conversation, in order, and again after a crash.

The law: an envelope leaves the inbox only when what it says is durable elsewhere (`done`), or with a reason
(`set_aside`). Lanes run beside each other; within one the smallest `order` goes first and a failure holds up those
behind it until it is handled or given up. Urgent envelopes wait for nobody.
"""

import asyncio
import contextlib
import heapq
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from domain.envelopes import Envelope
from handlers.ports import Inbox

Handle = Callable[[Envelope], Awaitable[None]]
Regret = Callable[[Envelope, str], Awaitable[None]]  # tells the person that it was given up, and why

PATIENCE = (0.5, 2.0, 8.0, 30.0)  # seconds before each further try
AT_ONCE = 32  # lanes that may be in a handler at the same moment; urgent envelopes do not count
_NOT_YET_S = 0.25
_GRACE_S = 5.0

_log = structlog.get_logger(__name__)


class NotYet(Exception):
    """Raised by a handler: what the envelope speaks of has not arrived. It is offered again soon; no failure."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class _Item:
    order: str
    number: int
    envelope: Envelope = field(compare=False)
    failures: int = field(default=0, compare=False)
    not_before: float = field(default=0.0, compare=False)


@dataclass(slots=True)
class _Lane:
    waiting: list[_Item] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class _Door:
    handle: Handle
    regret: Regret | None


class Consumer:
    """Hands committed envelopes to the door that understands them. At least once: handlers must bear repetition."""

    def __init__(self, inbox: Inbox, *, at_once: int = AT_ONCE, patience: tuple[float, ...] = PATIENCE) -> None:
        self._inbox = inbox
        self._patience = patience
        self._room = asyncio.Semaphore(at_once)
        self._doors: dict[str, _Door] = {}
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._held: set[tuple[str, str]] = set()  # offered and not finished: pending() may name them again
        self._early: list[Envelope] = []  # offered before `run`
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = False
        self._numbers = itertools.count()

    def register(self, door: str, handle: Handle, regret: Regret | None = None) -> None:
        """Envelopes of `door` go to `handle`; `regret` tells whoever sent one that it was given up."""
        self._doors[door] = _Door(handle, regret)

    async def accept(self, envelope: Envelope) -> bool:
        """Commit it and schedule it; durable when this returns. False: it was there already."""
        if not await self._inbox.put(envelope):
            return False
        self.offer(envelope)
        return True

    def offer(self, envelope: Envelope) -> None:
        """Schedule an envelope that is in the inbox already."""
        name = (envelope.door, envelope.key)
        if name in self._held:
            return
        self._held.add(name)
        if self._running:
            self._schedule(envelope)
        else:
            self._early.append(envelope)

    async def run(self, stop: asyncio.Event) -> None:
        """Handle what is pending, then what comes, until `stop`. What is in hand then gets a few seconds to end."""
        self._running = True
        try:
            for envelope in await self._inbox.pending():
                if (envelope.door, envelope.key) not in self._held:
                    self._held.add((envelope.door, envelope.key))
                    self._schedule(envelope)
            for envelope in self._early:
                self._schedule(envelope)
            self._early.clear()
            await stop.wait()
        finally:
            self._running = False
            await self._leave()

    async def idle(self) -> None:
        """Return when nothing is in hand."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def _schedule(self, envelope: Envelope) -> None:
        item = _Item(order=envelope.order, number=next(self._numbers), envelope=envelope)
        if envelope.urgent:
            self._spawn(self._overtake(item))
            return
        name = (envelope.door, envelope.lane)
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane()
            self._spawn(self._drain(name, lane))
        heapq.heappush(lane.waiting, item)
        lane.changed.set()

    async def _drain(self, name: tuple[str, str], lane: _Lane) -> None:
        """One lane until it is empty. A try that must wait lets an earlier envelope that comes late go first."""
        loop = asyncio.get_running_loop()
        while lane.waiting:
            pause = lane.waiting[0].not_before - loop.time()
            if pause > 0:
                lane.changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await lane.changed.wait()
                continue
            item = heapq.heappop(lane.waiting)
            async with self._room:
                again = await self._try(item)
            if again is not None:
                heapq.heappush(lane.waiting, again)
        del self._lanes[name]

    async def _overtake(self, item: _Item) -> None:
        again: _Item | None = item
        while again is not None:
            await asyncio.sleep(max(0.0, again.not_before - asyncio.get_running_loop().time()))
            again = await self._try(again)

    async def _try(self, item: _Item) -> _Item | None:
        """Handle it once; the item to try again, or None when it has left the inbox."""
        envelope, now = item.envelope, asyncio.get_running_loop().time()
        door = self._doors.get(envelope.door)
        try:
            if door is None:
                return await self._give_up(item, f"nothing handles the door {envelope.door}")
            await door.handle(envelope)
            await self._inbox.done(envelope.door, envelope.key)
        except NotYet:
            return replace(item, not_before=now + _NOT_YET_S)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            _log.warning("handler failed", door=envelope.door, key=envelope.key, why=why, failures=item.failures + 1)
            if item.failures < len(self._patience):
                pause = self._patience[item.failures]
                return replace(item, failures=item.failures + 1, not_before=now + pause)
            return await self._give_up(item, why)
        self._held.discard((envelope.door, envelope.key))
        return None

    async def _give_up(self, item: _Item, why: str) -> _Item | None:
        envelope = item.envelope
        door = self._doors.get(envelope.door)
        try:
            await self._inbox.set_aside(envelope.door, envelope.key, why)
            self._held.discard((envelope.door, envelope.key))
            if door is not None and door.regret is not None:
                await door.regret(envelope, why)
        except Exception as error:  # the store or Slack is away too: it stays pending and comes again at the next start
            _log.error("could not set aside", door=envelope.door, key=envelope.key, why=str(error))
        return None

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _leave(self) -> None:
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=_GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._lanes.clear()

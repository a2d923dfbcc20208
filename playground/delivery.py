"""Hands events, commands and interactions to apps, by socket or signed HTTP, with retries and faults."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from playground.errors import Json
from playground.faults import Faults, Shuffler
from playground.traffic import Traffic
from playground.workspace import App, Timing

Kind = Literal["events_api", "interactive", "slash_commands"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One thing for one app, at one attempt (0 is the first)."""

    kind: Kind
    payload: Json
    attempt: int = 0
    reason: str = ""
    accepts_response: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """What came of an attempt. `payload` is the acknowledgement's body; `error` says why there is none."""

    delivered: bool
    acked: bool
    payload: Json | None = None
    error: str | None = None
    retry: bool = True


class Transport(Protocol):
    async def send(self, app: App, parcel: Parcel) -> Ack: ...


class Delivery:
    def __init__(self, sockets: Transport, http: Transport, faults: Faults, traffic: Traffic, timing: Timing) -> None:
        self._sockets = sockets
        self._http = http
        self._faults = faults
        self._traffic = traffic
        self._timing = timing
        self._tasks: set[asyncio.Task[Any]] = set()
        self._shuffler = Shuffler(lambda delay, call: asyncio.get_running_loop().call_later(delay, call))

    def event(self, app: App, payload: Json) -> asyncio.Task[Ack]:
        """Starts delivering an event; the task ends with the first attempt, further ones go on behind it."""
        parcel = Parcel(kind="events_api", payload=payload)
        if self._faults.take("lose"):
            return self._spawn(self._lost(parcel, "lost"))
        if self._faults.reorder:
            self._shuffler.hold(lambda: self._release(app, parcel), self._faults.reorder)
            return self._spawn(self._answer(Ack(delivered=False, acked=False, error="held")))
        return self._spawn(self._event(app, parcel))

    async def interaction(self, app: App, kind: Kind, payload: Json, *, accepts_response: bool = False) -> Ack:
        """Never retried."""
        return await self._attempt(app, Parcel(kind=kind, payload=payload, accepts_response=accepts_response))

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def forget(self) -> None:
        """Drops what waits for another attempt."""
        for task in list(self._tasks):
            if task.get_name() == "retries":
                task.cancel()

    def _release(self, app: App, parcel: Parcel) -> None:
        self._spawn(self._event(app, parcel))

    async def _event(self, app: App, parcel: Parcel) -> Ack:
        ack = await self._attempt(app, parcel)
        if not ack.acked and ack.retry:
            self._spawn(self._retries(app, parcel, ack), name="retries")
        return ack

    async def _retries(self, app: App, parcel: Parcel, ack: Ack) -> None:
        for attempt, pause in enumerate(self._timing.retries, start=1):
            await asyncio.sleep(pause)
            reason = {"operation_timeout": "timeout" if app.request_url is None else "http_timeout"}.get(
                ack.error or "", ack.error or "timeout"
            )
            ack = await self._attempt(app, replace(parcel, attempt=attempt, reason=reason))
            if ack.acked or not ack.retry:
                return

    async def _attempt(self, app: App, parcel: Parcel) -> Ack:
        if self._faults.delay_ms:
            await asyncio.sleep(self._faults.delay_ms / 1000)
        if self._faults.take("drop"):
            ack = await self._lost(parcel, "dropped")
            await asyncio.sleep(self._timing.ack_timeout)
            return ack
        transport = self._http if app.request_url else self._sockets
        for _ in range(self._faults.duplicate):
            self._spawn(self._copy(transport, app, parcel))
        return await transport.send(app, parcel)

    async def _copy(self, transport: Transport, app: App, parcel: Parcel) -> None:
        await asyncio.sleep(0.01)
        await transport.send(app, parcel)

    async def _lost(self, parcel: Parcel, why: str) -> Ack:
        self._traffic.add("out", "fault", parcel.kind, parcel.payload, fault=why)
        error = "operation_timeout" if why == "dropped" else why
        return Ack(delivered=False, acked=False, error=error, retry=why == "dropped")

    @staticmethod
    async def _answer(ack: Ack) -> Ack:
        return ack

    def _spawn(self, work: Coroutine[Any, Any, Any], name: str | None = None) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

"""Socket Mode: single-use tickets, up to ten sockets per app, one of which receives each envelope."""

import asyncio
import json
import random
import secrets
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from playground.delivery import Ack, Parcel
from playground.errors import Json
from playground.traffic import Traffic
from playground.workspace import App

MOST, TICKET_LIFE = 10, 30


@dataclass(eq=False, slots=True)
class Connection:
    socket: web.WebSocketResponse
    waiting: dict[str, asyncio.Future[Json]] = field(default_factory=dict)


class Sockets:
    def __init__(
        self, traffic: Traffic, now: Callable[[], float], ack_timeout: float, touch: Callable[[], None]
    ) -> None:
        self._traffic = traffic
        self._now = now
        self._ack_timeout = ack_timeout
        self._touch = touch
        self._tickets: dict[str, tuple[str, float]] = {}
        self._open: defaultdict[str, list[Connection]] = defaultdict(list)

    def ticket(self, app: App, host: str) -> str:
        """The address for one connection."""
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = (app.id, self._now() + TICKET_LIFE)
        return f"ws://{host}/link/?ticket={ticket}&app_id={app.id}"

    def connected(self, app_id: str | None = None) -> int:
        return sum(len(each) for key, each in self._open.items() if app_id in (None, key))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET /link/"""
        app_id, expires = self._tickets.pop(request.query.get("ticket", ""), ("", 0.0))
        if expires < self._now():
            return web.json_response({"ok": False, "error": "invalid_ticket"}, status=403)
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        if len(self._open[app_id]) >= MOST:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        connection = Connection(socket)
        await socket.send_json(self._hello(app_id))
        self._open[app_id].append(connection)
        self._touch()
        try:
            await self._listen(connection)
        finally:
            self._open[app_id].remove(connection)
            for future in connection.waiting.values():
                future.cancel()
            self._touch()
        return socket

    async def send(self, app: App, parcel: Parcel) -> Ack:
        """Without a connection the parcel is gone: Slack queues nothing."""
        open_now = [each for each in self._open[app.id] if not each.socket.closed]
        if not open_now:
            self._traffic.add("out", "socket", parcel.kind, parcel.payload, error="nobody connected")
            return Ack(delivered=False, acked=False, error="dispatch_failed", retry=parcel.attempt > 0)
        connection = random.choice(open_now)
        envelope = _envelope(parcel)
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope["envelope_id"]] = answer
        ack = await self._exchange(connection, envelope, answer)
        connection.waiting.pop(envelope["envelope_id"], None)
        self._traffic.add(
            "out",
            "socket",
            parcel.kind,
            envelope,
            ack.payload,
            acked=ack.acked,
            attempt=parcel.attempt,
            error=ack.error,
        )
        return ack

    async def disconnect(self, reason: str) -> int:
        """Asks every client to come back on a new connection; `kill` cuts them off without a word."""
        connections = [each for group in self._open.values() for each in group]
        for each in connections:
            if reason != "kill":
                await each.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})
            if reason != "warning":
                await each.socket.close()
        return len(connections)

    async def _exchange(self, connection: Connection, envelope: Json, answer: asyncio.Future[Json]) -> Ack:
        try:
            await connection.socket.send_json(envelope)
            payload = await asyncio.wait_for(answer, self._ack_timeout)
        except TimeoutError:
            return Ack(delivered=True, acked=False, error="operation_timeout")
        except ConnectionError:
            return Ack(delivered=False, acked=False, error="dispatch_failed")
        except asyncio.CancelledError:
            if not answer.cancelled():
                raise
            return Ack(delivered=True, acked=False, error="operation_timeout")  # the socket went away
        return Ack(delivered=True, acked=True, payload=payload or None)

    async def _listen(self, connection: Connection) -> None:
        async for message in connection.socket:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                ack = json.loads(message.data)
            except ValueError:
                continue
            answer = connection.waiting.get(ack.get("envelope_id", "")) if isinstance(ack, dict) else None
            if answer is not None and not answer.done():
                payload = ack.get("payload")
                answer.set_result(payload if isinstance(payload, dict) else {"text": payload} if payload else {})

    def _hello(self, app_id: str) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._open[app_id]) + 1,
            "debug_info": {"host": "playground", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": app_id},
        }


def _envelope(parcel: Parcel) -> Json:
    envelope: Json = {
        "envelope_id": str(uuid.uuid4()),
        "payload": parcel.payload,
        "type": parcel.kind,
        "accepts_response_payload": parcel.accepts_response,
    }
    if parcel.kind == "events_api":
        envelope |= {"retry_attempt": parcel.attempt, "retry_reason": parcel.reason}
    return envelope

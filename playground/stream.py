"""`GET /playground/stream`: server-sent events that say that something changed, at most twenty a second."""

import asyncio
import json
from collections.abc import Callable

from aiohttp import web

INTERVAL = 0.05
KEEPALIVE = 15.0


class Changes:
    def __init__(self, version: Callable[[], int]) -> None:
        self._version = version
        self._waiting: set[asyncio.Event] = set()

    def notify(self) -> None:
        for event in self._waiting:
            event.set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        changed = asyncio.Event()
        changed.set()  # the first message says where we are
        self._waiting.add(changed)
        try:
            while True:
                await self._one(response, changed)
        except (ConnectionError, asyncio.CancelledError):
            return response
        finally:
            self._waiting.discard(changed)

    def close(self) -> None:
        """Lets go of the streams, so that the server can stop."""
        self._version = lambda: -1
        self.notify()

    async def _one(self, response: web.StreamResponse, changed: asyncio.Event) -> None:
        try:
            await asyncio.wait_for(changed.wait(), KEEPALIVE)
        except TimeoutError:
            await response.write(b": alive\n\n")
            return
        changed.clear()
        version = self._version()
        if version < 0:
            raise ConnectionResetError("the playground stops")
        await response.write(f"event: change\ndata: {json.dumps({'version': version})}\n\n".encode())
        await asyncio.sleep(INTERVAL)

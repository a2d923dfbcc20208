"""`GET /v1/runs/{id}/events`: a run's log, as a page of JSON or as server-sent events that go on while the run does."""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import structlog
from aiohttp import web

from domain.events import Recorded, RunFinished
from domain.runs import Status
from handlers.http import access, body, problems
from handlers.http.api import Api
from handlers.http.ports import Ports, Settings
from handlers.http.shapes import event_json

log = structlog.get_logger(__name__)

_PAGE = 500


class Streams:
    """The events of runs."""

    def __init__(self, api: Api, ports: Ports, settings: Settings) -> None:
        self._api, self._ports, self._settings = api, ports, settings
        self._closing = asyncio.Event()
        self._open = 0

    async def close(self, app: web.Application) -> None:
        """The server goes down: open streams end, and their readers come back with the last id they saw."""
        self._closing.set()

    async def events(self, request: web.Request) -> web.StreamResponse:
        """JSON, or server-sent events where the Accept header asks for them."""
        token = await access.token_of(request, self._ports.tokens)
        values = body.query(request, "after", "limit")
        if "Last-Event-ID" in request.headers:  # what the reader saw last is later than what its address says
            values["after"] = request.headers["Last-Event-ID"]
        after = body.number(values, "after", 0)
        limit = body.number(values, "limit", _PAGE, least=1, most=_PAGE)
        run = await self._api.seen(token, request)
        if not _wants_stream(request):
            log = await self._ports.log.read(run.run_id, after)
            shown = log[:limit]
            last = shown[-1].seq if shown else after
            document = {"events": [event_json(r) for r in shown], "after": last, "more": len(log) > len(shown)}
            return web.json_response(document)
        if run.status is Status.FINISHED and after >= run.seq:
            return web.Response(status=204)  # tells an EventSource to stop coming back
        with self._counted():
            return await self._stream(request, run.run_id, after)

    async def _stream(self, request: web.Request, run_id: str, after: int) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        await response.prepare(request)
        try:
            await response.write(b"retry: 2000\n\n")
            async for chunk in self._chunks(request, run_id, after):
                await response.write(chunk)
            await response.write_eof()
        except ConnectionError:
            log.debug("the reader of a stream has gone", run_id=run_id)
        except Exception:  # the head is out, so the edge cannot answer: end here, and the reader comes back
            log.error("stream failed", run_id=run_id, trace=traceback.format_exc())  # noqa: TRY400 - see edge.py
        return response

    async def _chunks(self, request: web.Request, run_id: str, after: int) -> AsyncIterator[bytes]:
        """The log behind `after`, then what is new as it comes, until the run or the right to see it ends."""
        clock = asyncio.get_running_loop()
        beat = clock.time() + self._settings.heartbeat_s
        while not self._closing.is_set():
            log = await self._ports.log.read(run_id, after)
            for recorded in log:
                yield _frame(recorded)
                after = recorded.seq
            if any(isinstance(recorded.event, RunFinished) for recorded in log):
                return
            if clock.time() >= beat:
                if not await self._still_seen(request):
                    return
                yield b": still here\n\n"
                beat = clock.time() + self._settings.heartbeat_s
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.poll_s):
                    await self._closing.wait()

    async def _still_seen(self, request: web.Request) -> bool:
        """Tokens are revoked and rooms are left while a stream is open."""
        try:
            await self._api.seen(await access.token_of(request, self._ports.tokens), request)
        except problems.Problem:
            return False
        return True

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._open >= self._settings.most_streams:
            detail = f"{self._open} event streams are open, which is all that this server keeps."
            raise problems.Problem(429, "too-many-streams", detail, headers={"Retry-After": "10"})
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1


def _wants_stream(request: web.Request) -> bool:
    """Whether the Accept header names event streams; the JSON is for everybody else."""
    named = (part.partition(";")[0].strip().lower() for part in request.headers.get("Accept", "").split(","))
    return "text/event-stream" in named


def _frame(recorded: Recorded) -> bytes:
    shown = event_json(recorded)
    return f"id: {recorded.seq}\nevent: {shown['type']}\ndata: {json.dumps(shown)}\n\n".encode()

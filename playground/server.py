"""The playground as one object: put together, started and stopped."""

import asyncio
import contextlib
import fcntl
import os
import time
from pathlib import Path

from aiohttp import web

from playground import guard, pages
from playground.api import Api
from playground.blobs import Blobs
from playground.control import Control
from playground.delivery import Delivery
from playground.errors import BadWorkspace
from playground.events import Events
from playground.faults import Faults
from playground.hub import Hub
from playground.interactivity import Interactivity
from playground.journal import Journal
from playground.people import People
from playground.posts import Posts
from playground.rates import Limiter
from playground.responses import Responses
from playground.sockets import Sockets
from playground.store import Store
from playground.stream import Changes
from playground.traffic import Traffic
from playground.triggers import Triggers
from playground.workspace import Workspace
from playground.world import World

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_BYTES = 64 * 1024 * 1024  # an upload


class Playground:
    """A Slack-compatible workspace on this machine. `directory` keeps its state; without one it is forgotten."""

    def __init__(self, workspace: Workspace, directory: Path | None = None) -> None:
        timing = workspace.timing
        self._directory = directory
        self._lock: int | None = None
        self._store = Store(Journal(directory / "journal.jsonl") if directory else None)
        self._traffic = Traffic(time.time, self._store.touch)
        world = World(workspace, self._store, time.time)
        faults = Faults()
        sockets = Sockets(self._traffic, time.monotonic, timing.ack_timeout, self._store.touch)
        self._posts = Posts(self._traffic, time.time, timing.ack_timeout)
        self._delivery = Delivery(sockets, self._posts, faults, self._traffic, timing)
        self.hub = Hub(
            world=world,
            events=Events(world, self._delivery),
            delivery=self._delivery,
            sockets=sockets,
            triggers=Triggers(self._store, time.time, timing.trigger_life),
            faults=faults,
            traffic=self._traffic,
            limiter=Limiter(time.monotonic, on=workspace.rate_limits),
            blobs=Blobs(directory / "files" if directory else None),
            timing=timing,
        )
        self._changes = Changes(lambda: self._store.version)
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it listens, `http://127.0.0.1:PORT`; empty before `start`."""
        return self.hub.url

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listens; port 0 takes any free one.

        Raises BadWorkspace (folder in use, host not loopback), OSError (port in use).
        """
        if host not in LOOPBACK:
            raise BadWorkspace(f"host {host}: the playground listens on this machine only; use 127.0.0.1")
        self._open()
        await self._posts.start()
        self._runner = web.AppRunner(self._web(), shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0][1]
        self.hub.url = f"http://{'[::1]' if host == '::1' else host}:{bound}"
        self.hub.world.moved(self.hub.url)

    async def stop(self) -> None:
        self._changes.close()
        await self._delivery.close()
        await self.hub.sockets.disconnect("kill")
        if self._runner is not None:
            await self._runner.cleanup()
        await self._posts.close()
        self._store.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _open(self) -> None:
        if self._directory is not None:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._directory / "lock", os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(self._lock)
                self._lock = None
                raise BadWorkspace(
                    f"{self._directory}: another playground uses this folder; stop it or take another"
                ) from error
        self._store.load()
        self._store.compact()
        self.hub.world.seed()
        self.hub.triggers.forget_expired()
        self._store.on_change = self._changes.notify

    def _web(self) -> web.Application:
        people = People(self.hub)
        responses = Responses(self.hub)
        control = Control(self.hub, people, Interactivity(self.hub, people, responses))
        api, files = Api(self.hub), pages.Files(self.hub)
        app = web.Application(middlewares=[guard.guard], client_max_size=MOST_BYTES)
        app.on_response_prepare.append(guard.add_headers)
        app.router.add_get("/", pages.index)
        app.router.add_get("/page/{name:.+}", pages.page_file)
        app.router.add_get("/archives/{channel}/p{digits:\\d+}", pages.permalink)
        app.router.add_get("/playground/state", control.state)
        app.router.add_get("/playground/stream", self._changes.serve)
        app.router.add_get("/playground/traffic", control.traffic)
        app.router.add_post("/playground/{action}", control.serve)
        app.router.add_get("/link/", self.hub.sockets.serve)
        app.router.add_post("/upload/v1/{id}", files.upload)
        app.router.add_get("/files-pri/{team}-{id}/{name}", files.download)
        app.router.add_post("/response/{team}/{secret}", responses.serve)
        app.router.add_route("GET", "/api/{method}", api.serve)
        app.router.add_route("POST", "/api/{method}", api.serve)
        return app


async def serve(workspace: Workspace, directory: Path | None, host: str, port: int) -> None:
    """Runs until cancelled; says where on standard output."""
    playground = Playground(workspace, directory)
    await playground.start(host, port)
    print(f"playground ready {playground.url}", flush=True)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    finally:
        await playground.stop()

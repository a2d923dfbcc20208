"""Services that are processes on this machine, restarted exactly once per idempotency key.

A restart is recorded as an intent before anything is ended, and as done after the next generation has said who it is.
The generation is the fence: an intent names the generation it found, and whoever repeats it only ever starts the one
after, which the launcher admits once. So a caller may be killed anywhere, and a repeat finishes what is left.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp

from domain.calls import Doubt
from tools.durable import append_record, held, records
from tools.services import process as processes
from tools.services.port import Restarted, ServiceStatus, UnknownServiceError

_HEALTH_TIMEOUT_S = 3.0
_TAIL_BYTES = 256 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalService:
    """`argv` may contain `{generation}`; `directory` holds the service's records and nothing else."""

    name: str
    directory: Path
    argv: tuple[str, ...]
    log: Path
    url: str  # of the page; health is asked at `health`
    health: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServices:
    """`ServiceControl` over processes of this machine."""

    services: Mapping[str, LocalService]
    patience_s: float = 10.0

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.services))

    async def status(self, service: str) -> ServiceStatus:
        known = self._known(service)
        process = processes.current(known.directory)
        if process is None or not process.alive:
            generation = process.generation if process else 0
            return ServiceStatus(service=service, running=False, healthy=False, generation=generation, url=known.url)
        healthy, detail = await _health(known.health)
        return ServiceStatus(
            service=service,
            running=True,
            healthy=healthy,
            generation=process.generation,
            pid=process.pid,
            uptime_s=max(0.0, time.time() - process.started_at),
            url=known.url,
            detail=detail,
        )

    async def logs(self, service: str, lines: int) -> str:
        return await asyncio.to_thread(_tail, self._known(service).log, lines)

    async def restart(self, service: str, key: str) -> Restarted:
        known = self._known(service)
        async with held(known.directory / "restart.lock"):
            story = _story(known.directory, key)
            if "done" in story:
                return Restarted(**{**story["done"], "repeated": True})
            process = processes.current(known.directory)
            if "intent" not in story:
                before = process.generation if process else 0
                append_record(_journal(known), {"key": key, "step": "intent", "before": before, "at": time.time()})
            else:
                before = int(story["intent"]["before"])
            if process is not None and process.generation <= before:
                await processes.end(process, patience_s=self.patience_s)
            started = await self._start(known, before + 1)
            healthy = await self._becomes_healthy(known)
            done = Restarted(
                service=service, key=key, before=before, after=started.generation, pid=started.pid, healthy=healthy
            )
            append_record(_journal(known), {"key": key, "step": "done", "result": asdict(done), "at": time.time()})
            return done

    async def check(self, service: str, key: str) -> Doubt:
        known = self._known(service)
        story = _story(known.directory, key)
        if "done" in story:
            return Doubt.HAPPENED
        if "intent" not in story:
            return Doubt.NOT_HAPPENED
        process = processes.current(known.directory)
        before = int(story["intent"]["before"])
        if process is not None and process.generation > before:
            return Doubt.HAPPENED
        if process is not None and process.alive:
            return Doubt.NOT_HAPPENED
        return Doubt.UNKNOWN  # ended and not yet started: a repeat under the same key finishes it

    async def ensure_started(self, service: str) -> ServiceStatus:
        """Adopt the running process, or start the next generation."""
        known = self._known(service)
        async with held(known.directory / "restart.lock"):
            process = processes.current(known.directory)
            if process is None or not process.alive:
                await self._start(known, (process.generation if process else 0) + 1)
                await self._becomes_healthy(known)
        return await self.status(service)

    async def stop(self, service: str) -> None:
        """End the process; for taking the sample organization down."""
        known = self._known(service)
        async with held(known.directory / "restart.lock"):
            process = processes.current(known.directory)
            if process is not None:
                await processes.end(process, patience_s=self.patience_s)

    async def _start(self, known: LocalService, generation: int) -> processes.Process:
        argv = tuple(part.replace("{generation}", str(generation)) for part in known.argv)
        return await processes.start(known.directory, generation, known.log, argv, patience_s=self.patience_s)

    async def _becomes_healthy(self, known: LocalService) -> bool:
        until = time.monotonic() + self.patience_s
        while time.monotonic() < until:
            healthy, _ = await _health(known.health)
            if healthy:
                return True
            await asyncio.sleep(0.05)
        return False

    def _known(self, service: str) -> LocalService:
        try:
            return self.services[service]
        except KeyError:
            known = ", ".join(self.names()) or "none"
            raise UnknownServiceError(f"no service is called {service!r} here (known: {known})") from None


def _journal(known: LocalService) -> Path:
    return known.directory / "restarts.jsonl"


def _story(directory: Path, key: str) -> dict[str, dict[str, Any]]:
    """What was recorded under a key: its intent and, once it is through, its result."""
    story: dict[str, dict[str, Any]] = {}
    for record in records(directory / "restarts.jsonl"):
        if record.get("key") == key:
            story[str(record["step"])] = record["result"] if record["step"] == "done" else record
    return story


async def _health(url: str) -> tuple[bool, str]:
    timeout = aiohttp.ClientTimeout(total=_HEALTH_TIMEOUT_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url, allow_redirects=False) as answer:
            text = (await answer.content.read(512)).decode("utf-8", "replace").strip()
            return answer.status == 200, f"{answer.status} {text}"
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return False, f"no answer: {type(error).__name__}"


def _tail(path: Path, lines: int) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])

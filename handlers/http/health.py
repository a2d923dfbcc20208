"""Is it alive, can it take work, what are its numbers. Open to whoever can reach the port; says nothing secret."""

import asyncio
import traceback

import structlog
from aiohttp import web

from handlers.http import metrics, problems
from handlers.http.edge import REQUEST_ID
from handlers.http.ports import Check, Condition, Ports

log = structlog.get_logger(__name__)

_CHECK_S = 2.0


class Health:
    """The three addresses that machines ask."""

    def __init__(self, ports: Ports, meters: metrics.Meters) -> None:
        self._ports, self._meters = ports, meters

    async def alive(self, request: web.Request) -> web.Response:
        """The process runs its loop. Asks nothing of anybody, so that a broken store does not get it restarted."""
        return web.json_response({"status": "ok"})

    async def ready(self, request: web.Request) -> web.Response:
        """Whether work can be accepted: every check holds."""
        names = list(self._ports.checks)
        found = await asyncio.gather(*(_ask(name, self._ports.checks[name]) for name in names))
        checks = {name: {"ok": c.ok, "says": c.says} for name, c in zip(names, found, strict=True)}
        failed = [name for name, c in zip(names, found, strict=True) if not c.ok]
        if not failed:
            return web.json_response({"status": "ready", "checks": checks})
        detail = f"Not ready: {', '.join(failed)}."
        members = {"checks": checks}
        problem = problems.Problem(503, "not-ready", detail, headers={"Retry-After": "5"}, members=members)
        return problems.response(problem, request[REQUEST_ID])

    async def numbers(self, request: web.Request) -> web.Response:
        """The registry, with the runs counted now."""
        if self._ports.run_counts is not None:
            self._meters.count_runs(await self._ports.run_counts())
        return web.Response(body=self._meters.exposition(), headers={"Content-Type": metrics.CONTENT_TYPE})


async def _ask(name: str, check: Check) -> Condition:
    """A check that hangs or breaks has failed; what it said stays in the log."""
    try:
        async with asyncio.timeout(_CHECK_S):
            return await check()
    except TimeoutError:
        return Condition(ok=False, says=f"no answer within {_CHECK_S:g} s")
    except Exception:  # a probe must not take the doors down with it
        trace = traceback.format_exc()  # as text: see edge.py
        log.error("readiness check broke", check=name, trace=trace)  # noqa: TRY400
        return Condition(ok=False, says="the check itself broke; the log has more")

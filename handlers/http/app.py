"""The application: its routes, and what every request passes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler

from handlers.http import body, edge, metrics, openapi
from handlers.http.api import Api
from handlers.http.health import Health
from handlers.http.metrics import Meters
from handlers.http.ports import Ports, Settings
from handlers.http.streams import Streams
from handlers.http.webhooks import Webhooks

# How the application must be served. Were bodies decompressed, ten megabytes of gzip would stall the loop for seconds.
SERVING: Final[Mapping[str, Any]] = {
    "auto_decompress": False,
    "access_log": None,  # paths are strangers' texts; /metrics counts, the log has what failed
    "lingering_time": 2.0,  # what is sent after a refusal is thrown away this long, so that the refusal is read
    "shutdown_timeout": 5.0,
}


def build(ports: Ports, settings: Settings, extra: Sequence[web.RouteDef] = ()) -> web.Application:
    """The doors as one application; serve it by `runner`. Registers a handler with the intake for each source.

    `extra` are further routes (Slack's HTTP mode). They pass the same edge; their bodies are read, within bounds,
    before their handlers are called.
    """
    meters = metrics.Meters(ports.registry)
    app = web.Application(
        middlewares=[edge.identified(meters), edge.guarded(settings)], client_max_size=settings.most_body
    )
    api = Api(ports, settings, meters)
    streams = Streams(api, ports, settings)
    for method, path, handler in _routes(ports, settings, meters, api, streams):
        app.router.add_route(method, path, handler, expect_handler=edge.expected)
    for route in extra:
        bounded = body.bounded(settings, route.handler)
        app.router.add_route(route.method, route.path, bounded, expect_handler=edge.expected)
    app.on_response_prepare.append(edge.dress)
    app.on_shutdown.append(streams.close)
    return app


def runner(app: web.Application) -> web.AppRunner:
    """What serves the application, set as it must be."""
    return web.AppRunner(app, **SERVING)


def _routes(
    ports: Ports, settings: Settings, meters: Meters, api: Api, streams: Streams
) -> list[tuple[str, str, Handler]]:
    """Every address, with who answers there. `openapi.ADDRESSES` describes the same; a test compares them."""
    health = Health(ports, meters)
    document = openapi.document(settings.version)

    async def described(request: web.Request) -> web.Response:
        return web.json_response(document)

    return [
        ("GET", "/healthz", health.alive),
        ("GET", "/readyz", health.ready),
        ("GET", "/metrics", health.numbers),
        ("POST", "/webhooks/{source}", Webhooks(ports, settings, meters).receive),
        ("GET", "/v1/openapi.json", described),
        ("POST", "/v1/tasks", api.submit),
        ("GET", "/v1/runs", api.runs),
        ("GET", "/v1/runs/{run_id}", api.run),
        ("GET", "/v1/runs/{run_id}/events", streams.events),
        ("POST", "/v1/runs/{run_id}/signals", api.signal),
        ("GET", "/v1/approvals", api.approvals),
    ]

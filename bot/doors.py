"""The HTTP doors, put together: health, webhooks, the API, and Slack's HTTP mode."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry
from slack_bolt.async_app import AsyncApp

from bot.configuration import Configuration
from bot.configuration.sections import Source
from bot.editions import Edition, EditionCollector
from bot.slack import Workspace
from bot.version import VERSION
from domain.runs import Run
from handlers.http.app import build, runner
from handlers.http.ports import LOOPBACK, Condition, Ports, Settings, SourceConfig
from handlers.inbox import Consumer
from handlers.slack.app import SocketMode
from handlers.slack.http import add_routes
from handlers.slack.show.text import escaped
from loop.controller import Controller
from loop.ports import Clock
from state.store import Store


def http_doors(
    configuration: Configuration,
    store: Store,
    controller: Controller,
    consumer: Consumer,
    workspace: Workspace,
    app: AsyncApp,
    socket: SocketMode | None,
    clock: Clock,
    edition: Callable[[], Edition],
) -> web.AppRunner:
    """The application, ready to be served."""

    async def tell(channel: str, text: str) -> None:
        await workspace.gateway.post(channel, {"text": escaped(text)})

    async def store_well() -> Condition:
        return Condition(ok=not store.fatal.done(), says=store.fatal.result() if store.fatal.done() else "durable")

    async def slack_well() -> Condition:
        connected = socket is None or await socket.connected()
        return Condition(ok=connected, says="connected" if connected else "no connection to Slack")

    async def switch() -> Condition:
        stopped = await controller.everything_stopped()
        return Condition(ok=True, says="everything is stopped" if stopped else "off")

    async def rules() -> Condition:
        now = edition()
        faulty = "; a newer version on disk is at fault" if now.faults else ""
        return Condition(ok=True, says=f"{now.brief}{faulty}")

    registry = CollectorRegistry()
    registry.register(EditionCollector(edition))

    def thread_url(run: Run) -> str | None:
        place = run.posted.get(f"{run.run_id}:card")
        return workspace.link(*place) if place is not None else None

    http = configuration.http
    loopback = http.host in ("127.0.0.1", "::1", "localhost")
    settings = Settings(
        organization=configuration.organization,
        version=VERSION,
        sources=tuple(_source(source) for source in configuration.sources.values()),
        base_url=(http.url or f"http://{http.host}:{http.port}").rstrip("/"),
        hosts=(LOOPBACK | frozenset(http.hosts)) if loopback else (frozenset(http.hosts) or None),
    )
    ports = Ports(
        operator=controller,
        views=store.views,
        log=store.journal,
        tokens=store.tokens,
        intake=consumer,
        clock=clock,
        tell=tell,
        thread_url=thread_url,
        checks={"store": store_well, "slack": slack_well, "switch": switch, "rules": rules},
        registry=registry,
    )
    web_app = build(ports, settings)
    secret = configuration.slack.signing_secret
    if configuration.slack.mode == "http" and secret is not None:
        add_routes(web_app.router, app, secret.reveal())
    return runner(web_app)


def _source(source: Source) -> SourceConfig:
    return SourceConfig(
        name=source.name,
        channel=source.channel,
        task_type=source.task_type,
        auth="none" if source.auth == "none" else "bearer",
        secrets=tuple(secret.reveal() for secret in source.secrets),
        agent=source.agent,
        priority=source.priority,
    )

"""`countersign demo`: the playground's page with the real bot in it, and the sample organization around them."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import aiohttp
import typer

from bot.commands.serve import hangups, stop_on_signals
from bot.configuration import Configuration, load
from bot.program import Program, assembled
from bot.reload import Rereading
from bot.sample.directory import NotADemo, Prepared, clear, known_token, prepare, write_mark
from bot.sample.monitor import monitor
from bot.systems import known_tools
from playground import Playground
from playground.errors import BadWorkspace
from state.errors import StoreError
from tools.services.local import LocalServices


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line said."""

    port: int
    http_port: int
    directory: Path
    unconfined: bool
    alerts: bool


def demo(
    port: Annotated[int, typer.Option(help="Of the page.")] = 7070,
    http_port: Annotated[int | None, typer.Option(help="Of webhooks and API; default: the page's, plus one.")] = None,
    directory: Annotated[Path, typer.Option("--dir", help="Where everything is kept.")] = Path("demo"),
    *,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew: forget what is in --dir.")] = False,
    without_sandbox: Annotated[
        bool, typer.Option("--without-sandbox", help="Where no sandbox can be had: run the sample's programs without.")
    ] = False,
    alerts: Annotated[bool, typer.Option(help="Let the sample's monitoring send alerts.")] = True,
) -> None:
    """Try it: a page that behaves like Slack, with the bot and a sample organization in it."""
    options = Options(
        port=port,
        http_port=port + 1 if http_port is None else http_port,
        directory=directory.resolve(),
        unconfined=without_sandbox,
        alerts=alerts,
    )
    try:
        if fresh:
            clear(options.directory)
        interrupted = asyncio.run(_demo(options))
    except (NotADemo, BadWorkspace, StoreError, OSError) as error:
        typer.echo(f"demo: {error}", err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(130 if interrupted else 0)


# Slack's SDK takes these for every host, loopback too, at each copy of its client, and knows no exceptions.
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")


async def _demo(options: Options) -> bool:
    for name in _PROXIES:
        os.environ.pop(name, None)  # everything that the demo talks to is on this machine
    stop, interrupted = stop_on_signals()
    asked = hangups()
    async with AsyncExitStack() as stack:
        prepared = await prepare(options.directory)
        page = Playground(prepared.workspace, options.directory / "playground")
        await page.start("127.0.0.1", options.port)
        stack.push_async_callback(page.stop)
        await stack.enter_async_context(_service(prepared))
        rereading = Rereading(read=lambda: _configuration(options, prepared, page.url), asked=asked)
        program = await stack.enter_async_context(assembled(rereading.read(), rereading))
        token = await _token(program, options.directory)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        watching: list[asyncio.Task[None]] = []

        async def ready() -> None:
            http = f"http://127.0.0.1:{options.http_port}"
            facts = {"playground": page.url, "http": http, "api_token": token, "config": str(options.directory)}
            write_mark(options.directory, {**facts, "pid": os.getpid()})
            if options.alerts:
                watching.append(asyncio.create_task(_monitor(session, prepared, http)))
            if program.equipment.sandbox.kind in ("none", "unconfined"):
                typer.echo(_warning(program), err=True)
            typer.echo(f"ready {page.url}")

        await program.run(stop, ready)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    return interrupted.is_set()


@asynccontextmanager
async def _service(prepared: Prepared) -> AsyncIterator[None]:
    """The sample service runs beside the demo, outlives its death, and ends with its orderly end."""
    services = LocalServices(services={prepared.service.name: prepared.service})
    await services.ensure_started(prepared.service.name)
    try:
        yield
    finally:
        await services.stop(prepared.service.name)


def _configuration(options: Options, prepared: Prepared, page: str) -> Configuration:
    """The directory's configuration, with the playground's tokens for Slack's."""
    app = prepared.workspace.apps[0]
    environ = {
        **os.environ,
        "SLACK_API_URL": f"{page}/api/",
        "SLACK_BOT_TOKEN": app.bot_token,
        "SLACK_APP_TOKEN": app.app_token,
    }
    configuration = load(options.directory, environ, tools=known_tools())
    return replace(
        configuration,
        http=replace(configuration.http, host="127.0.0.1", port=options.http_port, url=None),
        systems=replace(configuration.systems, sandbox_opt_out=options.unconfined),
    )


async def _token(program: Program, directory: Path) -> str:
    """An API token: that of the last start, while it is good."""
    known = known_token(directory)
    if known is not None and await program.store.tokens.verify(known) is not None:
        return known
    names = {token.name for token in await program.store.tokens.list()}
    name = next(name for name in ("demo", *(f"demo-{n}" for n in range(2, 1000))) if name not in names)
    secret, _ = await program.store.tokens.create(name)
    return secret


async def _monitor(session: aiohttp.ClientSession, prepared: Prepared, http: str) -> None:
    service = prepared.service
    webhook = f"{http}/webhooks/alertmanager"
    await monitor(session, service=service.name, health=service.health, page=service.url, webhook=webhook)


def _warning(program: Program) -> str:
    sandbox = program.equipment.sandbox
    if sandbox.kind == "unconfined":
        return "no sandbox here: the sample's programs run WITHOUT isolation, as you asked; every card says so"
    return f"no sandbox here, so scans and git are refused ({sandbox.details}); --without-sandbox runs them without"

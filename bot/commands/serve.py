"""`countersign serve`: the bot, its doors and its workers, until it is told to stop."""

import asyncio
import signal
import sys
from collections.abc import Callable

import typer
from slack_sdk.errors import SlackApiError

from bot.commands.opened import Config
from bot.configuration import Configuration
from bot.program import assembled
from bot.reload import Rereading
from bot.rulebook import configured
from bot.slack import Unreachable
from bot.systems import known_tools


def serve(config: Config = None) -> None:
    """Serve Slack, webhooks and the API, with the workers inside."""
    configuration = configured(config, tools=known_tools())
    missing = configuration.missing_secrets()
    for fault in missing:
        typer.echo(str(fault), err=True)
    if missing:
        raise typer.Exit(2)
    interrupted = asyncio.run(_serve(configuration, lambda: configured(config, tools=known_tools())))
    raise typer.Exit(130 if interrupted else 0)


async def _serve(configuration: Configuration, read: Callable[[], Configuration]) -> bool:
    stop, interrupted = stop_on_signals()
    rereading = Rereading(read=read, asked=hangups())

    async def ready() -> None:
        typer.echo(
            f"serving {configuration.organization} on {configuration.http.host}:{configuration.http.port}", err=True
        )

    try:
        async with assembled(configuration, rereading) as program:
            await program.run(stop, ready)
    except SlackApiError as error:
        typer.echo(f"slack: {error.response.get('error')}: check the tokens that countersign.yaml names", err=True)
        sys.exit(2)
    except Unreachable as error:
        typer.echo(f"slack: {error}", err=True)
        sys.exit(1)
    return interrupted.is_set()


def stop_on_signals() -> tuple[asyncio.Event, asyncio.Event]:
    """(set on SIGINT and SIGTERM, set on SIGINT)."""
    stop, interrupted = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    def interrupt() -> None:
        interrupted.set()
        stop.set()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    return stop, interrupted


def hangups() -> asyncio.Event:
    """Set on SIGHUP: read the configuration again."""
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    return asked

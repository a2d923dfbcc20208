"""`countersign policy backtest`: what a candidate configuration would have answered to the recorded past."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bot.backtesting import Judged, Scope, backtest, latest
from bot.commands.opened import with_store
from bot.commands.policy.loaded import HERE, NO, OK, AsJson, Config, bad, loaded_or_exit, print_json
from bot.flips import as_json, lines
from loop.backtest import Unfoldable
from policy.reading.files import Faults, duration
from policy.reading.nodes import from_plain
from policy.sources.subjects import moment

if TYPE_CHECKING:
    from state.store import Store


def backtest_(
    candidate: Annotated[Path, typer.Option("--candidate", help="The configuration directory to try.")],
    config: Config = HERE,
    since: Annotated[str | None, typer.Option(help="Judge answers from then on: a time (ISO 8601), or 30d.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Judge only the runs that changed last.")] = None,
    *,
    as_json_: AsJson = False,
    fail_on_widening: Annotated[
        bool, typer.Option("--fail-on-widening", help="Exit 1 if the candidate permits anything more.")
    ] = False,
) -> None:
    """Judge every task and call in the log again; print what flips, by rule, both ways. Changes nothing."""
    now = datetime.now(UTC)
    begin = None if since is None else _moment(since, now)
    current, tried = loaded_or_exit(config), loaded_or_exit(candidate)

    async def ask(store: "Store") -> Judged:
        only = None if limit is None else await latest(store.views, limit)
        scope = Scope(since=begin, only=only)
        return await backtest(
            store.past.events(), current.configuration, tried.configuration, current.catalog, now, scope
        )

    try:
        with Console(stderr=True).status("judging the past again"):
            judged = with_store(config, ask)
    except Unfoldable as error:
        typer.echo(f"the log is damaged: {error}; `countersign audit verify` says more", err=True)
        raise typer.Exit(2) from None
    if as_json_:
        hashes = [one.configuration.policies.hash for one in (current, tried)]
        print_json(as_json(judged, current=hashes[0], candidate=hashes[1]))
    else:
        for line in lines(judged):
            typer.echo(line)
    raise typer.Exit(NO if fail_on_widening and judged.report.widens else OK)


def _moment(said: str, now: datetime) -> datetime:
    """A time, or so long ago."""
    seconds = duration(from_plain("--since", said), Faults())
    if seconds is not None:
        return now - timedelta(seconds=seconds)
    faults = Faults()
    found = moment(from_plain("--since", said), faults)
    if found is None:
        bad(faults)
    return found

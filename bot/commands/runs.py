"""`countersign runs list|show|trace|replay`: read beside a running `serve`, changing nothing."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from bot.commands.opened import AsJson, Config, print_json, with_store
from domain.events import Recorded
from domain.evolve import replay as fold
from domain.runs import Run, Status
from handlers.http.shapes import event_json, run_json
from loop.replay import rederive
from policy.reading.characters import shown
from state.store import Store

app = typer.Typer(no_args_is_help=True, help="The runs: listed, shown, traced, replayed.")
RunId = Annotated[str, typer.Argument(help="The run's id, as in `r-abcdefghij`.")]


@app.command("list")
def list_(
    config: Config = None,
    status: Annotated[Status | None, typer.Option(help="Only runs that stand there.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """The runs, the last changed first."""

    async def ask(store: Store) -> list[Run]:
        page = await store.views.runs(status=status, limit=limit)
        return [fold(run_id, await store.journal.read(run_id)) for run_id in page.run_ids]

    runs = with_store(config, ask)
    if as_json:
        return print_json({"runs": [run_json(run, None) for run in runs]})
    table = Table("run", "status", "outcome", "agent", "goal", box=None)
    for run in runs:
        outcome = run.outcome.value if run.outcome else ""
        table.add_row(run.run_id, run.status.value, outcome, run.agent, Text(shown(run.received.goal, 80)))
    return Console().print(table)


@app.command()
def show(run_id: RunId, config: Config = None, *, as_json: AsJson = False) -> None:
    """One run, whole."""
    run = fold(run_id, _log(config, run_id))
    if as_json:
        return print_json(run_json(run, None))
    print_json(run_json(run, None))
    return None


@app.command()
def trace(run_id: RunId, config: Config = None, *, as_json: AsJson = False) -> None:
    """The run's events as a tree, a branch for each step."""
    log = _log(config, run_id)
    if as_json:
        return print_json({"run_id": run_id, "events": [event_json(recorded) for recorded in log]})
    tree = Tree(Text(f"{run_id}  {shown(fold(run_id, log).received.goal, 2_000)}"))
    branch = tree
    for recorded in log:
        said = event_json(recorded)
        line = f"{recorded.seq:>4}  {recorded.at:%H:%M:%S.%f}  {said['type']}"
        if said["type"] in ("PolicyDecided", "CallsProposed", "WaitStarted", "Concluded", "GaveUp", "RunFinished"):
            branch = tree.add(Text(line))
        else:
            branch.add(Text(f"{line}  {shown(json.dumps(said['data'], ensure_ascii=False), 140)}"))
    return Console().print(tree)


@app.command()
def replay(run_id: RunId, config: Config = None, *, as_json: AsJson = False) -> None:
    """Re-derive every step of the run's log with the code of today; exit 1 where they differ."""
    replayed = rederive(run_id, _log(config, run_id))
    found = [str(divergence) for divergence in replayed.divergences]
    if as_json:
        outcome = replayed.run.outcome.value if replayed.run.outcome else None
        print_json({"run_id": run_id, "steps": replayed.steps, "outcome": outcome, "divergences": found})
    else:
        for line in found:
            typer.echo(line)
        typer.echo(f"{run_id}: {replayed.steps} steps re-derived, {len(found)} diverge; {replayed.run.status}")
    raise typer.Exit(1 if found else 0)


def _log(config: Config, run_id: str) -> list[Recorded]:
    log = with_store(config, lambda store: store.journal.read(run_id))
    if not log:
        typer.echo(f"there is no run {run_id}; `countersign runs list` names them", err=True)
        raise typer.Exit(1)
    return log

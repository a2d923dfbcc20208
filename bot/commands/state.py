"""`countersign state rebuild`: every projection computed anew from the log."""

import typer

from bot.commands.opened import AsJson, Config, print_json, with_store
from state.rebuild import rebuild as rebuild_projections
from state.store import Store

app = typer.Typer(no_args_is_help=True, help="The store.")


@app.callback()
def group() -> None:
    """The store."""


@app.command()
def rebuild(config: Config = None, *, as_json: AsJson = False) -> None:
    """Compute every projection from the log alone, say what differed, and put it right."""

    async def ask(store: Store) -> tuple[int, list[str]]:
        found = await rebuild_projections(store.database)
        return found.streams, found.differences

    streams, differences = with_store(config, ask)
    if as_json:
        return print_json({"streams": streams, "differences": differences})
    for line in differences:
        typer.echo(line)
    return typer.echo(f"{streams} streams folded; {len(differences)} rows differed and are put right")

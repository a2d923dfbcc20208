"""`countersign audit verify`: whether the log is as it was written."""

import typer

from bot.commands.opened import AsJson, Config, print_json, with_store
from domain.events import ORGANIZATION_STREAM
from state.store import Store
from state.verify import Broken, Verified
from state.verify import verify as verify_chain

# Whoever first serves a store writes that down before anything else.
EMPTY = Broken(stream=ORGANIZATION_STREAM, seq=1, position=None, why="is missing: a store that was served is not empty")

app = typer.Typer(no_args_is_help=True, help="Whether the log is as it was written.")


@app.command()
def verify(config: Config = None, *, as_json: AsJson = False) -> None:
    """Check the keyed hash chain of every stream; exit 1 at the first row that is not as it was written."""

    async def ask(store: Store) -> Verified:
        return await verify_chain(store.database, store.key)

    found = with_store(config, ask)
    broken = found.broken if found.events or found.broken else EMPTY
    if as_json:
        print_json({"ok": broken is None, "events": found.events, "streams": len(found.heads), "broken": _text(broken)})
    elif broken is None:
        typer.echo(f"ok: {found.events} events in {len(found.heads)} streams are as they were written")
    else:
        typer.echo(f"broken: {broken}")
    raise typer.Exit(0 if broken is None else 1)


def _text(broken: object) -> str | None:
    return None if broken is None else str(broken)

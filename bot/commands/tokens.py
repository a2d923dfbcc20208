"""`countersign tokens create|list|revoke`: API tokens. A secret is shown once, when it is made."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.commands.opened import AsJson, Config, print_json, with_store
from domain.tokens import Token
from state.store import Store

app = typer.Typer(no_args_is_help=True, help="API tokens.")
Name = Annotated[str, typer.Argument(help="What the token is called: `token:NAME` in rules and logs.")]


@app.command()
def create(
    name: Name,
    config: Config = None,
    *,
    act_as: Annotated[bool, typer.Option("--act-as", help="Let it name requester and source.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a token, and print its secret: it is not kept and cannot be shown again."""
    secret, token = with_store(config, lambda store: store.tokens.create(name, act_as=act_as))
    if as_json:
        return print_json({"name": token.name, "secret": secret})
    return typer.echo(secret)


@app.command("list")
def list_(config: Config = None, *, as_json: AsJson = False) -> None:
    """The tokens; never their secrets."""

    async def ask(store: Store) -> list[Token]:
        return await store.tokens.list()

    tokens = with_store(config, ask)
    if as_json:
        return print_json({"tokens": [_shown(token) for token in tokens]})
    table = Table("name", "made", "last used", "revoked", "acts as", box=None)
    for token in tokens:
        shown = _shown(token)
        table.add_row(
            *(str(shown[key] or "") for key in ("name", "created_at", "last_used_at", "revoked_at", "act_as"))
        )
    return Console().print(table)


@app.command()
def revoke(name: Name, config: Config = None) -> None:
    """End a token."""
    if not with_store(config, lambda store: store.tokens.revoke(name)):
        typer.echo(f"there is no live token {name}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{name} is revoked")


def _shown(token: Token) -> dict[str, object]:
    moments = {"created_at": token.created_at, "last_used_at": token.last_used_at, "revoked_at": token.revoked_at}
    times = {key: moment.isoformat() if moment else None for key, moment in moments.items()}
    return {"name": token.name, "act_as": token.act_as, **times}

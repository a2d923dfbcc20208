"""What the commands beside a running `serve` share: the configuration, and its store, opened for a moment."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from bot.clock import SystemClock
from bot.configuration.storage import storage_in
from bot.rulebook import directory_of

if TYPE_CHECKING:
    from state.store import Store

T = TypeVar("T")

Config = Annotated[
    Path | None,
    typer.Option("--config", help="The configuration directory; default $COUNTERSIGN_CONFIG, else the current one."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def with_store(config: Path | None, ask: "Callable[[Store], Awaitable[T]]") -> T:
    """What `ask` answers about the configured store. Raises Invalid and StoreError, which the shell is told."""

    from state.store import Store  # noqa: PLC0415 - half a second that commands which open no store need not cost

    async def opened() -> T:
        path = storage_in(directory_of(config))
        if not path.exists():
            typer.echo(f"{path}: there is no store yet; `countersign serve` or `demo` makes one", err=True)
            raise typer.Exit(2)
        store = await Store.open(path, clock=SystemClock(), exclusive=False)
        try:
            return await ask(store)
        finally:
            await store.close()

    return asyncio.run(opened())


def print_json(document: Any) -> None:
    """One document, readable."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))

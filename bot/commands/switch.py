"""`countersign stop-all` and `resume-all`: the switch, written straight into the log.

It works beside a `serve` that runs or hangs: the transaction that starts an action reads the switch.
"""

import getpass
from typing import Annotated

import typer

from bot.commands.opened import Config, with_store
from domain.events import EverythingResumed, EverythingStopped
from loop.organization import tell_organization

Why = Annotated[str, typer.Option("--why", help="For the log.")]


def stop_all(config: Config = None, why: Why = "") -> None:
    """Stop everything: no action starts until resume-all."""
    with_store(config, lambda store: tell_organization(store.journal, EverythingStopped(by=who(), why=why)))
    typer.echo("everything is stopped: no action starts until `countersign resume-all`")


def resume_all(config: Config = None, why: Why = "") -> None:
    """Let everything go on."""
    with_store(config, lambda store: tell_organization(store.journal, EverythingResumed(by=who(), why=why)))
    typer.echo("everything goes on")


def who() -> str:
    """Whoever may write the store's files may move the switch; the log says who it was."""
    return f"shell:{getpass.getuser()}"

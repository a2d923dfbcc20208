"""Every command: where it is, and its line in `countersign --help`. Its code is imported when it is asked for.

So `--help` and `policy check` start without Slack's SDK, the store and the playground.
"""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One command: a `Typer` or a function of `bot.commands`, and what it is for."""

    module: str
    name: str
    help: str

    def load(self, command: str) -> TyperCommand | TyperGroup:
        """The command itself."""
        with _uncollected():
            found: typer.Typer | Callable[..., Any] = getattr(import_module(f"bot.commands.{self.module}"), self.name)
        whole = typer.Typer()
        if isinstance(found, typer.Typer):
            whole.add_typer(found, name=command)
        else:
            whole.command(command)(found)
        loaded = get_group(whole).commands[command]
        assert isinstance(loaded, TyperCommand | TyperGroup)  # noqa: S101 - what typer makes of these
        return loaded


COMMANDS: Mapping[str, Entry] = {
    "demo": Entry(
        module="demo",
        name="demo",
        help="Try it: a page that behaves like Slack, with the bot and a sample organization in it.",
    ),
    "serve": Entry(module="serve", name="serve", help="Serve Slack, webhooks and the API, with the workers inside."),
    "init": Entry(
        module="init",
        name="init",
        help="Write a commented starting configuration. Nothing that is there already is touched.",
    ),
    "doctor": Entry(
        module="doctor",
        name="doctor",
        help=(
            "Check configuration, secrets, Slack, database and sandbox; say how to mend each. "
            "Exit 1 if anything is wrong."
        ),
    ),
    "stop-all": Entry(module="switch", name="stop_all", help="Stop everything: no action starts until resume-all."),
    "resume-all": Entry(module="switch", name="resume_all", help="Let everything go on."),
    "freeze": Entry(
        module="freezes",
        name="freeze",
        help=(
            "Freeze a resource (prod/*), a label (env=prod), an environment (prod), or everything: "
            "nothing of it changes."
        ),
    ),
    "unfreeze": Entry(
        module="freezes",
        name="unfreeze",
        help="Lift a freeze that was declared. Those of the policy files are lifted there.",
    ),
    "freezes": Entry(
        module="freezes",
        name="freezes",
        help="The freezes that hold, and those to come: declared ones and those of the policy files.",
    ),
    "budgets": Entry(
        module="budgets",
        name="budgets",
        help="Every account in use: how much is used of how much, whose it is, and when there is more.",
    ),
    "policy": Entry(module="policy", name="app", help="What the rules say, and whether they say what was meant."),
    "runs": Entry(module="runs", name="app", help="The runs: listed, shown, traced, replayed."),
    "autonomy": Entry(
        module="autonomy",
        name="autonomy",
        help="Where agents start from, what they have earned, and what their next rung still asks for.",
    ),
    "audit": Entry(module="audit", name="app", help="Whether the log is as it was written."),
    "state": Entry(module="state", name="app", help="The store."),
    "tokens": Entry(module="tokens", name="app", help="API tokens."),
}


class Table(TyperGroup):
    """`countersign` itself. What it lists are names and lines; what it runs is loaded first."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        for name, entry in COMMANDS.items():
            self.add_command(TyperCommand(name, help=entry.help), name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As every group does, with the loaded command in place of its line."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else COMMANDS[name].load(name), rest


@contextmanager
def _uncollected() -> Iterator[None]:
    """What imports make stays for good, so nobody looks through it for garbage: neither meanwhile nor afterwards."""
    gc.disable()  # a fifth of a start was spent on it
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()

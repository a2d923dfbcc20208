"""`countersign`, the same as `python -m bot`: the commands, and what a shell sees of them.

Exit codes: 0 done, 1 the answer is no, 2 bad usage or configuration (one line each: file, line, key), 130 interrupted.
"""

import sys
from collections.abc import Sequence
from typing import Annotated

import structlog
import typer

from bot.commands.table import Table
from bot.version import VERSION
from policy.reading.files import Invalid
from state.errors import StoreError

app = typer.Typer(
    cls=Table,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="An operator for infrastructure work that lives in Slack.",
)


@app.callback(invoke_without_command=True)
def root(*, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """An operator for infrastructure work that lives in Slack."""
    if version:
        typer.echo(VERSION)
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script; `arguments` are those of the shell unless given."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # whatever standard error is at that moment
    )
    try:
        app(args=arguments)
    except Invalid as invalid:
        for fault in invalid.faults:
            typer.echo(str(fault), err=True)
        sys.exit(2)
    except StoreError as error:
        typer.echo(f"store: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)

"""The table of commands against the commands themselves, and what they make an interpreter read."""

import subprocess
import sys

import pytest
import typer

from bot.cli import app
from bot.commands.table import COMMANDS

DEAR = ("slack_sdk", "slack_bolt", "sqlalchemy", "alembic", "playground")  # a second in all


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_line_is_its_own(name: str) -> None:
    loaded = COMMANDS[name].load(name)
    assert (loaded.name, loaded.help) == (name, COMMANDS[name].help)


def test_help_lists_every_command() -> None:
    listed = typer.main.get_command(app)
    assert isinstance(listed, typer.core.TyperGroup)
    assert list(listed.commands) == list(COMMANDS)


@pytest.mark.parametrize("arguments", [("--help",), ("policy", "--help"), ("init", "--help")])
def test_what_needs_no_slack_and_no_store_reads_neither(arguments: tuple[str, ...]) -> None:
    program = f"import sys\nfrom bot.cli import main\ntry: main({arguments!r})\nfinally: print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert {name.partition(".")[0] for name in done.stdout.splitlines()}.isdisjoint(DEAR)

"""The page about changing policies: its commands are understood, its configuration loads, its words are the code's."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from bot.candidates import MOST_BYTES, MOST_FILES
from bot.commands.policy import app
from bot.configuration import load
from bot.editions import AT_START
from bot.policy_checks import MOST_RUNS, POLICY
from examples import acme

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "change-policies.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [
    line.strip()
    for kind, block in BLOCKS
    if kind == "sh"
    for line in block.splitlines()
    if line.startswith("countersign policy")
]


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_of_the_page_are_understood(line: str) -> None:
    _, _, name, *options = shlex.split(line, comments=True)
    group = get_command(app)
    command = group.commands[name]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known, line


def test_there_are_commands() -> None:
    assert len(COMMANDS) == 5


def test_the_repository_of_the_page_loads(tmp_path: Path) -> None:
    [said] = [block for kind, block in BLOCKS if kind == "yaml"]
    main = (Path(acme.__file__).parent / "config" / "countersign.yaml").read_text()
    for folder in ("agents", "policies", "runbooks"):
        (tmp_path / folder).symlink_to(Path(acme.__file__).parent / "config" / folder)
    (tmp_path / "countersign.yaml").write_text(f"{main}\n{said}")
    repository = load(tmp_path, None).systems.policy_repository
    assert repository is not None
    assert (repository.name, repository.directory) == ("acme/policies", "operator")


def test_the_bounds_of_the_page_are_those_of_the_code() -> None:
    assert f"the latest {MOST_RUNS:,} runs" in PAGE
    assert f"at most {MOST_FILES:,} plain files and {MOST_BYTES >> 20} MB" in PAGE
    assert f"the check `{POLICY}`" in PAGE
    for section in AT_START:
        assert section == "systems" or f"`{section}`" in PAGE

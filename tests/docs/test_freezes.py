"""The examples of docs/freezes.md load as written, and say what the page says."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.commands.policy import app
from handlers.slack import commands
from handlers.slack.words import Freeze, Misspoken, Seat
from tests.bot.test_configuration import AGENT, LEAST, write
from tests.slack.samples import NOON

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "freezes.md").read_text(encoding="utf-8")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A configuration with every file that the page shows."""
    blocks = re.findall(r"^```yaml\n# (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    groups = LEAST.replace("groups: {", "groups: {security: [], ") if "security" not in LEAST else LEAST
    files = {name: f"# {name}\n{said}" for name, said in blocks}
    return write(tmp_path, {"countersign.yaml": groups, "agents/remediation.yaml": AGENT, **files})


def ask(*words: str) -> tuple[int, str]:
    said = CliRunner().invoke(app, words)
    return said.exit_code, said.stdout


def test_the_examples_load_and_their_case_holds(directory: Path) -> None:
    code, said = ask("check", "--config", str(directory))
    assert code == 0, said
    code, said = ask("test", "--config", str(directory), "--json")
    assert (code, json.loads(said)["passed"]) == (0, 1), said


def test_the_denial_is_the_one_that_the_page_shows(directory: Path) -> None:
    (directory / "task.json").write_text('{"requester": "user:U1", "context": {"agent_slug": "remediation"}}')
    call = '{"tool": "service.restart", "effect": "change", "resource": "prod/web", "labels": {"env": "prod"}}'
    (directory / "call.json").write_text(call)
    named = [f"--task={directory / 'task.json'}", f"--call={directory / 'call.json'}", f"--config={directory}"]
    code, said = ask("explain", *named, "--at", "2026-12-24T12:00:00Z", "--json")
    assert code == 1
    shown = [reason["to"] for reason in json.loads(said)["reasons"] if reason["policy"] == "year-end"]
    assert shown == re.findall(r"`(The year-end freeze .*?)`", PAGE)


@pytest.mark.parametrize("line", re.findall(r"^/ops (.*)$", PAGE, re.MULTILINE))
def test_the_commands_of_the_page_are_understood(line: str) -> None:
    said = commands.parse(line, Seat(user="U1"), occurrence="1", at=NOON)
    assert not isinstance(said, Misspoken)
    assert not line.startswith("freeze ") or said == Freeze(
        seat=Seat(user="U1"), what="prod", until="monday 08:00", why="the release"
    )

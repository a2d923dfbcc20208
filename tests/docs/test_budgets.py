"""The examples of docs/budgets.md load as written, and say what the page says."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.commands.policy import app
from tests.bot.test_configuration import AGENT, LEAST, write

PAGE = Path(__file__).resolve().parents[2] / "docs" / "budgets.md"
HANDS = 'slug: hands\ndescribe: Restarts.\nhandles: [chat]\ntier: production\ntools: ["service.*"]\n'


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A configuration with every file that the page shows."""
    blocks = re.findall(r"^```yaml\n# (\S+)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    files = {name: f"# {name}\n{said}" for name, said in blocks}
    return write(
        tmp_path,
        {"countersign.yaml": LEAST, "agents/remediation.yaml": AGENT, "agents/hands.yaml": HANDS, **files},
    )


def ask(*words: str) -> tuple[int, str]:
    said = CliRunner().invoke(app, words)
    return said.exit_code, said.stdout


def test_the_examples_load_and_their_cases_hold(directory: Path) -> None:
    assert ask("check", "--config", str(directory))[0] == 0
    code, said = ask("test", "--config", str(directory), "--json")
    assert (code, json.loads(said)["passed"]) == (0, 2)


def test_the_denial_is_the_one_that_the_page_shows(directory: Path) -> None:
    given = {
        "task": {"requester": "user:U1", "context": {"agent_slug": "hands"}},
        "call": {"tool": "service.restart", "resource": "prod/web", "labels": {}},
        "spent": {"restarts-an-hour": 3},
    }
    for name, value in given.items():
        (directory / f"{name}.json").write_text(json.dumps(value))
    named = [word for name in given for word in (f"--{name}", str(directory / f"{name}.json"))]
    code, said = ask("explain", *named, "--config", str(directory), "--json")
    shown = " ".join(re.findall(r"^> (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert code == 1
    # Offline nobody knows when the draws were made, so no time follows; the rest is word for word.
    assert json.loads(said)["reason"] == re.sub(r"; next possible at \S+ UTC", "", shown)

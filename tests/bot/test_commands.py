"""The command line as a shell sees it: exit codes, one JSON document, clear errors."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from bot.cli import main
from bot.clock import SystemClock
from bot.commands.init import FILES
from state.store import Store


@dataclass(frozen=True)
class Said:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def countersign(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # a function
    """Runs a command as the console script does."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_API_URL", "COUNTERSIGN_CONFIG"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Said:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        said = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else int(code is not None), said.out, said.err)

    yield run
    structlog.reset_defaults()


def test_init_writes_what_loads_and_never_overwrites(tmp_path: Path, countersign) -> None:
    assert countersign("init", str(tmp_path)).returncode == 0
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.yaml")) == sorted(FILES)
    checked = countersign("policy", "check", "--config", str(tmp_path), "--json")
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["ok"] is True
    again = countersign("init", str(tmp_path))
    assert (again.returncode, "already" in again.stderr) == (2, True)


def test_doctor_names_what_is_missing_and_how_to_mend_it(tmp_path: Path, countersign) -> None:
    countersign("init", str(tmp_path))
    looked = countersign("doctor", "--config", str(tmp_path), "--json")
    assert looked.returncode == 1
    findings = json.loads(looked.stdout)["findings"]
    assert [f["what"] for f in findings if not f["ok"]] == ["secret", "secret", "slack"]
    assert "countersign.yaml:" in findings[1]["says"]


def test_serving_without_secrets_says_file_line_and_key(tmp_path: Path, countersign) -> None:
    countersign("init", str(tmp_path))
    served = countersign("serve", "--config", str(tmp_path))
    assert served.returncode == 2
    assert "slack.bot_token" in served.stderr
    assert "countersign.yaml:" in served.stderr
    assert "Traceback" not in served.stderr


BESIDE = [
    *("runs list", "runs show r-x", "audit verify", "state rebuild", "tokens list"),
    *("stop-all", "freezes", "unfreeze freeze-1", "freeze everything --until 4h"),
]


@pytest.mark.parametrize("arguments", [line.split() for line in BESIDE])
def test_without_a_store_the_shell_is_told(tmp_path: Path, countersign, arguments: tuple[str, ...]) -> None:
    countersign("init", str(tmp_path))
    asked = countersign(*arguments, "--config", str(tmp_path))
    assert asked.returncode == 2
    assert "no store yet" in asked.stderr


def test_an_empty_directory_is_not_a_configuration(tmp_path: Path, countersign) -> None:
    asked = countersign("runs", "list", "--config", str(tmp_path))
    assert asked.returncode == 2
    assert "countersign.yaml" in asked.stderr
    assert "Traceback" not in asked.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("policies/bad.yaml", "version: 1\npolicies: [{id: x, limt: {}}]\n"),
        ("agents/bad.yaml", "{"),
        ("countersign.yaml", "version: 1\norganization: [not, a, name\n"),
    ],
)
def test_the_switch_moves_whatever_is_at_fault(tmp_path: Path, countersign, name: str, content: str) -> None:
    countersign("init", str(tmp_path))
    path = tmp_path / "state" / "countersign.sqlite"
    path.parent.mkdir()

    async def switched_off() -> bool:
        store = await Store.open(path, clock=SystemClock())
        try:
            return await store.journal.switched_off()
        finally:
            await store.close()

    assert not asyncio.run(switched_off())
    (tmp_path / name).write_text(content)
    stopped = countersign("stop-all", "--config", str(tmp_path))
    assert stopped.returncode == 0, stopped.stderr
    assert asyncio.run(switched_off())


def test_fresh_never_removes_what_no_demo_made(tmp_path: Path, countersign) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    started = countersign("demo", "--fresh", "--dir", str(tmp_path))
    assert started.returncode == 2
    assert "nothing was removed" in started.stderr
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_check_refuses_what_serve_refuses(tmp_path: Path, countersign) -> None:
    """Both read the tools from the same place: without services there is no tool for the runbook."""
    countersign("init", str(tmp_path))
    main = tmp_path / "countersign.yaml"
    kept = [line for line in main.read_text().splitlines() if not line.startswith(("services:", "  web:"))]
    main.write_text("\n".join(kept) + "\n")
    for command in (("policy", "check"), ("doctor",)):
        asked = countersign(*command, "--config", str(tmp_path))
        assert asked.returncode != 0
        assert "service.status" in asked.stdout + asked.stderr

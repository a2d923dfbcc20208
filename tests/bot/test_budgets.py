"""`budgets:` in the configuration, `countersign budgets`, and `policy explain --spent`."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.budgets import Draw, Unit
from domain.decisions import Constraints, PolicyDecision
from domain.events import PolicyDecided
from domain.tiers import Tier
from state.store import Store
from tests.bot.test_commands import countersign  # noqa: F401 - a fixture
from tests.bot.test_configuration import AGENT, LEAST, faults, loaded, write
from tests.state.samples import SteppingClock, received

BUDGET = "budgets:\n  - {id: runs, of: runs, most: 2, per: [requester], every: day}\n"


def test_budgets_stand_in_the_configuration_and_beside_the_rules(tmp_path: Path) -> None:
    more = "version: 1\nbudgets:\n  - {id: money, of: usd, most: 5, every: month, zone: Europe/Berlin}\n"
    found = loaded(tmp_path, BUDGET, policies__org=more)
    places = {name: f"{one.file}:{one.line}" for name, one in found.policies.budgets.items()}
    assert places == {"money": "policies/org.yaml:3", "runs": "countersign.yaml:8"}


def test_faults_of_budgets_name_their_place(tmp_path: Path) -> None:
    twice = faults(tmp_path, BUDGET, policies__org=f"version: 1\n{BUDGET}")
    assert [line.partition(":")[0] for line in twice] == ["countersign.yaml"]
    assert '"runs" is taken' in twice[0]
    assert "policies/org.yaml:3" in twice[0]
    assert "countersign.yaml:8" in faults(tmp_path, BUDGET.replace("day", "year"))[0]


def spend(directory: Path) -> None:
    """One run of U1 is in the log."""

    async def write_log() -> None:
        (directory / "state").mkdir()
        store = await Store.open(directory / "state" / "countersign.sqlite", clock=SteppingClock(datetime.now(UTC)))
        draws = (
            Draw(account="runs requester=user:U1", of=Unit.RUNS, most=2),
            Draw(account="gone", of=Unit.RUNS, most=2),
        )
        decision = PolicyDecision(
            allowed=True, tier=Tier.DRAFT, reason="because", constraints=Constraints(), draws=draws
        )
        await store.journal.append("r-1", 0, [received(), PolicyDecided(decision=decision)])
        await store.close()

    asyncio.run(write_log())


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return write(tmp_path, {"countersign.yaml": LEAST + BUDGET, "agents/remediation.yaml": AGENT})


def test_what_is_used_is_listed_beside_a_server(directory: Path, countersign) -> None:  # noqa: F811
    spend(directory)
    said = json.loads(countersign("budgets", "--config", str(directory), "--json").stdout)
    (one,) = said["budgets"]  # the account of a budget that is gone is left out
    assert one.pop("renews_at").endswith("T00:00:00Z")
    assert one == {
        "budget": "runs",
        "of": "runs",
        "per": {"requester": "user:U1"},
        "used": 1,
        "most": 2,
        "file": "countersign.yaml",
        "line": 8,
    }
    table = countersign("budgets", "--config", str(directory)).stdout
    assert "1 of 2 runs" in table
    assert "requester user:U1" in table


def test_explain_takes_what_is_said_to_be_spent(directory: Path, tmp_path: Path, countersign) -> None:  # noqa: F811
    (tmp_path / "task.json").write_text('{"type": "compliance-remediation", "requester": "user:U1"}')
    (tmp_path / "spent.yaml").write_text("runs: 2\n")
    asking = ("policy", "explain", "--config", str(directory), "--task", str(tmp_path / "task.json"), "--json")
    untouched = countersign(*asking)
    assert untouched.returncode == 0, untouched.stderr
    assert "taken as untouched, for want of --spent: runs" in json.loads(untouched.stdout)["notes"]
    spent = countersign(*asking, "--spent", str(tmp_path / "spent.yaml"))
    assert spent.returncode == 1
    said = json.loads(spent.stdout)
    assert "2 of 2 runs for requester user:U1 today" in said["reason"]
    assert [way["text"] for way in said["remedies"]][:1] == [
        "once something is left of the budget runs: at most 2 runs for each requester today"
    ]
    (tmp_path / "spent.yaml").write_text("run: 2\n")
    slip = countersign(*asking, "--spent", str(tmp_path / "spent.yaml"))
    assert (slip.returncode, 'did you mean "runs"?' in slip.stderr) == (2, True)

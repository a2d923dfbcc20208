"""The example of docs/autonomy.md loads as written, and what the page quotes is what people are told."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.organization import Earned, Organization
from domain.records import Deed, TrackRecord
from domain.tiers import Tier
from handlers.slack import commands
from handlers.slack.words import Climb, Seat
from policy.check import Sources, load
from policy.engine import PolicySet
from policy.explaining.effective import limits_of, lines
from policy.reading.files import Faults
from policy.sources.autonomy import PROMOTION, RAISE, described, standing_of, start_of
from policy.sources.limits import grant
from tests.slack.samples import NOON
from tools.autonomy import raise_spec

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "autonomy.md").read_text(encoding="utf-8")
FLAT = " ".join(PAGE.replace("\n> ", "\n").replace("\\\n", "\n").replace("**", "").split())
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.fixture
def policies() -> PolicySet:
    [(name, text)] = re.findall(r"^```yaml\n# (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    faults = Faults()
    found = load(Sources(agents=[(name, f"# {name}\n{text}")]), faults, groups={"sre": frozenset({"user:U2"})})
    faults.check()
    return found


def test_the_card_says_what_the_page_quotes(policies: PolicySet) -> None:
    agent = policies.agents["remediation"]
    good = [
        Deed(run_id="r", call_id=f"c{n}", agent=agent.slug, tool="forge.merge", approved=True, held=True, at=NOW)
        for n in range(20)
    ]
    denied = Deed(run_id="r", call_id="c20", agent=agent.slug, tool="forge.merge", denied=True, at=NOW)
    standing = standing_of(agent, None, [*good, denied], NOW)
    assert standing.due
    said = dict(described(standing))
    assert said["starts from"] == "draft"
    for name in ("record", "next rung", "it asks for"):
        shown = said[name].partition(" (since")[0]
        assert f"{name.capitalize()}: {shown}" in FLAT, f"{name}: {shown}"


def test_why_names_what_was_earned_as_the_page_says(policies: PolicySet) -> None:
    earned = Earned(tier=Tier.SANDBOX, since=NOW, run_id="r-1", by=("user:U2",))
    agent = policies.under(Organization(seq=1, earned={"remediation": earned})).agents["remediation"]
    bounds = grant(agent, *start_of(agent, earned))
    [shown] = [line for line in lines(limits_of(bounds.reasons, bounds.overruled)) if line.startswith("tier ")]
    assert f"`{shown}`" in PAGE


def test_the_words_of_the_page_are_the_real_ones() -> None:
    assert raise_spec().name == RAISE
    for word in (f"`{PROMOTION}`", f"`{RAISE}`", "`steward`", "`promote-agent`"):
        assert word in PAGE
    config = ROOT / "examples" / "acme" / "config"
    assert (config / "agents" / "steward.yaml").exists()
    assert (config / "runbooks" / "promote-agent.yaml").exists()
    counts = {"proposed", "approved", "edited", "denied", "held", "failed", "rolled back"}
    rows = re.findall(r"^\| ([a-z, ]+?) \| ", PAGE, re.MULTILINE)
    assert {name for row in rows for name in row.split(", ")} - {"it counts as"} == counts
    assert {name.replace(" ", "_") for name in counts} == set(TrackRecord.__dataclass_fields__)


@pytest.mark.parametrize("line", re.findall(r"`/ops (autonomy[^`]*)`", PAGE))
def test_the_commands_of_the_page_are_understood(line: str) -> None:
    said = commands.parse(line.replace("[AGENT]", ""), Seat(user="U1"), occurrence="1", at=NOON)
    assert isinstance(said, Climb)

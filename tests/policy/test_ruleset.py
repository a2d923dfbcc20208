"""All that is laid down, as one value: its hash, whose grant is whose, whom a freeze spares, how a decision reads."""

from dataclasses import replace
from typing import Any

import pytest

from domain.agents import Agent
from domain.decisions import Approvers, Reason, Requirement
from domain.tiers import Tier
from policy.door import decision
from policy.lattice import Bounds
from policy.ruleset import hash_of, place
from policy.sources.catalogue import Catalogue
from tests.policy.world import AGENT, CATALOG, NOW, PEOPLE, decide, rules, task

SRE, SECURITY = Approvers(kind="group", name="sre"), Approvers(kind="group", name="security")
NOTHING: dict[str, Any] = {"rules": (), "freezes": (), "catalogue": Catalogue(), "approvers": ()}
TWO_OF_EACH = rules("""policies:
  - {id: a, limit: {tier: draft}}
  - {id: b, deny: x}
freezes:
  - {id: f, from: 2026-11-21T00:00, until: 2026-11-22T00:00, zone: UTC, except: ["group:security"]}
  - {id: g, from: 2027-11-21T00:00, until: 2027-11-22T00:00, zone: UTC, except: ["group:contractors"]}
budgets:
  - {id: d, describe: D., of: actions, most: 3, every: 1h, per: [agent]}
  - {id: e, describe: E., of: runs, most: 3, every: 1h, per: [agent]}
""")
OTHER = replace(AGENT, slug="other")
LAID_DOWN: dict[str, Any] = {
    "rules": TWO_OF_EACH.rules,
    "freezes": TWO_OF_EACH.freezes,
    "approvers": (SRE, SECURITY),
    "agents": (AGENT, OTHER),
    "budgets": tuple(TWO_OF_EACH.budgets.values()),
}


@pytest.mark.parametrize("name", LAID_DOWN)
def test_the_hash_names_each_part_in_no_order(name: str) -> None:
    one, other = LAID_DOWN[name]
    hashes = {hash_of(**NOTHING | {name: listed}) for listed in ((), (one,), (other,), (one, other))}
    assert len(hashes) == 4
    assert hash_of(**NOTHING | {name: (other, one)}) in hashes


def test_what_a_rule_says_is_named_in_no_order_and_what_is_built_in_by_itself() -> None:
    said = TWO_OF_EACH.contents(["b", "a", "b", "peer"])
    assert said == TWO_OF_EACH.contents(["peer", "a", "b"])
    assert len(said) == 3
    assert "peer" in said


def test_a_grant_is_that_of_the_agent_as_it_is_now() -> None:
    policies = rules("")
    assert policies.start(AGENT).tier is Tier.PRODUCTION
    assert policies.start(AGENT) is policies.start(AGENT)
    assert policies.start(replace(AGENT, tier=Tier.DRAFT)).tier is Tier.DRAFT
    assert policies.start(OTHER).tier is Tier.PRODUCTION


def test_only_those_can_help_whom_the_freeze_that_stops_spares() -> None:
    stops = Reason(policy="f", file="org.yaml", line=3, sets="deny", to="")
    assert TWO_OF_EACH.excepted([stops]) == ("group:security",)
    assert TWO_OF_EACH.excepted([replace(stops, policy="a")]) == ()


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (Reason(policy="a", file="org.yaml", line=3, sets="deny", to=""), "a, org.yaml:3"),
        (Reason(policy="a", file="built-in", line=0, sets="deny", to=""), "a"),
        (Reason(policy="a", file="s.yaml", line=3, sets="deny", to="", control="CC6.1"), "a, CC6.1, s.yaml:3"),
    ],
)
def test_a_place_is_said_as_far_as_there_is_one(reason: Reason, said: str) -> None:
    assert place(reason) == said


# ── How a decision reads ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("one", "other"),
    [({"file": "a.yaml", "line": 9}, {"file": "b.yaml", "line": 1}), ({"line": 1}, {"line": 2}), ({}, {"policy": "q"})],
)
def test_the_first_denial_by_file_line_and_name_is_the_sentence(one: dict[str, Any], other: dict[str, Any]) -> None:
    base = Reason(policy="p", file="a.yaml", line=1, sets="deny", to="Said.")
    first, second = replace(base, to="First.", **one), replace(base, to="A second.", **other)
    said = decision(rules(""), Bounds(denials=frozenset({second, first})), AGENT, CATALOG)
    assert said.reason.startswith("First. (")


def test_a_refused_task_asks_nobody_and_a_decision_names_its_rules() -> None:
    asked = (Requirement(approvers=SRE),)
    no = Reason(policy="p", file="a.yaml", line=1, sets="deny", to="No.")
    policies = rules("")
    assert decision(policies, Bounds(approvals=asked), AGENT, CATALOG).approvals == asked
    refused = decision(policies, Bounds(approvals=asked, denials=frozenset({no})), AGENT, CATALOG)
    assert (refused.approvals, refused.policy_hash) == ((), policies.hash)
    denied = frozenset({"service.restart", "dns.set", "git.push", "shell.run"})
    assert decision(policies, Bounds(denied_tools=denied), AGENT, CATALOG).constraints.denied_tools == (
        "dns.set", "git.push", "service.restart", "shell.run",
    )  # fmt: skip


def test_a_task_without_an_agent_is_judged_by_the_rules_alone() -> None:
    def said(text: str, agent: Agent | None) -> Tier:
        found = rules(text).evaluate(
            task(), agent, standing=("user:U1",), people=PEOPLE, catalog=CATALOG, now=NOW, run_id="r"
        )
        return found.tier

    assert said("", None) is Tier.PRODUCTION
    assert said("  - {id: a, limit: {tier: draft}}", None) is Tier.DRAFT
    assert said("  - {id: a, match: {agent: [operator]}, limit: {tier: draft}}", None) is Tier.PRODUCTION
    assert said("  - {id: a, match: {agent: [operator]}, limit: {tier: draft}}", AGENT) is Tier.DRAFT


def test_a_tier_that_nobody_set_is_said_without_a_place() -> None:
    assert decision(rules(""), Bounds(tier=Tier.DRAFT), None, CATALOG).reason == "May go up to draft."
    assert decide(rules("")).reason == "May go up to production (agent:operator, agents/operator.yaml:1)."

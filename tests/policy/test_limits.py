"""Limits and requirements as rules write them: each key at its bounds, and a fault that names its place just beyond."""

from dataclasses import replace
from typing import Any

import pytest

from domain.decisions import Requirement
from domain.tiers import Tier
from policy.sources.approvers import independent
from policy.sources.limits import grant
from tests.policy.world import AGENT, RESOURCES, decide, faults_of, rules


def limited(said: str) -> Any:
    (rule,) = rules(f"  - {{id: a, limit: {{{said}}}}}").rules
    return rule.bounds


def required(said: str) -> Requirement:
    (rule,) = rules(f"  - {{id: a, approve: [{{{said}}}]}}").rules
    (one,) = rule.bounds.approvals
    return one


# ── Limits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("key", "most"), [("max_iterations", 10_000), ("max_actions", 10_000), ("max_tokens", 10**9)])
def test_counts_go_from_nothing_to_their_most(key: str, most: int) -> None:
    assert [getattr(limited(f"{key}: {n}"), key) for n in (0, 1, most)] == [0, 1, most]
    for beyond in (-1, most + 1):
        (fault,) = faults_of(f"  - {{id: a, limit: {{{key}: {beyond}}}}}")
        assert f"{key}: must be between 0 and " in fault


@pytest.mark.parametrize("duty", ["requires_pr", "requires_validation"])
def test_a_duty_can_only_be_true(duty: str) -> None:
    assert getattr(limited(f"{duty}: true"), duty)
    (fault,) = faults_of(f"  - {{id: a, limit: {{{duty}: false}}}}")
    assert "can only be true" in fault


def test_a_key_that_is_no_limit_is_a_fault_that_names_all_that_are() -> None:
    (fault,) = faults_of("  - {id: a, limit: {speed: 3}}")
    assert "limit.speed: is not a key here" in fault
    for key in ("allowed_tools", "budget_usd", "deadline", "denied_tools", "max_actions", "max_iterations",
                "max_tokens", "requires_pr", "requires_validation", "tier", "timeout"):  # fmt: skip
        assert key in fault


@pytest.mark.parametrize(
    "said", ["max_iterations: 3", "timeout: 1m", "deadline: 1h", "budget_usd: 1", "max_actions: 3", "max_tokens: 3"]
)
def test_a_rule_about_a_call_cannot_bound_its_run(said: str) -> None:
    key = said.partition(":")[0]
    faults = faults_of(f"  - {{id: a, match: {{tool: [git.push]}}, limit: {{{said}}}}}")
    assert [key in fault for fault in faults] == [True]
    assert not faults_of("  - {id: a, match: {tool: [git.push]}, limit: {tier: draft, requires_pr: true}}")


def test_a_claim_says_each_limit_as_people_write_it() -> None:
    said = decide(
        rules("""
  - id: a
    limit: {tier: draft, max_iterations: 9, timeout: 10m, deadline: 2h, budget_usd: 2.5, max_actions: 4,
            max_tokens: 1000, allowed_tools: [shell.run, "git.*"], denied_tools: [git.push, dns.set],
            requires_pr: true, requires_validation: true}
""")
    )
    assert {one.sets: one.to for one in said.reasons if one.policy == "a"} == {
        "tier": "draft", "max_iterations": "9", "timeout": "10m", "deadline": "2h", "budget_usd": "2.50",
        "max_actions": "4", "max_tokens": "1000", "allowed_tools": "shell.run, git.*",
        "denied_tools": "dns.set, git.push", "requires_pr": "true", "requires_validation": "true",
    }  # fmt: skip
    none = decide(rules("  - {id: a, limit: {allowed_tools: []}}"))
    assert [one.to for one in none.reasons if one.policy == "a"] == ["none"]


def test_an_agent_is_granted_all_that_its_file_says_and_no_more() -> None:
    limits: dict[str, Any] = {
        "max_iterations": 1,
        "timeout_s": 2.0,
        "deadline_s": 3.0,
        "budget_usd": 4.0,
        "max_actions": 5,
        "max_tokens": 6,
    }
    agent = replace(AGENT, tier=Tier.DRAFT, tools=("git.*",), **limits)
    granted = grant(agent, agent.tier, None)
    assert {name: getattr(granted, name) for name in limits} == limits
    assert (granted.tier, granted.allowed_tools) == (Tier.DRAFT, frozenset({("git.*",)}))
    assert {claim.reason.sets for claim in granted.claims} == {
        "tier", "max_iterations", "timeout", "deadline", "budget_usd", "max_actions", "max_tokens", "allowed_tools",
    }  # fmt: skip


# ── Requirements ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_requirement_leaves_out_is_one_person_within_a_day_starting_within_a_quarter_of_an_hour() -> None:
    one = required("from: peer")
    assert (one.count, one.within_s, one.use_within_s, one.break_glass, one.stage) == (1, 86_400, 900, False, 0)
    assert one.policies == ("a",)


def test_what_a_requirement_says_is_what_it_is() -> None:
    one = required('from: "group:sre", count: 3, within: 4h, use_within: 5m, break_glass: true, stage: 2')
    assert (one.count, one.within_s, one.use_within_s, one.break_glass, one.stage) == (3, 14_400, 300, True, 2)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("from: peer, count: 0", "count: must be between 1 and 50"),
        ("from: peer, count: 51", "count: must be between 1 and 50"),
        ("from: peer, stage: -1", "stage: must be between 0 and 20"),
        ("from: peer, stage: 21", "stage: must be between 0 and 20"),
        ("from: self, count: 2", "count: self is one person: 2 of it can never be"),
        ('from: "user:U1", count: 2', "count: user:U1 is one person: 2 of it can never be"),
        ("from: 7", "must name approvers, not "),
        ("from: {}", "must have one of any and all"),
        ("from: {any: peer}", "any: must be a list of 1 to 50 approvers"),
        ("from: {all: []}", "all: must be a list of 1 to 50 approvers"),
        ('from: {any: [peer, "group:nope"]}', 'there is no group "nope"'),
    ],
)
def test_a_requirement_that_cannot_be_met_or_read_is_one_fault(said: str, fault: str) -> None:
    (found,) = faults_of(f"  - {{id: a, approve: [{{{said}}}]}}")
    assert fault in found


def test_bounds_of_requirements_can_be_reached() -> None:
    assert required("from: peer, count: 50, stage: 20").stage == 20
    assert required("from: peer, count: 50").count == 50
    fifty = ", ".join(f'"user:U{n}"' for n in range(50))
    assert len(required(f"from: {{any: [{fifty}]}}").approvers.of) == 50
    (fault,) = faults_of(f"  - {{id: a, approve: [{{from: {{any: [{fifty}, peer]}}}}]}}")
    assert "must be a list of 1 to 50 approvers" in fault
    assert required("from: {any: [peer]}").approvers.text == "any(peer)"


@pytest.mark.parametrize(
    ("said", "takes_another"),
    [
        ("self", False),
        ("peer", True),
        ('"group:sre"', True),
        ("{any: [self, peer]}", False),
        ('{any: [peer, "group:sre"]}', True),
        ("{all: [self, peer]}", True),
        ("{all: [self, {any: [self, peer]}]}", False),
    ],
)
def test_whether_somebody_else_is_always_needed(said: str, takes_another: bool) -> None:
    assert independent(required(f"from: {said}").approvers) is takes_another


# ── The hash ──────────────────────────────────────────────────────────────────────────────────────────────────────────

LAID_DOWN = """policies:
  - {id: a, limit: {tier: draft}}
  - {id: b, match: {tool: [git.push]}, deny: x}
freezes:
  - {id: f, from: 2026-11-21T00:00, until: 2026-11-22T00:00, zone: UTC}
budgets:
  - {id: d, describe: D., of: actions, most: 3, every: 1h, per: [agent]}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [("tier: draft", "tier: sandbox"), ("2026-11-22", "2026-11-23"), ("most: 3", "most: 4"), ("id: f", "id: g")],
)
def test_the_hash_names_all_that_is_laid_down(before: str, after: str) -> None:
    assert rules(LAID_DOWN).hash != rules(LAID_DOWN.replace(before, after)).hash


def test_the_hash_names_the_catalogue_too() -> None:
    assert rules(LAID_DOWN).hash != rules(LAID_DOWN, resources=RESOURCES.replace("env: prod", "env: dev")).hash


def test_the_hash_does_not_name_the_order() -> None:
    lines = LAID_DOWN.splitlines()
    swapped = "\n".join([lines[0], lines[2], lines[1], *lines[3:]])
    assert rules(LAID_DOWN).hash == rules(swapped).hash

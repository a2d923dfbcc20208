"""What `policy check` says of rungs that no record can reach, and that it says nothing of those that one can."""

from dataclasses import replace

import pytest

from policy.analysis.diagnosis import diagnose
from policy.analysis.ground import Ground, Kind
from policy.check import Sources, load
from policy.reading.files import Faults
from tests.policy.world import CATALOG, GROUPS, NOW

CLIMBER = """
slug: climber
handles: [chat]
tier: {tier}
tools: [{tools}]
earns:
  - tier: {rung}
    after: {{approved: 3, within: 30d, tools: [{asked}]}}
"""
STEWARD = "slug: steward\nhandles: [promotion]\ntier: {tier}\ntools: [{tools}]\n"
USUAL = {"tier": "draft", "tools": "git.*, forge.*", "rung": "sandbox", "asked": "forge.merge"}


def said(
    *, steward: str | None = None, rules: str = "", followers: frozenset[str] = frozenset({"steward"}), **climber: str
) -> list[str]:
    """What is wrong with the climber's rungs."""
    faults = Faults()
    of_steward = STEWARD.format(tier="production", tools='"autonomy.*"') if steward is None else steward
    files = [("agents/climber.yaml", CLIMBER.format(**{**USUAL, **climber}))]
    files += [("agents/steward.yaml", of_steward)] if of_steward else []
    laws = [("policies/org.yaml", f"version: 1\npolicies:\n{rules}")] if rules else []
    policies = load(Sources(agents=files, policies=laws), faults, groups=GROUPS)
    faults.check()
    ground = Ground(policies=policies, tools=CATALOG, now=NOW, groups=GROUPS, followers={"promotion": followers})
    return [str(one) for one in diagnose(ground) if one.kind is Kind.RUNG]


def test_a_rung_that_can_be_reached_is_not_spoken_of() -> None:
    assert said() == []
    assert (
        said(rules='  - {id: a, match: {tool: [git.push]}, approve: [{from: "group:sre"}]}\n', asked="git.push") == []
    )
    assert said(rules='  - {id: a, match: {agent: [climber]}, deny: "No"}\n') == []
    assert said(rules='  - {id: a, match: {source: [user]}, deny: "No"}\n') == [], "its own proposal is still possible"


@pytest.mark.parametrize(
    ("steward", "words"),
    [
        ("", "no agent handles tasks of type promotion"),
        (STEWARD.format(tier="production", tools="git.clone"), "autonomy.raise is not among its tools"),
        (STEWARD.format(tier="draft", tools='"*"'), "starts from draft, and autonomy.raise needs production"),
    ],
)
def test_somebody_must_be_able_to_put_it_to_people(steward: str, words: str) -> None:
    [found] = said(steward=steward)
    assert found.startswith("agents/climber.yaml:7: agent:climber: the rung sandbox can never be granted: ")
    assert words in found


def test_whoever_puts_it_to_people_needs_a_runbook_for_it() -> None:
    [found] = said(followers=frozenset({"climber"}))
    assert "steward handles promotion, and no runbook of its own takes such tasks" in found


@pytest.mark.parametrize(
    "rule",
    [
        '{id: a, match: {tool: ["autonomy.*"]}, deny: "No"}',
        "{id: a, match: {agent: [steward], type: [promotion]}, limit: {tier: draft}}",
        "{id: a, match: {agent: [steward]}, limit: {denied_tools: [autonomy.raise]}}",
        "{id: a, match: {agent: [steward]}, limit: {allowed_tools: [autonomy.record]}}",
        "{id: a, limit: {requires_pr: true}}",
        '{id: a, match: {resource: ["agent/climber/*"], effect: [change]}, deny: "No"}',
        '{id: a, match: {labels: {kind: autonomy}}, deny: "No"}',
    ],
)
def test_a_rule_that_is_certain_to_refuse_it_is_named(rule: str) -> None:
    [found] = said(rules=f"  - {rule}\n")
    assert "steward is kept from autonomy.raise by a (policies/org.yaml:3)" in found


@pytest.mark.parametrize(
    ("climber", "words"),
    [
        ({"asked": "dns.set"}, "asks for dns.set, and climber has no such tool"),
        ({"asked": "git.clone"}, "reading is never put to people"),
        ({"tools": '"*"', "asked": "service.restart"}, "from draft climber may call none that does more than read"),
        ({"asked": "git.push"}, "no rule asks people about git.push: it counts only where taint asks"),
    ],
)
def test_what_it_asks_for_must_be_able_to_happen(climber: dict[str, str], words: str) -> None:
    [found] = said(**climber)
    assert words in found


def test_later_rungs_are_looked_at_from_the_one_before() -> None:
    policies = load(
        Sources(
            agents=[
                ("agents/steward.yaml", STEWARD.format(tier="production", tools='"autonomy.*"')),
                ("agents/climber.yaml", CLIMBER.format(**USUAL) + "  - {tier: production, after: "
                 "{approved: 1, within: 1d, tools: [service.restart, shell.run]}}\n"),
            ]
        ),
        Faults(),
        groups=GROUPS,
    )  # fmt: skip
    climber = replace(policies.agents["climber"], tools=("*",))
    ground = Ground(policies=replace(policies, agents={**policies.agents, "climber": climber}), tools=CATALOG, now=NOW)
    [found] = [one for one in diagnose(ground) if one.kind is Kind.RUNG]
    assert "no rule asks people about shell.run" in found.problem
    assert found.line == 9

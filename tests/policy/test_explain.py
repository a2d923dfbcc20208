import json
from dataclasses import replace

import pytest

from domain.tiers import Tier
from policy.analysis.cases import run_cases
from policy.engine import PolicySet
from policy.explaining.effective import limits_of, lines
from policy.explaining.explain import as_json, explain
from policy.reading.files import Faults
from policy.reading.nodes import from_plain
from policy.sources.subjects import Subject, read_document, read_subject
from tests.policy.test_rules import CONTRACT
from tests.policy.world import AGENT, CATALOG, NOW, PEOPLE, rules


def subject(**given: object) -> Subject:
    faults = Faults()
    found = read_subject(from_plain("case", given), faults)
    faults.check()
    assert found is not None
    return found


def ask(policies: PolicySet, **given: object) -> dict[str, object]:
    said = explain(policies, subject(**given), people=PEOPLE, catalog=CATALOG, now=NOW)
    return json.loads(json.dumps(as_json(said)))  # type: ignore[no-any-return]


PRODUCTION = {"tool": "service.restart", "effect": "change", "resource": "prod/web", "labels": {"env": "prod"}}


def test_the_contracts_shape_for_a_task() -> None:
    said = ask(rules(CONTRACT), task={"requester": "user:U5", "trigger": {"source": "user"}})
    assert set(said) == {
        *("allowed", "tier", "reason", "required_approvals", "constraints", "reasons", "overruled", "policy_hash"),
    }
    assert said["allowed"] is True
    assert said["tier"] == 1
    assert said["required_approvals"] == []
    assert said["constraints"] == {
        "max_iterations": 10,
        "timeout_s": 900,
        "deadline_s": 28800,
        "budget_usd": 2.5,
        "max_actions": None,
        "max_tokens": None,
        "allowed_tools": ["git.clone", "git.commit", "git.push"],
        "denied_tools": ["shell.run"],
        "requires_pr": True,
        "requires_validation": True,
    }
    line = {
        "policy": "contractors-recommend",
        "file": "policies/org.yaml",
        "line": 4,
        "sets": "tier",
        "to": "recommend",
    }
    assert line in said["reasons"]  # type: ignore[operator]
    assert str(said["policy_hash"]).startswith("sha256:")


def test_the_contracts_shape_for_a_call() -> None:
    said = ask(rules(CONTRACT), task={"requester": "user:U1"}, call=PRODUCTION)
    assert (said["allowed"], said["verdict"]) == (True, "require_approval")
    assert said["required_approvals"] == [
        {
            "from": "group:sre",
            "count": 2,
            "within": "4h",
            "use_within": "15m",
            "break_glass": True,
            "stage": 0,
            "policies": ["no-direct-production"],
        },
        {
            "from": "group:security",
            "count": 1,
            "within": "24h",
            "use_within": "15m",
            "break_glass": False,
            "stage": 1,
            "policies": ["no-direct-production"],
        },
    ]
    assert said["reason"] == "The call needs 2 from group:sre within 4h and 1 from group:security within 24h."


def test_missing_limits_are_null() -> None:
    limits = ask(rules(""), task={})["constraints"]
    assert limits == {
        **dict.fromkeys(("max_iterations", "timeout_s", "deadline_s", "budget_usd", "max_actions", "max_tokens")),
        "allowed_tools": list(CATALOG.names()),
        "denied_tools": [],
        "requires_pr": False,
        "requires_validation": False,
    }


def test_a_denied_call_asks_for_no_approvals() -> None:
    said = ask(rules(CONTRACT), task={"requester": "user:U5", "trigger": {"source": "user"}}, call=PRODUCTION)
    assert (said["allowed"], said["verdict"], said["required_approvals"]) == (False, "deny", [])
    assert "this run may go up to recommend only (contractors-recommend, policies/org.yaml:4)" in str(said["reason"])


@pytest.mark.parametrize(
    ("call", "verdict"),
    [
        ({"tool": "pager.page"}, "require_approval"),
        ({"tool": "pager.page", "effect": "read"}, "allow"),
        ({"tool": "pager.page", "effect": "draft"}, "allow"),
        ({"tool": "git.push", "effect": "read"}, "allow"),
        ({"tool": "service.restart", "arguments": {"service": "web"}, "effect": "read"}, "require_approval"),
        ({"tool": "forge.merge", "arguments": {}}, "require_approval"),
    ],
)
def test_tools_that_are_not_installed_are_judged_by_their_effect(call: dict[str, object], verdict: str) -> None:
    said = ask(rules(""), task={}, call=call)
    assert said["verdict"] == verdict
    unknown = [r for r in said["reasons"] if r["policy"] == "unknown-tool"]  # type: ignore[attr-defined, index]
    assert bool(unknown) is (call["tool"] == "pager.page")
    if unknown:
        assert unknown[0]["to"] == call.get("effect", "change")


def test_what_a_call_file_leaves_out_is_unknown_and_what_is_empty_is_known() -> None:
    policies = rules("  - {id: a, match: {labels: {env: prod}}, deny: x}")
    unknown = {"tool": "pager.page", "effect": "change", "arguments": {}}
    assert ask(policies, task={}, call=unknown)["verdict"] == "deny"
    assert ask(policies, task={}, call={**unknown, "labels": {}})["verdict"] == "require_approval"
    assert ask(policies, task={}, call={**unknown, "resource": "prod/web"})["verdict"] == "deny"
    assert ask(policies, task={}, call={**unknown, "resource": "acme/infra"})["verdict"] == "require_approval"
    located = {"tool": "service.restart", "arguments": {"service": "web"}}
    assert ask(policies, task={}, call=located)["verdict"] == "deny"


def test_losers_are_kept() -> None:
    policies = rules("  - {id: a, limit: {tier: draft}}\n  - {id: b, limit: {tier: sandbox}}")
    said = ask(policies, task={})
    assert [r["policy"] for r in said["reasons"]] == ["a"]  # type: ignore[attr-defined, index]
    assert [r["policy"] for r in said["overruled"]] == ["b"]  # type: ignore[attr-defined, index]


AGENTS = {
    "fixer": replace(AGENT, slug="fixer", tier=Tier.DRAFT, handles=("fix",)),
    "one": replace(AGENT, slug="one", tier=Tier.OBSERVE, handles=("chat",)),
    "two": replace(AGENT, slug="two", tier=Tier.RECOMMEND, handles=("chat",)),
}


@pytest.mark.parametrize(
    ("task", "tier", "allowed"),
    [
        ({"type": "fix"}, 2, True),
        ({"context": {"agent_slug": "one"}}, 0, True),
        ({"type": "chat"}, 4, True),
        ({}, 4, True),
        ({"context": {"agent_slug": "nobody"}}, 4, False),
    ],
)
def test_the_agent_is_named_or_the_only_one_that_handles_the_type(
    task: dict[str, object],
    tier: int,
    allowed: bool,
) -> None:
    said = ask(rules("", agents=AGENTS), task=task)
    assert (said["tier"], said["allowed"]) == (tier, allowed)


def told(policies: PolicySet, **given: object) -> list[str]:
    found = explain(policies, subject(**given), people=PEOPLE, catalog=CATALOG, now=NOW)
    return list(lines(limits_of(found.reasons, found.overruled, found.approvals)))


def test_every_effective_limit_is_told_with_the_rule_that_set_it() -> None:
    assert told(rules(CONTRACT), call=PRODUCTION) == [
        "needs 1 from group:security within 24h: no-direct-production (policies/org.yaml:20)",
        "needs 2 from group:sre within 4h: no-direct-production (policies/org.yaml:20)",
    ]


def test_beneath_the_winner_stand_those_that_lost() -> None:
    policies = rules(
        "  - {id: a, limit: {tier: recommend, timeout: 15m}}\n  - {id: b, limit: {tier: draft, timeout: 15m}}"
        "\n  - {id: c, limit: {timeout: 1h}}"
    )
    assert told(policies, task={}) == [
        "tier recommend: a (policies/org.yaml:3)",
        "  recommend beats draft: b (policies/org.yaml:4)",
        "timeout 15m: a (policies/org.yaml:3)",
        "timeout 15m: b (policies/org.yaml:4)",
        "  15m beats 1h: c (policies/org.yaml:5)",
    ]


def test_requirements_that_were_merged_are_told_once() -> None:
    policies = rules(
        '  - {id: a, match: {effect: [change]}, approve: [{from: "group:sre", count: 2, within: 4h}]}\n'
        '  - {id: b, match: {tool: [dns.set]}, approve: [{from: "group:sre", within: 24h}, {from: "group:security"}]}'
    )
    assert told(policies, call={"tool": "dns.set"}) == [
        "needs 1 from group:security within 24h: b (policies/org.yaml:4)",
        "needs 2 from group:sre within 4h: a (policies/org.yaml:3)",
        "  2 from group:sre within 4h beats 1 from group:sre within 24h: b (policies/org.yaml:4)",
    ]


def test_documents_are_json_or_yaml() -> None:
    faults = Faults()
    for said in ('{"goal": "\\ud83d\\ude00 1"}', "goal: '\U0001f600 1'", '{goal: "\U0001f600 1"}'):
        node = read_document("t", said, faults)
        assert node is not None
        assert node.plain == {"goal": "\U0001f600 1"}
    assert read_document("t", '{"a": 1, "a": 2}', faults) is not None
    assert "is said twice" in "".join(map(str, faults))


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"task": {"tpye": "x"}}, 'did you mean "type"?'),
        ({"task": {"trigger": {"source": "slack"}}}, "must be one of webhook"),
        ({"call": {"tool": "x", "effect": "write"}}, "must be one of read"),
        ({"call": {"tool": "x", "arguments": []}}, "must be a mapping"),
        ({"at": "noon"}, "must be a time"),
        ({"task": []}, "must be a mapping"),
    ],
)
def test_faults_of_subjects(given: dict[str, object], fault: str) -> None:
    faults = Faults()
    read_subject(from_plain("case", given), faults)
    assert fault in "".join(map(str, faults))


# ── Cases ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def outcomes(text: str) -> list[tuple[str, ...]]:
    return [result.wrong for result in run_cases(rules(text), people=PEOPLE, catalog=CATALOG, now=NOW)]


def test_the_contracts_case_passes() -> None:
    assert outcomes(CONTRACT) == [()]


@pytest.mark.parametrize(
    ("expect", "wrong"),
    [
        ("{verdict: require_approval, allowed: true}", ()),
        ("{verdict: allow}", ("verdict: expected 'allow', got 'require_approval'",)),
        ("{tier: draft}", ("tier: expected 2, got 4",)),
        ("{tier: 4}", ()),
        ("{tier: production}", ()),
        ("{approvals: []}", ("approvals: expected nobody, got group:sre",)),
        ('{approvals: [{from: "group:sre", count: 3}]}', ("approvals.group:sre.count: expected 3, got 2",)),
        ('{approvals: [{from: "group:sre", within: 240m}]}', ()),
        ("{approvals: [{from: {any: [peer, self]}}]}", ("approvals: expected any(peer,self), got group:sre",)),
        ("{constraints: {requires_pr: true}}", ("constraints.requires_pr: expected True, got False",)),
        ("{reason: needs 2}", ()),
        ("{reason: nothing}", ("reason: expected it to say 'nothing', got",)),
    ],
)
def test_what_cases_may_expect(expect: str, wrong: tuple[str, ...]) -> None:
    (got,) = outcomes(f"""
  - id: a
    match: {{effect: [change]}}
    approve: [{{from: "group:sre", count: 2, within: 4h}}]
    tests: [{{given: {{call: {{tool: dns.set}}}}, expect: {expect}}}]
""")
    assert len(got) == len(wrong)
    assert all(said.startswith(expected) for said, expected in zip(got, wrong, strict=True))


def test_cases_know_the_time_and_how_far_a_run_is() -> None:
    assert outcomes("""
  - id: a
    when: "run.iterations > 3 && run.cost_usd > 1 && run.tainted"
    deny: enough
    tests:
      - {given: {call: {tool: git.clone}, run: {iterations: 4, cost_usd: 2, tainted: true}}, expect: {verdict: deny}}
      - {given: {call: {tool: git.clone}, run: {iterations: 3, cost_usd: 2, tainted: true}}, expect: {verdict: allow}}
  - id: b
    when: "now.getHours() >= 18"
    deny: late
    tests:
      - {given: {at: "2026-01-01T19:00:00Z"}, expect: {allowed: false}}
      - {given: {at: "2026-01-01T09:00:00Z"}, expect: {allowed: true}}
""") == [(), (), (), ()]

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.decisions import Constraints
from domain.people import Snapshot
from domain.tasks import Source, Trust
from domain.tiers import Tier
from policy.door import decision, of_decision
from tests.policy.world import AGENT, CATALOG, NOW, SPECS, decide, rules, task


def test_without_rules_the_agents_grant_stands() -> None:
    agent = replace(AGENT, tier=Tier.DRAFT, tools=("git.*",), max_iterations=5, timeout_s=60.0, budget_usd=1.0)
    said = decide(rules(""), agent=agent)
    assert (said.allowed, said.tier) == (True, Tier.DRAFT)
    assert said.constraints.allowed_tools == ("git.clone", "git.commit", "git.push")
    assert (said.constraints.max_iterations, said.constraints.timeout_s, said.constraints.budget_usd) == (5, 60.0, 1.0)
    assert {(r.policy, r.file, r.line) for r in said.reasons} == {("agent:operator", "agents/operator.yaml", 1)}
    assert said.reason == "May go up to draft (agent:operator, agents/operator.yaml:1)."


def test_the_strictest_of_all_levels_holds_and_says_who_set_it() -> None:
    found = rules("""
  - {id: a, level: organization, limit: {tier: sandbox, max_iterations: 9, denied_tools: [git.push]}}
  - {id: b, level: resource, limit: {tier: draft, max_iterations: 12, allowed_tools: ["git.*", "shell.*"]}}
""")
    said = decide(found, agent=replace(AGENT, max_iterations=20))
    assert (said.tier, said.constraints.max_iterations) == (Tier.DRAFT, 9)
    assert said.constraints.allowed_tools == ("git.clone", "git.commit", "shell.run")
    assert said.constraints.denied_tools == ("git.push",)
    set_by = {reason.sets: (reason.policy, reason.line) for reason in said.reasons if reason.sets != "allowed_tools"}
    assert set_by == {"tier": ("b", 5), "max_iterations": ("a", 4), "denied_tools": ("a", 4)}


def test_an_empty_allow_list_allows_no_tool() -> None:
    assert decide(rules("  - {id: a, limit: {allowed_tools: []}}")).constraints.allowed_tools == ()


def test_a_denial_says_the_rules_text_and_place_and_who_could_help() -> None:
    said = decide(rules("  - {id: a, match: {type: [chat]}, deny: Not today}"))
    assert not said.allowed
    assert said.reason == "Not today. (a, policies/org.yaml:3)"
    assert said.help == ("group:sre",)
    assert said.approvals == ()


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ("source: [user]", True),
        ("source: [alert, api]", False),
        ("source: user", True),
        ("type: [chat, other]", True),
        ("type: ['c*t']", True),
        ("type: [Chat]", False),
        ("agent: [operator]", True),
        ("agent: [other]", False),
        ("repository: ['acme/*']", True),
        ("repository: ['*/infra']", True),
        ("repository: ['other/*']", False),
        ("requester: ['user:U1']", True),
        ("requester: ['user:U2']", False),
        ("requester: [anyone]", True),
        ("requester: [nobody]", False),
        ("requester: ['group:sre']", False),
        ("source: [user], type: [other]", False),
    ],
)
def test_match_at_the_door(match: str, fits: bool) -> None:
    found = rules(f"  - {{id: a, match: {{{match}}}, deny: x}}")
    assert decide(found, task(repository="acme/infra")).allowed is not fits


def test_what_a_task_lacks_does_not_match() -> None:
    assert decide(rules("  - {id: a, match: {repository: ['*']}, deny: x}")).allowed


def test_groups_are_matched_by_membership() -> None:
    found = rules("  - {id: a, match: {requester: ['group:contractors']}, limit: {tier: recommend}}")
    assert decide(found, task(requester="user:U5")).tier is Tier.RECOMMEND
    assert decide(found, task(requester="user:U1")).tier is Tier.PRODUCTION


def test_someone_the_directory_does_not_know_counts_as_a_member_of_directory_groups() -> None:
    found = rules("  - {id: a, match: {requester: ['group:everybody']}, deny: x}")
    assert decide(found).allowed
    assert not decide(found, people=Snapshot(version="0", at=NOW)).allowed
    assert decide(found, task(requester="token:ci"), people=Snapshot(version="0", at=NOW)).allowed


def test_no_requester_is_nobody() -> None:
    found = rules("""
  - {id: a, match: {requester: [nobody]}, limit: {tier: draft}}
  - {id: b, match: {requester: [anyone]}, limit: {tier: observe}}
""")
    assert decide(found, task(requester=None)).tier is Tier.DRAFT


def test_every_standing_narrows() -> None:
    found = rules("  - {id: a, match: {requester: ['group:contractors']}, limit: {tier: recommend}}")
    assert decide(found, standing=("user:U1", "user:U5")).tier is Tier.RECOMMEND


def test_tokens_are_matched_by_pattern() -> None:
    found = rules("  - {id: a, match: {requester: ['token:ci-*']}, deny: x}")
    assert not decide(found, task(requester="token:ci-main")).allowed
    assert decide(found, task(requester="token:other")).allowed


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ("task.goal == 'x'", True),
        ("task.requester == 'user:U1'", True),
        ("task.context.repository_id == ''", True),
        ("task.context.agent_slug == 'operator'", True),
        ("task.context.repository_id.startsWith('acme/')", False),
        ("task.trigger.timestamp == now", True),
        ("has(task.payload.finding)", True),
        ("task.payload.finding.severity > 5", True),
        ("run.tainted", False),
        ("run.tier == 4 && run.iterations == 0 && run.depth == 0", True),
    ],
)
def test_when_at_the_door(when: str, fits: bool) -> None:
    asked = task(goal="x", payload={"finding": {"severity": 7}})
    assert decide(rules(f'  - {{id: a, when: "{when}", deny: x}}'), asked).allowed is not fits


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ("task.requester == null", True),
        ("task.requester == ''", False),
        ("task.requester.startsWith('token:')", False),
        ("!task.requester.startsWith('user:')", True),
        ("task.requester != 'user:U1'", True),
        ("task.requester != null", False),
    ],
)
def test_nobody_is_null_and_an_empty_text(when: str, fits: bool) -> None:
    found = rules(f'  - {{id: a, when: "{when}", deny: x}}')
    assert decide(found, task(requester=None)).allowed is not fits


def test_an_empty_text_for_nobody_never_hides_a_failure() -> None:
    found = rules('  - {id: a, when: "task.requester == null && task.payload.count > 3", limit: {tier: draft}}')
    assert not decide(found, task(requester=None)).allowed


def test_a_rule_that_cannot_be_evaluated_denies() -> None:
    said = decide(rules('  - {id: a, when: "task.payload.count > 3", limit: {tier: draft}}'))
    assert not said.allowed
    assert "the condition of a cannot be evaluated: 'count' is not there" in said.reason
    assert "policies/org.yaml:3" in said.reason


def test_whatever_breaks_while_a_rule_is_asked_denies() -> None:
    class Broken(dict[str, object]):
        def items(self) -> object:  # type: ignore[override]
            raise RuntimeError("torn")

    found = rules('  - {id: a, when: "has(task.payload.x)", limit: {tier: draft}}')
    said = decide(found, task(payload=Broken(x=1)))
    assert not said.allowed
    assert "RuntimeError: torn" in said.reason


def test_taint_of_the_task() -> None:
    found = rules('  - {id: a, when: "run.tainted", limit: {tier: draft}}')
    alert = task(source=Source.ALERT, trust=Trust.UNTRUSTED, requester=None)
    assert decide(found, alert).tier is Tier.DRAFT


def test_door_approvals_are_in_the_decision() -> None:
    found = rules("""
  - {id: a, approve: [{from: "group:sre", count: 1, within: 8h, break_glass: true}]}
  - {id: b, approve: [{from: "group:sre", count: 2, within: 9h, use_within: 5m}, {from: peer}]}
""")
    sre, peer = decide(found).approvals
    assert (sre.count, sre.within_s, sre.use_within_s, sre.break_glass) == (2, 28_800.0, 300.0, False)
    assert (sre.policies, peer.policies) == (("a", "b"), ("b",))


def test_freezes_do_not_stop_tasks() -> None:
    found = rules("freezes:\n  - {id: f, from: 2026-01-01, until: 2027-01-01}")
    assert decide(found, now=datetime(2026, 6, 1, tzinfo=UTC)).allowed


def test_allowed_tools_are_what_is_installed() -> None:
    assert decide(rules("")).constraints.allowed_tools == tuple(sorted(SPECS))


# ── What is recorded ──────────────────────────────────────────────────────────────────────────────────────────────────

EVERY_LIMIT = """
  - id: all
    limit: {tier: sandbox, max_iterations: 9, timeout: 10m, deadline: 2h, budget_usd: 2.5, max_actions: 4,
            max_tokens: 1000, allowed_tools: ["git.*"], denied_tools: [git.push], requires_pr: true,
            requires_validation: true}
  - {id: more, limit: {tier: production, max_iterations: 10, timeout: 11m, deadline: 3h, budget_usd: 3, max_actions: 5,
            max_tokens: 2000}}
  - {id: asks, approve: [{from: "group:sre", count: 2}]}
"""


def test_every_limit_of_the_rules_is_in_the_decision() -> None:
    assert decide(rules(EVERY_LIMIT)).constraints == Constraints(
        max_iterations=9,
        timeout_s=600.0,
        deadline_s=7200.0,
        budget_usd=2.5,
        max_actions=4,
        max_tokens=1000,
        allowed_tools=("git.clone", "git.commit"),
        denied_tools=("git.push",),
        requires_pr=True,
        requires_validation=True,
    )


def test_a_decision_read_back_is_as_narrow_as_when_it_was_made_and_knows_who_set_what() -> None:
    found = rules(EVERY_LIMIT)
    said = decide(found)
    again = decision(found, of_decision(said), AGENT, CATALOG)
    assert again == replace(said, overruled=())
    assert {reason.sets for reason in again.reasons if reason.policy == "all"} == {
        "tier", "max_iterations", "timeout", "deadline", "budget_usd", "max_actions", "max_tokens", "allowed_tools",
        "denied_tools", "requires_pr", "requires_validation",
    }  # fmt: skip
    less = rules("""
  - {id: less, limit: {max_iterations: 8, timeout: 1m, deadline: 1h, budget_usd: 1, max_actions: 1, max_tokens: 1}}
""")
    bounds = of_decision(said) & of_decision(decide(less))
    set_by = {reason.sets: reason.policy for reason in bounds.reasons if reason.policy in {"all", "less"}}
    assert {sets for sets, policy in set_by.items() if policy == "less"} == {
        "max_iterations", "timeout", "deadline", "budget_usd", "max_actions", "max_tokens",
    }  # fmt: skip
    assert {reason.sets for reason in bounds.overruled if reason.policy == "all"} == {
        "max_iterations", "timeout", "deadline", "budget_usd", "max_actions", "max_tokens",
    }  # fmt: skip


def test_of_several_denials_the_first_by_place_is_the_sentence() -> None:
    said = decide(
        rules("""
  - {id: b, deny: First?}
  - {id: a, deny: Second!}
""")
    )
    assert said.reason == "First? (b, policies/org.yaml:4)"
    assert decide(rules("  - {id: a, deny: Second!}")).reason == "Second! (a, policies/org.yaml:3)"
    assert decide(rules("  - {id: a, deny: Third. }")).reason == "Third. (a, policies/org.yaml:3)"


def test_the_agents_owners_and_then_the_approvers_can_help_each_named_once() -> None:
    agent = replace(AGENT, owners=("user:U4", "group:sre"))
    assert decide(rules(""), agent=agent).help == ("user:U4", "group:sre")


@pytest.mark.parametrize(("source", "denied"), [(Source.USER, False), (Source.ALERT, False), (Source.AGENT, True)])
def test_a_rule_at_the_door_knows_whether_another_run_asks(source: Source, denied: bool) -> None:
    found = rules("  - {id: a, when: run.depth > 0, deny: Too deep}")
    assert decide(found, task(source=source)).allowed is not denied

"""Every key of the contract's section 5, and every fault that a rule can have."""

import pytest

from domain.decisions import Approvers
from domain.tiers import Tier
from tests.policy.world import faults_of, rules

CONTRACT = """
  - id: contractors-recommend
    level: organization
    describe: Contractors look and recommend.
    match:
      source: [user]
      requester: ["group:contractors"]
    limit:
      tier: recommend
      max_iterations: 10
      timeout: 15m
      deadline: 8h
      budget_usd: 2.50
      allowed_tools: ["git.*"]
      denied_tools: ["shell.run"]
      requires_pr: true
      requires_validation: true
  - id: no-direct-production
    level: resource
    describe: Production changes need two of the on-call group and one of security.
    match: {effect: [change], labels: {env: prod}, tool: ["service.*"], resource: ["prod/*"]}
    approve:
      - {from: "group:sre", count: 2, within: 4h, use_within: 15m, break_glass: true}
      - {from: "group:security", stage: 1}
    tests:
      - {given: {task: {requester: "user:U1"}, call: {tool: service.restart, effect: change, resource: prod/web,
                 labels: {env: prod}}},
         expect: {verdict: require_approval, approvals: [{from: "group:sre", count: 2}, {from: "group:security"}]}}
  - id: no-bulk-from-alerts
    level: organization
    describe: Alerts do not start bulk changes.
    match: {effect: [change]}
    when: "task.trigger.source == 'alert' && has(call.arguments.count) && call.arguments.count > 3"
    deny: "text shown to the person"
freezes:
  - {id: year-end, from: 2026-12-20T00:00, until: 2027-01-04T08:00, zone: Europe/Berlin, match: {labels: {env: prod}},
     except: ["group:security"]}
"""


def test_the_contracts_example_loads() -> None:
    found = rules(CONTRACT)
    first, second, third = found.rules
    assert not first.at_boundary
    assert (second.at_boundary, third.at_boundary) == (True, True)
    bounds = first.bounds
    assert (bounds.tier, bounds.max_iterations, bounds.timeout_s) == (Tier.RECOMMEND, 10, 900.0)
    assert (bounds.deadline_s, bounds.budget_usd) == (28_800.0, 2.5)
    assert (bounds.allowed_tools, bounds.denied_tools) == (frozenset({("git.*",)}), frozenset({"shell.run"}))
    assert (bounds.requires_pr, bounds.requires_validation) == (True, True)
    sre, security = second.bounds.approvals
    assert (sre.approvers.text, sre.count, sre.within_s, sre.use_within_s) == ("group:sre", 2, 14_400.0, 900.0)
    assert (sre.break_glass, sre.stage, sre.policies) == (True, 0, ("no-direct-production",))
    assert (security.approvers.text, security.count, security.within_s, security.stage) == (
        "group:security",
        1,
        86_400.0,
        1,
    )
    assert first.line == 4
    (freeze,) = found.freezes
    assert freeze.start.isoformat() == "2026-12-20T00:00:00+01:00"
    assert freeze.excepted == ("group:security",)


def test_the_hash_names_what_the_rules_say() -> None:
    one = rules("  - {id: a, deny: x}\n  - {id: b, deny: y}")
    assert one.hash == rules("  - {id: b, deny: y}\n\n  - {id: a, deny: x, describe: Said otherwise.}").hash
    assert one.hash != rules("  - {id: a, deny: x}\n  - {id: b, deny: z}").hash
    assert one.hash.startswith("sha256:")


@pytest.mark.parametrize(
    ("who", "kind"),
    [("self", "self"), ("peer", "peer"), ('"user:U1"', "user"), ('"group:sre"', "group"), ('"oncall:web"', "oncall")],
)
def test_every_kind_of_approver(who: str, kind: str) -> None:
    (rule,) = rules(f"  - {{id: a, approve: [{{from: {who}}}]}}").rules
    assert rule.bounds.approvals[0].approvers.kind == kind


def test_composed_approvers_have_one_spelling() -> None:
    (rule,) = rules('  - {id: a, approve: [{from: {any: ["user:U1", {all: [peer, "group:sre"]}]}}]}').rules
    (one,) = rule.bounds.approvals
    assert one.approvers.text == "any(all(group:sre,peer),user:U1)"
    assert one.approvers.of[1] == Approvers(kind="user", name="U1")


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("{id: a}", "3: policies[0]: must have one of deny, limit, approve"),
        ("{id: a, deny: x, limit: {tier: draft}}", "must have one of deny, limit, approve"),
        ("{id: a, deny: x, approve: [{from: peer}]}", "must have one of"),
        ("{deny: x}", 'the key "id" is missing'),
        ("{id: 'a b', deny: x}", "policies[0].id: 'a b' is not an id"),
        ("{id: a, deny: ''}", "policies[0].deny: must not be empty"),
        (
            "{id: a, deny: x}\n  - {id: a, deny: y}",
            'policies/org.yaml:4: id: "a" is taken (first at policies/org.yaml:3)',
        ),
        ("{id: a, denny: x}", 'policies[0].denny: is not a key here (did you mean "deny"?)'),
        ("{id: a, level: org, deny: x}", "level: must be one of organization, agent, resource, not org"),
        ("{id: a, limit: {}}", "policies[0].limit: limits nothing"),
        ("{id: a, limit: {tier: drafts}}", "limit.tier: must be one of observe, recommend, draft"),
        ("{id: a, limit: {tier: 2}}", "limit.tier: must be one of"),
        ("{id: a, limit: {max_iteration: 2}}", 'did you mean "max_iterations"?'),
        ("{id: a, limit: {timeout: 15}}", "limit.timeout: must be a duration, not 15 (write 15s)"),
        ("{id: a, limit: {budget_usd: -1}}", "must be between 0 and"),
        ("{id: a, limit: {requires_pr: false}}", "limit.requires_pr: can only be true"),
        ("{id: a, limit: {allowed_tools: [git.comit]}}", 'there is no tool "git.comit" (did you mean "git.commit"?)'),
        ("{id: a, limit: {denied_tools: [servce.*]}}", 'no tool fits "servce.*"'),
        ("{id: a, match: {group: [x]}, deny: x}", "match.group: is not a key here"),
        ("{id: a, match: {source: [slack]}, deny: x}", 'there is no source "slack"'),
        ("{id: a, match: {effect: [changes]}, deny: x}", 'there is no effect "changes" (did you mean "change"?)'),
        ('{id: a, match: {requester: ["group:srre"]}, deny: x}', 'there is no group "srre" (did you mean "sre"?)'),
        ("{id: a, match: {requester: [U1]}, deny: x}", "names no requester (user:ID, group:NAME, token:NAME"),
        ("{id: a, match: {tool: []}, deny: x}", "match.tool: names nothing that could match"),
        ("{id: a, match: {labels: {}}, deny: x}", "match.labels: names no label"),
        ("{id: a, match: {agent: [operatr]}, deny: x}", 'there is no agent "operatr"'),
        ("{id: a, match: {labels: [env]}, deny: x}", "match.labels: must be a mapping of labels, not a list"),
        ("{id: a, approve: []}", "approve: asks nobody"),
        ("{id: a, approve: {from: peer}}", "approve: must be a list, not a mapping"),
        ("{id: a, approve: [{count: 2}]}", 'approve[0]: the key "from" is missing'),
        ("{id: a, approve: [{from: peer, count: 0}]}", "count: must be between 1 and 50"),
        ("{id: a, approve: [{from: self, count: 2}]}", "self is one person: 2 of it can never be"),
        ('{id: a, approve: [{from: "group:nope"}]}', 'there is no group "nope"'),
        ("{id: a, approve: [{from: sre}]}", "'sre' names no approvers"),
        ("{id: a, approve: [{from: {any: []}}]}", "must be a list of 1 to 50 approvers"),
        ("{id: a, approve: [{from: {any: [peer], all: [peer]}}]}", "must have one of any and all"),
        ("{id: a, approve: [{from: {any: [peer, peer]}}]}", "names the same approvers twice"),
        ("{id: a, approve: [{from: peer, within: soon}]}", "within: must be a duration"),
        ("{id: a, when: 'task.tpye == 1', deny: x}", "policies[0].when: task.tpye does not exist"),
        ("{id: a, deny: x, tests: [{given: {}}]}", 'tests[0]: the key "expect" is missing'),
        ("{id: a, deny: x, tests: [{given: {}, expect: {verdict: maybe}}]}", "verdict: must be one of allow, deny"),
        ("{id: a, deny: x, tests: [{given: {}, expect: {}}]}", "expects nothing"),
        ("{id: a, deny: x, tests: [{given: {call: {}}, expect: {allowed: true}}]}", 'the key "tool" is missing'),
    ],
)
def test_faults_of_rules(said: str, fault: str) -> None:
    assert any(fault in one for one in faults_of(f"  - {said}")), faults_of(f"  - {said}")


@pytest.mark.parametrize("key", ["max_iterations: 3", "timeout: 1h", "deadline: 1h", "budget_usd: 1"])
@pytest.mark.parametrize(
    "speaks",
    [
        "match: {tool: [git.push]}",
        "match: {effect: [change]}",
        'match: {resource: ["prod/*"]}',
        "match: {labels: {env: prod}}",
        "when: \"call.tool == 'git.push'\"",
        'when: "has(call.arguments.x)"',
    ],
)
def test_a_rule_about_a_call_cannot_bound_the_run(key: str, speaks: str) -> None:
    (fault,) = faults_of(f"  - {{id: a, {speaks}, limit: {{{key}}}}}")
    assert "bounds a run, but this rule speaks of a call" in fault


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("{id: f, until: 2027-01-01T00:00}", 'the key "from" is missing'),
        ("{id: f, from: 2027-01-01T00:00, until: 2026-01-01T00:00}", "until: must be later than from"),
        ("{id: f, from: tomorrow, until: 2026-01-01T00:00}", '"tomorrow" is not a time (like 2026-12-20T00:00)'),
        ("{id: f, from: 2026-01-01, until: 2027-01-01, zone: Europe/Berlim}", 'did you mean "Europe/Berlin"?'),
        ("{id: f, from: 2026-01-01, until: 2027-01-01, except: [security]}", "names no requester"),
        ("{id: f, from: 2026-01-01, until: 2027-01-01, untl: 3}", 'did you mean "until"?'),
    ],
)
def test_faults_of_freezes(said: str, fault: str) -> None:
    found = faults_of(f"freezes:\n  - {said}")
    assert any(fault in one for one in found), found


def test_a_freeze_and_a_rule_cannot_share_an_id() -> None:
    (fault,) = faults_of("  - {id: a, deny: x}\nfreezes:\n  - {id: a, from: 2026-01-01, until: 2027-01-01}")
    assert '"a" is taken' in fault


def test_a_tool_that_is_not_installed_may_be_named() -> None:
    assert faults_of("  - {id: a, match: {tool: [pager.page]}, deny: x}") == []


def test_every_fault_is_found_at_once() -> None:
    assert len(faults_of("  - {id: a, deny: ''}\n  - {id: b}\n  - {id: c, limit: {tier: x, timeout: y}}")) == 4


def test_file_and_line_are_those_of_the_id() -> None:
    found = rules("  -\n    describe: x\n    id: a\n    deny: x")
    assert (found.rules[0].file, found.rules[0].line) == ("policies/org.yaml", 5)

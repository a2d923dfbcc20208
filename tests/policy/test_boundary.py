from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.approvals import ApprovalEnd, Ballot, Vote
from domain.calls import Observation, ToolCall
from domain.decisions import Allow, Deny, RequireApproval, Verdict
from domain.runs import CallRecord, CallStatus, Message, Run, Wait
from domain.tasks import Source, Task, Trust
from domain.tiers import Effect, Tier
from policy.engine import PolicySet
from tests.policy.world import AGENT, NOW, PEOPLE, SPECS, call, rules, run_of, spec, task

FREEZE = """freezes:
  - {id: year-end, describe: Year end., from: 2026-11-21T00:00, until: 2026-11-22T00:00, zone: UTC,
     match: {labels: {env: prod}}, except: ["group:security"]}
"""


def judge(policies: PolicySet, tool: str, asked: Task | None = None, run: Run | None = None, **more: object) -> Verdict:
    made = call(tool, policies, **more)
    return policies.check_call(run or run_of(policies, asked), made, SPECS.get(tool), people=PEOPLE, now=NOW)


def offer(policies: PolicySet, run: Run | None = None, now: datetime = NOW, **more: object) -> Verdict:
    arguments = more.pop("arguments", {"repository": "acme/infra", "number": 7, "head": "abc"})
    made = call("forge.merge", policies, arguments=arguments, **more)
    return policies.check_offer(run or run_of(policies), made, SPECS["forge.merge"], people=PEOPLE, now=now)


def asked_of(verdict: Verdict) -> list[tuple[str, int]]:
    assert isinstance(verdict, RequireApproval), verdict
    return [(one.approvers.text, one.count) for one in verdict.requirements]


def denied(verdict: Verdict) -> str:
    assert isinstance(verdict, Deny), verdict
    return verdict.text


@pytest.mark.parametrize(
    ("tier", "tool", "allowed"),
    [
        (Tier.OBSERVE, "git.clone", True),
        (Tier.RECOMMEND, "git.push", False),
        (Tier.DRAFT, "git.push", True),
        (Tier.DRAFT, "shell.run", False),
        (Tier.SANDBOX, "shell.run", True),
        (Tier.SANDBOX, "service.restart", False),
    ],
)
def test_an_effect_the_tier_does_not_admit_is_denied_and_nobody_is_asked(
    tier: Tier,
    tool: str,
    allowed: bool,
) -> None:
    policies = rules("")
    run = run_of(policies, agent=replace(AGENT, tier=tier))
    verdict = judge(policies, tool, run=run)
    assert isinstance(verdict, Allow if allowed else Deny)
    if isinstance(verdict, Deny):
        assert f"this run may go up to {tier.label} only (agent:operator, agents/operator.yaml:1)" in verdict.text
        assert verdict.help == ("group:sre",)


def test_a_change_needs_a_peer_whatever_the_rules() -> None:
    verdict = judge(rules(""), "service.restart")
    assert asked_of(verdict) == [("peer", 1)]
    assert [r.policy for r in verdict.reasons] == ["change-needs-a-person"]


@pytest.mark.parametrize(
    ("asks", "then"),
    [
        ("[{from: self}]", [("peer", 1), ("self", 1)]),
        ('[{from: {any: [self, "group:sre"]}}]', [("any(group:sre,self)", 1), ("peer", 1)]),
        ('[{from: {all: [self, "group:sre"]}}]', [("all(group:sre,self)", 1)]),
        ('[{from: "group:security"}]', [("group:security", 1)]),
        ('[{from: "oncall:web", count: 2}]', [("oncall:web", 2)]),
    ],
)
def test_a_rule_replaces_the_peer_only_by_somebody_else(asks: str, then: list[tuple[str, int]]) -> None:
    assert (
        asked_of(judge(rules(f"  - {{id: a, match: {{effect: [change]}}, approve: {asks}}}"), "service.restart"))
        == then
    )


def test_an_unregistered_tool_is_denied() -> None:
    policies = rules("")
    assert "there is no tool pager.page (unknown-tool)" in denied(judge(policies, "pager.page"))


def test_a_tool_that_has_changed_since_is_denied() -> None:
    assert "has changed since" in denied(judge(rules(""), "git.push", version=2))


def test_a_call_only_people_make_cannot_be_proposed() -> None:
    assert "never proposed" in denied(judge(rules(""), "forge.merge"))


def test_the_worst_effect_anybody_ascribes_counts() -> None:
    assert isinstance(judge(rules(""), "git.commit", effect=Effect.CHANGE), RequireApproval)
    lied = judge(rules(""), "service.restart", effect=Effect.READ)
    assert isinstance(lied, RequireApproval)


def test_tools_outside_the_lists_are_denied() -> None:
    policies = rules("""
  - {id: a, limit: {denied_tools: ["git.p*"]}}
  - {id: b, match: {tool: ["git.clone"]}, limit: {allowed_tools: ["service.*"]}}
""")
    assert "git.push is not among the tools of this run (a, policies/org.yaml:4)" in denied(judge(policies, "git.push"))
    assert "git.clone is not among the tools of this run (b," in denied(judge(policies, "git.clone"))
    assert isinstance(judge(policies, "git.commit"), Allow)


def test_requires_pr_denies_changes_only() -> None:
    policies = rules("  - {id: a, limit: {requires_pr: true}}")
    assert "changes here go by change request, which people merge (a, policies/org.yaml:3)" in denied(
        judge(policies, "service.restart")
    )
    assert isinstance(judge(policies, "git.push"), Allow)
    assert isinstance(judge(policies, "shell.run"), Allow)


def test_door_approvals_apply_to_every_call_above_read() -> None:
    policies = rules('  - {id: a, approve: [{from: "group:security"}]}')
    assert isinstance(judge(policies, "git.clone"), Allow)
    for tool in ("git.push", "shell.run", "service.restart"):
        assert asked_of(judge(policies, tool)) == [("group:security", 1)]


@pytest.mark.parametrize(
    ("match", "arguments", "fits"),
    [
        ("resource: ['prod/*']", {"service": "web"}, True),
        ("resource: ['dev/*']", {"service": "web"}, False),
        ("labels: {env: prod}", {"service": "web"}, True),
        ("labels: {env: [dev, prod]}", {"service": "web"}, True),
        ("labels: {team: shop}", {"service": "web"}, True),
        ("labels: {team: shop}", {"service": "api"}, False),
        ("labels: {env: prod, team: search}", {"service": "web"}, False),
        ("tool: ['service.*']", {"service": "web"}, True),
        ("effect: [change]", {"service": "web"}, True),
        ("effect: [draft, execute]", {"service": "web"}, False),
    ],
)
def test_match_at_the_boundary(match: str, arguments: dict[str, str], fits: bool) -> None:
    policies = rules(f"  - {{id: a, match: {{{match}}}, deny: x}}")
    verdict = judge(policies, "service.restart", arguments=arguments)
    assert isinstance(verdict, Deny) is fits


@pytest.mark.parametrize(
    "said",
    [
        "match: {labels: {env: prod}}",
        "match: {resource: ['prod/*']}",
        "when: \"call.labels.env == 'prod'\"",
        "when: \"has(call.labels.env) && call.labels.env == 'prod'\"",
        'when: "has(call.labels)"',
        'when: "!has(call.labels)"',
        "when: \"call.resource.startsWith('prod/')\"",
        "when: \"!call.resource.startsWith('dev/')\"",
        "when: \"'env' in call.labels\"",
    ],
)
def test_what_nobody_knows_of_a_dangerous_call_counts_as_matching(said: str) -> None:
    policies = rules(f'  - {{id: a, {said}, approve: [{{from: "group:security"}}]}}', resources=None)
    assert asked_of(judge(policies, "dns.set")) == [("group:security", 1)]
    assert asked_of(judge(policies, "shell.run")) == [("group:security", 1)]
    known = judge(policies, "dns.set", resource="dev/x", labels={})
    if "'prod'" in said and "has" not in said and "when" in said:
        assert "cannot be evaluated" in denied(known)
    elif "has(call.labels)" not in said.replace("!has", "has"):
        assert asked_of(known) == [("peer", 1)]


@pytest.mark.parametrize("said", ["match: {labels: {env: prod}}", "when: \"call.resource == 'prod/web'\""])
def test_what_nobody_knows_of_a_harmless_call_is_empty(said: str) -> None:
    policies = rules(f"  - {{id: a, {said}, deny: x}}", resources=None)
    assert isinstance(judge(policies, "git.commit"), Allow)


def test_a_condition_that_is_false_whatever_is_unknown_does_not_match() -> None:
    policies = rules(
        "  - {id: a, when: \"task.type == 'other' && call.labels.env == 'prod'\", deny: x}", resources=None
    )
    assert asked_of(judge(policies, "dns.set")) == [("peer", 1)]


def test_an_unknown_resource_cannot_be_forged_by_arguments() -> None:
    policies = rules("  - {id: a, match: {resource: ['prod/*']}, deny: x}")
    for service in ("../dev", "web\nx", "", "*", 7.5, None, ["web"]):
        assert isinstance(judge(policies, "service.restart", arguments={"service": service}), Deny)
        assert policies.locate(SPECS["service.restart"], {"service": service})[0] is None


def test_labels_given_since_the_proposal_count_too() -> None:
    before = rules("", resources="version: 1\nresources: [{name: prod/web, labels: {env: dev}}]")
    proposed = call("service.restart", before)
    after = rules("  - {id: a, match: {labels: {env: prod}}, deny: x}")
    verdict = after.check_call(run_of(after), proposed, SPECS["service.restart"], people=PEOPLE, now=NOW)
    assert isinstance(verdict, Deny)


@pytest.mark.parametrize(
    ("now", "requester", "tool", "stopped"),
    [
        (datetime(2026, 11, 21, 0, tzinfo=UTC), "user:U1", "service.restart", True),
        (datetime(2026, 11, 20, 23, 59, tzinfo=UTC), "user:U1", "service.restart", False),
        (datetime(2026, 11, 22, 0, tzinfo=UTC), "user:U1", "service.restart", False),
        (datetime(2026, 11, 21, 12, tzinfo=UTC), "user:U4", "service.restart", False),
        (datetime(2026, 11, 21, 12, tzinfo=UTC), None, "service.restart", True),
        (datetime(2026, 11, 21, 12, tzinfo=UTC), "user:U1", "service.status", False),
    ],
)
def test_freezes_stop_changes(now: datetime, requester: str | None, tool: str, stopped: bool) -> None:
    policies = rules(FREEZE)
    run = run_of(policies, task(requester=requester))
    verdict = policies.check_call(run, call(tool, policies), SPECS[tool], people=PEOPLE, now=now)
    assert isinstance(verdict, Deny) is stopped
    if isinstance(verdict, Deny):
        assert verdict.text == (
            "Year end (until 2026-11-22 00:00 UTC; excepted: group:security) (year-end, policies/org.yaml:3)"
        )
        assert verdict.help == ("group:security", "group:sre")


def test_a_freeze_spares_only_if_everybody_whose_standing_counts_is_excepted() -> None:
    policies = rules(FREEZE)
    run = run_of(policies, task(requester="user:U4"), standing=("user:U4", "user:U1"))
    assert isinstance(judge(policies, "service.restart", run=run), Deny)


def test_a_freeze_that_names_effects_stops_those() -> None:
    policies = rules("freezes:\n  - {id: f, from: 2026-11-21T00:00, until: 2026-11-22T00:00, match: {effect: [draft]}}")
    assert isinstance(judge(policies, "git.push"), Deny)
    assert isinstance(judge(policies, "service.restart"), RequireApproval)


def test_freezes_stop_merges() -> None:
    policies = rules("freezes:\n  - {id: f, from: 2026-11-21T00:00, until: 2026-11-22T00:00}")
    assert isinstance(offer(policies), Deny)


@pytest.mark.parametrize(
    ("tool", "tainted", "asked"),
    [
        ("shell.run", ("command",), True),
        ("shell.run", ("command.parts[0]",), True),
        ("shell.run", ("stdin",), False),
        ("git.push", ("repository",), False),
        ("git.clone", ("repository",), False),
        ("service.restart", ("service",), True),
    ],
)
def test_a_tainted_selector_with_a_dangerous_effect_needs_a_person(
    tool: str,
    tainted: tuple[str, ...],
    asked: bool,
) -> None:
    verdict = judge(rules(""), tool, tainted=tainted)
    assert isinstance(verdict, RequireApproval) is asked
    if isinstance(verdict, RequireApproval):
        assert "tainted-selector" in {policy for one in verdict.requirements for policy in one.policies}


def test_conditions_read_the_run_and_the_call() -> None:
    policies = rules("""
  - {id: a, when: "call.tainted", deny: tainted}
  - {id: b, when: "run.iterations > 3 && call.effect == 'draft'", deny: slow}
  - {id: c, when: "run.cost_usd > 2 && call.tool.startsWith('git.')", deny: dear}
  - {id: d, when: "run.tainted && call.effect == 'execute'", deny: outside}
""")
    assert denied(judge(policies, "git.push", tainted=("x",))).startswith("tainted")
    assert denied(judge(policies, "git.push", run=run_of(policies, iterations=4))).startswith("slow")
    assert denied(judge(policies, "git.push", run=run_of(policies, cost_usd=2.5))).startswith("dear")
    observed = CallRecord(
        call=call("git.clone"), status=CallStatus.RETURNED, observation=Observation(ok=True, summary="")
    )
    assert denied(judge(policies, "shell.run", run=run_of(policies, past=(observed,)))).startswith("outside")
    trusted = replace(observed, observation=Observation(ok=True, summary="", trust=Trust.MACHINE))
    assert isinstance(judge(policies, "shell.run", run=run_of(policies, past=(trusted,))), Allow)


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("run.id == 'r-1'", True),
        ("run.id == ''", False),
        ("run.tier == 4", True),
        ("run.tier < 4", False),
        ("run.cost_usd == 1.5", True),
        ("run.depth == 1", True),
        ("run.iterations == 7", True),
        ("task.context.agent_slug == 'operator'", True),
    ],
)
def test_a_condition_at_the_boundary_sees_the_run_as_it_stands(when: str, holds: bool) -> None:
    policies = rules(f"  - {{id: a, when: \"{when} && call.effect == 'draft'\", deny: Seen}}")
    run = run_of(policies, task(source=Source.AGENT), iterations=7, cost_usd=1.5)
    assert isinstance(judge(policies, "git.push", run=run), Deny) is holds


def test_a_condition_at_the_boundary_sees_the_tier_that_was_decided() -> None:
    before = rules("  - {id: a, limit: {tier: sandbox}}")
    after = rules("  - {id: b, when: \"run.tier == 3 && call.effect == 'draft'\", deny: Seen}")
    assert denied(judge(after, "git.push", run=run_of(before))).startswith("Seen")


def test_a_tool_that_the_decision_kept_out_is_kept_out_by_who_said_so_then() -> None:
    before = rules("""
  - {id: a, limit: {denied_tools: ["git.push"]}}
  - {id: b, limit: {allowed_tools: []}, match: {requester: ["user:U4"]}}
""")
    said = judge(rules(""), "git.push", run=run_of(before))
    assert isinstance(said, Deny)
    assert [one.policy for one in said.reasons] == ["a"]
    said = judge(rules(""), "git.clone", run=run_of(before, task(requester="user:U4")))
    assert isinstance(said, Deny)
    assert [one.policy for one in said.reasons] == ["b"]


def test_words_from_outside_that_joined_the_run_taint_it() -> None:
    policies = rules("  - {id: d, when: \"run.tainted && call.effect == 'execute'\", deny: outside}")
    heard = run_of(policies, messages=(Message(by="user:U1", text="do it"),))
    assert isinstance(judge(policies, "shell.run", run=heard), Allow)
    outside = run_of(policies, messages=(Message(by="user:U1", text="do it", tainted=True),))
    assert denied(judge(policies, "shell.run", run=outside)).startswith("outside")
    task_of_outside = run_of(policies, task(trust=Trust.UNTRUSTED))
    assert denied(judge(policies, "shell.run", run=task_of_outside)).startswith("outside")


def test_what_the_house_itself_refuses_says_so_in_its_own_name() -> None:
    policies = rules("")
    said = judge(policies, "forge.merge")
    assert isinstance(said, Deny)
    assert said.text == "forge.merge is made by a person's click, never proposed (only-people)"
    assert [(one.policy, one.file, one.sets) for one in said.reasons] == [("only-people", "built-in", "deny")]
    assert said.help == ("group:sre",)
    assert said.policy_hash == policies.hash


def test_a_run_that_the_door_refused_says_the_doors_reasons_and_help() -> None:
    policies = rules("  - {id: a, deny: no}")
    run = run_of(policies)
    assert run.decision is not None
    said = judge(policies, "git.clone", run=run)
    assert said == Deny(
        text=run.decision.reason, reasons=run.decision.reasons, policy_hash=policies.hash, help=("group:sre",)
    )


def test_door_rules_are_asked_again_at_the_boundary() -> None:
    before = rules("")
    run = run_of(before)
    after = rules("""
  - {id: a, match: {requester: ["user:U1"]}, limit: {tier: sandbox}}
  - {id: b, when: "run.iterations > 3", deny: enough}
""")
    assert "may go up to sandbox only (a," in denied(judge(after, "service.restart", run=run))
    assert denied(judge(after, "git.clone", run=replace(run, iterations=4))).startswith("enough")


def test_the_recorded_decision_bounds_even_when_rules_have_gone() -> None:
    run = run_of(rules("  - {id: a, limit: {tier: draft}}"))
    assert "up to draft only (a, policies/org.yaml:3)" in denied(judge(rules(""), "service.restart", run=run))


def test_a_run_without_an_allowing_decision_makes_no_call() -> None:
    policies = rules("  - {id: a, deny: no}")
    assert denied(judge(policies, "git.clone", run=run_of(policies))).startswith("no.")
    assert "has not decided" in denied(judge(policies, "git.clone", run=replace(run_of(policies), decision=None)))


def test_an_agent_that_is_gone_makes_no_call() -> None:
    run = replace(run_of(rules("")), agent="gone")
    assert "there is no agent gone any more" in denied(judge(rules(""), "git.clone", run=run))


def refused(made: ToolCall) -> CallRecord:
    vote = Vote(approval_id="a", by="user:U2", ballot=Ballot.DENY, digest="d")
    return CallRecord(call=made, status=CallStatus.DENIED, approval_end=ApprovalEnd.DENIED, votes=(vote,))


def test_what_a_person_refused_is_not_asked_again() -> None:
    policies = rules("")
    past = refused(call("service.restart", policies, call_id="c0"))
    run = run_of(policies, past=(past,))
    text = denied(judge(policies, "service.restart", run=run, arguments={"service": "web", "now": True}))
    assert text == "user:U2 refused service.restart on prod/web in this run; it is not asked again"
    other = judge(policies, "service.restart", run=run, arguments={"service": "api"})
    assert isinstance(other, RequireApproval)
    expired = replace(past, approval_end=ApprovalEnd.EXPIRED)
    assert isinstance(judge(policies, "service.restart", run=run_of(policies, past=(expired,))), RequireApproval)


def test_the_verdict_hash_covers_contributing_rules_and_requirements_only() -> None:
    asks = '  - {id: a, match: {effect: [change]}, approve: [{from: "group:sre"}]}\n'

    def verdict_hash(text: str) -> str:
        verdict = judge(rules(text), "service.restart")
        assert isinstance(verdict, RequireApproval)
        return verdict.hash

    first = verdict_hash(asks)
    assert verdict_hash("  - {id: z, match: {type: [other]}, deny: x}\n" + asks) == first
    assert verdict_hash(asks.replace("id: a", "id: a, describe: Said.")) == first
    assert verdict_hash(asks.replace("group:sre", "group:security")) != first
    assert verdict_hash(asks.replace("[change]", "[change, execute]")) != first
    assert verdict_hash(asks.replace("approve:", "when: 'true', approve:")) != first
    assert verdict_hash(asks + '  - {id: b, match: {tool: ["service.*"]}, approve: [{from: peer}]}') != first


def test_an_offer_needs_a_peer_and_is_not_bounded_by_tier_or_change_request() -> None:
    policies = rules("  - {id: a, limit: {tier: draft, requires_pr: true}}")
    verdict = offer(policies)
    assert asked_of(verdict) == [("peer", 1)]
    assert [r.policy for r in verdict.reasons] == ["offer-needs-a-person"]


def test_rules_may_ask_more_of_an_offer_or_refuse_it() -> None:
    policies = rules('  - {id: a, match: {tool: ["forge.*"]}, approve: [{from: "group:security", count: 2}]}')
    assert asked_of(offer(policies)) == [("group:security", 2)]
    assert isinstance(offer(rules("  - {id: a, match: {labels: {kind: repository}}, deny: x}")), Deny)


def test_an_offer_of_a_proposable_tool_is_bounded_like_any_call() -> None:
    policies = rules("  - {id: a, limit: {tier: draft}}")
    made = call("service.restart", policies)
    verdict = policies.check_offer(run_of(policies), made, SPECS["service.restart"], people=PEOPLE, now=NOW)
    assert isinstance(verdict, Deny)
    assert isinstance(policies.check_offer(run_of(policies), made, None, people=PEOPLE, now=NOW), Deny)


@pytest.mark.parametrize(
    ("topic", "what", "passed"),
    [
        ("checks:acme/infra#7@abc", "passed", True),
        ("checks:acme/infra#7@abc", "failed", False),
        ("checks:acme/infra#7@abc", None, False),
        ("checks:acme/infra#7@abcd", "passed", False),
        ("checks:acme/infra#17@abc", "passed", False),
        ("checks:acme/other#7@abc", "passed", False),
        ("merge:acme/infra#7@abc", "passed", False),
    ],
)
def test_validation_is_of_the_exact_head(topic: str, what: str | None, passed: bool) -> None:
    policies = rules("  - {id: a, limit: {requires_validation: true}}")
    run = run_of(policies, waits=(Wait(topic=topic, why="", until=NOW, what=what),))
    verdict = offer(policies, run)
    assert isinstance(verdict, RequireApproval) is passed
    if isinstance(verdict, Deny):
        assert "has not passed its checks (a, policies/org.yaml:3)" in verdict.text


def test_the_last_word_about_a_head_counts() -> None:
    policies = rules("  - {id: a, limit: {requires_validation: true}}")
    waits = tuple(Wait(topic="checks:acme/infra#7@abc", why="", until=NOW, what=w) for w in ("passed", "failed"))
    assert isinstance(offer(policies, run_of(policies, waits=waits)), Deny)
    assert isinstance(offer(policies, run_of(policies, waits=waits[::-1])), RequireApproval)
    assert isinstance(offer(policies, run_of(policies, waits=waits), arguments={}), Deny)


def test_an_alert_is_judged_like_any_task() -> None:
    policies = rules("""
  - {id: bulk, match: {effect: [change]}, deny: no bulk,
     when: "task.trigger.source == 'alert' && has(call.arguments.count) && call.arguments.count > 3"}
""")
    alert = task(source=Source.ALERT, requester=None, trust=Trust.UNTRUSTED)
    many = {"service": "web", "count": 4}
    assert denied(judge(policies, "service.restart", alert, arguments=many)).startswith("no bulk")
    assert asked_of(judge(policies, "service.restart", alert, arguments={"service": "web", "count": 3})) == [
        ("peer", 1)
    ]
    assert asked_of(judge(policies, "service.restart", arguments=many)) == [("peer", 1)]
    odd = judge(policies, "service.restart", alert, arguments={"service": "web", "count": "many"})
    assert "cannot be evaluated" in denied(odd)


def test_a_new_tool_is_judged_by_its_effect_alone() -> None:
    policies = rules("")
    new = spec("pager.page", Effect.CHANGE)
    run = run_of(policies)
    run = replace(
        run,
        decision=replace(run.decision, constraints=replace(run.decision.constraints, allowed_tools=("pager.page",))),
    )  # type: ignore[union-attr, type-var]
    verdict = policies.check_call(run, call("pager.page"), new, people=PEOPLE, now=NOW)
    assert asked_of(verdict) == [("peer", 1)]

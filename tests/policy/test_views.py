"""What the boundary knows of a call and of its run: the worse of two effects, both names, and who it is for."""

from dataclasses import replace
from typing import Any

import pytest

from domain.budgets import Spending, Spent
from domain.calls import ToolSpec
from domain.decisions import Allow, Deny, RequireApproval
from domain.tiers import Effect
from policy.boundary import seen
from policy.engine import PolicySet
from tests.policy.world import AGENT, NOW, PEOPLE, SPECS, call, rules, run_of, spec, task

KNOWN = "version: 1\nresources: [{name: prod/web, labels: {env: prod}}]"
UNLISTED = "version: 1\nresources: [{name: other, labels: {env: prod}}]"
RESTART = SPECS["service.restart"]


def judge(policies: PolicySet, made: Any, found: ToolSpec | None, run: Any = None, **more: Any) -> Any:
    return policies.check_call(run or run_of(policies), made, found, people=PEOPLE, now=NOW, **more)


# ── Resource and labels ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_call_is_seen_by_what_was_proposed_and_by_what_the_catalogue_says_now() -> None:
    policies = rules("", resources=KNOWN)
    made = call("service.restart", policies)
    now = seen(policies, made, RESTART)
    assert (now.resources, now.labels) == (("prod/web",), ({"env": "prod"},))
    other = seen(policies, replace(made, resource="dev/web", labels={"env": "dev"}), RESTART)
    assert (other.resources, other.labels) == (("dev/web", "prod/web"), ({"env": "dev"}, {"env": "prod"}))
    unknown = seen(policies, replace(made, resource=None, labels=None), RESTART)
    assert (unknown.resources, unknown.labels) == (("prod/web",), ({"env": "prod"},))


def test_where_the_tool_names_no_resource_the_catalogue_still_labels_the_one_that_was_proposed() -> None:
    policies = rules("", resources=KNOWN)
    made = call("dns.set", resource="prod/web", labels=None)
    assert seen(policies, made, SPECS["dns.set"]).labels == ({"env": "prod"},)
    nowhere = seen(policies, replace(made, resource=None), SPECS["dns.set"])
    assert (nowhere.resources, nowhere.labels) == (None, None)


def test_what_a_tool_knows_of_its_labels_is_not_replaced_by_those_of_another_resource() -> None:
    policies = rules("", resources=KNOWN)
    labelled = spec("dns.set", Effect.CHANGE, labels={"env": "dev"})
    assert seen(policies, call("dns.set", resource="prod/web"), labelled).labels == ({"env": "dev"},)
    made = call("service.restart", resource="prod/web", labels={"env": "prod"}, arguments={"service": "api"})
    moved = seen(policies, made, RESTART)
    assert (moved.resources, moved.labels) == (("prod/web", "prod/api"), None)


@pytest.mark.parametrize(("effect", "forgotten"), [(Effect.CHANGE, True), (Effect.EXECUTE, True), (Effect.READ, False)])
def test_labels_that_the_catalogue_has_let_go_of_are_unknown_for_a_dangerous_call(
    effect: Effect, forgotten: bool
) -> None:
    labelled = call("service.restart", rules("", resources=KNOWN), effect=effect)
    after = rules("", resources=UNLISTED)
    view = seen(after, labelled, replace(RESTART, effect=effect))
    assert view.labels == (None if forgotten else ({"env": "prod"},))


@pytest.mark.parametrize(
    ("proposed", "known", "counts"),
    [
        (Effect.READ, Effect.CHANGE, Effect.CHANGE),
        (Effect.CHANGE, Effect.READ, Effect.CHANGE),
        (Effect.DRAFT, Effect.EXECUTE, Effect.EXECUTE),
        (Effect.DRAFT, Effect.DRAFT, Effect.DRAFT),
    ],
)
def test_of_two_effects_the_worse_one_counts(proposed: Effect, known: Effect, counts: Effect) -> None:
    policies = rules("")
    made = call("service.restart", policies, effect=proposed)
    assert seen(policies, made, replace(RESTART, effect=known)).effect is counts


# ── The run's agent ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_that_was_routed_is_its_agents_whatever_the_task_said() -> None:
    policies = rules("  - {id: a, match: {agent: [operator], effect: [draft]}, deny: Not this one}")
    routed = run_of(policies)
    assert routed.task is not None
    for asked_for in (None, "other", "operator"):
        context = replace(routed.task.context, agent_slug=asked_for)
        run = replace(routed, task=replace(routed.task, context=context))
        assert isinstance(judge(policies, call("git.push", policies), SPECS["git.push"], run), Deny)
        assert isinstance(
            judge(policies, call("git.push", policies), SPECS["git.push"], replace(run, agent="other")), Allow
        )


def test_a_run_without_an_agent_is_judged_as_its_task_says() -> None:
    policies = rules("  - {id: a, match: {agent: [operator], effect: [draft]}, deny: Not this one}")
    run = replace(run_of(policies), agent="")
    assert isinstance(judge(policies, call("git.push", policies), SPECS["git.push"], run), Allow)
    assert run.task is not None
    named = replace(run.task, context=replace(run.task.context, agent_slug="operator"))
    assert isinstance(judge(policies, call("git.push", policies), SPECS["git.push"], replace(run, task=named)), Deny)


# ── What a verdict carries ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_verdict_carries_the_rules_version_and_who_set_how_far_it_goes() -> None:
    policies = rules("  - {id: a, limit: {tier: sandbox}}")
    allowed = judge(policies, call("git.push", policies), SPECS["git.push"])
    assert isinstance(allowed, Allow)
    assert (allowed.policy_hash, [one.policy for one in allowed.reasons]) == (policies.hash, ["a"])
    asked = judge(rules(""), call("service.restart", rules("")), RESTART)
    assert isinstance(asked, RequireApproval)
    assert asked.policy_hash == rules("").hash


def test_a_verdict_carries_what_its_start_draws() -> None:
    policies = rules("budgets:\n  - {id: b, describe: B., of: actions, most: 3, every: 1h, per: [agent]}")
    enough = Spending(others=Spent())
    for tool in ("git.push", "service.restart"):
        said = judge(policies, call(tool, policies), SPECS[tool], spending=enough)
        assert [(draw.of.value, draw.most) for draw in said.draws] == [("actions", 3)]
    person = policies.check_offer(
        run_of(policies), call("git.push", policies), SPECS["git.push"], people=PEOPLE, now=NOW, spending=enough
    )
    assert isinstance(person, Allow)


def test_another_tool_under_the_same_name_or_version_is_a_changed_one() -> None:
    policies = rules("")
    made = call("git.push", policies)
    for found in (replace(SPECS["git.push"], name="git.pull"), replace(SPECS["git.push"], version=2)):
        said = judge(policies, made, found)
        assert isinstance(said, Deny)
        assert [one.policy for one in said.reasons] == ["changed-tool"]


def test_the_house_names_what_it_misses() -> None:
    policies = rules("")
    made = call("git.push", policies)
    undecided = judge(policies, made, SPECS["git.push"], replace(run_of(policies), decision=None))
    gone = judge(policies, made, SPECS["git.push"], replace(run_of(policies), agent="gone"))
    unknown = judge(policies, made, None)
    named = [[(one.policy, one.line) for one in said.reasons] for said in (undecided, gone, unknown)]
    assert named == [[("undecided", 0)], [("unknown-agent", 0)], [("unknown-tool", 0)]]


@pytest.mark.parametrize(
    ("tainted", "insists"),
    [("command", True), ("command.name", True), ("command[0]", True), ("command[0].name", True), ("commands", False)],
)
def test_a_part_of_a_tainted_selector_taints_it(tainted: str, insists: bool) -> None:
    policies = rules("")
    said = judge(policies, call("shell.run", policies, tainted=(tainted,)), SPECS["shell.run"])
    assert isinstance(said, RequireApproval) is insists
    if isinstance(said, RequireApproval):
        reasons = [(one.policy, one.file, one.line, one.sets, one.to) for one in said.reasons]
        assert reasons == [("tainted-selector", "built-in", 0, "approve", "1 from peer within 24h")]


def test_what_only_a_person_makes_asks_a_person_even_where_it_only_reads() -> None:
    reading = spec("forge.look", Effect.READ, proposable=False)
    policies = rules('  - {id: a, match: {effect: [read]}, approve: [{from: "group:sre", count: 2}]}')
    run = run_of(policies)
    assert run.decision is not None
    limits = replace(run.decision.constraints, allowed_tools=("forge.look",))
    run = replace(run, decision=replace(run.decision, constraints=limits))
    offered = policies.check_offer(run, call("forge.look", effect=Effect.READ), reading, people=PEOPLE, now=NOW)
    assert isinstance(offered, RequireApproval)
    assert [(one.approvers.text, one.count) for one in offered.requirements] == [("group:sre", 2)]


def test_an_agents_owners_can_help_where_the_house_refuses() -> None:
    policies = rules("", agents={"operator": replace(AGENT, owners=("user:U4",))})
    said = judge(policies, call("git.push"), None, run_of(policies, task()))
    assert said.help == ("user:U4", "group:sre")

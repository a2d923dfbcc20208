"""Runs under way while the rules change: the recorded decision and the newest rules bound them together, both fully."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given, settings

from domain.calls import ToolCall
from domain.decisions import Deny, RequireApproval, Verdict
from domain.tasks import Task
from domain.tiers import admits
from policy.analysis.backtest import Direction, Says, answer_of, turned
from policy.analysis.differences import differences, put_back
from policy.engine import PolicySet
from policy.sources.rules import Rule
from tests.policy.test_laws import build, calls, rule_lists, tasks
from tests.policy.world import NOW, PEOPLE, SPECS, call, decide, rules, run_of, task

SEVERITY: Mapping[type[Any], int] = {Deny: 2, RequireApproval: 1}
STRICT = "- {id: strict, level: organization, match: {tool: [service.restart]}, deny: Not now.}"


def said(door: PolicySet, boundary: PolicySet, asked: Task, made: ToolCall) -> Verdict:
    """What `boundary` says of a call of a run that `door` let in."""
    run = run_of(boundary, asked, decision=decide(door, asked))
    return boundary.check_call(run, made, SPECS[made.tool], people=PEOPLE, now=NOW)


@settings(max_examples=150, deadline=None)
@given(rule_lists(), rule_lists(), tasks, calls)
def test_a_run_under_way_is_bounded_by_its_decision_and_by_the_newest_rules(
    old: list[Rule], new: list[Rule], asked: Task, made: ToolCall
) -> None:
    before, after = build(old), build([replace(rule, id=f"n{rule.id}", contents=f"n{rule.id}") for rule in new])
    mixed, fresh, decision = said(before, after, asked, made), said(after, after, asked, made), decide(before, asked)
    assert SEVERITY.get(type(mixed), 0) >= SEVERITY.get(type(fresh), 0), "the newest rules are not loosened"
    if not isinstance(mixed, Deny):
        assert decision.allowed
        assert admits(decision.tier, made.effect), "the decision is not widened"
        assert made.tool in decision.constraints.allowed_tools
    if isinstance(mixed, RequireApproval):
        asks = {one.approvers.text: one.count for one in mixed.requirements}
        assert all(asks[one.approvers.text] >= one.count for one in decision.approvals)
        if isinstance(fresh, RequireApproval) and not {"peer"} & {one.approvers.text for one in fresh.requirements}:
            assert all(asks[one.approvers.text] >= one.count for one in fresh.requirements)


@settings(max_examples=100, deadline=None)
@given(rule_lists(), tasks, calls)
def test_the_same_rules_again_change_nothing(old: list[Rule], asked: Task, made: ToolCall) -> None:
    one, again = build(old), build(list(reversed(old)))
    assert said(one, one, asked, made) == said(one, again, asked, made)


@settings(max_examples=100, deadline=None)
@given(rule_lists(), rule_lists(), tasks)
def test_putting_every_piece_back_leaves_the_old_version(old: list[Rule], new: list[Rule], asked: Task) -> None:
    before = build(old)
    after = build([replace(rule, contents=f"n{rule.id}") for rule in new])
    found = after
    for piece in differences(before, after):
        found = put_back(piece, old=before, new=found)
    assert not differences(before, found)
    assert turned(answer_of(decide(before, asked)), answer_of(decide(found, asked))).direction is Direction.SAME


@settings(max_examples=100, deadline=None)
@given(rule_lists(), rule_lists(most=1), tasks, calls)
def test_one_more_rule_never_flips_to_looser(listed: list[Rule], more: list[Rule], asked: Task, made: ToolCall) -> None:
    before = build(listed)
    after = build([*listed, *(replace(r, id="new", contents="new") for r in more)])
    door = turned(answer_of(decide(before, asked)), answer_of(decide(after, asked)))
    assert not door.direction.widens
    verdicts = [answer_of(said(one, one, asked, made)) for one in (before, after)]
    if "peer" not in {one.approvers.text for one in verdicts[0].approvals}:  # a rule may ask somebody else instead
        assert not turned(*verdicts).direction.widens


def test_turning_is_named_for_what_people_notice_first() -> None:
    quiet, strict = rules(""), rules(STRICT)
    two = rules(
        "- {id: two, level: organization, match: {tool: [service.restart]}, approve: [{from: 'group:sre', count: 2}]}"
    )
    made = call("service.restart", quiet)
    answers = [answer_of(said(one, one, task(), made)) for one in (quiet, strict, two)]
    assert [one.says for one in answers] == [Says.ASKS, Says.DENIED, Says.ASKS]
    assert turned(answers[0], answers[1]).kind == "now denied"
    assert turned(answers[1], answers[0]).kind == "now asks"
    assert turned(answers[0], answers[2]).direction is Direction.OTHERWISE, "the peer is not asked any more"


def test_limits_tools_and_tiers_turn_both_ways() -> None:
    def door(limit: str) -> PolicySet:
        return rules(f"- {{id: one, level: organization, limit: {{{limit}}}}}")

    def way(before: str, after: str) -> tuple[str, str]:
        turn = turned(*(answer_of(decide(door(one))) for one in (before, after)))
        return turn.direction.value, turn.kind

    assert way("tier: draft", "tier: sandbox") == ("looser", "higher tier")
    assert way("tier: sandbox", "tier: draft") == ("stricter", "lower tier")
    assert way("max_iterations: 3", "max_iterations: 2") == ("stricter", "tighter limits")
    assert way("max_iterations: 3", "budget_usd: 2") == ("otherwise", "other limits")
    assert way("max_iterations: 3", "max_iterations: 3") == ("same", "same")
    assert way("allowed_tools: ['git.*']", "allowed_tools: ['dns.*']") == ("otherwise", "other tools")
    assert way("denied_tools: ['git.*']", "denied_tools: ['git.push']") == ("looser", "more tools")
    assert way("requires_pr: true", "max_iterations: 9") == ("otherwise", "other limits")


def test_every_kind_of_piece_is_found_and_put_back() -> None:
    before = rules(
        "- {id: gone, level: organization, deny: No.}\n- {id: kept, level: organization, limit: {tier: draft}}"
    )
    after = rules(
        "- {id: kept, level: organization, describe: Otherwise described., limit: {tier: draft}}\n"
        "- {id: new, level: organization, limit: {tier: observe}}",
        resources="version: 1\nresources:\n  - {name: other/web, labels: {env: dev}}\n",
    )
    found = {(one.kind, one.name, one.change) for one in differences(before, after)}
    assert found == {("rule", "gone", "removed"), ("rule", "new", "added"), ("resources", "", "changed")}
    [new] = [one for one in differences(before, after) if one.name == "new"]
    assert (new.file, new.line) == ("policies/org.yaml", 4)
    assert decide(put_back(new, old=before, new=after)).tier.label == "draft"

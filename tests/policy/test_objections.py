"""Objections one by one: what a person refused, how many actions are left, which lists keep a tool out."""

from dataclasses import replace
from typing import Any

import pytest

from domain.approvals import ApprovalEnd, Ballot, Vote
from domain.decisions import Allow, Deny, RequireApproval, Verdict
from domain.runs import CallRecord, CallStatus, Run, Wait
from policy.engine import PolicySet
from policy.objections import validated
from tests.policy.world import NOW, PEOPLE, SPECS, call, rules, run_of


def judge(policies: PolicySet, tool: str, run: Run, **more: Any) -> Verdict:
    return policies.check_call(run, call(tool, policies, **more), SPECS[tool], people=PEOPLE, now=NOW)


def started(tool: str, call_id: str, **more: Any) -> CallRecord:
    return CallRecord(call=call(tool, call_id=call_id), status=CallStatus.RETURNED, attempt=1, **more)


def refused(policies: PolicySet, tool: str, *votes: tuple[str, Ballot], **more: Any) -> CallRecord:
    cast = tuple(Vote(approval_id="a", by=by, ballot=ballot, digest="d") for by, ballot in votes)
    return CallRecord(
        call=call(tool, policies, **more), status=CallStatus.DENIED, approval_end=ApprovalEnd.DENIED, votes=cast
    )


# ── Actions left ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("most", "made", "allowed"), [(0, 0, False), (1, 0, True), (1, 1, False), (2, 1, True)])
def test_no_more_actions_start_than_the_run_has(most: int, made: int, allowed: bool) -> None:
    policies = rules(f"  - {{id: a, limit: {{max_actions: {most}}}}}")
    past = tuple(started("git.push", f"p{n}") for n in range(made))
    said = judge(policies, "git.push", run_of(policies, past=past))
    assert isinstance(said, Allow) is allowed
    if isinstance(said, Deny):
        assert said.text == f"git.push would be one action more than the {most} of this run (a, policies/org.yaml:3)"


def test_reads_and_what_has_not_started_are_no_actions() -> None:
    policies = rules("  - {id: a, limit: {max_actions: 1}}")
    waiting = replace(started("git.push", "p1"), attempt=0)
    run = run_of(policies, past=(started("git.clone", "p0"), waiting))
    assert isinstance(judge(policies, "git.push", run), Allow)
    full = run_of(policies, past=(started("git.push", "p1"),))
    assert isinstance(judge(policies, "git.clone", full), Allow)


def test_to_repeat_an_action_is_no_further_one_but_another_is() -> None:
    policies = rules("  - {id: a, limit: {max_actions: 1}}")
    run = run_of(policies, batch=(started("git.push", "c1"),))
    assert isinstance(judge(policies, "git.push", run, call_id="c1"), Allow)
    assert isinstance(judge(policies, "git.push", run, call_id="c2"), Deny)
    unstarted = run_of(
        policies, batch=(replace(started("git.push", "c1"), attempt=0),), past=(started("git.push", "p"),)
    )
    assert isinstance(judge(policies, "git.push", unstarted, call_id="c1"), Deny)


# ── What a person refused ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_refusal_is_told_by_the_last_who_refused() -> None:
    policies = rules("")
    votes = ("user:U2", Ballot.DENY), ("user:U3", Ballot.APPROVE)
    run = run_of(policies, past=(refused(policies, "service.restart", *votes, call_id="c0"),))
    said = judge(policies, "service.restart", run)
    assert isinstance(said, Deny)
    assert said.text == "user:U2 refused service.restart on prod/web in this run; it is not asked again"
    nobody = run_of(policies, past=(refused(policies, "service.restart", call_id="c0"),))
    said = judge(policies, "service.restart", nobody)
    assert isinstance(said, Deny)
    assert said.text.startswith("a person refused")


def test_a_refusal_is_of_the_same_tool_and_resource_in_another_call() -> None:
    policies = rules("")
    record = refused(policies, "service.restart", ("user:U2", Ballot.DENY), call_id="c1")
    itself = run_of(policies, batch=(record,))
    assert isinstance(judge(policies, "service.restart", itself, call_id="c1"), RequireApproval)
    assert isinstance(judge(policies, "service.restart", itself, call_id="c2"), Deny)
    assert isinstance(judge(policies, "dns.set", itself, call_id="c2"), RequireApproval)


def test_what_people_click_themselves_is_refused_for_the_same_arguments_only() -> None:
    policies = rules("")
    given = {"repository": "acme/infra", "number": 7, "head": "abc"}
    run = run_of(
        policies, past=(refused(policies, "forge.merge", ("user:U2", Ballot.DENY), call_id="c0", arguments=given),)
    )

    def offer(**more: str) -> Verdict:
        made = call("forge.merge", policies, arguments={**given, **more})
        return policies.check_offer(run, made, SPECS["forge.merge"], people=PEOPLE, now=NOW)

    assert isinstance(offer(), Deny)
    assert isinstance(offer(head="def"), RequireApproval)


# ── Tools and places ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tool_that_is_kept_out_is_so_by_the_lists_that_keep_it_out() -> None:
    policies = rules("""
  - {id: a, limit: {allowed_tools: ["git.*"]}}
  - {id: b, limit: {allowed_tools: ["*"]}}
  - {id: c, limit: {denied_tools: ["dns.set"]}}
  - {id: d, limit: {denied_tools: ["service.*"]}}
  - {id: e, limit: {allowed_tools: []}, match: {requester: ["user:U4"]}}
""")
    said = judge(policies, "dns.set", run_of(policies))
    assert isinstance(said, Deny)
    assert {one.policy for one in said.reasons} == {"a", "c"}
    assert said.text.startswith("dns.set is not among the tools of this run (")
    nothing = run_of(policies, standing=("user:U4",))
    said = judge(policies, "git.push", nothing)
    assert isinstance(said, Deny)
    assert {one.policy for one in said.reasons} == {"e"}


def test_of_several_denials_the_first_by_place_speaks_and_all_are_named() -> None:
    policies = rules("""
  - {id: b, match: {tool: ["git.push"]}, deny: First}
  - {id: a, match: {tool: ["git.*"]}, deny: Second}
""")
    said = judge(policies, "git.push", run_of(policies))
    assert isinstance(said, Deny)
    assert said.text == "First (b, policies/org.yaml:4)"
    assert [one.policy for one in said.reasons] == ["b", "a"]
    assert said.policy_hash == policies.hash


# ── Checks of a head ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "topic", "passed"),
    [
        ({"head": "abc"}, "checks:acme/infra#7@abc", True),
        ({"head": "abc", "number": 7}, "checks:acme/infra#7@abc", True),
        ({"head": "abc", "repository": "acme/infra"}, "checks:acme/infra#7@abc", True),
        ({"head": "abc", "repository": "acme/infra"}, "checks:acme/infrastructure#7@abc", False),
        ({"head": "abc", "number": 7}, "checks:acme/infra#17@abc", False),
        ({"head": "abc"}, "merge:acme/infra#7@abc", False),
        ({"head": "bc"}, "checks:acme/infra#7@abc", False),
        ({"head": ""}, "checks:acme/infra#7@", False),
        ({"head": None}, "checks:acme/infra#7@None", False),
        ({}, "checks:acme/infra#7@None", False),
    ],
)
def test_checks_are_of_the_head_that_is_named(arguments: dict[str, Any], topic: str, passed: bool) -> None:
    run = Run(run_id="r", waits=(Wait(topic=topic, why="", until=NOW, what="passed"),))
    assert validated(run, arguments) is passed


def test_checks_that_are_still_awaited_take_back_no_earlier_word() -> None:
    waits = tuple(Wait(topic="checks:a#7@abc", why="", until=NOW, what=what) for what in ("passed", None))
    assert validated(Run(run_id="r", waits=waits), {"head": "abc"})
    assert not validated(Run(run_id="r", waits=waits[1:]), {"head": "abc"})

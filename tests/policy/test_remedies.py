"""What would have to change for a denial to be another answer: every remedy is held against asking again."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings

from domain.calls import ToolCall
from domain.decisions import Remedy
from domain.runs import CallRecord, CallStatus
from domain.tasks import Task
from domain.tiers import Tier
from policy.engine import PolicySet
from policy.explaining.explain import explain
from policy.explaining.remedies import remedies, remedies_of_run
from policy.sources.rules import Rule
from policy.sources.subjects import CallSketch, Subject
from tests.policy.test_explain import subject
from tests.policy.test_laws import build, calls, rule_lists, tasks
from tests.policy.test_sources import HARD, SOC2, STANDING, organization
from tests.policy.world import AGENT, CATALOG, NOW, PEOPLE, SPECS, call, rules, run_of

RESTART = {"tool": "service.restart", "arguments": {"service": "web"}}


def ways(policies: PolicySet, **given_: object) -> list[Remedy]:
    return list(remedies(policies, subject(**given_), people=PEOPLE, catalog=CATALOG, now=NOW))


def told(policies: PolicySet, **given_: object) -> list[tuple[str, tuple[str, ...]]]:
    return [(way.text, way.help) for way in ways(policies, **given_)]


def test_what_is_allowed_needs_no_remedy() -> None:
    assert ways(rules(""), task={}, call={"tool": "git.clone"}) == []
    assert ways(rules(""), task={}) == []


def test_of_a_requester_somebody_else_could_ask() -> None:
    policies = rules('  - {id: a, match: {requester: ["group:contractors"]}, deny: Not you}')
    assert told(policies, task={"requester": "user:U5"}) == [
        ("if somebody outside group:contractors asked", ("group:sre",)),
        ("if the rule a were changed (policies/org.yaml:3)", ("group:sre",)),
    ]


def test_those_who_are_barred_themselves_cannot_help() -> None:
    policies = rules('  - {id: a, match: {requester: ["group:sre", "user:U5"]}, deny: Not you}')
    assert told(policies, task={"requester": "user:U5"})[0] == (
        "if somebody outside group:sre and other than user:U5 asked",
        (),
    )
    everybody = rules("  - {id: a, match: {requester: [anyone]}, deny: Nobody}")
    assert [way.rules for way in ways(everybody, task={"requester": "user:U5"})] == [("a",)]


def test_of_what_nobody_asked_a_person_could() -> None:
    policies = rules("  - {id: a, match: {requester: [nobody]}, deny: Somebody has to ask}")
    assert told(policies, task={})[0] == ("if a person asked for it", ("group:sre",))


def test_of_an_alert_a_person_could_ask() -> None:
    said = "  - {id: a, match: {source: [alert], effect: [change]}, deny: Alerts change nothing}"
    given_ = {"task": {"trigger": {"source": "alert"}}, "call": RESTART}
    assert told(rules(said), **given_)[0] == ("if a person asked for it: now it comes by alert", ("group:sre",))
    by_condition = "  - {id: a, match: {effect: [change]}, when: \"task.trigger.source == 'alert'\", deny: no}"
    assert told(rules(by_condition), **given_)[0][0] == "if a person asked for it: now it comes by alert"


def test_of_freezes_the_moment_when_the_last_is_over_and_whom_they_spare() -> None:
    policies = rules("""freezes:
  - {id: one, from: 2026-11-20T00:00, until: 2026-11-22T00:00, except: ["group:security"]}
  - {id: two, from: 2026-11-21T00:00, until: 2026-11-23T08:00, zone: Europe/Berlin, except: ["group:security"]}
  - {id: next, from: 2026-11-23T07:00, until: 2026-11-24T00:00}
""")
    both = "if the freeze one were changed (policies/org.yaml:3), and the freeze two were changed"
    both += " (policies/org.yaml:4): each of them denies it"
    assert told(policies, task={"requester": "user:U1"}, call=RESTART) == [
        ("if somebody of group:security asked, whom the freeze spares", ("group:security",)),
        ("after 2026-11-24 00:00 UTC", ()),
        (both, ("group:sre",)),
    ]


def test_of_a_tier_the_agents_that_may_go_further() -> None:
    low = replace(AGENT, slug="low", tier=Tier.DRAFT, file="agents/low.yaml")
    deaf = replace(AGENT, slug="deaf", handles=("other",))
    high = replace(AGENT, slug="high", owners=("group:security",))
    policies = rules("", agents={one.slug: one for one in (low, deaf, high)})
    said = told(policies, task={"type": "chat", "context": {"agent_slug": "low"}}, call=RESTART)
    assert said == [
        ("with another agent: high (tier production)", ("group:security",)),
        ("if the agent low were granted more than draft (agents/low.yaml:1)", ("group:sre",)),
    ]
    policies = rules("", agents={"high": replace(high, tools=("service.*",))})
    said = told(policies, task={"type": "chat", "context": {"agent_slug": "high"}}, call={"tool": "disk.wipe"})
    assert said == [
        ("if the agent high were granted disk.wipe (agents/operator.yaml:1)", ("group:security", "group:sre"))
    ]
    policies = rules("", agents={one.slug: one for one in (low, deaf, high)})
    said = told(policies, task={"type": "chat", "context": {"agent_slug": "gone"}})
    assert [text for text, _ in said] == [
        "with an agent that exists: low (tier draft), high (tier production)",
    ]


def test_what_is_unknown_could_be_known() -> None:
    policies = rules("  - {id: a, match: {labels: {env: prod}}, deny: no}")
    assert told(policies, task={}, call={"tool": "dns.set"})[0] == (
        "if it were known what the call touches: what is unknown counts as matching",
        (),
    )
    assert (
        len(told(policies, task={}, call={"tool": "dns.set", "resource": "prod/dns", "labels": {"env": "prod"}})) == 1
    )


def test_duties_name_the_other_way() -> None:
    policies = rules("  - {id: a, limit: {requires_pr: true, requires_validation: true}}")
    assert told(policies, task={}, call=RESTART)[0][0] == "by a change request, which people merge"
    merge = {"tool": "forge.merge", "arguments": {"head": "a" * 40}}
    assert told(policies, task={}, call=merge)[0][0] == "once its exact head has passed its checks"


def test_who_owns_a_rule_is_asked_first() -> None:
    policies = organization({"policies/soc2.yaml": SOC2}, {"agents/operator.yaml": HARD}, STANDING)
    given_ = {"task": {"requester": "user:U5", "context": {"agent_slug": "operator"}}, "call": {"tool": "shell.run"}}
    (way,) = (way for way in ways(policies, **given_) if way.rules)
    assert way.rules == ("standing:group:contractors", "no-shell", "never-shell")
    assert way.help == ("group:sre", "group:security")
    assert "the rule no-shell, soc2, were changed (policies/soc2.yaml:5)" in way.text
    assert "the rule never-shell were changed (agents/operator.yaml:7)" in way.text


def denied(made: ToolCall, policies: PolicySet, asked: Task | None = None) -> tuple[object, CallRecord]:
    run = run_of(policies, asked)
    verdict = policies.check_call(run, made, SPECS.get(made.tool), people=PEOPLE, now=NOW)
    return run, CallRecord(call=made, status=CallStatus.DENIED, denial=verdict)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (call("forge.merge"), "by a person's click, when it is offered: it is never proposed"),
        (call("nobody.knows"), "if that tool were installed"),
        (replace(call("git.clone"), version=9), "if it were proposed again, for the tool as it is now"),
    ],
)
def test_what_the_house_denies(made: ToolCall, text: str) -> None:
    policies = rules("")
    run, record = denied(made, policies)
    found = remedies_of_run(policies, run, record, people=PEOPLE, catalog=CATALOG, now=NOW)  # type: ignore[arg-type]
    assert [one.text for one in found] == [text]


def test_of_a_run_the_rules_of_this_moment_are_asked() -> None:
    then = rules("  - {id: a, match: {tool: [git.push]}, deny: no}", agents={AGENT.slug: AGENT})
    run, record = denied(call("git.push"), then)
    found = remedies_of_run(then, run, record, people=PEOPLE, catalog=CATALOG, now=NOW)  # type: ignore[arg-type]
    assert [one.rules for one in found] == [("a",)]
    now = rules("", agents={AGENT.slug: AGENT})
    found = remedies_of_run(now, run, record, people=PEOPLE, catalog=CATALOG, now=NOW)  # type: ignore[arg-type]
    assert [one.text for one in found] == ["asked again now: by the rules of this moment it is allowed"]


# ── The law ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def allowed(listed: Sequence[Rule], asked: Subject) -> bool:
    return explain(build(listed), asked, people=PEOPLE, catalog=CATALOG, now=NOW).allowed


def held(listed: list[Rule], asked: Subject) -> None:
    """Every remedy that names rules flips the answer without them; those of a set do not flip it one by one."""
    for way in remedies(build(listed), asked, people=PEOPLE, catalog=CATALOG, now=NOW):
        left = [rule for rule in listed if rule.id not in way.rules]
        if way.rules:
            assert allowed(left, asked), way
        if len(way.rules) > 1:
            for name in way.rules:
                assert not allowed([rule for rule in listed if rule.id != name], asked), way
                assert not allowed([r for r in listed if r.id not in way.rules or r.id == name], asked), way


@settings(max_examples=150, deadline=None)
@given(rule_lists(), tasks)
def test_a_remedy_for_a_task_that_names_rules_is_exact(listed: list[Rule], asked: Task) -> None:
    held(listed, Subject(task=asked))


@settings(max_examples=150, deadline=None)
@given(rule_lists(), tasks, calls)
def test_a_remedy_for_a_call_that_names_rules_is_exact(listed: list[Rule], asked: Task, made: ToolCall) -> None:
    sketch = CallSketch(tool=made.tool, resource=made.resource, labels=made.labels, tainted=made.tainted)
    held(listed, Subject(task=asked, call=sketch))


@settings(max_examples=100, deadline=None)
@given(rule_lists(), tasks, calls)
def test_whatever_rules_deny_has_a_remedy(listed: list[Rule], asked: Task, made: ToolCall) -> None:
    sketch = CallSketch(tool=made.tool, resource=made.resource, labels=made.labels)
    found = Subject(task=asked, call=sketch)
    if not allowed(listed, found) and allowed([], found):
        assert any(way.rules for way in remedies(build(listed), found, people=PEOPLE, catalog=CATALOG, now=NOW))

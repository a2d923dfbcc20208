"""Earned autonomy: evidence reaches a rung, people grant it, the file bounds it, rules narrow it; it is easily lost."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import Deny
from domain.organization import Earned, Organization
from domain.records import Deed
from domain.tiers import Effect, Tier
from policy.check import Sources, load
from policy.engine import PolicySet
from policy.reading.files import Faults
from policy.sources.autonomy import counted, lacking, next_rung, start_of
from tests.policy.world import CATALOG, GROUPS, NOW, PEOPLE, SPECS, call, run_of, task

AGENT = """
slug: operator
handles: [chat]
tier: draft
tools: ["*"]
earns:
  - tier: sandbox
    after: {approved: 3, within: 30d, tools: ["git.*"], denied: 1}
    from: ["group:sre"]
  - {tier: production, after: {approved: 5, within: 10d}}
"""
GOOD = Deed(run_id="r", call_id="c", agent="operator", tool="git.push", approved=True, held=True, at=NOW)


def loaded(text: str = AGENT, rules: str = "") -> PolicySet:
    faults = Faults()
    sources = Sources(agents=[("agents/operator.yaml", text)], policies=[("policies/x.yaml", rules)] if rules else [])
    found = load(sources, faults, groups=GROUPS)
    faults.check()
    return found


def earned(tier: Tier) -> Organization:
    return Organization(seq=1, earned={"operator": Earned(tier=tier, since=NOW, run_id="r-1", by=("user:U2",))})


def decided(policies: PolicySet) -> tuple[Tier, str]:
    agent = policies.agents["operator"]
    said = policies.evaluate(task(), agent, standing=("user:U1",), people=PEOPLE, catalog=CATALOG, now=NOW)
    return said.tier, next(reason.policy for reason in said.reasons if reason.sets == "tier")


def test_what_was_earned_raises_the_start_and_says_so() -> None:
    policies = loaded()
    assert decided(policies) == (Tier.DRAFT, "agent:operator")
    assert decided(policies.under(earned(Tier.SANDBOX))) == (Tier.SANDBOX, "earned:operator")
    assert decided(policies.under(earned(Tier.SANDBOX)).under(Organization())) == (Tier.DRAFT, "agent:operator")


def test_a_rule_narrows_what_was_earned() -> None:
    rules = "version: 1\npolicies: [{id: look-only, limit: {tier: observe}}]"
    assert decided(loaded(rules=rules).under(earned(Tier.PRODUCTION)))[0] is Tier.OBSERVE


@given(st.sampled_from(Tier), st.sampled_from(Tier))
def test_nothing_raises_above_the_highest_rung_or_below_the_file(given_: Tier, raised: Tier) -> None:
    agent = replace(loaded().agents["operator"], tier=given_)
    tier, rung = start_of(agent, Earned(tier=raised, since=NOW, run_id="r", by=()))
    assert given_ <= tier <= max(given_, agent.ceiling)
    assert tier <= max(given_, raised)
    assert (rung is None) == (tier == given_)


def test_a_rung_that_the_file_no_longer_states_raises_nothing() -> None:
    agent = replace(loaded().agents["operator"], earns=())
    assert start_of(agent, Earned(tier=Tier.SANDBOX, since=NOW, run_id="r", by=())) == (Tier.DRAFT, None)


def test_what_was_lost_stops_the_next_call_of_a_run_that_was_decided_with_it() -> None:
    policies = loaded().under(earned(Tier.SANDBOX))
    agent = policies.agents["operator"]
    decision = policies.evaluate(task(), agent, standing=("user:U1",), people=PEOPLE, catalog=CATALOG, now=NOW)
    run = replace(run_of(policies, agent=agent), decision=decision)
    spec = SPECS["shell.run"]
    made = call("shell.run", effect=Effect.EXECUTE)
    before = policies.check_call(run, made, spec, people=PEOPLE, now=NOW)
    after = policies.under(Organization(seq=2)).check_call(run, made, spec, people=PEOPLE, now=NOW)
    assert not isinstance(before, Deny)
    assert isinstance(after, Deny)
    assert "draft" in after.text


def test_the_record_reaches_the_rung_by_its_own_tools_and_time() -> None:
    rung = loaded().agents["operator"].earns[0]
    assert not lacking(rung, counted(rung, [GOOD] * 3, NOW))
    old = replace(GOOD, at=NOW - timedelta(days=31))
    other = replace(GOOD, tool="service.restart")
    said = lacking(rung, counted(rung, [GOOD, GOOD, old, other], NOW))
    assert said == ("2 of 3 approved as proposed within 30d",)


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (replace(GOOD, approved=False, edited=True), "1 edited"),
        (replace(GOOD, held=False), "1 predictions did not hold"),
        (replace(GOOD, rolled_back=True), "1 rolled back"),
    ],
)
def test_one_deed_that_went_otherwise_is_in_the_way(deed: Deed, words: str) -> None:
    rung = loaded().agents["operator"].earns[0]
    said = lacking(rung, counted(rung, [*[GOOD] * 9, deed], NOW))
    assert len(said) == 1
    assert words in said[0]


def test_so_many_denials_as_the_rung_allows() -> None:
    rung = loaded().agents["operator"].earns[0]
    no = replace(GOOD, approved=False, denied=True)
    assert not lacking(rung, counted(rung, [*[GOOD] * 3, no], NOW))
    assert "2 denied" in lacking(rung, counted(rung, [*[GOOD] * 3, no, no], NOW))[0]


def test_rungs_are_climbed_one_by_one() -> None:
    agent = loaded().agents["operator"]
    first = next_rung(agent, None)
    assert first is not None
    assert first.tier is Tier.SANDBOX
    second = next_rung(agent, Earned(tier=Tier.SANDBOX, since=NOW, run_id="r", by=()))
    assert second is not None
    assert second.tier is Tier.PRODUCTION
    assert next_rung(agent, Earned(tier=Tier.PRODUCTION, since=NOW, run_id="r", by=())) is None


def test_whom_the_rung_names_is_asked_about_the_promotion() -> None:
    rule = loaded().by_id["earns:operator:sandbox"]
    assert rule.at_boundary
    assert [one.approvers.text for one in rule.bounds.approvals] == ["group:sre"]
    assert (rule.file, rule.line) == ("agents/operator.yaml", 7)


@pytest.mark.parametrize(
    ("earns", "words"),
    [
        ("[{tier: draft, after: {approved: 1, within: 1d}}]", "draft is not above draft"),
        ("[{tier: sandbox, after: {approved: 0, within: 1d}}]", "between 1 and 10000"),
        ("[{tier: sandbox}]", 'the key "after" is missing'),
        ("[{tier: sandbox, after: {approved: 1, within: 1d}, from: [self]}]", "names no approvers"),
        ("[{tier: sandbox, after: {aproved: 1, within: 1d}}]", "approved"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(earns: str, words: str) -> None:
    faults = Faults()
    text = f"slug: operator\nhandles: [chat]\ntier: draft\ntools: ['*']\nearns: {earns}\n"
    load(Sources(agents=[("agents/operator.yaml", text)]), faults, groups=GROUPS)
    assert any(words in str(fault) for fault in faults), [str(fault) for fault in faults]


def test_another_agent_is_another_version_of_the_rules() -> None:
    assert loaded().hash != loaded(AGENT.replace("tier: draft", "tier: recommend")).hash
    assert loaded().hash != loaded(AGENT.replace("approved: 3", "approved: 2")).hash

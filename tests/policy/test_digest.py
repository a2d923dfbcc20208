"""The rules in words: what they say, what they leave out, how long they get, and what their hash stands for."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.tasks import Task, Trust
from policy.bundles import OF_TASKS, bundled
from policy.engine import PolicySet
from policy.explaining.digest import LONGEST, InWords, in_words
from policy.facts import Membership, Progress, Situation
from policy.matching import fit
from policy.sources.rules import Rule
from tests.policy.test_laws import build, rule_lists, tasks
from tests.policy.test_rules import CONTRACT
from tests.policy.test_sources import HARD, INFRA, SOC2, STANDING, asked, decided, organization
from tests.policy.world import AGENT, GROUPS, NOW, PEOPLE, decide, rules, task

ORGANIZATION = """version: 1
policies:
  - {id: small, describe: Small changes., match: {effect: [change]}, when: "call.arguments.count > 3", deny: Too many}
  - {id: others, match: {agent: [other], tool: [git.push]}, deny: not here}
freezes:
  - {id: year-end, describe: The year-end freeze., from: 2026-12-20T00:00, until: 2027-01-04T08:00, zone: Europe/Berlin}
"""


def said(policies: PolicySet, **more: object) -> InWords:
    subject = asked(**more)  # type: ignore[arg-type]
    who = tuple(filter(None, [subject.requester]))
    return in_words(policies, subject, decided(policies, subject), standing=who, people=PEOPLE)


def everything() -> PolicySet:
    files = {"policies/org.yaml": ORGANIZATION, "policies/soc2.yaml": SOC2, "policies/infra.yaml": INFRA}
    return organization(files, {"agents/operator.yaml": HARD}, STANDING)


def test_there_is_a_section_for_each_kind_of_source() -> None:
    found = said(everything(), repository="acme/infra", requester="user:U5")
    assert {one.title: one.lines[0] for one in found.sections} == {
        "What policy allows in this run:": "tier recommend: calls that read (standing:group:contractors)",
        "Organization policies:": "Small changes. [small: when effect is change and call.arguments.count > 3:"
        " denied: Too many]",
        "Hard rules of the agent:": "[never-shell: when agent is operator and tool is shell.run:"
        " denied: This one runs no shell]",
        "Conventions of the repository:": "One change request changes one environment.",
        "Rules of the repository:": "[by-request: when repository is acme/infra or acme/modules-*: requires pr true]",
        "Compliance frameworks:": "Encrypted. [at-rest, soc2 CC6.1: when tool is git.push:"
        " needs 1 from group:security within 24h]",
        "Standing of those who ask:": "[standing:anyone: when requester is anyone: timeout 1h]",
        "Change freezes:": "The year-end freeze (until 2027-01-04 08:00 CET)",
    }
    assert all(line in found.text for one in found.sections for line in one.lines)


def test_what_concerns_others_is_left_out() -> None:
    found = said(everything(), repository="acme/shop", requester="user:U1").text
    for absent in ("others", "Shared code", "infra-push", "standing:group:contractors", "standing:nobody"):
        assert absent not in found
    assert "[others:" in said(everything(), agent="other").text
    assert "never-shell" not in said(everything(), agent="other").text


def test_limits_name_who_set_them() -> None:
    policies = rules(CONTRACT)
    agent = replace(AGENT, max_iterations=9)
    found = in_words(policies, task(), decide(policies, agent=agent), standing=("user:U1",), people=PEOPLE).text
    assert "tier production: calls that read, draft, execute, change (agent:operator)" in found
    assert "at most 9 iterations (agent:operator)" in found
    assert "Production changes need two of the on-call group and one of security. [no-direct-production: when" in found
    assert "label env is prod" in found
    assert "needs 2 from group:sre within 4h" in found
    assert "prod/* has env prod" in found


def test_a_refusal_and_a_taint_are_said() -> None:
    policies = rules("  - {id: a, match: {source: [user]}, deny: Not today}")
    refused = in_words(policies, task(), decide(policies), standing=("user:U1",), people=PEOPLE)
    assert refused.sections[0].lines == ("nothing: Not today. (a, policies/org.yaml:3)",)
    tainted = task(trust=Trust.UNTRUSTED)
    found = in_words(rules(""), tainted, decide(rules(""), tainted), standing=(), people=PEOPLE)
    assert found.sections[0].lines[-1].startswith("it follows text that nobody vouches for")


def test_it_is_bounded_and_no_rule_is_cut() -> None:
    many = "".join(
        f"  - {{id: r{n:03}, describe: {'x' * 300}, match: {{tool: [git.push]}}, deny: no}}\n" for n in range(200)
    )
    long = f"  - {{id: aa, describe: {'y' * 3_000}, match: {{tool: [git.push]}}, deny: no}}\n"
    policies = organization(
        {"policies/org.yaml": f"version: 1\npolicies:\n{many}{long}", "policies/soc2.yaml": SOC2}, standing=STANDING
    )
    found = said(policies)
    text = found.text
    assert len(text) <= LONGEST
    shown = next(one for one in found.sections if one.title == "Organization policies:")
    assert shown.more == 201 - len(shown.lines) > 0
    assert f"- and {shown.more} more, which the boundary applies" in text
    assert all(line.endswith("denied: no]") for line in shown.lines)
    assert "yyy" not in text
    for also in ("at-rest, soc2 CC6.1", "no-shell", "standing:anyone"):
        assert also in text, "no kind of source crowds out another"


def test_the_hash_names_everything_that_bounds_the_run() -> None:
    found = said(everything(), repository="acme/infra")
    assert found.hash.startswith("sha256:")
    assert found.hash == said(everything(), repository="acme/infra").hash
    others = {found.hash}
    for old, new in (
        ("Small changes.", "Tiny changes."),
        ("Too many", "Far too many"),
        ("2027-01-04T08:00", "2027-01-05T08:00"),
    ):
        files = {
            "policies/org.yaml": ORGANIZATION.replace(old, new),
            "policies/soc2.yaml": SOC2,
            "policies/i.yaml": INFRA,
        }
        changed = said(organization(files, {"agents/operator.yaml": HARD}, STANDING), repository="acme/infra")
        assert changed.hash not in others, (old, new)
        others.add(changed.hash)
    elsewhere = ORGANIZATION.replace("not here", "nowhere")  # of another agent
    files = {"policies/org.yaml": elsewhere, "policies/soc2.yaml": SOC2, "policies/infra.yaml": INFRA}
    assert (
        said(organization(files, {"agents/operator.yaml": HARD}, STANDING), repository="acme/infra").hash == found.hash
    )


@settings(max_examples=50, deadline=None)
@given(rule_lists(), st.randoms())
def test_neither_order_nor_files_change_it(listed: list[object], random: object) -> None:
    shuffled = list(listed)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (
        in_words(policies, task(), decide(policies), standing=("user:U1",), people=PEOPLE)
        for policies in (build(listed), build(shuffled))  # type: ignore[arg-type]
    )
    assert (one.text, one.hash) == (other.text, other.hash)


@settings(max_examples=80, deadline=None)
@given(rule_lists(most=12), tasks)
def test_bundles_concern_a_task_exactly_where_a_naive_look_does(listed: list[Rule], given_: Task) -> None:
    facts = Situation(
        given_,
        standing=tuple(filter(None, [given_.requester])),
        people=PEOPLE,
        groups=Membership.of(GROUPS),
        progress=Progress(),
        now=NOW,
    ).facts
    naive = {rule.id for rule in listed if fit(tuple(test for test in rule.match.tests if test[0] in OF_TASKS), facts)}
    assert {rule.id for bundle in bundled(listed) if bundle.concerns(facts) for rule in bundle.rules} == naive

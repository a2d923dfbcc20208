"""Sources beside the organization's own rules: hard rules, frameworks, repositories, standing. Each only narrows."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.decisions import Approvers, Deny, PolicyDecision
from domain.people import Person, Snapshot
from domain.runs import Run
from domain.tasks import Context, Source, Task, Trigger, Trust
from domain.tiers import Tier
from policy import check
from policy.door import of_decision
from policy.engine import PolicySet
from policy.lattice import Bounds, narrower
from policy.reading.files import Faults, Invalid, read
from policy.sources.headers import Origin
from tests.policy.test_laws import bare
from tests.policy.world import CATALOG, GROUPS, NOW, PEOPLE, SPECS, call

OPERATOR = "slug: operator\nhandles: [chat]\ntier: production\ntools: ['*']\nowners: ['group:sre']\n"
OTHER = "slug: other\nhandles: [chat]\ntier: draft\ntools: ['git.*']\n"
SOC2 = """version: 1
framework: {id: soc2, describe: Trust services criteria., owners: ["group:security"]}
policies:
  - {id: at-rest, control: CC6.1, describe: Encrypted., match: {tool: [git.push]}, approve: [{from: "group:security"}]}
  - {id: no-shell, match: {tool: [shell.run]}, deny: Nobody runs a shell}
"""
INFRA = """version: 1
repository:
  match: ["acme/infra", "acme/modules-*"]
  conventions: ["Shared code lives in modules/.", "One change request changes one   environment."]
policies:
  - {id: by-request, limit: {requires_pr: true}}
  - {id: infra-push, match: {tool: [git.push]}, approve: [{from: peer}]}
"""
STANDING = """
- {who: ["group:contractors"], tier: recommend, describe: Contractors look and recommend.}
- {who: ["user:U2", "token:ci"], denied_tools: ["shell.run"], max_iterations: 5, budget_usd: 1}
- {who: nobody, tier: draft}
- {who: anyone, timeout: 1h}
"""


def organization(
    policies: Mapping[str, str] | None = None, agents: Mapping[str, str] | None = None, standing: str = ""
) -> PolicySet:
    """The policy set of these texts. Raises Invalid."""
    faults = Faults()
    said = {"agents/operator.yaml": OPERATOR, "agents/other.yaml": OTHER, **(agents or {})}
    entries = read("countersign.yaml", standing, faults) if standing else None
    sources = check.Sources(agents=list(said.items()), policies=list((policies or {}).items()), standing=entries)
    found = check.load(
        sources, faults, groups=GROUPS, approvers=(Approvers(kind="group", name="sre"),), tools=tuple(SPECS)
    )
    faults.check()
    return found


def faults_of(**said: object) -> list[str]:
    try:
        organization(**said)  # type: ignore[arg-type]
    except Invalid as invalid:
        return [str(fault) for fault in invalid.faults]
    return []


def asked(agent: str = "operator", repository: str | None = None, requester: str | None = "user:U1") -> Task:
    return Task(
        type="chat",
        requester=requester,
        trigger=Trigger(source=Source.USER if requester else Source.SCHEDULE, source_id="1", timestamp=NOW),
        context=Context(organization_id="acme", repository_id=repository, agent_slug=agent),
        trust=Trust.PERSON,
    )


def decided(
    policies: PolicySet, task: Task, *, standing: tuple[str, ...] | None = None, people: Snapshot = PEOPLE
) -> PolicyDecision:
    who = standing if standing is not None else tuple(filter(None, [task.requester]))
    agent = policies.agents[task.context.agent_slug or ""]
    return policies.evaluate(task, agent, standing=who, people=people, catalog=CATALOG, now=NOW)


def judged(policies: PolicySet, task: Task, tool: str, *, people: Snapshot = PEOPLE, **more: object) -> object:
    standing = tuple(filter(None, [task.requester]))
    run = Run(
        run_id="r-1",
        task=task,
        agent=task.context.agent_slug or "",
        decision=more.pop("decision", None) or decided(policies, task),  # type: ignore[arg-type]
        standing=standing,
    )
    return policies.check_call(run, call(tool, policies), SPECS[tool], people=people, now=NOW)


# ── Agents' hard rules ────────────────────────────────────────────────────────────────────────────────────────────────

HARD = OPERATOR + "rules:\n  - {id: never-shell, match: {tool: [shell.run]}, deny: This one runs no shell}\n"


def test_a_hard_rule_is_about_its_agent_only() -> None:
    policies = organization(
        agents={
            "agents/operator.yaml": HARD,
            "agents/other.yaml": OTHER.replace("draft", "sandbox").replace("git.*", "*"),
        }
    )
    assert isinstance(judged(policies, asked(), "shell.run"), Deny)
    assert not isinstance(judged(policies, asked("other"), "shell.run"), Deny)
    (rule,) = policies.rules
    assert (rule.level, rule.header.origin, rule.header.owners) == ("agent", Origin.AGENT, ("group:sre",))
    assert (rule.file, rule.line) == ("agents/operator.yaml", 7)


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ("[{id: a, match: {agent: [other]}, deny: no}]", "these rules are about agent operator only"),
        ("[{id: a, match: {agent: ['*']}, deny: no}]", "these rules are about agent operator only"),
        ("[{id: a, deny: no}, {id: a, deny: no}]", 'id: "a" is taken'),
        ("[{id: at-rest, deny: no}]", 'id: "at-rest" is taken (first at policies/soc2.yaml:4)'),
        ("[{id: a, control: CC6.1, deny: no}]", "names a control of no framework"),
        ("{id: a, deny: no}", "must be a list"),
        ("[{id: a, match: {tool: [git.psh]}, deny: no}]", 'did you mean "git.push"?'),
    ],
)
def test_faults_of_hard_rules(rules: str, fault: str) -> None:
    said = faults_of(
        policies={"policies/soc2.yaml": SOC2}, agents={"agents/operator.yaml": f"{OPERATOR}rules: {rules}\n"}
    )
    assert len(said) == 1
    assert fault in said[0]


def test_a_hard_rule_may_say_again_whose_it_is() -> None:
    assert (
        faults_of(agents={"agents/operator.yaml": OPERATOR + "rules: [{id: a, match: {agent: operator}, deny: x}]\n"})
        == []
    )


# ── Compliance frameworks ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_frameworks_rule_names_its_control_wherever_it_is_named() -> None:
    policies = organization({"policies/soc2.yaml": SOC2})
    verdict = judged(policies, asked(), "git.push")
    assert [(r.policy, r.control) for r in verdict.reasons] == [("at-rest", "soc2 CC6.1")]  # type: ignore[attr-defined]
    verdict = judged(policies, asked(), "shell.run")
    assert isinstance(verdict, Deny)
    assert verdict.text == "Nobody runs a shell (no-shell, soc2, policies/soc2.yaml:5)"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("framework: {}", 'the key "id" is missing'),
        ("framework: {id: 'so c2'}", "'so c2' is not a framework's id"),
        ("framework: soc2", "must be a mapping"),
        ("framework: {id: soc2, owners: ['group:sec']}", '"sec"'),
        ("framework: {id: soc2}\npolicies: [{id: a, control: 'CC6.1!', deny: x}]", "is not a control's name"),
        ("framework: {id: soc2}\nrepository: {match: [a/b]}", "is a second header"),
        ("framwork: {id: soc2}", 'did you mean "framework"?'),
        ("repository: {}", 'the key "match" is missing'),
        ("repository: {match: []}", "names no repository"),
        ("repository: {match: [a/b], conventions: [1]}", "must be text"),
        (f"repository: {{match: [a/b], conventions: [{'x' * 501}]}}", "longer than 500 characters"),
        (
            "repository: {match: [a/b]}\npolicies: [{id: a, match: {repository: [c/d]}, deny: x}]",
            "these rules are about repository a/b only",
        ),
    ],
)
def test_faults_of_headers(text: str, fault: str) -> None:
    said = faults_of(policies={"policies/x.yaml": f"version: 1\n{text}\n"})
    assert len(said) == 1
    assert fault in said[0]


# ── Repositories ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("repository", "bound"), [("acme/infra", True), ("acme/modules-net", True), ("acme/shop", False), (None, False)]
)
def test_a_repositorys_rules_are_about_it_only(repository: str | None, bound: bool) -> None:
    policies = organization({"policies/infra.yaml": INFRA})
    assert decided(policies, asked(repository=repository)).constraints.requires_pr is bound
    verdict = judged(policies, asked(repository=repository), "git.push")
    asks = {one.approvers.text for one in getattr(verdict, "requirements", ())}
    assert ("peer" in asks) is bound
    assert {rule.level for rule in policies.rules} == {"resource"}


def test_conventions_are_sentences_and_never_rules() -> None:
    without = organization({"policies/infra.yaml": INFRA.replace("conventions", "owners: []\n  conventions")})
    bare_ = organization(
        {"policies/infra.yaml": "version: 1\nrepository: {match: [acme/infra], conventions: [Never push.]}\n"}
    )
    assert without.headers[0].conventions == (
        "Shared code lives in modules/.",
        "One change request changes one environment.",
    )
    assert decided(bare_, asked(repository="acme/infra")) == decided(organization(), asked(repository="acme/infra"))


# ── Standing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("requester", "redirected", "tier", "iterations", "budget"),
    [
        ("user:U1", (), Tier.PRODUCTION, None, None),
        ("user:U5", (), Tier.RECOMMEND, None, None),
        ("user:U1", ("user:U5",), Tier.RECOMMEND, None, None),
        ("user:U2", (), Tier.PRODUCTION, 5, 1.0),
        ("user:U2", ("user:U5",), Tier.RECOMMEND, 5, 1.0),
        ("token:ci", (), Tier.PRODUCTION, 5, 1.0),
        (None, (), Tier.DRAFT, None, None),
    ],
)
def test_whoever_asks_and_whoever_redirects_bound_the_run(
    requester: str | None, redirected: tuple[str, ...], tier: Tier, iterations: int | None, budget: float | None
) -> None:
    policies = organization(standing=STANDING)
    said = decided(policies, asked(requester=requester), standing=(*filter(None, [requester]), *redirected))
    assert (said.tier, said.constraints.max_iterations, said.constraints.budget_usd) == (tier, iterations, budget)
    assert said.constraints.timeout_s == (None if requester is None else 3600)


def test_a_standing_is_a_source_of_its_own_with_its_place() -> None:
    said = decided(organization(standing=STANDING), asked(requester="user:U5"))
    (reason,) = (reason for reason in said.reasons if reason.sets == "tier")
    assert (reason.policy, reason.file, reason.line) == ("standing:group:contractors", "countersign.yaml", 2)
    assert [one.policy for one in said.overruled] == ["agent:operator"]
    assert said.reason == "May go up to recommend (standing:group:contractors, countersign.yaml:2)."


def test_who_has_lost_a_standing_since_is_bounded_at_the_boundary() -> None:
    policies = organization(standing=STANDING)
    task = asked(requester="user:U1")
    before = decided(policies, task)
    assert not isinstance(judged(policies, task, "service.restart", decision=before), Deny)
    moved = Person(principal="user:U1", name="P1", groups=frozenset({"contractors"}))
    now = Snapshot(version="2", at=NOW, people={**PEOPLE.people, "user:U1": moved})
    verdict = judged(policies, task, "service.restart", decision=before, people=now)
    assert isinstance(verdict, Deny)
    assert "up to recommend only (standing:group:contractors, countersign.yaml:2)" in verdict.text


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("{tier: draft}", 'the key "who" is missing'),
        ("{who: [], tier: draft}", "names nobody"),
        ("{who: anyone}", "limits nothing"),
        ("{who: group:contractor, tier: draft}", 'did you mean "contractors"?'),
        ("{who: everybody, tier: draft}", "names no requester"),
        ("{who: anyone, tier: drafts}", 'did you mean "draft"?'),
        ("{who: anyone, deny: no}", "is not a key here"),
        ("{who: anyone, tier: draft}\n- {who: anyone, tier: observe}", '"standing:anyone" is taken'),
    ],
)
def test_faults_of_standing(entry: str, fault: str) -> None:
    said = faults_of(standing=f"- {entry}\n")
    assert any(fault in each for each in said)
    assert all(each.startswith("countersign.yaml:") for each in said)


# ── Laws ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

limits = st.sampled_from(
    [
        *("tier: observe", "tier: recommend", "tier: draft", "max_iterations: 3", "budget_usd: 0.5", "timeout: 5m"),
        *("allowed_tools: ['git.*']", "denied_tools: ['service.*']", "requires_pr: true", "requires_validation: true"),
    ]
)
whos = st.sampled_from(["user:U1", "user:U5", "group:contractors", "group:everybody", "token:*", "anyone", "nobody"])
entries = st.lists(st.tuples(whos, limits), min_size=1, max_size=4, unique_by=lambda entry: entry[0])
requesters = st.sampled_from(["user:U1", "user:U2", "user:U5", "user:U9", "token:ci", None])


def standing_of(found: list[tuple[str, str]]) -> str:
    return "".join(f'- {{who: "{who}", {limit}}}\n' for who, limit in found)


def bounds_of(said: PolicyDecision) -> Bounds:
    return bare(of_decision(said))


@settings(max_examples=60, deadline=None)
@given(entries, requesters, requesters, st.sampled_from(["operator", "other"]))
def test_an_agent_never_exceeds_anybody_whose_standing_counts(
    found: list[tuple[str, str]], requester: str | None, redirector: str | None, agent: str
) -> None:
    policies = organization(standing=standing_of(found))
    task, who = asked(agent, requester=requester), tuple(filter(None, [requester, redirector]))
    together = decided(policies, task, standing=who)
    for one in who or (None,):
        alone = decided(policies, task, standing=tuple(filter(None, [one])))
        assert narrower(bounds_of(together), bounds_of(alone))
        names = {one} if one else {"nobody"}
        for rule in policies.rules:
            if names & set(rule.match.tests[0][1]):  # an entry about exactly this person
                assert narrower(bounds_of(together), bare(rule.bounds))


SOURCES = {
    "hard": ({}, {"agents/operator.yaml": HARD}, ""),
    "framework": ({"policies/soc2.yaml": SOC2}, {}, ""),
    "repository": ({"policies/infra.yaml": INFRA}, {}, ""),
    "standing": ({}, {}, STANDING),
}


def of_sources(names: frozenset[str]) -> PolicySet:
    policies = {file: text for name in names for file, text in SOURCES[name][0].items()}
    agents = {file: text for name in names for file, text in SOURCES[name][1].items()}
    return organization(policies, agents, "".join(SOURCES[name][2] for name in names))


@settings(max_examples=60, deadline=None)
@given(
    st.frozensets(st.sampled_from(sorted(SOURCES))),
    st.sampled_from(sorted(SOURCES)),
    requesters,
    st.sampled_from([None, "acme/infra"]),
    st.sampled_from(["git.push", "shell.run", "service.restart", "git.clone"]),
)
def test_one_more_source_never_widens(
    names: frozenset[str], more: str, requester: str | None, repository: str | None, tool: str
) -> None:
    fewer, all_of_them, task = of_sources(names), of_sources(names | {more}), asked("operator", repository, requester)
    before, after = decided(fewer, task), decided(all_of_them, task)
    assert after.allowed <= before.allowed
    assert narrower(bounds_of(after), bounds_of(before))
    severity = {"Allow": 0, "RequireApproval": 1, "Deny": 2}
    was, is_ = judged(fewer, task, tool), judged(all_of_them, task, tool)
    assert severity[type(is_).__name__] >= severity[type(was).__name__]


@settings(max_examples=30, deadline=None)
@given(entries, requesters, st.randoms())
def test_the_order_of_entries_never_matters(
    found: list[tuple[str, str]], requester: str | None, random: object
) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    task = asked(requester=requester)
    one, other = (decided(organization(standing=standing_of(each)), task) for each in (found, shuffled))
    assert bounds_of(one) == bounds_of(other)
    assert one.policy_hash == other.policy_hash

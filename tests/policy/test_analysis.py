"""What `policy check` warns of: each warning where it belongs, and never one that is not true."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.agents import Agent
from domain.tasks import Principal, Task
from domain.tiers import Effect, Tier
from policy.analysis.containment import match_within, overlaps, within
from policy.analysis.coverage import coverage, outcome
from policy.analysis.diagnosis import diagnose
from policy.analysis.ground import Diagnostic, Ground, Kind
from policy.analysis.shadows import shadows
from policy.engine import PolicySet, policy_set
from policy.explaining.explain import explain
from policy.facts import CallView, Membership, Progress, Situation
from policy.globs import matches
from policy.index import Index
from policy.lattice import Bounds
from policy.matching import LABEL, Match
from policy.sources.catalogue import Catalogue, Resource
from policy.sources.headers import Header, Origin
from policy.sources.rules import Rule, denial
from policy.sources.subjects import CallSketch, Case, Subject
from tests.policy.test_laws import CONDITIONS, PATTERNS, bounds, rule_of, tasks, tests_
from tests.policy.world import AGENT, CATALOG, GROUPS, NOW, PEOPLE, SPECS, call, rules, task

GROUPS_HERE = {**GROUPS, "retired": frozenset[Principal]()}


def ground(policies: PolicySet, *, now: datetime = NOW, people: frozenset[Principal] = frozenset()) -> Ground:
    return Ground(policies=policies, tools=CATALOG, now=now, groups=GROUPS_HERE, people=people)


def said(text: str, **more: object) -> list[str]:
    return [f"{one.kind.value}: {one}" for one in diagnose(ground(rules(text), **more))]  # type: ignore[arg-type]


# ── Each warning ──────────────────────────────────────────────────────────────────────────────────────────────────────

RULE = '  - {{id: a, match: {match}, deny: "No"}}\n'


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (RULE.format(match="{tool: [forge.merge], effect: [read]}"), "never matches: forge.merge is at least change"),
        (RULE.format(match="{type: [chatt]}"), "never matches: no agent handles tasks of type chatt (did you mean"),
        (RULE.format(match="{type: [fix], agent: [other]}"), "never matches: other does not handle tasks of type fix"),
        (RULE.format(match="{labels: {env: prdo}}"), "no resource in the catalogue has env: prdo"),
        (RULE.format(match="{labels: {evn: prod}}"), "no resource in the catalogue has evn: prod"),
        (RULE.format(match="{resource: [prod/web], labels: {team: [infra, shop2]}}"), "has team: infra or shop2"),
        (RULE.format(match="{resource: ['prod/*'], labels: {env: dev}}"), "no resource in the catalogue has env: dev"),
        ('  - {id: a, when: "1 == 2", deny: "No"}\n', "its condition is always false"),
        ('  - {id: a, when: "1 == 1", deny: "No"}\n', "has a condition that is always true"),
        ("  - {id: a, limit: {tier: production}}\n", "narrows nothing"),
        ("  - {id: a, limit: {allowed_tools: [git.clone, '*']}}\n", "narrows nothing"),
        ('  - {id: a, approve: [{from: "group:sre", count: 3}]}\n', "asks for 3 from group:sre, and there are 2"),
        ('  - {id: a, approve: [{from: {any: ["user:U1", "group:sre"]}, count: 4}]}\n', "and there are 3"),
        (RULE.format(match="{tool: [pager.page]}"), "not-installed: policies/org.yaml:3: a: speaks of tools that"),
    ],
)
def test_each_warning(text: str, warning: str) -> None:
    (found,) = said(text)
    assert warning in found
    assert "policies/org.yaml:3: a: " in found


@pytest.mark.parametrize(
    "match",
    [
        "{tool: [forge.merge], effect: [change]}",
        "{tool: [git.push], effect: [change]}",  # a call may be worse than its tool
        "{tool: ['forge.*'], effect: [read]}",  # other tools fit too
        "{tool: [forge.merge, pager.page], effect: [read]}",
        "{type: ['ch*']}",
        "{labels: {env: 'pr*'}}",
        "{resource: ['p*'], labels: {env: prod}}",
        "{resource: [elsewhere], labels: {env: prod}}",
        "{requester: ['group:everybody']}",  # only the directory knows
        "{requester: ['user:U9']}",
    ],
)
def test_what_may_match_is_not_warned_of(match: str) -> None:
    assert said(RULE.format(match=match)) == []


def test_groups_without_members_and_people_who_are_not_there() -> None:
    listed = [
        rule_of(1, Match((("requester", ("group:retired",)),)), None, Bounds(tier=Tier.DRAFT)),
        rule_of(2, Match((("requester", ("group:retired", "group:sre")),)), None, Bounds(tier=Tier.DRAFT)),
        rule_of(3, Match((("requester", ("user:U1", "user:U99")),)), None, Bounds(tier=Tier.DRAFT)),
    ]
    policies = policy_set(listed, groups=GROUPS_HERE, agents={AGENT.slug: AGENT}, approvers=PEERS)
    found = diagnose(ground(policies, people=frozenset({"user:U1", "user:U2"})))
    assert [(one.policy, one.kind) for one in found] == [("r1", Kind.NEVER), ("r3", Kind.STRANGER)]
    assert "there is nobody in group:retired" in found[0].problem


def test_a_freeze_that_is_over() -> None:
    text = "freezes:\n  - {id: old, from: 2025-12-20T00:00, until: 2026-01-04T08:00}\n"
    assert said(text) == ["over: policies/org.yaml:3: old: is over: it never holds again (remove it)"]
    assert said(text, now=datetime(2025, 12, 1, tzinfo=UTC)) == []
    assert said(text, now=datetime(2025, 12, 24, tzinfo=UTC)) == []


def test_nobody_to_countersign() -> None:
    policies = rules("  - {id: a, match: {tool: [git.push]}, approve: [{from: peer}]}\n")
    lonely = replace(policies, approvers=())
    found = diagnose(ground(lonely))
    assert [(one.policy, one.file, one.kind) for one in found] == [
        ("approvers", "countersign.yaml", Kind.NOBODY),
        ("a", "policies/org.yaml", Kind.NOBODY),
    ]
    assert "dns.set, forge.merge, service.restart can never start" in found[0].problem
    assert diagnose(ground(policies)) == ()


def test_no_approvers_are_needed_where_rules_ask_others() -> None:
    policies = rules('  - {id: a, match: {effect: [change]}, approve: [{from: "group:security"}]}\n')
    assert diagnose(ground(replace(policies, approvers=()))) == ()


# ── Shadows ───────────────────────────────────────────────────────────────────────────────────────────────────────────

TAINTED = "  - {id: a, when: run.tainted, limit: {tier: draft}}\n"
WIDE = "  - {id: wide, match: {effect: [change]}, limit: {tier: draft}}\n"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (WIDE + "  - {id: b, match: {effect: [change], tool: ['dns.*']}, limit: {tier: sandbox}}\n", ["b"]),
        (WIDE + "  - {id: b, match: {effect: [change], tool: ['dns.*']}, limit: {tier: recommend}}\n", []),
        (WIDE + "  - {id: b, match: {tool: ['dns.*']}, limit: {tier: sandbox}}\n", []),
        (WIDE + WIDE.replace("wide", "same"), ["same"]),
        ("  - {id: all, deny: No}\n" + WIDE, ["wide"]),
        (WIDE + "  - {id: all, deny: No}\n", ["wide"]),
        ("  - {id: b, match: {tool: [dns.set]}, deny: Names}\n  - {id: all, deny: No}\n", []),  # its words come first
        ("  - {id: all, deny: No}\n  - {id: b, match: {tool: [dns.set]}, deny: Names}\n", ["b"]),
        (
            "  - {id: a, match: {requester: [anyone]}, deny: No}\n"
            + RULE.format(match="{requester: ['user:U1']}").replace("id: a", "id: b"),
            ["b"],
        ),
        (
            "  - {id: a, match: {requester: ['group:sre']}, deny: No}\n"
            + RULE.format(match="{requester: ['user:U2']}").replace("id: a", "id: b"),
            ["b"],
        ),
        (WIDE + "  - {id: b, match: {effect: [change]}, when: call.tainted, limit: {tier: sandbox}}\n", []),  # may fail
        (TAINTED + TAINTED.replace("id: a", "id: b").replace("draft", "sandbox"), ["b"]),
        ("  - {id: a, when: run.tainted, limit: {tier: draft}}\n  - {id: b, limit: {tier: sandbox}}\n", []),
    ],
)
def test_shadows(text: str, hidden: list[str]) -> None:
    assert [shadow.rule.id for shadow in shadows(rules(text)).found] == hidden


# ── Never falsely ─────────────────────────────────────────────────────────────────────────────────────────────────────

FIXER = Agent(slug="fixer", describe="", handles=("fix",), tier=Tier.DRAFT, tools=("git.*",))
AGENTS = {AGENT.slug: AGENT, FIXER.slug: FIXER}
PEERS = rules("").approvers
ENTRIES = [
    Resource(pattern="prod/*", labels={"env": "prod"}),
    Resource(pattern="prod/d*", labels={"env": "dev"}),
    Resource(pattern="prod/web", labels={"team": "shop"}),
    Resource(pattern="*", labels={"tier": "x"}),
]
NAMES = ["prod/web", "prod/db", "prod/api", "other", "acme/infra"]
globs = st.text(alphabet="ab/*", min_size=1, max_size=6)
more_tests = st.dictionaries(
    st.sampled_from(["tool", "effect", "resource", LABEL + "env", LABEL + "team", "requester", "type", "agent"]),
    st.sampled_from(
        [
            *("prod/*", "prod/web", "prod/d*", "*", "prod", "dev", "shop", "change", "read", "chat", "fix", "x"),
            *("forge.merge", "git.clone", "dns.set", "service.*", "group:retired", "group:sre", "user:U2", "anyone"),
            *("operator", "fixer"),
        ]
    ).map(lambda one: (one,)),
    max_size=4,
).map(lambda found: tuple(found.items()))
any_bounds = bounds.map(lambda found: replace(found, claims=frozenset()) if found.allowed else found)


@st.composite
def many(draw: st.DrawFn) -> list[Rule]:
    """Rules of which several say nearly the same."""
    tests = st.one_of(st.just(()), tests_, more_tests)
    drawn = draw(st.lists(st.tuples(tests, st.sampled_from(CONDITIONS), any_bounds), min_size=1, max_size=6))
    for _ in range(draw(st.integers(0, 4))):
        tests_of, when, adds = draw(st.sampled_from(drawn))
        fewer = tuple(test for test in tests_of if draw(st.booleans()))
        drawn.append(
            (
                fewer,
                draw(st.sampled_from([when, None])),
                draw(st.sampled_from([adds, Bounds(), *[d[2] for d in drawn]])),
            )
        )
    order = draw(st.permutations(drawn))
    return [rule_of(n, Match(tests), when, in_place(n, adds)) for n, (tests, when, adds) in enumerate(order)]


def in_place(number: int, adds: Bounds) -> Bounds:
    """A denial says in which rule it stands."""
    said = [replace(reason, policy=f"r{number}", file="f", line=number) for reason in adds.denials]
    return denial(said[0]) if said else adds


sketches = st.builds(
    CallSketch,
    tool=st.sampled_from([*SPECS, "pager.page"]),
    arguments=st.sampled_from([{}, {"service": "web"}, {"count": 4}]),
    resource=st.sampled_from([None, *NAMES]),
    labels=st.sampled_from([None, {}, {"env": "prod"}, {"env": "dev", "team": "shop"}]),
    effect=st.sampled_from([None, *Effect]),
    tainted=st.sampled_from([(), ("service",)]),
)


def at(asked: Task, agent: str | None) -> Task:
    return replace(asked, context=replace(asked.context, agent_slug=agent))


@settings(max_examples=300, deadline=None)
@given(
    many(), st.lists(st.tuples(tasks, st.sampled_from([None, *AGENTS]), st.none() | sketches), min_size=1, max_size=5)
)
def test_what_is_called_shadowed_can_go_without_a_trace(
    listed: list[Rule], asked: list[tuple[Task, str | None, CallSketch | None]]
) -> None:
    hidden = {shadow.rule.id for shadow in shadows(build(listed)).found}
    before, after = build(listed), build([rule for rule in listed if rule.id not in hidden])
    for one, agent, sketch in asked:
        subject = Subject(task=at(one, agent), call=sketch)
        answers = [outcome(explain(p, subject, people=PEOPLE, catalog=CATALOG, now=NOW)) for p in (before, after)]
        assert answers[0] == answers[1], hidden


def build(listed: list[Rule]) -> PolicySet:
    return policy_set(listed, groups=GROUPS_HERE, approvers=PEERS, agents=AGENTS, catalogue=Catalogue.of(ENTRIES))


@settings(max_examples=300, deadline=None)
@given(
    many(),
    tasks,
    st.sampled_from([*AGENTS.values()]),
    st.sampled_from(list(SPECS)),
    st.sampled_from(NAMES),
    st.sampled_from(list(Effect)),
)
def test_what_is_said_never_to_match_never_does(
    listed: list[Rule], asked: Task, agent: Agent, tool: str, name: str, worse: Effect
) -> None:
    """Of calls that the catalogue knows, of tasks that their agent handles."""
    policies = build(listed)
    never = {one.policy for one in diagnose(ground(policies)) if one.kind is Kind.NEVER}
    spec = SPECS[tool]
    labels = policies.catalogue.labels(name) or {}
    effect = max(spec.effect, worse, key=list(Effect).index)
    task = replace(at(asked, agent.slug), type=agent.handles[0])
    made = call(tool, effect=effect, resource=name, labels=labels, arguments={})
    situation = Situation(
        task,
        standing=tuple(filter(None, [task.requester])),
        people=PEOPLE,
        groups=Membership.of(GROUPS_HERE),
        progress=Progress(),
        now=NOW,
        view=CallView(call=made, effect=effect, resources=(name,), labels=(labels,)),
    )
    for rule in Index(listed).matching(situation.facts):
        assert rule.id not in never


@settings(max_examples=300)
@given(globs, globs, st.text(alphabet="abc/", max_size=6))
def test_containment_is_exact(one: str, other: str, value: str) -> None:
    if within(one, other):
        assert matches(other, value) or not matches(one, value)
    else:  # there is a witness: what the pattern leaves open, filled with something that the other does not have
        witness = one.replace("*", "\x00")
        assert matches(one, witness)
        assert not matches(other, witness)
    if matches(one, value) and matches(other, value):
        assert overlaps(one, other)


@given(st.sampled_from(sorted(PATTERNS)))
def test_every_match_is_within_itself_and_within_anything(name: str) -> None:
    match = Match(((name, tuple(PATTERNS[name])),))
    assert match_within(match, match, {})
    assert match_within(match, Match(), {})
    assert not match_within(Match(), match, {})


# ── Quickly ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("alike", [False, True])
def test_ten_thousand_rules_are_looked_at_in_seconds(*, alike: bool) -> None:
    listed = [
        rule_of(
            n,
            Match(
                (
                    ("effect", ("change",)),
                    ("tool", ("service.*" if alike else f"service{n % 500}.*",)),
                    ("resource", ("prod/*" if alike else f"prod/web{n}",)),
                    (LABEL + "env", ("prod",)),
                )
            ),
            None,
            Bounds(tier=Tier.DRAFT, max_iterations=n if alike else None),
        )
        for n in range(10_000)
    ]
    policies = policy_set(listed, catalogue=Catalogue.of(ENTRIES))
    began = time.monotonic()
    found: tuple[Diagnostic, ...] = diagnose(ground(policies))
    assert time.monotonic() - began < 10
    assert bool([one for one in found if one.kind is Kind.SHADOWED]) is alike


def test_a_framework_may_say_again_what_the_organization_says() -> None:
    again = replace(
        rule_of(1, Match(), None, Bounds(tier=Tier.DRAFT)), header=Header(origin=Origin.FRAMEWORK, name="soc2")
    )
    listed = [rule_of(0, Match(), None, Bounds(tier=Tier.DRAFT)), again]
    assert shadows(policy_set(listed)).found == ()
    case = Case(given=Subject(task=task()), expect={"tier": "draft"}, file="f", line=1)
    covered = coverage(
        policy_set([replace(rule, cases=(case,)) for rule in listed]), people=PEOPLE, catalog=CATALOG, now=NOW
    )
    assert (covered.rules, covered.gaps) == (2, ())


@pytest.mark.parametrize(
    ("resource", "env", "never"),
    [
        ("prod/*", "test", True),
        ("prod/web", "test", True),
        ("p*", "test", False),  # something else may begin so, of which nobody knows
        ("prod/d*", "dev", False),
        ("prod/*", "dev", False),  # one of them is
        ("test/*", "test", False),
    ],
)
def test_a_resource_and_a_label_that_the_catalogue_never_gives_it(resource: str, env: str, never: bool) -> None:
    match = Match((("resource", (resource,)), (LABEL + "env", (env,))))
    catalogue = Catalogue.of([*ENTRIES[:3], Resource(pattern="test/*", labels={"env": "test"})])
    policies = policy_set([rule_of(1, match, None, Bounds(tier=Tier.DRAFT))], catalogue=catalogue, agents=AGENTS)
    found = [one for one in diagnose(ground(replace(policies, approvers=PEERS))) if one.kind is Kind.NEVER]
    assert [f"in the catalogue {resource} is env: " in one.problem for one in found] == [True] * never

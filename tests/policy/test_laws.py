"""The laws of the policy plane, for any rules: order, repetition, monotony, failure, the door, the index."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.canonical import digest
from domain.decisions import Approvers, Deny, Reason, RequireApproval, Requirement, Verdict
from domain.tasks import Source, Trust
from domain.tiers import Effect, Tier
from policy.asking import hash_of_asking
from policy.conditions.condition import compile_condition
from policy.conditions.shapes import RULE_ROOTS
from policy.door import of_decision
from policy.engine import PolicySet, policy_set
from policy.facts import CallView, Membership, Progress, Situation
from policy.globs import matches
from policy.index import Index
from policy.lattice import Bounds, canonical_requirement, merged, narrower
from policy.matching import LABEL, Match, Tests
from policy.sources.approvers import independent
from policy.sources.limits import claims_of
from policy.sources.rules import Rule, denial
from tests.policy.world import AGENT, CATALOG, GROUPS, NOW, PEOPLE, SPECS, call, decide, rules, run_of, task

WHO = [
    Approvers(kind="self"),
    Approvers(kind="peer"),
    Approvers(kind="group", name="sre"),
    Approvers(kind="user", name="U4"),
    Approvers(kind="any", of=(Approvers(kind="group", name="sre"), Approvers(kind="self"))),
]
CONDITIONS = [
    None,
    None,
    "task.type == 'chat'",
    "task.payload.count > 3",
    "run.tainted",
    "call.tainted",
    "call.labels.env == 'prod'",
    "has(call.arguments.service)",
    "task.requester == null",
]
PATTERNS = {
    "source": ["user", "alert", "*"],
    "type": ["chat", "ch*", "other", "*t", "c*t", "*h*", "*"],
    "agent": ["operator", "op*"],
    "repository": ["acme/*", "acme/infra", "*"],
    "requester": ["user:U1", "group:sre", "anyone", "nobody", "group:everybody", "token:*"],
    "tool": ["git.*", "service.restart", "*.restart", "dns.set", "s*.restart", "*start", "d*s*t", "x*.set"],
    "effect": ["change", "draft", "execute", "read"],
    "resource": ["prod/*", "prod/web", "dev/*", "*/web", "p*/web", "*b", "prod/*x"],
    LABEL + "env": ["prod", "d*"],
    LABEL + "team": ["shop"],
}

tests_ = st.lists(st.sampled_from(sorted(PATTERNS)), max_size=3, unique=True).flatmap(
    lambda names: st.tuples(
        *(
            st.tuples(
                st.just(name), st.lists(st.sampled_from(PATTERNS[name]), min_size=1, max_size=2, unique=True).map(tuple)
            )
            for name in names
        )
    )
)
requirements = st.builds(
    Requirement,
    approvers=st.sampled_from(WHO),
    count=st.integers(1, 3),
    within_s=st.sampled_from([60.0, 3600.0]),
    use_within_s=st.sampled_from([60.0, 900.0]),
    break_glass=st.booleans(),
    stage=st.integers(0, 1),
    policies=st.sampled_from([("a",), ("b",)]),
)
plain_bounds = st.builds(
    Bounds,
    tier=st.sampled_from(list(Tier)),
    max_iterations=st.none() | st.integers(0, 5),
    timeout_s=st.none() | st.sampled_from([1.0, 2.0]),
    deadline_s=st.none() | st.sampled_from([1.0, 2.0]),
    budget_usd=st.none() | st.sampled_from([0.0, 1.0]),
    max_actions=st.none() | st.integers(0, 2),
    max_tokens=st.none() | st.integers(0, 2),
    allowed_tools=st.frozensets(st.sampled_from([(), ("git.*",), ("*",), ("service.*", "dns.set")]), max_size=2),
    denied_tools=st.frozensets(st.sampled_from(["git.push", "service.*"]), max_size=2),
    requires_pr=st.booleans(),
    requires_validation=st.booleans(),
    approvals=st.lists(requirements, max_size=3).map(merged),
)
denials = st.sampled_from([denial(Reason(policy=p, file="f", line=1, sets="deny", to=p)) for p in "ab"])
bounds = st.one_of(
    plain_bounds,
    plain_bounds.map(lambda b: replace(b, claims=claims_of(b, policy="p", file="f", line=1, tier=True))),
    denials,
)


def rule_of(number: int, match: Match, when: str | None, adds: Bounds) -> Rule:
    condition = compile_condition(when, RULE_ROOTS) if when else None
    name = f"r{number}"
    return Rule(
        id=name,
        level="organization",
        describe="",
        match=match,
        when=condition,
        bounds=adds,
        file="f",
        line=number,
        contents=name,
    )


@st.composite
def rule_lists(draw: st.DrawFn, most: int = 6) -> list[Rule]:
    found = draw(
        st.lists(st.tuples(tests_, st.sampled_from(CONDITIONS), st.one_of(plain_bounds, denials)), max_size=most)
    )
    return [rule_of(n, Match(tests), when, adds) for n, (tests, when, adds) in enumerate(found)]


tasks = st.builds(
    task,
    type_=st.sampled_from(["chat", "other"]),
    source=st.sampled_from([Source.USER, Source.ALERT]),
    requester=st.sampled_from(["user:U1", "user:U2", "user:U9", "token:ci", None]),
    repository=st.sampled_from([None, "acme/infra", "x/y"]),
    trust=st.sampled_from([Trust.PERSON, Trust.UNTRUSTED]),
    payload=st.sampled_from([{}, {"count": 4}, {"count": "x"}]),
)
calls = st.sampled_from(
    [
        call("git.clone"),
        call("git.push", tainted=("repository",)),
        call("shell.run", tainted=("command",)),
        call("service.restart", resource="prod/web", labels={"env": "prod"}),
        call("service.restart", resource="prod/api", labels={}),
        call("dns.set"),
        call("dns.set", resource="dev/x", labels={"env": "dev"}),
    ]
)


def build(listed: Sequence[Rule]) -> PolicySet:
    return policy_set(listed, groups=GROUPS, approvers=[Approvers(kind="group", name="sre")])


# ── The semilattice ───────────────────────────────────────────────────────────────────────────────────────────────────


@given(bounds, bounds, bounds)
def test_the_meet_is_commutative_associative_and_idempotent(a: Bounds, b: Bounds, c: Bounds) -> None:
    assert a & b == b & a
    assert (a & b) & c == a & (b & c)
    assert a & a == a
    assert a & Bounds() == a


@given(bounds, bounds, bounds)
def test_the_meet_is_below_both_and_keeps_order(a: Bounds, b: Bounds, c: Bounds) -> None:
    assert narrower(a & b, a)
    assert narrower(a & b, b)
    assert narrower((a & b) & c, a & c)


@given(bounds, bounds)
def test_the_meet_admits_no_tool_that_one_refuses(a: Bounds, b: Bounds) -> None:
    for tool in CATALOG.names():
        assert (a & b).admits_tool(tool) == (a.admits_tool(tool) and b.admits_tool(tool))


@given(st.lists(bounds, max_size=5))
def test_effective_limits_have_a_reason_and_losers_are_kept(listed: list[Bounds]) -> None:
    met = reduce(lambda x, y: x & y, listed, Bounds())
    claimed = {claim.reason for claim in met.claims}
    assert set(met.reasons) | set(met.overruled) == claimed
    for reason in met.reasons:
        if reason.sets == "tier":
            assert reason.to == met.tier.label


# ── Decisions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=60, deadline=None)
@given(rule_lists(), tasks, st.randoms())
def test_order_never_matters_at_the_door(listed: list[Rule], asked: object, random: object) -> None:
    shuffled = list(listed)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = decide(build(listed), asked), decide(build(shuffled), asked)  # type: ignore[arg-type]
    assert one == other


@settings(max_examples=60, deadline=None)
@given(rule_lists(), tasks)
def test_a_rule_said_twice_changes_nothing(listed: list[Rule], asked: object) -> None:
    twice = [*listed, *listed]
    one, other = decide(build(listed), asked), decide(build(twice), asked)  # type: ignore[arg-type]
    assert replace(one, policy_hash="") == replace(other, policy_hash="")


@settings(max_examples=100, deadline=None)
@given(rule_lists(), rule_lists(most=1), tasks)
def test_one_more_rule_never_widens_the_door(listed: list[Rule], more: list[Rule], asked: object) -> None:
    before = decide(build(listed), asked)  # type: ignore[arg-type]
    after = decide(build([*listed, *(replace(r, id="new", contents="new") for r in more)]), asked)  # type: ignore[arg-type]
    assert after.allowed <= before.allowed
    if after.allowed:
        assert narrower(bare(of_decision(after)), bare(of_decision(before)))


def bare(found: Bounds) -> Bounds:
    """Without what is only bookkeeping: which rules asked, and the spelling of tool lists."""
    return replace(
        found,
        claims=frozenset(),
        allowed_tools=frozenset(),
        denied_tools=frozenset(),
        approvals=tuple(replace(one, policies=()) for one in found.approvals),
    ) & Bounds(denied_tools=frozenset(t for t in CATALOG.names() if not found.admits_tool(t)))


SEVERITY = {"Allow": 0, "RequireApproval": 1, "Deny": 2}


def verdict(policies: PolicySet, made: object, asked: object) -> Verdict:
    return policies.check_call(
        run_of(policies, asked),
        made,
        SPECS[made.tool],
        people=PEOPLE,
        now=NOW,  # type: ignore[arg-type, attr-defined]
    )


@settings(max_examples=100, deadline=None)
@given(rule_lists(), rule_lists(most=1), tasks, calls)
def test_one_more_rule_never_widens_the_boundary(
    listed: list[Rule], more: list[Rule], asked: object, made: object
) -> None:
    before = verdict(build(listed), made, asked)
    after = verdict(build([*listed, *(replace(r, id="new", contents="new") for r in more)]), made, asked)
    assert SEVERITY[type(after).__name__] >= SEVERITY[type(before).__name__]
    if isinstance(before, RequireApproval) and isinstance(after, RequireApproval):
        held = {one.approvers.text: one for one in after.requirements}
        for one in before.requirements:
            if one.approvers.text == "peer" and "peer" not in held:  # a rule asked for somebody else instead
                assert any(independent(other.approvers) for other in after.requirements)
            else:
                assert held[one.approvers.text].count >= one.count


@settings(max_examples=100, deadline=None)
@given(rule_lists(), tasks, calls)
def test_the_door_bounds_the_boundary(listed: list[Rule], asked: object, made: object) -> None:
    policies = build(listed)
    decided, said = decide(policies, asked), verdict(policies, made, asked)  # type: ignore[arg-type]
    if not decided.allowed:
        assert isinstance(said, Deny)
    if not isinstance(said, Deny):
        assert made.tool in decided.constraints.allowed_tools  # type: ignore[attr-defined]
    if isinstance(said, RequireApproval):
        texts = {one.approvers.text for one in said.requirements}
        assert {one.approvers.text for one in decided.approvals} <= texts


@settings(max_examples=60, deadline=None)
@given(rule_lists(), tasks, calls)
def test_a_change_always_takes_somebody_else(listed: list[Rule], asked: object, made: object) -> None:
    said = verdict(build(listed), made, asked)
    if made.effect is Effect.CHANGE and not isinstance(said, Deny):  # type: ignore[attr-defined]
        assert isinstance(said, RequireApproval)
        assert any(independent(one.approvers) for one in said.requirements)


@settings(max_examples=60, deadline=None)
@given(rule_lists(), tasks, calls)
def test_a_rule_that_fails_denies(listed: list[Rule], asked: object, made: object) -> None:
    failing = rule_of(99, Match(), "task.payload.nowhere > 3", Bounds(tier=Tier.DRAFT))
    policies = build([*listed, failing])
    assert not decide(policies, asked).allowed  # type: ignore[arg-type]
    assert isinstance(verdict(policies, made, asked), Deny)


@settings(max_examples=60, deadline=None)
@given(rule_lists(), tasks, calls)
def test_a_rule_that_breaks_in_any_other_way_denies(listed: list[Rule], asked: object, made: object) -> None:
    def broken(_: object) -> bool:
        raise MemoryError("no more")

    condition = replace(compile_condition("call.tainted", RULE_ROOTS), evaluate=broken)
    failing = replace(rule_of(99, Match(), None, Bounds()), when=condition)
    assert isinstance(verdict(build([*listed, failing]), made, asked), Deny)


@settings(max_examples=60, deadline=None)
@given(rule_lists(), tasks)
def test_an_unknown_tool_is_treated_as_the_most_dangerous(listed: list[Rule], asked: object) -> None:
    policies = build(listed)
    unknown = call("nobody.knows")
    assert unknown.effect is Effect.CHANGE
    said = policies.check_call(run_of(policies, asked), unknown, None, people=PEOPLE, now=NOW)  # type: ignore[arg-type]
    assert isinstance(said, Deny)


# ── The index ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def situation(asked: object, made: object) -> Situation:
    view = CallView(
        call=made,  # type: ignore[arg-type]
        effect=made.effect,  # type: ignore[attr-defined]
        resources=None if made.resource is None else (made.resource,),  # type: ignore[attr-defined]
        labels=None if made.labels is None else (made.labels,),  # type: ignore[attr-defined]
    )
    who = tuple(filter(None, [asked.requester]))  # type: ignore[attr-defined]
    return Situation(
        asked,
        standing=who,
        people=PEOPLE,
        groups=Membership.of(GROUPS),
        progress=Progress(),
        now=NOW,
        view=view,  # type: ignore[arg-type]
    )


@settings(max_examples=200, deadline=None)
@given(rule_lists(most=30), tasks, calls)
def test_the_index_finds_what_a_naive_look_finds(listed: list[Rule], asked: object, made: object) -> None:
    facts = situation(asked, made).facts
    fitting = [rule for rule in listed if rule.match.fits(facts)]
    assert Index(listed).matching(facts) == fitting
    assert Index(listed, few=0).matching(facts) == fitting
    assert Index(listed, few=2).matching(facts) == fitting


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.text(alphabet="ab*", min_size=1, max_size=5), min_size=1, max_size=12),
    st.text(alphabet="ab", min_size=1, max_size=6),
)
def test_the_index_finds_by_any_pattern(patterns: list[str], type_: str) -> None:
    listed = [rule_of(n, Match((("type", (p,)),)), None, Bounds()) for n, p in enumerate(patterns)]
    facts = situation(task(type_=type_), call("git.push")).facts
    fitting = [rule for rule in listed if rule.match.fits(facts)]
    assert [Index(listed, few=few).matching(facts) for few in (0, 2, 8)] == [fitting] * 3


CROWDS = {
    "each its own prefix": [((("tool", (f"tool{n}.*",)),)) for n in range(10_000)],
    "each its own suffix": [((("tool", (f"*.tool{n}",)),)) for n in range(10_000)],
    "each its own label": [(((LABEL + "team", (f"team{n}",)),)) for n in range(10_000)],
    "each value with many others, no two values with more than one": [
        (("effect", ("draft",)), ("tool", (f"git.push{n % 100 or ''}",)), ("resource", (f"prod/{n // 100}",)))
        for n in range(10_000)
    ],
    "all in one place, but for one attribute among three": [
        (("effect", ("draft",)), ("tool", ("git.push",)), ("repository", (f"acme/{n}",))) for n in range(10_000)
    ],
}


@pytest.mark.parametrize("crowd", CROWDS.values(), ids=CROWDS)
def test_the_index_looks_at_few_rules(crowd: list[Tests]) -> None:
    git = rule_of(10_000, Match((("tool", ("git.*",)),)), None, Bounds())
    many = [*(rule_of(n, Match(tests), None, Bounds()) for n, tests in enumerate(crowd)), git]
    made = call("git.push", resource="prod/7", labels={"env": "prod"})
    index, facts = Index(many), situation(task(), made).facts
    assert index.matching(facts) == [rule for rule in many if rule.match.fits(facts)]
    assert len(list(index.candidates(facts))) <= 16


# ── Patterns ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("*", "", True),
        ("a*", "a", True),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "abc", True),
        ("ab*ba", "aba", False),
        ("*.restart", "service.restart", True),
        ("a?c", "abc", False),
        ("[ab]", "a", False),
        ("prod/*", "prod/web/1", True),
        ("prod/*", "prod", False),
        ("a", "A", False),
    ],
)
def test_patterns(pattern: str, value: str, fits: bool) -> None:
    assert matches(pattern, value) is fits


@given(st.text(alphabet="ab*", max_size=8), st.text(alphabet="ab", max_size=8))
def test_patterns_mean_what_regular_expressions_mean(pattern: str, value: str) -> None:
    import re  # noqa: PLC0415

    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert matches(pattern, value) == (re.fullmatch(expression, value) is not None)


def test_the_rules_of_the_contract_obey_the_laws_too() -> None:
    said = '  - {id: a, limit: {tier: draft}}\n  - {id: b, match: {effect: [draft]}, approve: [{from: "group:sre"}]}'
    policies = rules(said, agents={AGENT.slug: AGENT})
    assert isinstance(verdict(policies, call("git.push"), task()), RequireApproval)


def test_a_verdict_is_named_by_the_digest_of_what_is_asked() -> None:
    asked = merged(
        [Requirement(approvers=who, count=n, within_s=90.5 * n, break_glass=n == 2) for n, who in enumerate(WHO, 1)]
    )
    listed = ["sha256:00", "change-needs-a-person"]
    whole = {"rules": listed, "asks": [canonical_requirement(one) for one in asked]}
    assert hash_of_asking(listed, asked) == digest(whole)
    assert hash_of_asking([], ()) == digest({"rules": [], "asks": []})

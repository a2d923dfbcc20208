"""The meet, limit by limit: what two rules come to together, who set it, and who lost. The laws are in test_laws."""

import json
from dataclasses import replace
from typing import Any

import pytest

from domain.decisions import Approvers, Reason, Requirement
from domain.tiers import Tier
from policy.lattice import Bounds, Claim, canonical_requirement, json_of_requirement, meet, merged, narrower

SRE = Approvers(kind="group", name="sre")
SECURITY = Approvers(kind="group", name="security")
ASKED = Requirement(
    approvers=SRE, count=2, within_s=60, use_within_s=600, break_glass=True, stage=2, policies=("b", "a")
)
NOBODY = Reason(policy="stop", file="org.yaml", line=3, sets="deny", to="Not now.")
# What is asked, what is asked beside it, and what both come to.
MEETS: list[tuple[str, Any, Any, Any]] = [
    ("tier", Tier.SANDBOX, Tier.RECOMMEND, Tier.RECOMMEND),
    *((name, 5, 3, 3) for name in ("max_iterations", "timeout_s", "deadline_s", "max_actions", "max_tokens")),
    *((name, 1, 0, 0) for name in ("max_iterations", "timeout_s", "deadline_s", "max_actions", "max_tokens")),
    ("budget_usd", 2.5, 0.5, 0.5),
    ("allowed_tools", frozenset({("git.*",)}), frozenset({("a", "b")}), frozenset({("git.*",), ("a", "b")})),
    ("denied_tools", frozenset({"a"}), frozenset({"b"}), frozenset({"a", "b"})),
    ("requires_pr", False, True, True),
    ("requires_validation", False, True, True),
    ("denials", frozenset[Reason](), frozenset({NOBODY}), frozenset({NOBODY})),
    ("approvals", (), (ASKED,), (ASKED,)),
]


@pytest.mark.parametrize(("name", "one", "other", "met"), MEETS)
def test_the_narrower_of_two_holds_and_nothing_else_changes(name: str, one: Any, other: Any, met: Any) -> None:
    assert Bounds(**{name: one}) & Bounds(**{name: other}) == Bounds(**{name: met})
    assert Bounds(**{name: other}) & Bounds(**{name: one}) == Bounds(**{name: met})


@pytest.mark.parametrize(("name", "wide", "_", "narrow"), MEETS)
def test_one_limit_alone_makes_bounds_narrower(name: str, wide: Any, _: Any, narrow: Any) -> None:
    both = {"tier": Tier.PRODUCTION, "max_tokens": 100} | {name: wide}
    assert narrower(Bounds(**both | {name: narrow}), Bounds(**both))
    assert not narrower(Bounds(**both), Bounds(**both | {name: narrow}))


def test_who_claims_what_makes_nothing_narrower() -> None:
    claimed = Bounds(claims=frozenset({Claim(reason=NOBODY)}))
    assert narrower(claimed, Bounds())
    assert narrower(Bounds(), claimed)


# ── Who set it ────────────────────────────────────────────────────────────────────────────────────────────────────────


def claiming(policy: str, sets: str, name: str, value: Any) -> Bounds:
    reason = Reason(policy=policy, file="org.yaml", line=len(policy), sets=sets, to=str(value))
    return Bounds(**{name: value}, claims=frozenset({Claim(reason=reason, value=value)}))


@pytest.mark.parametrize(
    ("sets", "name", "most", "least"),
    [
        ("tier", "tier", Tier.SANDBOX, Tier.DRAFT),
        ("max_iterations", "max_iterations", 5, 3),
        ("timeout", "timeout_s", 5.0, 3.0),
        ("deadline", "deadline_s", 5.0, 3.0),
        ("budget_usd", "budget_usd", 5.0, 3.0),
        ("max_actions", "max_actions", 5, 3),
        ("max_tokens", "max_tokens", 5, 3),
    ],
)
def test_who_asked_for_the_least_set_it_and_the_others_lost(sets: str, name: str, most: Any, least: Any) -> None:
    met = meet([claiming("loser", sets, name, most), claiming("winner", sets, name, least)])
    assert [reason.policy for reason in met.reasons] == ["winner"]
    assert [reason.policy for reason in met.reasons_for(sets)] == ["winner"]
    assert [reason.policy for reason in met.overruled] == ["loser"]
    assert met.reasons_for("other") == ()


def test_of_obligations_everybody_who_asks_is_a_reason_in_the_order_of_their_places() -> None:
    met = meet(
        [
            claiming("later", "requires_pr", "requires_pr", value=True),
            claiming("a", "requires_pr", "requires_pr", value=True),
        ]
    )
    assert [reason.policy for reason in met.reasons] == ["a", "later"]
    assert met.overruled == ()


def test_reasons_are_ordered_by_file_line_rule_limit_and_value() -> None:
    base = Reason(policy="p", file="f", line=1, sets="requires_pr", to="true")
    later = [replace(base, **{name: value}) for name, value in (
        ("to", "u"), ("sets", "requires_validation"), ("policy", "q"), ("line", 2), ("file", "g"),
    )]  # fmt: skip
    ordered = (base, *later)
    for listed in (ordered, ordered[::-1]):
        assert Bounds(claims=frozenset(Claim(reason=one) for one in listed)).reasons == ordered


# ── Requirements ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "stricter", "looser"),
    [("count", 2, 1), ("within_s", 60, 61), ("use_within_s", 600, 601), ("break_glass", False, True), ("stage", 1, 2)],
)
def test_of_the_same_people_the_stricter_demand_holds(name: str, stricter: Any, looser: Any) -> None:
    one, other = replace(ASKED, **{name: stricter}), replace(ASKED, **{name: looser}, policies=("a", "c"))
    for listed in ([one, other], [other, one]):
        (met,) = merged(listed)
        assert met == replace(one, policies=("a", "b", "c"))


def test_other_people_are_asked_besides_by_stage_and_then_by_name() -> None:
    early = replace(ASKED, approvers=Approvers(kind="user", name="U1"), stage=1)
    security = replace(ASKED, approvers=SECURITY)
    assert merged([ASKED, security, early]) == (early, security, ASKED)
    assert merged([]) == ()


def test_what_a_voter_relies_on_is_said_in_full() -> None:
    assert canonical_requirement(ASKED) == {
        "from": "group:sre", "count": 2, "within_s": 60, "use_within_s": 600, "break_glass": True, "stage": 2,
    }  # fmt: skip
    assert json.loads(json_of_requirement(ASKED)) == canonical_requirement(ASKED)


# ── Tools ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tool_must_be_on_every_allow_list_and_on_no_deny_list() -> None:
    bounds = Bounds(allowed_tools=frozenset({("git.*", "dns.set"), ("git.push", "dns.*")}))
    assert [tool for tool in ("git.push", "dns.set", "git.clone", "dns.get") if bounds.admits_tool(tool)] == [
        "git.push", "dns.set",
    ]  # fmt: skip
    assert not (bounds & Bounds(denied_tools=frozenset({"dns.*"}))).admits_tool("dns.set")
    assert Bounds().admits_tool("anything")
    assert not Bounds(allowed_tools=frozenset({()})).admits_tool("anything")

"""Patterns, where the pieces of a value could be counted twice or not at all; and matches made of them."""

import pytest

from policy.globs import exact, fits_any, matches, prefix, suffix
from policy.matching import Facts, Match, Names, nearly, read_match
from policy.reading.faults import Faults
from policy.reading.nodes import from_plain
from tests.policy.world import faults_of, rules


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("a*b", "ab", True),
        ("ab*b", "ab", False),  # the b of the value is not there twice
        ("a*bc*cd", "abcd", False),
        ("a*bc*cd", "abccd", True),
        ("a*b*b*c", "abc", False),
        ("a*b*b*c", "abbc", True),
        ("a*bb*b*c", "abbc", False),
        ("a*b*a", "aba", True),
        ("a*b*a", "abba", True),
        ("a**b", "ab", True),
        ("*a", "ba", True),
        ("*a", "ab", False),
        ("a*", "a", True),
        ("a*", "ba", False),
        ("*", "", True),
        ("", "", True),
        ("", "a", False),
        ("a", "ab", False),
        ("*b*", "abc", True),
        ("*b*", "ac", False),
    ],
)
def test_each_piece_of_a_pattern_takes_a_piece_of_the_value_of_its_own(pattern: str, value: str, fits: bool) -> None:
    assert matches(pattern, value) is fits
    assert fits_any((pattern, "nothing"), ("else", value)) is fits or value == ""


def test_what_a_pattern_says_of_both_ends() -> None:
    assert (prefix("a*b*c"), suffix("a*b*c"), exact("a*b*c")) == ("a", "c", False)
    assert (prefix("abc"), suffix("abc"), exact("abc")) == ("abc", "abc", True)
    assert (prefix("*"), suffix("*")) == ("", "")


# ── Matches ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("tests", "speaks"),
    [
        ({"type": ("chat",)}, False),
        ({"type": ("chat",), "tool": ("git.*",)}, True),
        ({"type": ("chat",), "label:env": ("prod",)}, True),
        ({"resource": ("prod/*",)}, True),
        ({"effect": ("change",)}, True),
        ({}, False),
    ],
)
def test_one_word_about_a_call_makes_a_rule_speak_at_the_boundary(
    tests: dict[str, tuple[str, ...]], speaks: bool
) -> None:
    match = Match(tuple(tests.items()))
    assert match.at_boundary is speaks
    assert all(match.speaks_of(attribute) for attribute in tests)
    assert not match.speaks_of("agent")


def test_only_labels_are_unknown_where_labels_are() -> None:
    facts = Facts(known={"tool": None, "type": ("chat",)}, labels_known=False)
    assert (facts.values("label:env"), facts.values("agent"), facts.values("tool")) == (None, (), None)
    assert Facts(known={}).values("label:env") == ()
    assert Match((("label:env", ("prod",)), ("tool", ("x",)), ("type", ("c*",)))).fits(facts)
    assert not Match((("type", ("other",)),)).fits(facts)
    assert not Match((("agent", ("*",)),)).fits(facts)


@pytest.mark.parametrize(
    ("pattern", "slip"),
    [("git.comit", True), ("servce.*", True), ("git.commit", False), ("pager.page", False), ("service.*", False)],
)
def test_a_slip_of_the_pen_is_told_from_a_tool_that_is_not_here(pattern: str, slip: bool) -> None:
    assert nearly(pattern, {"git.commit", "service.restart"}) is slip


def test_a_key_may_name_a_thousand_patterns_and_no_more() -> None:
    def named(count: int) -> str:
        return ", ".join(f"type-{n}" for n in range(count))

    (rule,) = rules(f"  - {{id: a, match: {{type: [{named(1000)}]}}, deny: x}}").rules
    assert len(rule.match.tests[0][1]) == 1000
    (fault,) = faults_of(f"  - {{id: a, match: {{type: [{named(1001)}]}}, deny: x}}")
    assert "names more than 1000" in fault


@pytest.mark.parametrize(
    ("match", "fault"),
    [
        ("labels: {env: []}", "labels.env: names nothing that could match"),
        ("labels: {env: {a: b}}", "labels.env: must be "),
        ("labels: {}", "labels: names no label"),
        ("labels: [env]", "labels: must be a mapping of labels, not a list"),
        ("type: [[a]]", "type[0]: must be "),
        ("type: 5", "type: must be "),
        ("requester: ['token:*x y']", "names no requester"),
        ("type: ['a\\b']", "is not a name or a pattern of names"),
        ("requester: ['group:nope']", 'there is no group "nope"'),
        ("agent: ['oper*or-x']", 'no agent fits "oper*or-x"'),
    ],
)
def test_a_match_that_cannot_be_meant_is_one_fault(match: str, fault: str) -> None:
    (found,) = faults_of(f"  - {{id: a, match: {{{match}}}, deny: x}}")
    assert fault in found


def test_a_match_is_the_same_in_whatever_order_its_patterns_stand() -> None:
    one, other = (Match((("type", patterns),)) for patterns in (("b", "a"), ("a", "b")))
    assert one.canonical == other.canonical == {"type": ["a", "b"]}


def test_where_no_names_are_known_any_will_do() -> None:
    faults = Faults()
    said = {"requester": ["group:any"], "agent": ["any"], "tool": ["any"]}
    read = read_match(Names())(from_plain("asked", said), faults)
    assert read == Match((("agent", ("any",)), ("requester", ("group:any",)), ("tool", ("any",))))
    faults.check()

"""The gate and the engine agree: what is admitted is boolean or fails cleanly, what has no sense is refused."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.conditions.condition import ConditionFailed, compile_condition
from policy.conditions.refusal import ConditionRefused
from policy.conditions.shapes import RULE_ROOTS
from tests.policy.expressions import BOOLEAN, VALUES, ill_typed, loose, typed, untyped

_OF_TYPES = ("overload", "Unexpected type", "Undefined", "Unsupported")  # how the engine says it
_LIMITS = ("adds more than", "is made of more than", "is longer than", "nested deeper")


def _refused(text: str) -> ConditionRefused | None:
    try:
        compile_condition(text, RULE_ROOTS)
    except ConditionRefused as refused:
        return refused
    return None


def _evaluated(text: str, values: dict[str, Any]) -> object:
    """What the engine itself gives, or raises."""
    condition = compile_condition(text, RULE_ROOTS)
    try:
        return condition.evaluate({root: values[root] for root in condition.roots})
    except Exception as failed:
        return failed


@settings(deadline=None)
@given(typed(BOOLEAN, 4), VALUES)
def test_what_is_well_typed_is_admitted_and_never_fails_for_its_types(text: str, values: dict[str, Any]) -> None:
    refused = _refused(text)
    if refused is not None:
        assert any(limit in refused.problem for limit in _LIMITS), f"{text}: {refused.flaws}"
        return
    said = _evaluated(text, values)
    assert isinstance(said, bool) or not any(word in str(said) for word in _OF_TYPES), f"{text}: {said}"


@settings(deadline=None)
@given(loose() | untyped(2), VALUES)
def test_whatever_is_admitted_gives_true_or_false_or_fails(text: str, values: dict[str, Any]) -> None:
    if _refused(text) is not None:
        return
    said = _evaluated(text, values)
    if isinstance(said, Exception):
        with pytest.raises(ConditionFailed):
            compile_condition(text, RULE_ROOTS).holds(values)
    else:
        assert isinstance(said, bool), f"{text}: {said}"
        assert compile_condition(text, RULE_ROOTS).holds(values) is said


@settings(deadline=None)
@given(ill_typed())
def test_what_is_ill_typed_is_refused(text: str) -> None:
    with pytest.raises(ConditionRefused):
        compile_condition(text, RULE_ROOTS)


@settings(deadline=None)
@given(typed(BOOLEAN, 3), VALUES)
def test_parentheses_and_space_change_nothing(text: str, values: dict[str, Any]) -> None:
    if _refused(text) is None and _refused(f"({text})") is None:
        assert str(_evaluated(f" (\n{text} ) ", values)) == str(_evaluated(text, values))


_MARKS = "task.gol='\"\\/*()[]{}&|!<>=+-?:,% \n0123ru"


@settings(deadline=None)
@given(st.text(max_size=60) | st.text(alphabet=_MARKS, max_size=60))
def test_any_text_is_a_condition_or_refused_with_places(text: str) -> None:
    refused = _refused(text)
    if refused is not None:
        assert refused.flaws
        assert all(0 <= flaw.at <= len(text) for flaw in refused.flaws)


_UNITS = ("(", "!", "-", "[", "{'a':", "has(", "true?", "a[", "a.", "1+", "true||", "true?true:", "size(", "!(", "-(")


@pytest.mark.parametrize("unit", _UNITS)
@pytest.mark.parametrize("times", [20, 30, 120, 500, 5_000])
def test_hostile_nesting_ends_in_words(unit: str, times: int) -> None:
    for text in (unit * times, unit * times + "true", unit * times + "true" + ")" * times):
        refused = _refused(text)
        if refused is None:
            assert compile_condition(text, RULE_ROOTS).holds({}) is True
        else:
            assert (
                times < 500
                or any(limit in refused.problem for limit in _LIMITS)
                or "twice says nothing" in refused.problem
            )

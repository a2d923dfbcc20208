"""docs/conditions.md says what the code says, and its examples are what the gate makes of them."""

import re
from pathlib import Path

import pytest

from policy.conditions import functions as known
from policy.conditions.condition import compile_condition
from policy.conditions.parser import DEEPEST, MOST_ADDITIONS
from policy.conditions.refusal import ConditionRefused
from policy.conditions.shapes import RULE_ROOTS
from policy.conditions.tokens import LONGEST, MOST_WORDS
from tests.docs import conditions

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "conditions.md").read_text()
EXAMPLES = [line for block in re.findall(r"```cel\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
REFUSED = re.findall(r"^(\S.*)\n  (\S.*)$", PAGE.partition("Refused, each")[2], re.MULTILINE)


def test_the_tables_are_those_of_the_code() -> None:
    advice = "copy them from `python -m tests.docs.conditions`"
    assert conditions.variables() in PAGE, advice
    assert conditions.functions() in PAGE, advice


def test_the_bounds_are_those_of_the_code() -> None:
    said = f"more than {LONGEST} characters, {MOST_WORDS} words and marks, {DEEPEST} levels, {MOST_ADDITIONS} additions"
    assert said in PAGE


@pytest.mark.parametrize("said", EXAMPLES)
def test_the_examples_are_conditions(said: str) -> None:
    assert compile_condition(said, RULE_ROOTS).text == said


@pytest.mark.parametrize("said", [each.like for each in (*known.METHODS.values(), *known.GLOBALS.values())])
def test_the_examples_of_functions_are_right(said: str) -> None:
    whole = any(mark in said for mark in ("==", ">", "prod"))
    assert compile_condition(said if whole else f"{said} == {said}", RULE_ROOTS)


@pytest.mark.parametrize(("said", "problem"), REFUSED)
def test_the_examples_of_what_is_refused_are(said: str, problem: str) -> None:
    with pytest.raises(ConditionRefused) as raised:
        compile_condition(said, RULE_ROOTS)
    assert f"{raised.value.problem} ({raised.value.suggestion})" == problem


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 8
    assert len(REFUSED) >= 8

from typing import Any

import pytest

from domain.calls import Expectation, Observation
from domain.tiers import Effect
from policy.results import check_result, misfits
from tests.policy.world import call, spec

SCHEMA = {
    "type": "object",
    "properties": {
        "healthy": {"type": "boolean"},
        "generation": {"type": "integer", "minimum": 0, "maximum": 9},
        "state": {"type": "string", "enum": ["up", "down"], "maxLength": 4},
        "lines": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
        "note": {"type": ["string", "null"]},
        "more": {"type": "object", "additionalProperties": {"type": "number"}},
    },
    "required": ["healthy"],
    "additionalProperties": False,
}
TOOL = spec("service.status", Effect.READ, result=SCHEMA)


def check(data: dict[str, Any], expect: str | None = None, *, ok: bool = True) -> tuple[bool | None, str]:
    expected = Expectation(condition=expect, describe="it is up") if expect else None
    made = call("service.status", expect=expected)
    found = check_result(TOOL, made, Observation(ok=ok, summary="", data=data))
    return found.met, "; ".join(found.problems)


def test_a_result_as_promised() -> None:
    data = {"healthy": True, "generation": 3, "state": "up", "lines": ["a"], "note": None, "more": {"x": 1.5}}
    assert check(data) == (None, "")
    assert check(data, "result.healthy && result.generation == 3") == (True, "")
    assert check(data, "result.generation > 3") == (False, "")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({}, "result.healthy: is missing"),
        ({"healthy": 1}, "result.healthy: must be boolean"),
        ({"healthy": True, "generation": True}, "result.generation: must be integer"),
        ({"healthy": True, "generation": 10}, "result.generation: must be between 0 and 9"),
        ({"healthy": True, "state": "sideways"}, "result.state: must be one of up, down"),
        ({"healthy": True, "lines": ["a", "b", "c"]}, "has more than 2 entries"),
        ({"healthy": True, "lines": [1]}, "result.lines[0]: must be string"),
        ({"healthy": True, "note": 1}, "result.note: must be string or null"),
        ({"healthy": True, "more": {"x": "y"}}, "result.more.x: must be number"),
        ({"healthy": True, "extra": 1}, "result.extra: is not promised"),
        ({"healthy": True, "generation": float("nan")}, "the result is not JSON"),
        ({"healthy": True, "lines": ["x" * 300_000]}, "are allowed"),
    ],
)
def test_a_result_not_as_promised_meets_nothing(data: dict[str, Any], problem: str) -> None:
    met, problems = check(data, "true")
    assert met is False
    assert problem in problems


@pytest.mark.parametrize("expect", ["result.nope > 1", "result.healthy", "evil(", "result.x.all(i, true)"])
def test_an_expectation_that_cannot_be_checked_is_not_met(expect: str) -> None:
    found = check_result(
        spec("t", Effect.READ),
        call("t", expect=Expectation(condition=expect, describe="it is up")),
        Observation(ok=True, summary="", data={"healthy": "yes"}),
    )
    assert found.met is False
    assert "what was expected (it is up) cannot be checked" in found.problems[0]


def test_a_failed_call_meets_nothing_and_is_not_held_to_the_schema() -> None:
    assert check({}, "true", ok=False) == (False, "")
    assert check({}, ok=False) == (None, "")


def test_a_result_of_an_unknown_tool_is_a_problem() -> None:
    found = check_result(None, call("t"), Observation(ok=True, summary=""))
    assert found.problems == ("the tool is not known",)


def test_deep_results_are_problems() -> None:
    deep: dict[str, Any] = {"a": 1}
    for _ in range(5_000):
        deep = {"a": deep}
    found = check_result(spec("t", Effect.READ), call("t"), Observation(ok=True, summary="", data=deep))
    assert "the result is not JSON" in found.problems[0]


@pytest.mark.parametrize(
    ("schema", "fits", "misfit", "why"),
    [
        ({"type": "integer", "minimum": 0}, 0, -1, "must be between 0 and -"),
        ({"type": "number", "maximum": 9}, 9, 9.5, "must be between - and 9"),
        ({"type": "string", "maxLength": 4}, "abcd", "abcde", "is longer than 4 characters"),
        ({"maxLength": 4}, "abcd", "abcde", "is longer than 4 characters"),
        ({"type": "array", "maxItems": 2}, [1, 2], [1, 2, 3], "has more than 2 entries"),
        ({"type": "array", "items": {"type": "null"}}, (None,), (0,), "[0]: must be null"),
        ({"type": "boolean"}, False, 0, "must be boolean"),
        ({"type": "array"}, (), {}, "must be array"),
        ({"type": "unheard-of"}, None, None, ""),
        ({"enum": [1, "a"]}, "a", "b", "must be one of 1, a"),
        ({"properties": {"a": {"type": "string"}}}, {"a": "x", "b": 1}, {"a": 1}, ".a: must be string"),
        ({"required": ["a"]}, {"a": None}, {}, ".a: is missing"),
        ({"additionalProperties": {"type": "string"}}, {"a": "x"}, {"a": 1}, ".a: must be string"),
        ({}, {"a": [1, "x", None]}, None, ""),
    ],
)
def test_what_fits_a_schema_at_its_bound_and_what_does_not(
    schema: dict[str, Any], fits: Any, misfit: Any, why: str
) -> None:
    if schema.get("type") == "unheard-of":
        assert list(misfits(schema, fits, "$")) == ["$: must be unheard-of"]
        return
    assert list(misfits(schema, fits, "$")) == []
    found = list(misfits(schema, misfit, "$"))
    assert [one.removeprefix("$").removeprefix(": ") for one in found] == ([why] if why else [])


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda value: ({"properties": {"a": None}}, {"a": value}),
        lambda value: ({"additionalProperties": None}, {"b": value}),
        lambda value: ({"items": None}, [value]),
    ],
)
def test_a_result_may_be_nested_thirty_two_deep(wrapped: Any) -> None:
    def nested(levels: int) -> tuple[dict[str, Any], Any]:
        schema: dict[str, Any] = {}
        value: Any = 1
        for _ in range(levels):
            outer, value = wrapped(value)
            schema = {key: {"a": schema} if key == "properties" else schema for key in outer}
        return schema, value

    assert list(misfits(*nested(31), "$")) == []
    (problem,) = misfits(*nested(32), "$")
    assert problem.endswith("is nested too deep")


def test_a_result_may_be_as_large_as_is_allowed_and_no_larger() -> None:
    around = len('{"a":""}')
    for size, problems in ((256 * 1024, ()), (256 * 1024 + 1, ("the result is 262145 bytes; 262144 are allowed",))):
        told = Observation(ok=True, summary="", data={"a": "x" * (size - around)})
        assert check_result(spec("t", Effect.READ), call("t"), told).problems == problems

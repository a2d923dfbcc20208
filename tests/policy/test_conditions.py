import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.conditions.condition import ConditionFailed, compile_condition, condition, prepare
from policy.conditions.refusal import ConditionRefused
from policy.conditions.shapes import OPEN, RESULT_ROOTS, RULE_ROOTS, Struct, sample
from policy.reading.files import Faults
from policy.reading.nodes import from_plain


def refused(said: str) -> str:
    with pytest.raises(ConditionRefused) as raised:
        compile_condition(said, RULE_ROOTS)
    return f"{raised.value.problem} ({raised.value.suggestion})"


@pytest.mark.parametrize(
    "said",
    [
        "task.trigger.source == 'alert' && has(call.arguments.count) && call.arguments.count > 3",
        "task['type'] == 'chat'",
        "task.requester == null || task.requester.startsWith('token:')",
        "now - task.trigger.timestamp > duration('1h')",
        "now.getHours() >= 18",
        "task.goal.matches('^fix [a-z]+$')",
        "size(task.goal) < 100 && task.context.priority in ['high', 'critical']",
        "call.tainted",
        "call.tool == 'a' ? run.iterations > 3 : run.cost_usd > 2",
        'task.goal == "http://x" || task.goal == ""',
        "true",
        "null == call.arguments.x || has(task.goal) == true || size(task.goal) == 3 || 3 == task.goal.size()",
        "call.arguments['x'] == null || call.arguments.x == 3 || 'a' == call.labels.env",
        "run.tier >= 3 && run.cost_usd == 2 && call.tainted != true",
    ],
)
def test_what_rules_may_say(said: str) -> None:
    assert compile_condition(said, RULE_ROOTS, file="f", line=3).text == said


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("task.tpye == 'x'", 'task.tpye does not exist (did you mean "type"?)'),
        ("task['tpye'] == 'x'", "task.tpye does not exist"),
        ("tsk.type == 'x'", 'tsk is not a variable here (did you mean "task"?)'),
        ("task.type.name == 'x'", "task.type has nothing below it: it is text"),
        ("task.type", "must be true or false, and task.type is text (compare it: task.type != '')"),
        ("1", "must be true or false"),
        ("task.goal > 3", "text cannot come after a whole number"),
        ("call.arguments.items.exists(i, i > 1)", "exists() is not allowed: its cost has no bound"),
        ("call.arguments.items.map(i, i) == []", "map() is not allowed"),
        ("[1, 2].all(i, i > 0)", "all() is not allowed"),
        ("[[1]].filter(i, true) == []", "filter() is not allowed"),
        ("cel.bind(x, 1, x == 1)", "bind() is not allowed"),
        ("evil(task.goal)", "evil() is not a function here"),
        ("type(task) == int", "is not a"),
        ("task == call", "is not a value by itself"),
        ("'goal' in task", "task is not a value by itself"),
        ("task[call.tool] == ''", "task is not a value by itself"),
        ("(call).tool == 'x'", "call is not a value by itself"),
        ("task.goal.matches(task.type)", "matches() wants its pattern written out"),
        ("task.goal.matches('(')", "not a regular expression"),
        ("task.context.repository_id == null", "is never null"),
        ("null != task.goal", "is never null"),
        ("run.tier == 'draft'", "run.tier is a whole number, and can never equal a text (0 observe, 1 recommend"),
        ("true != task.goal", "task.goal is text, and can never equal a boolean"),
        ("call.tainted == 1", "call.tainted is true or false, and can never equal a number"),
        ("now == '2026-01-01'", "now is a timestamp, and can never equal a text"),
        ("task.goal == ''' '''", "must not contain"),
        ("true // call", "must not contain //"),
        ("b'a' == b'a'", "must not contain b'"),
        ("task.type ==", "is not CEL"),
        ("task.type = 'x'", "is not CEL"),
        ("", "is empty"),
        ("x" * 2000, "is longer than 1024"),
        ("+".join("1" * 20) + " > 1", "adds more than"),
        ("now.getHours('Europe/Berlin') > 3", "getHours() takes no values in its parentheses, not 1"),
        ("duration('soon') > duration('1h')", "duration() cannot read 'soon' (like duration('1h30m'))"),
        ("(" * 200 + "true" + ")" * 200, "is made of more than 300 words"),
        ("(" * 100 + "true" + ")" * 100, "is not CEL here: it is nested deeper than 24"),
    ],
)
def test_what_the_gate_refuses(said: str, problem: str) -> None:
    assert problem in refused(said)


def holds(said: str, **values: object) -> bool:
    base = {name: sample(shape) for name, shape in RULE_ROOTS.items()}
    return compile_condition(said, RULE_ROOTS).holds({**base, **values})


def test_a_condition_is_evaluated_on_values_by_root() -> None:
    call = {**sample(RULE_ROOTS["call"]), "arguments": {"count": 4}}
    said = "has(call.arguments.count) && call.arguments.count > 3"
    assert holds(said, call=call)
    assert not holds(said)


@pytest.mark.parametrize(
    ("said", "arguments", "why"),
    [
        ("call.arguments.count > 3", {}, "is not there"),
        ("call.arguments.count > 3", {"count": "many"}, "No such overload"),
        ("call.arguments.flag || false", {"flag": 1}, "No such overload"),
        ("1 / call.arguments.n > 1", {"n": 0}, "division by zero"),
        ("call.arguments.n == 1", {"n": 2**70}, "too large"),
        ("call.arguments.n == 1", {"n": object()}, "is not data"),
        ("call.arguments.n == 'a'", {"n": "\ud800"}, "Failed to convert"),
    ],
)
def test_what_cannot_be_evaluated_fails(said: str, arguments: dict[str, object], why: str) -> None:
    call = {**sample(RULE_ROOTS["call"]), "arguments": arguments}
    with pytest.raises(ConditionFailed, match=why):
        holds(said, call=call)


def test_hours_are_those_of_utc_wherever_the_moment_was_written_down() -> None:
    there = datetime(2026, 1, 5, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert holds("now.getHours() == 23 && now.getDate() == 4", now=there)
    assert holds("now == timestamp('2026-01-04T23:30:00Z')", now=there)


def test_values_nested_too_deep_fail_rather_than_crash() -> None:
    deep: dict[str, object] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(ConditionFailed, match="nested deeper"):
        compile_condition("has(result.a)", RESULT_ROOTS).holds({"result": deep})
    with pytest.raises(ConditionFailed, match="nested deeper"):
        prepare({"result": deep})


def test_a_panic_of_the_engine_fails_and_an_interrupt_does_not() -> None:
    panic = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})

    def raising(error: BaseException) -> Callable[[object], object]:
        def evaluate(_: object) -> object:
            raise error

        return evaluate

    found = compile_condition("true", RULE_ROOTS)
    with pytest.raises(ConditionFailed, match="panicked"):
        replace(found, evaluate=raising(panic("no"))).holds({})
    with pytest.raises(KeyboardInterrupt):
        replace(found, evaluate=raising(KeyboardInterrupt())).holds({})


def test_missing_roots_fail() -> None:
    with pytest.raises(ConditionFailed):
        compile_condition("call.tool == 'x'", RULE_ROOTS).holds({})


def test_below_an_open_root_everything_is_dynamic() -> None:
    roots = {"inputs": Struct({"service": OPEN}), "steps": OPEN}
    assert compile_condition("steps.status.healthy == true && inputs.service != ''", roots).roots == {"inputs", "steps"}
    with pytest.raises(ConditionRefused, match=r"inputs.servce does not exist"):
        compile_condition("inputs.servce == 'x'", roots)


def test_what_a_condition_reads_and_asks() -> None:
    found = compile_condition("has(call.labels.env) && call.labels['env'] == 'prod'", RULE_ROOTS)
    assert found.paths == {("call", "labels", "env")}
    assert found.asks == {("call", "labels", "env")}
    assert found.reads("call", "labels")
    assert found.reads("call")
    assert not found.reads("call", "resource")


def test_the_reader_says_where() -> None:
    faults = Faults()
    assert condition(RULE_ROOTS)(from_plain("f", "task.tpye == 'x'", "when"), faults) is None
    assert condition(RULE_ROOTS)(from_plain("f", value=True, key="when"), faults) is None
    assert "f:1: when: task.tpye does not exist" in "".join(map(str, faults))
    assert "must be a condition, not true or false" in "".join(map(str, faults))


@given(st.text(alphabet="task.type='\"\\/*()[]{}&|!<>=+-?: \n0123rb", max_size=40))
def test_any_text_is_compiled_or_refused(said: str) -> None:
    with contextlib.suppress(ConditionRefused):
        assert compile_condition(said, RULE_ROOTS).text == said

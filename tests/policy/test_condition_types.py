"""What the gate says about types, at which word, and with which advice."""

import pytest

from policy.conditions.condition import compile_condition
from policy.conditions.patterns import HEAVIEST, weight
from policy.conditions.refusal import ConditionRefused
from policy.conditions.shapes import RULE_ROOTS, Leaf, Listing, OneOf, Table


def flaws(said: str) -> list[str]:
    with pytest.raises(ConditionRefused) as raised:
        compile_condition(said, RULE_ROOTS)
    return [f"{flaw.at + 1}: {flaw.problem} ({flaw.suggestion})" for flaw in raised.value.flaws]


@pytest.mark.parametrize(
    ("said", "flaw"),
    [
        ("task.goal + 1 == ''", "13: text + a whole number cannot be computed"),
        ("run.iterations == task.goal", "16: run.iterations is a whole number, and can never equal a text"),
        ("size(run.tier) > 1", "6: size() takes a list or a map or text, and run.tier is a whole number"),
        ("call.tool in 'x'", "14: `in` looks into a list or a map, and 'x' is text (write 'x'.contains(call.tool))"),
        ("call.labels.env > 3 && true", "19: text cannot come after a whole number"),
        ("call.labels.env.name == ''", "17: call.labels.env has nothing below it: it is text"),
        ("task.type ? true : false", "1: must be true or false, and task.type is text (compare it: task.type != '')"),
        ("true ? 1 : 'x'", "6: gives a whole number or text"),
        ("(true ? 1 : 2.0) == 1", "7: gives a whole number or a number: both sides of `:` must be of one kind (write"),
        ("now > '2026'", "7: a timestamp cannot come after text (write timestamp('2026-01-31T08:00:00Z'))"),
        ("now - task.trigger.timestamp > 60", "32: a duration cannot come after a whole number (write duration('1h'))"),
        ("run.cost_usd + 1 > 2.0", "16: a number + a whole number cannot be computed (the engine does not mix them"),
        ("task.trigger.source == 'alerts'", "24: task.trigger.source is never 'alerts' (did you mean \"alert\"?)"),
        ("'chnage' != call.effect", "1: call.effect is never 'chnage' (did you mean \"change\"?)"),
        ("call.effect in ['draft', 'chnage']", "26: call.effect is never 'chnage'"),
        ("call.effect in {'chnage': 1}", "17: call.effect is never 'chnage'"),
        ("task.context.priority == 'hi'", "26: task.context.priority is never 'hi' (did you mean \"high\"?)"),
        (
            "task.context.priority >= 'high'",
            "23: task.context.priority is one of low, normal, high, critical, which",
        ),
        ("call.effect == task.context.priority", "13: call.effect and task.context.priority are never equal"),
        ("run.tier == 7", "13: run.tier is never 7 (0 observe, 1 recommend"),
        ("run.tier in [1, -1]", "17: run.tier is never -1"),
        ("run.tier >= 'draft'", "13: a whole number cannot come after text (0 observe"),
        ("call.tainted < true", "16: true or false cannot come before true or false"),
        (
            "call.arguments.force",
            "1: must be true or false, and call.arguments.force is dynamic (compare it:",
        ),
        ("true ? call.arguments.x : true", "1: must be true or false, and true ? call.arguments.x : true is dynamic"),
        ("-task.goal == 'x'", "1: task.goal is text, and has no negative"),
        ("call.arguments.x + true == 1", "20: dynamic + true or false cannot be computed"),
        ("call.arguments.x < null", "20: dynamic cannot come before null"),
        ("call.arguments[true] == 1", "16: call.arguments cannot be asked for a boolean"),
        ("[1][task.goal] == 1", "5: [1] cannot be asked for a text"),
        ("call.labels[1] == ''", "13: call.labels cannot be asked for a number"),
        ("task.goal[0] == 'x'", "11: task.goal has nothing below it: it is text"),
        ("run.cost_usd % 2.0 > 1.0", "16: a number % a number cannot be computed"),
        ("3 in call.labels", "1: `in` finds text in call.labels, and 3 is a whole number"),
        ("run.iterations / 0 == 1", "18: divides by zero"),
        ("run.iterations % (0) == 1", "19: divides by zero"),
        ("call.arguments.n / 0.0 > 1.0", "20: divides by zero"),
        ("task.goal.startswith('x')", '11: startswith() is not a function here (did you mean "startsWith"?)'),
        ("startsWith(task.goal, 'x')", "1: startsWith() is not called like this (like task.goal.startsWith('prod'))"),
        ("task.goal.string() == ''", "11: string() is not called like this (like string(run.tier))"),
        ("task.goal.contains() || true", "11: contains() takes 1 value in its parentheses, not 0"),
        ("now.contains('x')", "5: now is a timestamp, and has no contains()"),
        ("task.goal.contains(3)", "20: contains() takes text, and 3 is a whole number"),
        (
            "string(call.tainted) == ''",
            "8: string() takes a duration or a number or text or a timestamp, and",
        ),
        ("int('x') == 1", "5: int() cannot read 'x'"),
        ("timestamp('2026-01-01') < now", "11: timestamp() cannot read '2026-01-01'"),
        ("has(call)", "1: has() asks for one field by its name"),
        ("has(call.arguments['x'])", "1: has() asks for one field by its name"),
        ("has(call.arguments.x, call.tool)", "1: has() asks for one field by its name"),
        ("has(call.efect)", '10: call.efect does not exist (did you mean "effect"?)'),
        ("null == 3", "9: 3 is never null"),
        ("call.labels == null", "16: call.labels is never null"),
        ("1u == 1", "1: is not a number here: 1u (write 1)"),
        ("9223372036854775808 > 1", "1: is not a number here: 9223372036854775808 is too large"),
        ("1e999 > 1.0", "1: is not a number here: 1e999 is too large"),
        ("true and false", "6: is not CEL: `and` is not expected here (did you mean `&&`?)"),
        ("not true", "5: is not CEL: `true` is not expected here (did you mean `!`?)"),
        ("task.type = 'x'", "11: is not CEL: '=' is not expected here (did you mean `==`?)"),
        ("task.goal == 'x", "14: is not CEL: the text that starts here does not end"),
        ("task.goal == '\\d'", "15: is not CEL: there is no escape \\d (write the pattern raw"),
        ("task.goal == '\\ud800'", "15: is not CEL: there is no escape \\ud800"),
        ("{a: 1} == {}", "2: is not CEL here: keys of a map are texts in quotes"),
        ("call.arguments.in == 1", "16: is not CEL: `in` is not expected here: a name should"),
        ("size(1,) == 1", "8: is not CEL: `)` is not expected here: a value should"),
        ("!!true", "1: is not CEL here: `!` twice says nothing (leave both out)"),
        ("--1 == 1", "1: is not CEL here: `-` twice says nothing"),
        ("[1 2] == []", "4: is not CEL: `2` is not expected here: `,` or `]` should"),
        ("task.goal.matches('a' + 'b')", "19: matches() wants its pattern written out"),
        ("task.goal.matches(r'\\w{20}')", "19: matches() cannot use r'\\w{20}': the pattern is too much work"),
    ],
)
def test_each_flaw_stands_at_its_word(said: str, flaw: str) -> None:
    found = flaws(said)
    assert len(found) == 1
    assert found[0].startswith(flaw)


def test_one_condition_may_have_several_flaws() -> None:
    found = flaws("tsk.type == 'x' && task.gaol == '' || run.iterations && evil()")
    assert [each.partition(":")[0] for each in found] == ["1", "25", "39", "57"]


@pytest.mark.parametrize(
    "said",
    [
        "call.arguments.force && run.tier > 2",
        "!call.arguments.force",
        "call.arguments.force ? call.tainted : run.tainted",
        "call.labels == {} || call.labels == {'env': 'prod'} || 'env' in call.labels || size(call.labels) > 2",
        "call.labels[call.tool] == 'x'",
        "call.arguments.list[0].name == 'x' && call.arguments['a b'] != null",
        "[1, 2][run.depth] == 1 && {'a': 1}.a == 1 && {'a': 'x'}['a'] in ['x']",
        "task.requester in [null, 'user:U1'] || null == (task.requester)",
        "task.goal in [task.type, call.tool] || call.effect == task.type",
        "run.tier == 3.0 && run.cost_usd > 2 && run.iterations < 2.5",
        "(call.tainted ? task.goal : call.effect) == 'x'",
        "task.goal + '/' + string(run.tier) == 'x/3'",
        "now - duration('1h') < task.trigger.timestamp && (now - now).getHours() == 0",
        "task.goal == '\\u0041\\x41\\101\\n' || task.goal == r'\\d'",
        "call.arguments.x in call.arguments.y && [] == call.arguments.z",
        "-run.iterations < -(-1) && !(!call.arguments.force)",
        "now - duration('1h') - now < duration('1h')",
        " && ".join(["(true)"] * 40),
        "call.resource.matches(r'^[a-z0-9-]{1,63}/[0-9a-f]{40}$')",
    ],
)
def test_what_makes_sense_is_admitted(said: str) -> None:
    assert compile_condition(said, RULE_ROOTS).text == said


def test_what_is_read_through_parentheses_and_indexes() -> None:
    found = compile_condition("has(call.arguments[call.tool].x) && (task.requester) == null", RULE_ROOTS)
    assert found.asks == {("call", "arguments")}
    assert found.paths == {("call", "arguments"), ("call", "tool"), ("task", "requester")}
    assert found.nulls == {("task", "requester")}
    listed = compile_condition("task.requester in ['user:U1', null]", RULE_ROOTS)
    assert listed.nulls == {("task", "requester")}


def test_lists_and_maps_have_shapes_of_their_own() -> None:
    roots = {
        "names": Listing(Leaf.TEXT),
        "ports": Table(Leaf.INTEGER),
        "env": OneOf(("a", "b")),
    }
    assert compile_condition("names[0] == 'x' && ports.http > 80 && 'x' in names && env in ['a']", roots)
    for wrong in ("names[0] > 1", "names.x == 'x'", "ports.http == 'x'", "3 in names", "names == [1]", "env == 'c'"):
        with pytest.raises(ConditionRefused):
            compile_condition(wrong, roots)


@pytest.mark.parametrize(
    ("pattern", "heavy"),
    [
        ("^prod-[a-z0-9]{1,63}$", False),
        ("[0-9a-f]{40}", False),
        (r"\w+@\w+", False),
        (r"\{a{3}\}", False),
        ("[]{9999}]", False),
        ("[a-z]{1000}", True),
        ("(a{100}){100}", True),
        ("a{20}{20}", True),
        ("((a{9}){9}){9}", True),
        (r"\w{20}", True),
        (r"[\pL]{20}", True),
        ("[^a]{100}", True),
        (".{100}", True),
        ("(?x) a # [ \n b{3}", True),
    ],
)
def test_the_work_of_a_pattern_is_bounded(pattern: str, *, heavy: bool) -> None:
    assert (weight(pattern) > HEAVIEST) is heavy

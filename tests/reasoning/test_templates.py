"""Templates: types, filters, what is missing, what is tainted; and that no value becomes a part of a condition."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from policy.conditions.condition import compile_condition
from policy.conditions.shapes import RESULT_ROOTS
from reasoning.runbooks.paths import Missing, Path, PathFault, look_up, parse_path
from reasoning.runbooks.templates import TemplateFault, fill, literal_of, parse_node, parse_text, text_of

VALUES: dict[str, Any] = {
    "inputs": {"service": "web", "count": 3, "flag": True, "none": None},
    "steps": {
        "scan": {"result": {"findings": [{"rule": "A-1", "line": 1}, {"rule": "B-2", "line": 20}], "address": "x.y.z"}},
        "logs": {"result": {"text": "one\ntwo\nthree\n", "head": "0123456789abcdef"}},
    },
}


@dataclass
class Scope:
    values: dict[str, Any] = field(default_factory=lambda: VALUES)

    def clean(self, path: Path) -> bool:
        return path.root == "inputs"


def filled(text: str) -> Any:
    return fill(parse_node(text), Scope()).value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${inputs.count}", 3),
        ("${inputs.flag}", True),
        ("${inputs.none}", None),
        ("${steps.scan.result.findings}", VALUES["steps"]["scan"]["result"]["findings"]),
        ("n=${inputs.count}", "n=3"),
        ("${inputs.flag}!", "yes!"),
        ("${inputs.none}.", "nothing."),
        ("${inputs.service}${inputs.count}", "web3"),
        ("$${inputs.service}", "${inputs.service}"),
        ("costs $5 and {braces}", "costs $5 and {braces}"),
        ("${steps.scan.result.findings[0].rule}", "A-1"),
        ("${steps.scan.result.findings[-1].rule}", "B-2"),
        ('${steps.scan.result.findings[rule="B-2"].line}', 20),
        ("${steps.scan.result.findings[line=20].rule}", "B-2"),
        ("${steps.scan.result.address | last_part}", "z"),
        ("${steps.logs.result.head | short}", "0123456789"),
        ("${steps.logs.result.text | tail 2}", "two\nthree"),
        ("${steps.scan.result.findings | count}", 2),
        ('${steps.scan.result.findings | each "rule" | bullets}', "• A-1\n• B-2"),
        ('${steps.gone.result | or "nothing | at all"}', "nothing | at all"),
        ('${inputs.none | or ""}', ""),
        ("${steps.scan.result.findings[0] | json}", '{"line": 1, "rule": "A-1"}'),
        ("", ""),
    ],
)
def test_what_becomes_of_a_template(text: str, value: object) -> None:
    assert filled(text) == value
    assert type(filled(text)) is type(value)


def test_trees_keep_their_shape() -> None:
    tree = {"edits": [{"replace": "a ${inputs.service}", "count": 1}], "on": True, "none": None}
    assert fill(parse_node(tree), Scope()).value == {
        "edits": [{"replace": "a web", "count": 1}],
        "on": True,
        "none": None,
    }


@pytest.mark.parametrize(
    ("tree", "tainted"),
    [
        ("constant", False),
        ("${inputs.service}", False),
        ("${steps.logs.result.text}", True),
        ("${steps.scan.result.findings | count}", True),
        ({"a": ["${inputs.service}", {"b": "x ${steps.logs.result.head}"}]}, True),
        ({"a": ["${inputs.service}"], "b": 1}, False),
    ],
)
def test_taint_follows_the_text(tree: object, *, tainted: bool) -> None:
    assert fill(parse_node(tree), Scope()).tainted is tainted


@pytest.mark.parametrize(
    "text",
    [
        "${inputs.nobody}",
        "${steps.scan.result.findings[7].rule}",
        "${steps.scan.result.findings[rule=inputs.count].line}",
    ],
)
def test_what_is_not_there_is_missing(text: str) -> None:
    with pytest.raises(Missing):
        filled(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("${inputs.service", "does not close it"),
        ("${}", "does not begin with a name"),
        ("${inputs..x}", "cannot be read from `..x`"),
        ("${inputs.x | shout}", "there is no filter `shout`; there are bullets, count"),
        ("${inputs.x | tail}", "the filter `tail` takes a number"),
        ("${inputs.x | short 3}", "the filter `short` takes no argument"),
        ("${inputs.x | or 3}", "the filter `or` takes a text in quotes"),
        ("${Inputs.x}", "does not begin with a name"),
    ],
)
def test_faults_of_templates(text: str, says: str) -> None:
    with pytest.raises(TemplateFault) as raised:
        parse_text(text)
    assert says in str(raised.value)


@pytest.mark.parametrize("hostile", ['" || true || "', "x' == 'x", "\\", "\n", "é\ud800", '"', "1) || (1 == 1"])
def test_no_value_becomes_a_part_of_a_condition(hostile: str) -> None:
    scope = Scope({"inputs": {"x": hostile}})
    condition = compile_condition(literal_of(parse_text("result.v == ${inputs.x}"), scope), RESULT_ROOTS)
    assert condition.holds({"result": {"v": "something else"}}) is False
    assert condition.holds({"result": {"v": hostile.encode("utf-8", "replace").decode()}}) is True


def test_prose_is_always_text() -> None:
    assert text_of(parse_text("${inputs.count}"), Scope()) == "3"


def test_a_path_that_is_none() -> None:
    with pytest.raises(PathFault):
        parse_path("a[b]")
    assert look_up(parse_path("inputs.count"), VALUES) == 3

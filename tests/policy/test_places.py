"""Faults of conditions stand at their words, however YAML writes the text."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.conditions.condition import condition
from policy.conditions.shapes import RULE_ROOTS
from policy.reading.files import Faults, Fields, Node, read, several
from policy.reading.places import Source


def faults_of(text: str) -> list[str]:
    faults = Faults()
    node = read("f.yaml", text, faults)
    if node is not None:
        several(_entry)(node, faults)
    return [str(fault) for fault in faults]


def _entry(node: Node, faults: Faults) -> None:
    Fields(node, faults, "id", "when").get("when", condition(RULE_ROOTS), None)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- when: task.tpye == 'x'", "f.yaml:1:14: [0].when: task.tpye does not exist"),
        ("- when: 'task.tpye == ''x'''", "f.yaml:1:15:"),
        ("- when: 'call.tool == ''x'' && task.tpye == ''x'''", "f.yaml:1:37:"),
        ("- when: \"task.tpye == 'x'\"", "f.yaml:1:15:"),
        ('- when: "call.tool == \\"x\\\\n\\" && task.tpye == \\"\\u0078\\""', "f.yaml:1:40:"),
        ("- id: a\n  when:   task.tpye == 'x'\n", "f.yaml:2:16:"),
        ("- id: a\n  when: call.tainted &&\n    task.tpye == 'x'\n", "f.yaml:3:10:"),
        ("- id: a\n  when: >-\n    call.tainted &&\n    task.tpye == 'x'\n", "f.yaml:4:10:"),
        ("- id: a\n  when: |\n\n    call.tainted &&\n      task.tpye == 'x'\n", "f.yaml:5:12:"),
        ("- {id: a, when: \"call.tainted &&\n    task.tpye == 'x'\"}\n", "f.yaml:2:10:"),
        ("- {when: true || task.tpye == 'x', id: ä}", "f.yaml:1:23:"),
        ("# ä\r\n- when: task.tpye == 'x'\r\n", "f.yaml:2:14:"),
        ("- when: task.type ==", "f.yaml:1:21: [0].when: is not CEL: it ends where a value should stand"),
        ("- when: task.goal + 1 == ''", "f.yaml:1:21: [0].when: text + a whole number cannot be computed"),
    ],
)
def test_a_fault_stands_at_its_word(text: str, place: str) -> None:
    found = faults_of(text)
    assert len(found) == 1
    assert place in found[0]


@pytest.mark.parametrize("text", ["# a\x85b\n- when: x\n", "# a\rb\n- when: x\n", "- {a", "- then: x\n"])
def test_what_cannot_be_found_for_sure_has_no_place(text: str) -> None:
    assert Source(text).place(2, 3, "x", 0) is None


def test_every_flaw_of_a_condition_is_told_at_once() -> None:
    found = faults_of("- when: tsk.type == 'x' && call.effect == 'chnage' && task.goal.lenght() > 3\n")
    assert found == [
        'f.yaml:1:9: [0].when: tsk is not a variable here (did you mean "task"?)',
        "f.yaml:1:43: [0].when: call.effect is never 'chnage' (did you mean \"change\"?)",
        "f.yaml:1:65: [0].when: " + found[2].partition("when: ")[2],
    ]
    assert "lenght() is not a function here" in found[2]


def test_a_thousand_flaws_of_one_file_are_looked_up_once() -> None:
    found = faults_of("".join(f"- when: task.tpye == '{i}'\n" for i in range(900)))
    assert "f.yaml:900:14:" in found[-1]


@settings(deadline=None)
@given(
    st.text(alphabet="ab .='\"\\&|\n\tä€", min_size=1, max_size=60),
    st.sampled_from(["'", '"', "|", ">", None]),
    st.sampled_from([20, 1_000]),
    st.integers(0, 3),
)
def test_each_visible_character_is_found_again(value: str, style: str | None, width: int, above: int) -> None:
    document = [*({"id": "x"} for _ in range(above)), {"when": _Styled(value)}]
    text = yaml.dump(document, Dumper=_dumper(style), width=width, allow_unicode=True)
    faults = Faults()
    node = read("f.yaml", text, faults)
    assert node is not None
    when = node.value[above].value["when"]  # type: ignore[index, union-attr, call-overload]
    lines = text.split("\n")
    source = Source(text)
    for offset, char in enumerate(value):
        if char.isspace() or not isinstance(when.value, str):
            continue
        found = source.place(when.line, when.column, value, offset)
        assert found is not None
        written = lines[found[0] - 1][found[1] - 1 :]
        assert written[0] == char or written[0] == "\\", (text, offset, found)


class _Styled(str):
    __slots__ = ()


def _dumper(style: str | None) -> type[yaml.SafeDumper]:
    class Dumper(yaml.SafeDumper):
        pass

    Dumper.add_representer(
        _Styled, lambda to, said: to.represent_scalar("tag:yaml.org,2002:str", str(said), style=style)
    )
    return Dumper

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.reading.files import (
    Faults,
    Fields,
    Invalid,
    Read,
    boolean,
    choice,
    duration,
    integer,
    money,
    nearest,
    read,
    several,
    spell_duration,
    text,
)
from policy.reading.nodes import from_plain


def faults_in(said: str) -> list[str]:
    faults = Faults()
    read("f.yaml", said, faults)
    return [str(fault) for fault in faults]


def test_values_know_their_place() -> None:
    faults = Faults()
    node = read("f.yaml", "a: 1\nb:\n  - {c: x}\n", faults)
    assert node is not None
    assert node.plain == {"a": 1, "b": [{"c": "x"}]}
    fields = Fields(node, faults, "a", "b")
    listed = fields.child("b")
    assert listed is not None
    inner = listed.value[0].value["c"]  # type: ignore[index,call-overload,union-attr]
    assert (inner.file, inner.line, inner.column, inner.key) == ("f.yaml", 3, 6, "b[0].c")


def test_only_true_and_false_are_booleans_and_dates_stay_text() -> None:
    node = read("f.yaml", "[yes, on, 007, 1_000, 0x1F, 12:30, 2026-12-20, null, ~, 1.5, 1e3, .inf, 'true']", Faults())
    assert node is not None
    expected = ["yes", "on", "007", "1_000", "0x1F", "12:30", "2026-12-20", None, None, 1.5, 1000.0, ".inf", "true"]
    assert node.plain == expected


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("a: 1\na: 2", "f.yaml:2: a: is said twice (first on line 1)"),
        ("a: &x 1", "f.yaml:1: a: anchors are not allowed (write the value out)"),
        ("a: *x", "f.yaml:1: a: aliases are not allowed (write the value out)"),
        ("<<: {a: 1}", "merge keys are not allowed"),
        ("a: !!python/object:os.system x", "tags like tag:yaml.org,2002:python/object:os.system are not allowed"),
        ("a: !local x", "tags like !local are not allowed"),
        ("a: 1\n---\nb: 2", "f.yaml:2: must hold one document"),
        ("? [a]\n: 1", "a key must be text"),
        ("a: {", "f.yaml:1: is not YAML"),
        ("a: {\n\n", "f.yaml:1: is not YAML"),
        ("a: \x00", "is not YAML"),
        ("a: \ud800", "is not YAML"),
        ("", "is empty"),
        ("# nothing", "is empty"),
        ("[" * 5000, "is nested deeper"),
        ("a: " + "x" * 70_000, "is longer than"),
        ("- a\n" * 500_000, "holds more than"),
        ("x" * 5_000_000, "is larger than"),
    ],
)
def test_hostile_documents_are_refused(said: str, problem: str) -> None:
    (fault,) = faults_in(said)
    assert problem in fault


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(said: str) -> None:
    faults = Faults()
    assert read("f.yaml", said, faults) is not None or len(faults) > 0


def test_every_fault_is_collected_and_raised_at_once() -> None:
    faults = Faults()
    node = read("f.yaml", "tier: observ\ncuont: 1\ncount: x\n", faults)
    assert node is not None
    fields = Fields(node, faults, "tier", "count", "id")
    fields.need("tier", choice("observe", "draft"))
    fields.need("id", text)
    assert fields.get("count", integer(1, 5), 3) == 3
    with pytest.raises(Invalid) as raised:
        faults.check()
    assert str(raised.value).splitlines() == [
        'f.yaml:1: the key "id" is missing',
        'f.yaml:1: tier: must be one of observe, draft, not observ (did you mean "observe"?)',
        'f.yaml:2: cuont: is not a key here (did you mean "count"?)',
        "f.yaml:3: count: must be a whole number, not text",
    ]


@pytest.mark.parametrize(
    ("reader", "said", "value", "fault"),
    [
        (duration, "15m", 900.0, ""),
        (duration, "4h", 14_400.0, ""),
        (duration, "90s", 90.0, ""),
        (duration, "7d", 604_800.0, ""),
        (duration, "1h30m", 5_400.0, ""),
        (duration, 15, None, "must be a duration, not 15 (write 15s)"),
        (duration, "0s", None, "must be a duration"),
        (duration, "", None, "must be a duration"),
        (duration, "15 minutes", None, "like 90s, 15m, 4h or 7d"),
        (money, 2.5, 2.5, ""),
        (money, 3, 3.0, ""),
        (money, -1, None, "must be between 0"),
        (money, "2.50", None, "must be an amount in US dollars"),
        (money, True, None, "must be an amount"),
        (boolean, True, True, ""),
        (boolean, "yes", None, "write true"),
        (boolean, "off", None, "write false"),
        (text, 7, None, 'must be text, not a number (write "7")'),
        (text, " ", None, "must not be empty"),
        (integer(1, 3), 2, 2, ""),
        (integer(1, 3), True, None, "must be a whole number"),
        (integer(1, 3), 4, None, "must be between 1 and 3, not 4"),
        (several(text), "a", None, "must be a list, not text (write [a])"),
        (several(text, lone=True), "a", ("a",), ""),
        (several(text), {"a": 1}, None, "must be a list, not a mapping"),
    ],
)
def test_readers(reader: Read[object], said: object, value: object, fault: str) -> None:
    faults = Faults()
    assert reader(from_plain("f", said), faults) == value
    assert fault in "".join(map(str, faults))
    assert bool(fault) == (len(faults) > 0)


@given(st.integers(min_value=1, max_value=30 * 86_400))
def test_durations_are_spelt_as_they_are_read(seconds: int) -> None:
    assert duration(from_plain("f", spell_duration(seconds)), Faults()) == seconds


def test_a_day_is_spelt_in_hours() -> None:
    assert [spell_duration(s) for s in (86_400, 172_800, 900, 14_400, 90)] == ["24h", "2d", "15m", "4h", "90s"]


def test_nearest_lists_few_names_when_none_is_near() -> None:
    assert nearest("zzz", ["alpha", "beta"]) == "known: alpha, beta"
    assert nearest("zzz", map(str, range(1000))) == ""

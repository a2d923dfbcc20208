"""RFC 8785: equal values, equal bytes; the numbers are those of the RFC's appendix B."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.canonical import NotCanonical, _write, canonical_json, digest

APPENDIX_B = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "becbf647612f3696": "-0.0000033333333333333333",
}


@pytest.mark.parametrize(("bits", "text"), APPENDIX_B.items())
def test_numbers_are_written_as_ecmascript_does(bits: str, text: str) -> None:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical_json(value).decode() == text


def test_keys_are_sorted_by_utf16_code_units() -> None:
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\u00f6": 7}
    assert list(json.loads(canonical_json(value))) == [
        "\r", "1", "\x80", "\u00f6", "\u20ac", "\U0001f600", "\ufb33",
    ]  # fmt: skip


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, {1: 2}, "\ud800", object(), b"x"])
def test_what_json_cannot_carry_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical_json(value)


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_the_quick_way_writes_what_the_careful_way_writes(value: object) -> None:
    parts: list[str] = []
    _write(value, parts, "$")
    assert canonical_json(value).decode() == "".join(parts)


@given(JSON)
def test_it_reads_back_as_the_same_value(value: object) -> None:
    assert json.loads(canonical_json(value), parse_int=float) == value


@given(st.dictionaries(TEXT, JSON, min_size=2, max_size=5))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert digest(value) == digest(dict(reversed(value.items())))


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (float("nan"), "$: nan"),
        ({"a": [1, 2**53]}, "$.a[1]: 9007199254740992"),
        ({"a": [1, -(2**53)]}, "$.a[1]: -9007199254740992"),
        ({"a": {1: 2}}, "$.a: every key"),
        ([b"x"], "$[0]: a bytes"),
        ([bytearray(b"x")], "$[0]: a bytearray"),
        ([{"a": object()}], "$[0].a: a object"),
    ],
)
def test_a_refusal_names_the_place(value: object, place: str) -> None:
    with pytest.raises(NotCanonical) as refused:
        canonical_json(value)
    assert str(refused.value).startswith(place)


def test_the_greatest_integers_that_json_carries_are_carried() -> None:
    assert canonical_json([2**53 - 1, -(2**53) + 1, "\u00e9"]) == '[9007199254740991,-9007199254740991,"é"]'.encode()


def test_numbers_change_their_form_where_ecmascript_does() -> None:
    told = {1e20: "100000000000000000000", 1e21: "1e+21", 1.5e21: "1.5e+21", 123.5: "123.5", 1e-7: "1e-7"}
    told |= {1e-6: "0.000001", 0.5: "0.5", 1.25e-7: "1.25e-7", 2.5: "2.5", 0.0: "0", -2.0: "-2"}
    assert [canonical_json(value).decode() for value in told] == list(told.values())


def test_words_of_json_are_the_same_beside_what_the_quick_way_leaves_alone() -> None:
    assert canonical_json([True, False, None, 1, "\u00e9"]) == '[true,false,null,1,"\u00e9"]'.encode()

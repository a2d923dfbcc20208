"""One document, one meaning."""

import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.canonical import canonical_json
from handlers.http.strict_json import MOST_DEPTH, Malformed, parse


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "line 1, column 1"),
        (b'{\n  "a": nope}', "line 2, column 8"),
        (b'{"a": 1} x', "line 1, column 10"),
        (b'{"tier": 1, "tier": 4}', "'tier' stands twice"),
        (b'{"a": {"b": 1, "b": 1}}', "'b' stands twice"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b"[-Infinity]", "Infinity is not JSON"),
        (b"[1e999]", "too large"),
        (b"[9007199254740993]", "2**53"),
        (b"[" + b"9" * 5000 + b"]", "2**53"),
        (b"[" * 200_000, "values"),
        (b"[" * 50_000, "deep"),
        (b"[" * 40 + b"]" * 40, "deep"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "deep"),
        (b"[" + b"0," * 200_000 + b"0]", "values"),
        (b'{"a": "\xff"}', "not UTF-8 (line 1, column 8)"),
        (b'\xef\xbb\xbf{"a": 1}', "line 1, column 1"),
        (rb'["\ud800"]', "surrogate"),
        (rb'{"\udc00": 1}', "surrogate"),
        (rb'["a\u0000b"]', "U+0000"),
        (b'["a\x01b"]', "control character"),
        ("[١]".encode(), "not JSON"),
    ],
)
def test_what_is_refused_says_why(body, says):
    started = time.perf_counter()
    with pytest.raises(Malformed) as refused:
        parse(body)
    assert says in str(refused.value)
    assert time.perf_counter() - started < 0.5


def test_depth_to_the_bound_is_read():
    value: object = 1
    for _ in range(MOST_DEPTH - 1):
        value = [value]
    assert parse(json.dumps(value).encode()) == value


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text("abcé", max_size=4), below, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_is_read_is_what_was_written_and_has_a_canonical_form(value):
    assert parse(json.dumps(value).encode()) == value
    assert canonical_json(parse(json.dumps(value).encode())) == canonical_json(value)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body):
    with contextlib.suppress(Malformed):
        canonical_json(parse(body))

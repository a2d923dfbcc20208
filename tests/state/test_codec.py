"""Every event comes back from the store as it went in, or is refused."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.calls import Observation, ToolCall
from domain.decisions import Approvers
from domain.events import ActionReturned, CallsProposed, Event, PersonSpoke
from domain.tiers import Effect
from state.codec import Encoded, decode, encode
from state.errors import Damaged, Unencodable
from tests.state.samples import call, received

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
zones = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
approvers = st.recursive(
    st.builds(Approvers, kind=text, name=st.none() | text),
    lambda inner: st.builds(Approvers, kind=text, of=st.lists(inner, max_size=2).map(tuple)),
    max_leaves=3,
)
st.register_type_strategy(str, text)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(datetime, st.datetimes(timezones=zones))
st.register_type_strategy(Approvers, approvers)
st.register_type_strategy(
    Mapping,
    lambda kind: st.dictionaries(text, text if get_args(kind)[1] is str else json_values, max_size=3),
)
EVENTS = get_args(Event)


def through(event: Event) -> Event:
    encoded = encode(event)
    return decode(encoded, stream="r-1", seq=1)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_event_comes_back_equal(kind: type[Any], data: st.DataObject) -> None:
    event = data.draw(st.from_type(kind))
    back = through(event)
    assert back == event
    assert type(back) is type(event)
    assert encode(back) == encode(event)


def test_unknown_labels_are_not_empty_ones() -> None:
    choices: list[dict[str, str] | None] = [None, {}]
    for labels in choices:
        event = CallsProposed(calls=(replace(call(), labels=labels),))
        back = through(event)
        assert isinstance(back, CallsProposed)
        assert back.calls[0].labels == labels


def test_types_come_back_as_they_were() -> None:
    back = through(CallsProposed(calls=(call(),)))
    assert isinstance(back, CallsProposed)
    assert isinstance(back.calls, tuple)
    assert isinstance(back.calls[0], ToolCall)
    assert back.calls[0].effect is Effect.CHANGE


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "data", [{"x": float("nan")}, {"x": [float("inf")]}, {"x": deep(300)}, {"x": "\ud800"}, {"x": object()}]
)
def test_what_json_cannot_carry_is_refused(data: dict[str, Any]) -> None:
    event = ActionReturned(call_id="c1", observation=Observation(ok=True, summary="", data=data))
    with pytest.raises(Unencodable):
        encode(event)


def test_a_wrong_type_is_refused() -> None:
    wrong: Any = 7
    with pytest.raises(Unencodable, match="PersonSpoke would not read back: text: string_type"):
        encode(PersonSpoke(by="user:U1", text=wrong))


def test_the_words_nan_and_infinity_are_fine_inside_a_text() -> None:
    event = PersonSpoke(by="user:U1", text='NaN, "NaN", Infinity')
    assert through(event) == event


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (Encoded("Nonsense", 1, b"{}"), "there is no event called 'Nonsense'"),
        (Encoded("PersonSpoke", 2, b"{}"), "has shape 2; this version knows up to 1"),
        (Encoded("PersonSpoke", 0, b"{}"), "has shape 0"),
        (Encoded("PersonSpoke", 1, b"null"), "empty payload"),
        (Encoded("PersonSpoke", 1, b'{"by":"user:U1"}'), "text: missing"),
        (Encoded("PersonSpoke", 1, b'{"by":"user:U1","text":"secret","mood":1}'), "mood: unexpected_keyword_argument"),
        (Encoded("PersonSpoke", 1, b'{"by":"user:U1","text":'), "json_invalid"),
        (Encoded("PersonSpoke", 1, b"\xff"), "json_invalid"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(stored: Encoded, why: str) -> None:
    with pytest.raises(Damaged) as caught:
        decode(stored, stream="r-7", seq=3)
    assert str(caught.value).startswith("r-7 event 3: ")
    assert why in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_unknown_field_deep_inside_is_an_error() -> None:
    stored = encode(received())
    fields = json.loads(stored.payload)
    fields["task"]["trigger"]["colour"] = "red"
    with pytest.raises(Damaged, match=r"task\.trigger\.colour: unexpected_keyword_argument"):
        decode(stored._replace(payload=json.dumps(fields).encode()), stream="r-1", seq=1)


def test_an_old_shape_is_brought_up_to_date_step_by_step() -> None:
    upcasts = {
        ("PersonSpoke", 1): lambda fields: {"by": fields["who"], "words": fields["words"]},
        ("PersonSpoke", 2): lambda fields: {"by": fields["by"], "text": fields["words"]},
    }
    stored = Encoded("PersonSpoke", 1, b'{"who":"user:U1","words":"hello"}')
    event = decode(stored, stream="r-1", seq=1, versions={"PersonSpoke": 3}, upcasts=upcasts)
    assert event == PersonSpoke(by="user:U1", text="hello")
    with pytest.raises(Damaged, match="cannot be brought up to date"):
        decode(stored, stream="r-1", seq=1, versions={"PersonSpoke": 4}, upcasts=upcasts)

"""Events as JSON and back. An event is stored under its class's name with the version of its shape.

Nothing is tolerated on the way in or out: an unknown type, version or field is an error that names stream and seq,
because guessing at the log means acting on what nobody wrote.
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, get_args

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from domain.events import Event
from state.errors import Damaged, Unencodable

# The shape of an event class that is not at version 1. Raising a number here needs an upcast from the one before.
VERSIONS: Final[Mapping[str, int]] = MappingProxyType({})

# (type, version) -> the payload one version further.
Upcast = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTS: Final[Mapping[tuple[str, int], Upcast]] = MappingProxyType({})

_STRICT = ConfigDict(
    extra="forbid", strict=True, allow_inf_nan=False, ser_json_inf_nan="constants", hide_input_in_errors=True
)
# `| None` lets the configuration reach the dataclasses inside; pydantic refuses it on a bare one.
_ADAPTERS: Final[Mapping[str, TypeAdapter[Any]]] = MappingProxyType(
    {kind.__name__: TypeAdapter(kind | None, config=_STRICT) for kind in get_args(Event)}
)


class Encoded(NamedTuple):
    """An event as it is stored."""

    type: str
    version: int
    payload: bytes


def encode(event: Event) -> Encoded:
    """`event` as JSON that is known to read back. Raises Unencodable."""
    name = type(event).__name__
    adapter = _ADAPTERS.get(name)
    if adapter is None:
        raise Unencodable(f"{name} is not an event")
    try:
        payload = adapter.serializer.to_json(event, warnings=False)
        adapter.validator.validate_json(payload)
    except (PydanticSerializationError, UnicodeEncodeError, RecursionError) as error:
        raise Unencodable(f"{name} cannot be written as JSON: {type(error).__name__}") from error
    except ValidationError as error:
        raise Unencodable(f"{name} would not read back: {_first(error)}") from error
    if b"NaN" in payload or b"Infinity" in payload:
        _refuse_constants(name, payload)
    return Encoded(name, VERSIONS.get(name, 1), payload)


def decode(
    encoded: Encoded,
    *,
    stream: str,
    seq: int,
    versions: Mapping[str, int] = VERSIONS,
    upcasts: Mapping[tuple[str, int], Upcast] = UPCASTS,
) -> Event:
    """The event, brought to today's shape. Raises Damaged, naming stream and seq."""
    adapter = _ADAPTERS.get(encoded.type)
    current = versions.get(encoded.type, 1)
    if adapter is None:
        raise Damaged(stream, seq, f"there is no event called {encoded.type!r} in this version of Countersign")
    if not 1 <= encoded.version <= current:
        raise Damaged(stream, seq, f"{encoded.type} has shape {encoded.version}; this version knows up to {current}")
    payload = encoded.payload
    try:
        if encoded.version < current:
            payload = _upcast(encoded, current, upcasts)
        event: Event | None = adapter.validate_json(payload)
    except ValidationError as error:
        raise Damaged(stream, seq, f"{encoded.type} cannot be read: {_first(error)}") from error
    except (KeyError, ValueError) as error:
        raise Damaged(stream, seq, f"{encoded.type} shape {encoded.version} cannot be brought up to date") from error
    if event is None:
        raise Damaged(stream, seq, f"{encoded.type} has an empty payload")
    return event


def _upcast(encoded: Encoded, current: int, upcasts: Mapping[tuple[str, int], Upcast]) -> bytes:
    fields: dict[str, Any] = json.loads(encoded.payload)
    for version in range(encoded.version, current):
        fields = upcasts[encoded.type, version](fields)
    return json.dumps(fields).encode()


def _refuse_constants(name: str, payload: bytes) -> None:
    """The words may stand inside a text; as numbers they are not JSON."""

    def refuse(constant: str) -> None:
        raise Unencodable(f"{name} holds {constant}, which is not a JSON number")

    json.loads(payload, parse_constant=refuse)


def _first(error: ValidationError) -> str:
    """Where and why, without the value: payloads may hold what must not reach a log."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['type']}"

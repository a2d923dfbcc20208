"""Rows of the log as events."""

from collections.abc import Sequence
from typing import Any

from domain.events import Recorded
from state import chain
from state.codec import Encoded, decode
from state.errors import PayloadErased


def recorded(row: Sequence[Any]) -> Recorded:
    """A row of READ_STREAM or READ_LOG. Raises Damaged, or PayloadErased."""
    position, stream, seq, at, kind, version, hashed, payload = row
    if payload is None:
        raise PayloadErased(stream, seq, f"what this {kind} said has been erased")
    event = decode(Encoded(kind, version, payload), stream=stream, seq=seq)
    return Recorded(stream=stream, seq=seq, at=chain.moment(at), event=event, position=position, hash=hashed.hex())

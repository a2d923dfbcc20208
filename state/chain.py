"""The keyed hash chain: each event's hash covers the one before it in its stream.

An event's hash covers the *hash* of its payload, so that a payload can be erased and the chain still verifies. The
payload's hash is keyed as well: without the key nobody can guess an erased payload from its hash.
"""

import hmac
import struct
from datetime import UTC, datetime, timedelta

FIRST = bytes(32)  # what the first event of a stream follows

_LINK = b"countersign/event/1\0"
_PAYLOAD = b"countersign/payload/1\0"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def payload_hash(key: bytes, payload: bytes) -> bytes:
    """The keyed hash of one payload."""
    return hmac.digest(key, _PAYLOAD + payload, "sha256")


def link(key: bytes, previous: bytes, stream: str, seq: int, at: int, kind: str, version: int, payload: bytes) -> bytes:
    """The hash of the event that follows `previous`. `at` is in microseconds; `payload` is a payload's hash."""
    name, kind_name = stream.encode(), kind.encode()
    place = struct.pack(">QqIII", seq, at, version, len(name), len(kind_name))  # lengths: no two rows share bytes
    return hmac.digest(key, b"".join((_LINK, previous, place, name, kind_name, payload)), "sha256")


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, exact. Raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return (moment - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """The time at so many microseconds since 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=at)

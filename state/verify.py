"""Verifies the hash chain of every stream, and names the first row that is not what was written.

Alone it finds an edit, a deletion in the middle, a re-ordering, and a cut tail as long as the rows beside the log still
know of it. Who can write the database and its projections can still cut the tail: pass `anchors`, heads that were kept
where no database writer can reach. Who holds the key as well can forge everything since the last anchor.
"""

import sqlite3
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any, Final

from domain.events import ORGANIZATION_STREAM, RunFinished
from state import chain, sql
from state.database import Database

_PAGE: Final = 2000
Anchors = Mapping[str, tuple[int, str]]  # stream -> (seq, hash in hexadecimal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first row that is not what was written."""

    stream: str
    seq: int
    position: int | None  # None: the row is gone
    why: str

    def __str__(self) -> str:
        at = "" if self.position is None else f" (position {self.position})"
        return f"{self.stream} event {self.seq}{at}: {self.why}"


@dataclass(slots=True, kw_only=True)
class Verified:
    """What was found. `broken` is None where everything holds; `heads` are what to anchor."""

    events: int = 0
    erased: int = 0
    heads: dict[str, tuple[int, str]] = field(default_factory=dict)
    broken: Broken | None = None


@dataclass(slots=True)
class _Stream:
    """How far one stream has been verified."""

    name: str
    seq: int = 0
    hash: bytes = chain.FIRST
    position: int = 0
    erased: tuple[int, int] | None = None  # (seq, position) of the first event without a payload
    finished: bool = False


async def verify(database: Database, key: bytes, anchors: Anchors | None = None) -> Verified:
    """Read the whole log, a page at a time, and check it. Stops at the first broken row.

    The log may grow meanwhile: what must be there is asked first, so that what is written later is never missed.
    """
    found, stream, known = Verified(), _Stream(""), await database.read(_known)
    while rows := await database.read(lambda raw, at=stream: _page(raw, at.name, at.seq)):  # type: ignore[misc]
        for row in rows:
            if row[1] != stream.name:
                found.broken = _end(found, stream)
                stream = _Stream(row[1])
            found.broken = found.broken or _check(key, stream, row, anchors or {})
            if found.broken is not None:
                return found
            found.events += 1
            found.erased += row[-1] is None
    found.broken = _end(found, stream) or _cut(found, anchors or {}, known)
    return found


def _page(raw: sqlite3.Connection, stream: str, seq: int) -> list[Any]:
    return raw.execute(sql.READ_CHAIN, (stream, seq, _PAGE)).fetchall()


def _check(key: bytes, stream: _Stream, row: Sequence[Any], anchors: Anchors) -> Broken | None:
    position, name, seq, at, kind, version, hashed, own, payload = row

    def broken(why: str) -> Broken:
        return Broken(stream=name, seq=seq, position=position, why=why)

    if seq != stream.seq + 1:
        return Broken(stream=name, seq=stream.seq + 1, position=None, why=f"is missing before event {seq}")
    if position <= stream.position:
        return broken("stands before the event that it follows: the log has been re-ordered")
    if payload is not None and not compare_digest(chain.payload_hash(key, payload), hashed):
        return broken("its payload is not what was written")
    try:
        expected = chain.link(key, stream.hash, name, seq, at, kind, version, hashed)
    except struct.error:
        return broken("the row holds a number that was never written")
    if not compare_digest(expected, own):
        return broken("the row is not what was written, or does not follow the one before it")
    anchored_seq, anchored = anchors.get(name, (0, ""))
    if seq == anchored_seq and anchored != own.hex():
        return broken("is not the event that was anchored: the log has been rewritten")
    if payload is None and stream.erased is None:
        stream.erased = (seq, position)
    stream.seq, stream.hash, stream.position = seq, own, position
    stream.finished = stream.finished or kind == RunFinished.__name__
    return None


def _end(found: Verified, stream: _Stream) -> Broken | None:
    """The stream's head is known; only a finished run's payloads may have been erased."""
    if not stream.name:
        return None
    found.heads[stream.name] = (stream.seq, stream.hash.hex())
    if stream.erased is not None and (not stream.finished or stream.name == ORGANIZATION_STREAM):
        seq, position = stream.erased
        return Broken(stream=stream.name, seq=seq, position=position, why="its payload is gone, and nobody erased it")
    return None


def _cut(found: Verified, anchors: Anchors, known: tuple[dict[str, int], int, int]) -> Broken | None:
    """Whether the end of a stream, or of the log, is missing."""
    runs, last, used = known
    for name, seq in [*runs.items(), *((name, seq) for name, (seq, _) in anchors.items())]:
        have = found.heads.get(name, (0, ""))[0]
        if have < seq:
            return Broken(stream=name, seq=have + 1, position=None, why=f"is missing: there were {seq} events")
    if last < used:
        return Broken(
            stream="(unknown)", seq=0, position=None, why=f"the log ends at position {last}, and {used} was used"
        )
    return None


def _known(raw: sqlite3.Connection) -> tuple[dict[str, int], int, int]:
    """What the rows beside the log know of it: events of each run, the last position, the last one ever used."""
    runs = dict(raw.execute(sql.RUN_LENGTHS).fetchall())
    (last,) = raw.execute(sql.GREATEST_POSITION).fetchone()
    used = raw.execute(sql.LAST_POSITION).fetchone()
    return runs, last, used[0] if used else 0

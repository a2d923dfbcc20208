"""How the playground can be told to misbehave."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from playground.errors import Json, Malformed


@dataclass(slots=True)
class Count:
    """The next `count` calls of `method` (of any method when it is None)."""

    count: int = 0
    method: str | None = None
    retry_after: int = 1

    def take(self, method: str) -> bool:
        if self.count <= 0 or self.method not in (None, method):
            return False
        self.count -= 1
        return True


@dataclass(slots=True)
class Faults:
    """Switches that stay until changed, and counters that run down. `reset` clears all.

    duplicate: every delivery (events, commands, interactions) is followed by N extra copies: the same payload (same
      event_id), another envelope_id. Acks of copies are ignored. Stays until set to 0.
    reorder: events (not commands, not interactions) are held until N have gathered (true = 5) or 300 ms have passed
      since the first, then sent in random order. `say` does not wait for held events. Stays until set to 0.
    delay_ms: every delivery waits this long before it is sent. The life of a trigger_id starts before the wait.
      Stays until set to 0.
    drop: the next N delivery attempts are lost on the way. An event so lost is delivered again like one that was
      not acked (after `ack_timeout`); a lost command or interaction is gone and the person sees `operation_timeout`.
    lose: the next N events are lost for good: no attempt reaches the app, none is repeated.
    rate_limit: the next N Web API calls are answered 429 and not carried out; or {method, count, retry_after}.
    server_error_after_commit: the next N writing Web API calls are carried out and then answered 500;
      or {method, count}.
    server_error: the next N Web API calls are answered 500 and not carried out; or {method, count}.
    """

    duplicate: int = 0
    reorder: int = 0
    delay_ms: int = 0
    drop: int = 0
    lose: int = 0
    rate_limit: Count = field(default_factory=Count)
    server_error_after_commit: Count = field(default_factory=Count)
    server_error: Count = field(default_factory=Count)

    def set(self, request: Json) -> None:
        known = {each.name for each in fields(self)}
        if unknown := set(request) - known:
            raise Malformed(f"unknown faults {sorted(unknown)}; known are {sorted(known)}")
        for name, value in request.items():
            counted = name in ("rate_limit", "server_error_after_commit", "server_error")
            setattr(
                self,
                name,
                _count(name, value) if counted else _number(name, 5 if value is True and name == "reorder" else value),
            )

    def clear(self) -> None:
        for each in fields(self):
            setattr(self, each.name, Count() if each.default_factory is Count else 0)

    def take(self, name: str) -> bool:
        """Uses up one of a plain counter."""
        left = getattr(self, name)
        if left > 0:
            setattr(self, name, left - 1)
        return bool(left > 0)

    def shown(self) -> Json:
        return {
            each.name: value.count if isinstance(value := getattr(self, each.name), Count) else value
            for each in fields(self)
        }


class Shuffler:
    """Holds what is to be sent and releases it in random order."""

    def __init__(self, call_later: Callable[[float, Callable[[], None]], object]) -> None:
        self._call_later = call_later
        self._held: list[Callable[[], None]] = []

    def hold(self, release: Callable[[], None], window: int) -> None:
        self._held.append(release)
        if len(self._held) == 1:
            self._call_later(0.3, self.flush)
        if len(self._held) >= window:
            self.flush()

    def flush(self) -> None:
        held, self._held = self._held, []
        random.shuffle(held)
        for release in held:
            release()


def _number(name: str, value: Any) -> int:
    if isinstance(value, bool):
        value = int(value)
    if not isinstance(value, int) or value < 0:
        raise Malformed(f"fault {name}: a whole number of at least 0 is needed, not {value!r}")
    return value


def _count(name: str, value: Any) -> Count:
    if not isinstance(value, dict):
        return Count(_number(name, value))
    return Count(_number(name, value.get("count", 1)), value.get("method"), value.get("retry_after", 1))

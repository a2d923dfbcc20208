"""What went over the wire lately, for the page's inspector."""

import re
from collections import deque
from collections.abc import Callable
from typing import Any

from playground.errors import Json

_SECRET = re.compile(r"(xox[a-z]|xapp)-[A-Za-z0-9-]+")


class Traffic:
    def __init__(self, now: Callable[[], float], touch: Callable[[], None], size: int = 500) -> None:
        self._rows: deque[Json] = deque(maxlen=size)
        self._now = now
        self._touch = touch
        self._last = 0

    def add(self, direction: str, kind: str, name: str, request: Any, response: Any = None, **fields: Any) -> None:
        """`direction` is "in" (from the app to the workspace) or "out"; `kind` is api, socket, http or response_url."""
        self._last += 1
        row = {"id": self._last, "at": self._now(), "direction": direction, "kind": kind, "name": name}
        row["method" if kind == "api" else "type"] = name
        self._rows.append(row | {"request": _masked(request), "response": _masked(response)} | fields)
        self._touch()

    def after(self, last: int) -> list[Json]:
        return [row for row in self._rows if row["id"] > last]

    def clear(self) -> None:
        self._rows.clear()


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRET.sub(lambda match: match.group(1) + "-…", value)
    if isinstance(value, dict):
        return {key: _masked(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(each) for each in value]
    return value

"""Strict YAML with positions: every value knows its file, line and key; every fault is collected, none raised early.

The dialect is YAML's data, without its surprises: only `true` and `false` are booleans, dates and `007` stay text, and
anchors, aliases, tags, merge keys and several documents in one file are refused. Everything is bounded, so that a file
cannot be a bomb: documents are built from parser events without recursion and without following references.

    faults = Faults()
    node = read("policies/org.yaml", text, faults)        # None if it is not even YAML
    fields = Fields(node, faults, "id", "tier", "within")  # other keys are faults with the nearest of these
    tier = fields.need("tier", choice("observe", "draft"))
    within = fields.get("within", duration, 86_400.0)
    faults.check()                                        # raises Invalid with all of them

`Invalid` is the only exception; a `Fault` is a value.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from policy.reading.nodes import Fault, Faults, Invalid, Node, Scalar, read

__all__ = [
    "Fault",
    "Faults",
    "Fields",
    "Invalid",
    "Node",
    "Read",
    "boolean",
    "by_name",
    "choice",
    "duration",
    "integer",
    "label",
    "money",
    "nearest",
    "read",
    "several",
    "spell_duration",
    "text",
]

T = TypeVar("T")
D = TypeVar("D")
_MOST_STRANGE = 20  # unknown keys of one mapping that are named
_LONGEST_NAME, _MOST_NAMES = 100, 2_000  # what is compared to find the nearest name: that costs their product


def nearest(name: str, known: Iterable[str]) -> str:
    """`did you mean "tier"?` for the nearest known name, or the list of a few names, or nothing."""
    distinct = set(known)
    if len(name) > _LONGEST_NAME or len(distinct) > _MOST_NAMES:
        return ""
    names = sorted(distinct)
    close = difflib.get_close_matches(name.lower(), [n.lower() for n in names], n=1, cutoff=0.6)
    if close:
        return f'did you mean "{next(n for n in names if n.lower() == close[0])}"?'
    return f"known: {', '.join(names)}" if 0 < len(names) <= 20 else ""


# ── Readers: each takes a node, answers its value or None, and records what was wrong ─────────────────────────────────

Read = Callable[[Node, Faults], T | None]


class Fields:
    """A mapping whose keys are known. Keys that are not are faults, at once."""

    def __init__(self, node: Node, faults: Faults, *known: str) -> None:
        self.node, self._faults, self._known = node, faults, known
        self._nodes: Mapping[str, Node] = {}
        if isinstance(node.value, Mapping):
            self._nodes = node.value
        else:
            faults.at(node, f"must be a mapping, not {node.kind}", f"keys: {', '.join(known)}")
        strange = [name for name in self._nodes if name not in known]
        for name in strange[:_MOST_STRANGE]:
            faults.at(self._nodes[name], "is not a key here", "" if faults.full else nearest(name, known))
        if len(strange) > _MOST_STRANGE:
            faults.at(node, f"has {len(strange) - _MOST_STRANGE} more keys that are not keys here")

    def __contains__(self, name: str) -> bool:
        return name in self._nodes

    def child(self, name: str) -> Node | None:
        """The value's node, or None where the key is absent."""
        assert name in self._known, name  # noqa: S101 - a misspelt key in our own code
        return self._nodes.get(name)

    def get(self, name: str, reader: Read[T], default: D) -> T | D:
        """The value, or `default` where it is absent or wrong."""
        node = self.child(name)
        value = None if node is None else reader(node, self._faults)
        return default if value is None else value

    def need(self, name: str, reader: Read[T]) -> T | None:
        """The value; a fault and None where it is absent."""
        if self.child(name) is None and isinstance(self.node.value, Mapping):
            self._faults.at(self.node, f'the key "{name}" is missing')
        return self.get(name, reader, None)


def _wrong(node: Node, faults: Faults, expected: str, suggestion: str = "") -> None:
    faults.at(node, f"must be {expected}, not {node.kind}", suggestion)


def text(node: Node, faults: Faults) -> str | None:
    """Text that is not empty. Numbers are not text: an id of digits wants quotes."""
    if not isinstance(node.value, str):
        hint = f'"{node.value}"' if isinstance(node.value, (int, float)) else ""
        _wrong(node, faults, "text", f"write {hint}" if hint else "")
        return None
    if not node.value.strip():
        faults.at(node, "must not be empty")
        return None
    return node.value


def label(node: Node, faults: Faults) -> str | None:
    """A label's value; numbers and booleans stand for their spelling."""
    if isinstance(node.value, (bool, int)):
        return str(node.value).lower()
    return text(node, faults)


def boolean(node: Node, faults: Faults) -> bool | None:
    if isinstance(node.value, bool):
        return node.value
    said = str(node.value).lower()
    hint = "write true" if said in {"yes", "on", "y"} else "write false" if said in {"no", "off", "n"} else ""
    _wrong(node, faults, "true or false", hint)
    return None


def integer(least: int, most: int) -> Read[int]:
    """A whole number between these, both included."""

    def read_integer(node: Node, faults: Faults) -> int | None:
        if isinstance(node.value, bool) or not isinstance(node.value, int):
            _wrong(node, faults, "a whole number")
            return None
        if not least <= node.value <= most:
            span = f"between {least} and {most}" if least < most else f"{least}"
            faults.at(node, f"must be {span}, not {node.value}")
            return None
        return node.value

    return read_integer


def money(node: Node, faults: Faults) -> float | None:
    """US dollars, not negative."""
    if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
        _wrong(node, faults, "an amount in US dollars", "like 2.50")
        return None
    if not 0 <= node.value <= 1_000_000:
        faults.at(node, f"must be between 0 and 1000000 US dollars, not {node.value}")
        return None
    return float(node.value)


_DURATION = re.compile(r"(?:(\d{1,5})d)?(?:(\d{1,7})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?")
_UNITS = (86_400, 3_600, 60, 1)


def duration(node: Node, faults: Faults) -> float | None:
    """Seconds of `90s`, `15m`, `4h`, `7d` or `1h30m`."""
    found = _DURATION.fullmatch(node.value) if isinstance(node.value, str) else None
    seconds = sum(int(n) * unit for n, unit in zip(found.groups(), _UNITS, strict=True) if n) if found else 0
    if seconds <= 0:
        hint = f"write {node.value}s" if isinstance(node.value, int) else "like 90s, 15m, 4h or 7d"
        faults.at(node, f"must be a duration, not {node.value if isinstance(node.value, Scalar) else node.kind}", hint)
        return None
    return float(seconds)


def spell_duration(seconds: float) -> str:
    """`4h` for 14400: the largest unit that divides it, as rules write it."""
    whole = int(seconds)
    if whole > 86_400 and whole % 86_400 == 0:
        return f"{whole // 86_400}d"
    for unit, name in ((3_600, "h"), (60, "m")):
        if whole and whole % unit == 0:
            return f"{whole // unit}{name}"
    return f"{whole}s"


def choice(*names: str) -> Read[str]:
    """One of these words."""

    def read_choice(node: Node, faults: Faults) -> str | None:
        if isinstance(node.value, str) and node.value in names:
            return node.value
        said = node.value if isinstance(node.value, Scalar) else node.kind
        faults.at(node, f"must be one of {', '.join(names)}, not {said}", nearest(str(said), names))
        return None

    return read_choice


def several(reader: Read[T], *, lone: bool = False) -> Read[tuple[T, ...]]:
    """A list of such values. With `lone`, a single value stands for a list of one."""

    def read_several(node: Node, faults: Faults) -> tuple[T, ...] | None:
        if lone and isinstance(node.value, (str, int, float, bool)):
            one = reader(node, faults)
            return None if one is None else (one,)
        if not isinstance(node.value, tuple):
            _wrong(node, faults, "a list", f"write [{node.value}]" if isinstance(node.value, str) else "")
            return None
        values = [reader(item, faults) for item in node.value]
        return tuple(value for value in values if value is not None)

    return read_several


def by_name(reader: Read[T]) -> Read[dict[str, T]]:
    """A mapping from names of the writer's own choosing to such values."""

    def read_by_name(node: Node, faults: Faults) -> dict[str, T] | None:
        if not isinstance(node.value, Mapping):
            _wrong(node, faults, "a mapping")
            return None
        values = {name: reader(item, faults) for name, item in node.value.items()}
        return {name: value for name, value in values.items() if value is not None}

    return read_by_name

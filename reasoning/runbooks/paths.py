"""Where a placeholder points: `steps.scan.result.findings[rule=inputs.finding].file`, read from plain values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.canonical import Json

_PART = re.compile(
    r"\.(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|\[(?P<index>-?[0-9]+)\]"
    r"|\[(?P<key>[A-Za-z_][A-Za-z0-9_-]*)=(?P<wanted>[^\]\[]+)\]"
)
_ROOT = re.compile(r"[a-z][a-z_]*")
_LITERAL = re.compile(r"\"[^\"]*\"|'[^']*'|-?[0-9]+")


class PathFault(ValueError):
    """The text is not a path; the message says where it stops being one."""


class Missing(LookupError):
    """A path leads nowhere in the values at hand; the message is the path."""


@dataclass(frozen=True, slots=True)
class Where:
    """`[key=wanted]`: the first item of a list whose `key` equals a literal, or what another path leads to."""

    key: str
    wanted: "Path | str | int"


@dataclass(frozen=True, slots=True)
class Path:
    """A root and the way from it. `text` is the spelling that people read."""

    root: str
    parts: tuple[str | int | Where, ...]
    text: str


def parse_path(text: str) -> Path:
    """Raises PathFault."""
    root = _ROOT.match(text)
    if root is None:
        raise PathFault(f"`{text}` does not begin with a name such as `inputs` or `steps`")
    parts: list[str | int | Where] = []
    position = root.end()
    while position < len(text):
        found = _PART.match(text, position)
        if found is None:
            raise PathFault(f"`{text}` cannot be read from `{text[position:]}` on")
        parts.append(_part(found))
        position = found.end()
    return Path(root[0], tuple(parts), text)


def look_up(path: Path, values: Mapping[str, Json]) -> Json:
    """What `path` leads to. Raises Missing."""
    value: Json = values.get(path.root) if path.root in values else _missing(path)
    for part in path.parts:
        value = _follow(value, part, path, values)
    return value


def _part(found: re.Match[str]) -> str | int | Where:
    if found["name"] is not None:
        return found["name"]
    if found["index"] is not None:
        return int(found["index"])
    wanted = found["wanted"].strip()
    if not _LITERAL.fullmatch(wanted):
        return Where(found["key"], parse_path(wanted))
    return Where(found["key"], wanted[1:-1] if wanted[0] in "\"'" else int(wanted))


def _follow(value: Json, part: str | int | Where, path: Path, values: Mapping[str, Json]) -> Json:
    match part:
        case str() if isinstance(value, Mapping) and part in value:
            return value[part]
        case int() if _is_list(value) and -len(value) <= part < len(value):
            return value[part]
        case Where(key=key, wanted=wanted) if _is_list(value):
            sought = look_up(wanted, values) if isinstance(wanted, Path) else wanted
            for item in value:
                if isinstance(item, Mapping) and item.get(key) == sought:
                    return item
    return _missing(path)


def _is_list(value: Json) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _missing(path: Path) -> Json:
    raise Missing(path.text)

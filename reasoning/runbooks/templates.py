"""Templates: text with `${path | filter}` in it, or a tree of such texts. A sole placeholder keeps its value's type.

`$${` writes a literal `${`. What a value may follow from is kept beside it: `tainted` is true as soon as one
placeholder reads text that nobody vouches for. Filters are a closed list (`FILTERS`) and never make a value clean.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from domain.canonical import Json
from reasoning.runbooks.paths import Missing, Path, PathFault, look_up, parse_path

_PLACEHOLDER = re.compile(r"\$\$\{|\$\{(?P<inside>[^{}]*)\}")
_FILTER = re.compile(r"\s*(?P<name>[a-z_]+)(?:\s+(?P<argument>\"[^\"]*\"|'[^']*'|-?[0-9]+))?\s*")
_SHORT = 10


class TemplateFault(ValueError):
    """The template cannot be read; the message says what is wrong and what would do."""


class Scope(Protocol):
    """What placeholders may read."""

    @property
    def values(self) -> Mapping[str, Json]: ...

    def clean(self, path: Path) -> bool:
        """Whether somebody we trust vouches for what `path` leads to."""
        ...


@dataclass(frozen=True, slots=True)
class Filter:
    """One `| name argument`."""

    name: str
    argument: str | int | None = None


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One `${...}`."""

    path: Path
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A text: its literal parts and its placeholders, in order."""

    parts: tuple[str | Placeholder, ...]


Node = Any  # Template | None | bool | int | float | list[Node] | dict[str, Node]


@dataclass(frozen=True, slots=True)
class Filled:
    """A value, and whether anything in it follows untrusted text."""

    value: Json
    tainted: bool


def parse_text(text: str) -> Template:
    """Raises TemplateFault."""
    parts: list[str | Placeholder] = []
    position = 0
    for found in _PLACEHOLDER.finditer(text):
        parts.append(text[position : found.start()])
        parts.append("${" if found["inside"] is None else _placeholder(found["inside"]))
        position = found.end()
    parts.append(text[position:])
    if any("${" in part for part in parts[::2] if isinstance(part, str)):
        raise TemplateFault(f"`{text}` opens `${{` and does not close it; `$${{` writes it literally")
    return Template(tuple(part for part in parts if part != ""))


def parse_node(value: Json) -> Node:
    """A tree of templates from plain YAML. Raises TemplateFault."""
    match value:
        case str():
            return parse_text(value)
        case Mapping():
            return {key: parse_node(item) for key, item in value.items()}
        case list() | tuple():
            return [parse_node(item) for item in value]
        case _:
            return value


def placeholders(node: Node) -> Iterator[Placeholder]:
    """Every placeholder of the tree."""
    match node:
        case Template(parts=parts):
            yield from (part for part in parts if isinstance(part, Placeholder))
        case Mapping():
            for item in node.values():
                yield from placeholders(item)
        case list():
            for item in node:
                yield from placeholders(item)
        case _:
            return


def fill(node: Node, scope: Scope) -> Filled:
    """The tree with its placeholders replaced. Raises Missing."""
    match node:
        case Template():
            return _fill_text(node, scope)
        case Mapping():
            items = {key: fill(item, scope) for key, item in node.items()}
            tainted = any(item.tainted for item in items.values())
            return Filled({key: item.value for key, item in items.items()}, tainted)
        case list():
            filled = [fill(item, scope) for item in node]
            return Filled([item.value for item in filled], any(item.tainted for item in filled))
        case _:
            return Filled(node, tainted=False)


def text_of(template: Template, scope: Scope) -> str:
    """The template as prose: even a sole placeholder becomes text. Raises Missing."""
    return "".join(part if isinstance(part, str) else spell(_value(part, scope)) for part in template.parts)


def literal_of(template: Template, scope: Scope) -> str:
    """The template as CEL: each placeholder becomes a literal, so that no value can become a part of the condition."""
    parts = (p if isinstance(p, str) else json.dumps(_value(p, scope), ensure_ascii=False) for p in template.parts)
    return "".join(parts).encode("utf-8", "replace").decode("utf-8")


def spell(value: Json) -> str:
    """A value within a sentence."""
    match value:
        case str():
            return value
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return str(value)
        case _:
            return json.dumps(value, ensure_ascii=False)


def _fill_text(template: Template, scope: Scope) -> Filled:
    found = [part for part in template.parts if isinstance(part, Placeholder)]
    tainted = any(not scope.clean(part.path) for part in found)
    if len(template.parts) == 1 and found:
        return Filled(_value(found[0], scope), tainted)
    return Filled(text_of(template, scope), tainted)


def _placeholder(inside: str) -> Placeholder:
    path, *filters = _split(inside)
    try:
        return Placeholder(parse_path(path.strip()), tuple(_filter(part, inside) for part in filters))
    except PathFault as error:
        raise TemplateFault(str(error)) from error


def _split(inside: str) -> list[str]:
    """At each `|` that stands outside quotes."""
    return re.findall(r"(?:[^|\"']|\"[^\"]*\"|'[^']*')+", inside) or [inside]


def _filter(text: str, inside: str) -> Filter:
    found = _FILTER.fullmatch(text)
    if found is None:
        raise TemplateFault(f"`${{{inside}}}`: `{text.strip()}` is not a filter")
    name, argument = found["name"], found["argument"]
    if name not in FILTERS:
        raise TemplateFault(f"`${{{inside}}}`: there is no filter `{name}`; there are {', '.join(sorted(FILTERS))}")
    kind = FILTERS[name].argument
    value = None if argument is None else argument[1:-1] if argument[0] in "\"'" else int(argument)
    if (value is None) != (kind is None) or (kind is not None and not isinstance(value, kind)):
        wanted = "no argument" if kind is None else "a number" if kind is int else "a text in quotes"
        raise TemplateFault(f"`${{{inside}}}`: the filter `{name}` takes {wanted}")
    return Filter(name, value)


def _value(placeholder: Placeholder, scope: Scope) -> Json:
    spare = next((f.argument for f in placeholder.filters if f.name == "or"), None)
    try:
        value = look_up(placeholder.path, scope.values)
    except Missing:
        if spare is None:
            raise
        return spare
    if spare is not None and value in (None, "", [], {}):
        return spare
    for step in placeholder.filters:
        value = FILTERS[step.name].apply(value, step.argument)
    return value


def _last_part(value: Json, _: str | int | None) -> Json:
    return spell(value).rsplit(".", 1)[-1]


def _short(value: Json, _: str | int | None) -> Json:
    return spell(value)[:_SHORT]


def _bullets(value: Json, _: str | int | None) -> Json:
    return "\n".join(f"• {spell(item)}" for item in _items(value))


def _tail(value: Json, count: str | int | None) -> Json:
    kept = int(count or 0)
    if isinstance(value, str):
        return "\n".join(value.rstrip("\n").split("\n")[-kept:])
    return _items(value)[-kept:]


def _count(value: Json, _: str | int | None) -> Json:
    return len(_items(value))


def _each(value: Json, key: str | int | None) -> Json:
    return [item.get(key) if isinstance(item, Mapping) else item for item in _items(value)]


def _json(value: Json, _: str | int | None) -> Json:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _same(value: Json, _: str | int | None) -> Json:
    return value


def _items(value: Json) -> list[Json]:
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return list(value)
    return [] if value is None else [value]


@dataclass(frozen=True, slots=True)
class Kind:
    """A filter: what it does, and the type of its argument."""

    apply: Callable[[Json, str | int | None], Json]
    argument: type | None = None


FILTERS: dict[str, Kind] = {
    "or": Kind(_same, str),  # what to say where there is nothing
    "last_part": Kind(_last_part),  # `aws_s3_bucket.exports` -> `exports`
    "short": Kind(_short),  # the first ten characters, for commits
    "bullets": Kind(_bullets),  # a list, one item a line
    "tail": Kind(_tail, int),  # the last so many lines or items
    "count": Kind(_count),  # how many
    "each": Kind(_each, str),  # one field of each item of a list
    "json": Kind(_json),
}

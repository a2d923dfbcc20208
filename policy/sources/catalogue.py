"""resources.yaml: what the organization's things are called and how they are labelled. `prod/*` hands its labels down.

version: 1
resources:
  "prod/*":  {labels: {env: prod}}
  prod/web:  {describe: The shop., labels: {team: shop}}   # is also env: prod
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from string import Formatter

from domain.calls import ToolSpec
from domain.canonical import Json
from policy.globs import exact, matches, prefix
from policy.reading.files import Fields, by_name, integer, label, several, text
from policy.reading.nodes import Faults, Node, read

_NAME = re.compile(r"[A-Za-z0-9_.:@/#*-]{1,200}")
# What an argument may contribute to a resource's name. Anything else leaves the resource unknown.
_PART = re.compile(r"[A-Za-z0-9_.:@/#-]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One entry: a name, or a pattern of names."""

    pattern: str
    labels: Mapping[str, str]
    describe: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The entries by exact name, and the patterns, the least specific first. Made by `of`."""

    named: Mapping[str, Resource] = field(default_factory=dict)
    patterns: tuple[Resource, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[Resource]) -> "Catalogue":
        """The entries in their order of precedence, whatever order they came in."""
        ordered = sorted(entries, key=lambda entry: (len(prefix(entry.pattern)), entry.pattern))
        return cls(
            named={entry.pattern: entry for entry in ordered if exact(entry.pattern)},
            patterns=tuple(entry for entry in ordered if not exact(entry.pattern)),
        )

    @property
    def entries(self) -> tuple[Resource, ...]:
        """All of them."""
        return (*self.patterns, *self.named.values())

    def labels(self, resource: str) -> Mapping[str, str] | None:
        """The labels of a resource, the most specific entry's word last; None where no entry knows it."""
        found = [entry for entry in self.patterns if matches(entry.pattern, resource)]
        if resource in self.named:
            found.append(self.named[resource])
        if not found:
            return None
        return {name: value for entry in found for name, value in entry.labels.items()}

    def locate(self, spec: ToolSpec, arguments: Mapping[str, Json]) -> tuple[str | None, Mapping[str, str] | None]:
        """The resource and labels of a call: the tool's template and labels, and the catalogue's. None is unknown."""
        resource = fill(spec.resource, arguments)
        listed = self.labels(resource) if resource is not None else None
        if spec.labels is None or listed is None:
            return resource, spec.labels if listed is None else listed
        return resource, {**spec.labels, **listed}


def fill(template: str | None, arguments: Mapping[str, Json]) -> str | None:
    """`prod/{service}` with the arguments put in; None where one is missing or could be read as more than a name."""
    if template is None:
        return None
    parts: list[str] = []
    for literal, name in _pieces(template):
        parts.append(literal)
        if name is None:
            continue
        value = arguments.get(name)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            return None
        said = str(value)
        if not _PART.fullmatch(said) or ".." in said or said.startswith("/"):
            return None
        parts.append(said)
    return "".join(parts)


@lru_cache(maxsize=1024)
def _pieces(template: str) -> tuple[tuple[str, str | None], ...]:
    return tuple((literal, name) for literal, name, _, _ in Formatter().parse(template))


def read_catalogue(file: str, said: str, faults: Faults) -> Catalogue:
    """resources.yaml."""
    node = read(file, said, faults)
    if node is None:
        return Catalogue()
    fields = Fields(node, faults, "version", "resources")
    fields.need("version", integer(1, 1))
    entries = fields.get("resources", several(_entry), ())
    seen: set[str] = set()
    for entry in entries:
        if entry.pattern in seen:
            faults.at(fields.node, f'the resource "{entry.pattern}" is there twice')
        seen.add(entry.pattern)
    return Catalogue.of(entries)


def _entry(node: Node, faults: Faults) -> Resource | None:
    fields = Fields(node, faults, "name", "describe", "labels")
    name = fields.need("name", text)
    if name is not None and not _NAME.fullmatch(name):
        faults.at(fields.child("name") or node, f"{name!r} is not a resource's name", "like prod/web or prod/*")
    labels = fields.get("labels", by_name(label), {})
    described = fields.get("describe", text, "")
    return None if name is None else Resource(pattern=name, labels=labels, describe=described)

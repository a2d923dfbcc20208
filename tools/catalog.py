"""What tools exist, for both halves: specifications and the strict check of arguments. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.calls import ToolSpec
from domain.canonical import Json, NotCanonical, canonical_json
from tools import schema

MAX_ARGUMENTS = 128 << 10  # bytes of a call's canonical arguments


@dataclass(frozen=True, slots=True)
class ToolCatalog:
    """The installed tools by name."""

    specs: Mapping[str, ToolSpec]

    def spec(self, name: str) -> ToolSpec | None:
        return self.specs.get(name)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.specs))

    def problems(self, name: str, arguments: Mapping[str, Json]) -> tuple[str, ...]:
        spec = self.specs.get(name)
        if spec is None:
            return (f"no tool is called {name!r} here",)
        try:
            size = len(canonical_json(dict(arguments)))
        except NotCanonical as error:
            return (str(error),)
        if size > MAX_ARGUMENTS:
            return (f"the arguments are {size} bytes, more than {MAX_ARGUMENTS}",)
        return (*schema.problems(spec.arguments, arguments), *_not_ascii(spec, arguments))


def catalog_of(specs: Iterable[ToolSpec]) -> ToolCatalog:
    """The catalog. Raises ValueError when two tools share a name."""
    found: dict[str, ToolSpec] = {}
    for spec in specs:
        if spec.name in found:
            raise ValueError(f"two tools are called {spec.name}")
        found[spec.name] = spec
    return ToolCatalog(found)


def _not_ascii(spec: ToolSpec, arguments: Mapping[str, Json]) -> Iterable[str]:
    """Who, where and which are said in printable ASCII: two names must not look alike."""
    for name in spec.selectors:
        value = arguments.get(name)
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            yield f"{name}: only printable ASCII"

"""The part of JSON Schema that tools use, written and checked strictly: no extra keys, everything bounded.

A keyword that this module does not know makes every value invalid: what cannot be checked is not accepted.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from domain.canonical import Json

Schema = Mapping[str, Any]

REPOSITORY = r"^[a-z0-9][a-z0-9_-]{0,62}/[a-z0-9][a-z0-9._-]{0,62}$"
BRANCH = r"^(?!.*(\.\.|//|\.lock$|[./]$))[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$"
COMMIT = r"^[0-9a-f]{40}$"
NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"
_KNOWN = {
    *("type", "properties", "required", "additionalProperties", "description", "title", "default", "enum"),
    *("pattern", "minLength", "maxLength", "minimum", "maximum", "items", "minItems", "maxItems", "format"),
}
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (Mapping,),
    "array": (list, tuple),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def record(*, required: Sequence[str] = (), **properties: Schema) -> Schema:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def text(describe: str, *, at_most: int, pattern: str | None = None, at_least: int = 0) -> Schema:
    schema: dict[str, Any] = {"type": "string", "description": describe, "maxLength": at_most}
    if at_least:
        schema["minLength"] = at_least
    if pattern is not None:
        schema["pattern"] = pattern
    return schema


def number(describe: str, *, least: int, most: int) -> Schema:
    return {"type": "integer", "description": describe, "minimum": least, "maximum": most}


def several(describe: str, items: Schema, *, at_most: int, at_least: int = 0) -> Schema:
    return {
        "type": "array",
        "description": describe,
        "items": dict(items),
        "minItems": at_least,
        "maxItems": at_most,
    }


def problems(schema: Schema, value: Json, where: str = "") -> Iterator[str]:
    """Why `value` does not fit, each with its place; nothing when it does."""
    here = where or "arguments"
    if unknown := set(schema) - _KNOWN:
        yield f"{here}: cannot be checked ({', '.join(sorted(unknown))})"
        return
    kind = schema.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        yield f"{here}: cannot be checked (no type)"
    elif not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{here}: must be {'an' if kind[0] in 'aio' else 'a'} {kind}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{here}: must be one of {', '.join(map(str, schema['enum']))}"
    elif isinstance(value, str):
        yield from _of_text(schema, value, here)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _of_number(schema, value, here)
    elif isinstance(value, Mapping):
        yield from _of_object(schema, value, where)
    elif isinstance(value, (list, tuple)):
        yield from _of_array(schema, value, here)


def _of_text(schema: Schema, value: str, here: str) -> Iterator[str]:
    if len(value) > schema.get("maxLength", 0):
        yield f"{here}: longer than {schema.get('maxLength', 0)} characters"
    elif len(value) < schema.get("minLength", 0):
        yield f"{here}: must not be empty" if not value else f"{here}: too short"
    elif "pattern" in schema and (not re.search(schema["pattern"], value) or "\n" in value):
        yield f"{here}: must match {schema['pattern']}"


def _of_number(schema: Schema, value: float, here: str) -> Iterator[str]:
    if not math.isfinite(value):
        yield f"{here}: must be a finite number"
    elif value < schema.get("minimum", value) or value > schema.get("maximum", value):
        yield f"{here}: must be between {schema.get('minimum', '-')} and {schema.get('maximum', '-')}"


def _of_object(schema: Schema, value: Mapping[Any, Json], where: str) -> Iterator[str]:
    prefix = f"{where}." if where else ""
    properties = schema.get("properties", {})
    for key in sorted(set(schema.get("required", ())) - set(value)):
        yield f"{prefix}{key}: is missing"
    for key, item in value.items():
        if key not in properties:
            yield f"{prefix}{key}: is not an argument (known: {', '.join(sorted(properties)) or 'none'})"
        else:
            yield from problems(properties[key], item, f"{prefix}{key}")


def _of_array(schema: Schema, value: Sequence[Json], here: str) -> Iterator[str]:
    if len(value) > schema.get("maxItems", 0):
        yield f"{here}: more than {schema.get('maxItems', 0)} entries"
        return
    if len(value) < schema.get("minItems", 0):
        yield f"{here}: fewer than {schema.get('minItems', 0)} entries"
    for index, item in enumerate(value):
        yield from problems(schema.get("items", {}), item, f"{here}[{index}]")

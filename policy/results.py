"""What came back from a call, held against what the tool promised and what was predicted before anyone approved."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from domain.calls import Observation, ToolCall, ToolSpec
from domain.canonical import Json, NotCanonical, canonical_json
from policy.conditions.condition import Condition, ConditionFailed, compile_condition
from policy.conditions.refusal import ConditionRefused
from policy.conditions.shapes import RESULT_ROOTS

LARGEST = 256 * 1024  # bytes of canonical JSON
DEEPEST = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCheck:
    """`met` says whether the expectation holds, None where there was none; `problems` what is wrong with the result."""

    met: bool | None
    problems: tuple[str, ...] = ()


def check_result(spec: ToolSpec | None, call: ToolCall, observation: Observation) -> ResultCheck:
    """The boundary's word on a result. What cannot be checked is a problem, and does not meet an expectation."""
    problems = tuple(_problems(spec, observation))
    if call.expect is None:
        return ResultCheck(met=None, problems=problems)
    if not observation.ok or problems:
        return ResultCheck(met=False, problems=problems)
    try:
        met = expectation(call.expect.condition).holds({"result": observation.data})
    except (ConditionFailed, ConditionRefused) as failed:
        why = f"what was expected ({call.expect.describe}) cannot be checked: {failed}"
        return ResultCheck(met=False, problems=(why,))
    return ResultCheck(met=met)


@lru_cache(maxsize=512)
def expectation(text: str) -> Condition:
    """A condition over `result`. Raises ConditionRefused."""
    return compile_condition(text, RESULT_ROOTS)


def _problems(spec: ToolSpec | None, observation: Observation) -> Iterator[str]:
    if not observation.ok:
        return
    try:
        size = len(canonical_json(dict(observation.data)))
    except (NotCanonical, RecursionError) as error:
        yield f"the result is not JSON: {error}"
        return
    if size > LARGEST:
        yield f"the result is {size} bytes; {LARGEST} are allowed"
    elif spec is None:
        yield "the tool is not known"
    elif spec.result:
        yield from misfits(spec.result, observation.data, "result")


_TYPES: dict[str, tuple[type, ...]] = {
    "object": (Mapping,),
    "array": (list, tuple),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def misfits(schema: Mapping[str, Any], value: Json, where: str, left: int = DEEPEST) -> Iterator[str]:
    """Why `value` does not have the shape of `schema`: types, keys, enums and bounds of JSON Schema."""
    if left == 0:
        yield f"{where}: is nested too deep"
        return
    kinds = schema.get("type", ())
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    if kinds and not any(_is(value, kind) for kind in kinds):
        yield f"{where}: must be {' or '.join(kinds)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: must be one of {', '.join(map(str, schema['enum']))}"
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        yield f"{where}: is longer than {schema['maxLength']} characters"
    if _is(value, "number") and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{where}: must be between {schema.get('minimum', '-')} and {schema.get('maximum', '-')}"
    if isinstance(value, Mapping):
        yield from _of_object(schema, value, where, left)
    if isinstance(value, (list, tuple)):
        if len(value) > schema.get("maxItems", len(value)):
            yield f"{where}: has more than {schema['maxItems']} entries"
        for index, item in enumerate(value):
            yield from misfits(schema.get("items", {}), item, f"{where}[{index}]", left - 1)


def _of_object(schema: Mapping[str, Any], value: Mapping[str, Json], where: str, left: int) -> Iterator[str]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    for key in schema.get("required", ()):
        if key not in value:
            yield f"{where}.{key}: is missing"
    extra = schema.get("additionalProperties", True)
    for key, item in value.items():
        if key in properties:
            yield from misfits(properties[key], item, f"{where}.{key}", left - 1)
        elif extra is False:
            yield f"{where}.{key}: is not promised"
        elif isinstance(extra, Mapping):
            yield from misfits(extra, item, f"{where}.{key}", left - 1)


def _is(value: Json, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES.get(kind, ()))

"""`${inputs.NAME}` and `${task.PATH}` in an agent's success checks. A sole placeholder keeps its value's type."""

import re
from collections.abc import Mapping
from typing import Any

from domain.canonical import Json
from domain.runs import Run

_PLACEHOLDER = re.compile(r"\$\{([a-z_]+(?:\.[A-Za-z0-9_-]+)*)\}")


def fill(template: Json, run: Run) -> Any:
    """`template` with its placeholders replaced. A path that leads nowhere becomes null, and the schema objects."""
    if isinstance(template, str):
        sole = _PLACEHOLDER.fullmatch(template)
        if sole:
            return _value(sole[1], run)
        return _PLACEHOLDER.sub(lambda found: str(_value(found[1], run) or ""), template)
    if isinstance(template, Mapping):
        return {key: fill(value, run) for key, value in template.items()}
    if isinstance(template, (list, tuple)):
        return [fill(item, run) for item in template]
    return template


def _value(path: str, run: Run) -> Json:
    task = run.received
    value: Json = {
        "inputs": task.inputs,
        "task": {
            "type": task.type,
            "goal": task.goal,
            "repository_id": task.context.repository_id,
            "payload": task.payload,
        },
    }
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value

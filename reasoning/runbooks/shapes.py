"""The shape of what a runbook's conditions and templates may read: a misspelt name is a fault at load."""

from collections.abc import Iterator, Mapping

from policy.files import Node, nearest
from policy.shapes import OPEN, TASK, Leaf, Shape, Struct
from reasoning.runbooks.history import VERIFY
from reasoning.runbooks.paths import Path

# Texts, as the log shows moments.
_TRIGGER = Struct(dict.fromkeys(("source", "source_id", "timestamp", "correlation"), Leaf.TEXT))
_TASK = Struct({**{k: v for k, v in TASK.fields.items() if k != "inputs"}, "trigger": _TRIGGER})
TASK_ROOTS: Mapping[str, Shape] = {"task": _TASK}

_CALL: Mapping[str, Shape] = {"ok": Leaf.BOOLEAN, "summary": Leaf.TEXT, "result": OPEN}
_STEP: Mapping[str, Shape] = {
    **_CALL,
    "tried": Leaf.INTEGER,
    **dict.fromkeys(("failure", "why", "what", "answer", "choice"), Leaf.TEXT),
}
RESERVED = frozenset({*_STEP, VERIFY})  # no call of a step may be called so


def roots_of(document: Node) -> Mapping[str, Shape]:
    """What conditions and templates of this runbook may read, from its file as it stands."""
    return {
        "inputs": Struct(dict.fromkeys(_names(_child(document, "inputs")), Leaf.TEXT)),
        "task": _TASK,
        "steps": Struct(dict(_steps(_child(document, "steps")))),
        "messages": OPEN,
        "run": Struct({"id": Leaf.TEXT, "iterations": Leaf.INTEGER}),
    }


def unknown(path: Path, roots: Mapping[str, Shape]) -> tuple[str, str] | None:
    """What of `path` does not exist, and a suggestion; None where the path may lead somewhere."""
    shape: Shape = Struct(roots)
    walked: list[str] = []
    for part in (path.root, *path.parts):
        if not isinstance(shape, Struct):
            return None if shape is OPEN else (f"`{'.'.join(walked)}` has nothing below it", "")
        if not isinstance(part, str) or part not in shape.fields:
            return f"`{'.'.join([*walked, str(part)])}` does not exist", nearest(str(part), shape.fields)
        walked.append(part)
        shape = shape.fields[part]
    return None


def _steps(node: Node | None) -> Iterator[tuple[str, Shape]]:
    for step in node.value if node is not None and isinstance(node.value, tuple) else ():
        name = _child(step, "id")
        if name is None or not isinstance(name.value, str):
            continue
        calls = {call: Struct(_CALL) for call in _names(_child(step, "calls"))}
        if _child(step, "verify") is not None:
            calls[VERIFY] = Struct(_CALL)
        yield name.value, Struct({**calls, **_STEP})


def _names(node: Node | None) -> tuple[str, ...]:
    return tuple(node.value) if node is not None and isinstance(node.value, Mapping) else ()


def _child(node: Node, name: str) -> Node | None:
    return node.value.get(name) if isinstance(node.value, Mapping) else None

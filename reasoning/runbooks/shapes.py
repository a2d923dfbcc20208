"""The shape of what a runbook's conditions and templates may read: a misspelt name is a fault at load."""

from collections.abc import Iterator, Mapping

from policy.conditions.shapes import OPEN, TASK, Leaf, OneOf, Shape, Struct, Table
from policy.reading.files import Node, nearest
from reasoning.runbooks.history import VERIFY
from reasoning.runbooks.model import FailureKind
from reasoning.runbooks.paths import Path


def _below(name: str, **other: Shape) -> Struct:
    """One part of a task, of which some fields differ from what rules see."""
    known = TASK.fields[name]
    return Struct({**(known.fields if isinstance(known, Struct) else {}), **other})


# As the log shows a task: moments are texts, and what it lacks is null.
_TRIGGER = _below("trigger", timestamp=Leaf.TEXT, correlation=Leaf.TEXT_OR_NULL)
_CONTEXT = _below("context", repository_id=Leaf.TEXT_OR_NULL, agent_slug=Leaf.TEXT_OR_NULL)
_TASK = Struct({**{k: v for k, v in TASK.fields.items() if k != "inputs"}, "trigger": _TRIGGER, "context": _CONTEXT})
TASK_ROOTS: Mapping[str, Shape] = {"task": _TASK}

_CALL: Mapping[str, Shape] = {"ok": Leaf.BOOLEAN, "summary": Leaf.TEXT, "result": OPEN}
_STEP: Mapping[str, Shape] = {
    **_CALL,
    "tried": Leaf.INTEGER,
    "failure": OneOf(("", *(kind.value for kind in FailureKind))),
    **dict.fromkeys(("why", "what", "answer", "choice"), Leaf.TEXT),
}
RESERVED = frozenset({*_STEP, VERIFY})  # no call of a step may be called so


def roots_of(document: Node) -> Mapping[str, Shape]:
    """What conditions and templates of this runbook may read, from its file as it stands."""
    return {
        "inputs": Struct(dict(_inputs(_child(document, "inputs")))),
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
        if isinstance(shape, Table):
            return None
        if not isinstance(shape, Struct):
            return None if shape is OPEN else (f"`{'.'.join(walked)}` has nothing below it", "")
        if not isinstance(part, str) or part not in shape.fields:
            return f"`{'.'.join([*walked, str(part)])}` does not exist", nearest(str(part), shape.fields)
        walked.append(part)
        shape = shape.fields[part]
    return None


def _inputs(node: Node | None) -> Iterator[tuple[str, Shape]]:
    for name in _names(node):
        declared = _child(node, name) if node is not None else None
        kind, one_of = (_child(declared, key) if declared is not None else None for key in ("type", "one_of"))
        if one_of is not None and isinstance(one_of.value, tuple):
            yield name, OneOf(tuple(str(word.value) for word in one_of.value))
        else:
            yield name, Leaf.INTEGER if kind is not None and kind.value == "integer" else Leaf.TEXT


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

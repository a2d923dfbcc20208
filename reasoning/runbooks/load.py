"""From files to runbooks. Every fault is found, each with file, line, key and what would be right."""

import re
from collections.abc import Mapping
from pathlib import Path as FilePath

from loop.ports import Catalog
from policy.conditions.condition import condition
from policy.reading.files import Faults, Fields, Node, by_name, choice, read, several, text
from reasoning.runbooks.check import check_runbook
from reasoning.runbooks.model import Input, Runbook, TaskMatch
from reasoning.runbooks.paths import Path, PathFault, parse_path
from reasoning.runbooks.phrases import Phrase, PhraseFault, parse_phrase
from reasoning.runbooks.scope import RUNBOOK
from reasoning.runbooks.shapes import TASK_ROOTS, roots_of
from reasoning.runbooks.steps import read_steps

_ID = re.compile(r"[a-z][a-z0-9-]{0,60}")
_INPUT = re.compile(r"[a-z][a-z0-9_]{0,40}")


def load_runbooks(folder: FilePath, catalog: Catalog | None = None) -> dict[str, Runbook]:
    """The runbooks of a configuration's `runbooks/` by id; none where there is no such folder. Raises Invalid."""
    files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    return read_runbooks({f"{folder.name}/{file.name}": file.read_text("utf-8") for file in files}, catalog)


def read_runbooks(texts: Mapping[str, str], catalog: Catalog | None = None) -> dict[str, Runbook]:
    """Runbooks by id, from texts by file name. With a catalog their calls are checked too. Raises Invalid."""
    faults = Faults()
    found: dict[str, Runbook] = {}
    for file in sorted(texts):
        node = read(file, texts[file], faults)
        book = read_runbook(node, faults, catalog) if node is not None else None
        if book is None or node is None:
            continue
        if book.id in found:
            first = found[book.id]
            faults.at(node, f"the runbook `{book.id}` is there twice", f"first in {first.file}:{first.line}")
        found[book.id] = book
    faults.check()
    return found


def read_runbook(node: Node, faults: Faults, catalog: Catalog | None = None) -> Runbook | None:
    """One document. None where it is too far from a runbook; what is wrong is in `faults`."""
    before = len(faults)
    fields = Fields(node, faults, "runbook", "describe", "agents", "inputs", "match", "steps")
    name = fields.need("runbook", _identifier)
    describe = fields.need("describe", text)
    inputs = {i.name: i for i in fields.get("inputs", _read_inputs, ())}
    match = fields.child("match")
    phrases, tasks = _read_match(match, faults) if match is not None else ((), ())
    agents = fields.get("agents", several(text, lone=True), ())
    steps_node = fields.child("steps")
    if steps_node is None:
        faults.at(node, 'the key "steps" is missing')
    roots = roots_of(node)
    steps = read_steps(steps_node, roots, faults) if steps_node is not None else ()
    if not steps:
        return None
    book = Runbook(
        id=name or "",
        describe=describe or "",
        agents=agents,
        phrases=phrases,
        tasks=tasks,
        inputs=inputs,
        steps=steps,
        file=node.file,
        line=node.line,
    )
    check_runbook(book, node, roots, faults, catalog)
    return book if len(faults) == before else None


def _identifier(node: Node, faults: Faults) -> str | None:
    value = text(node, faults)
    if value is not None and not _ID.fullmatch(value):
        faults.at(node, f"`{value}` is not an id", "small letters, digits and hyphens, a letter first")
        return None
    return value


def _read_inputs(node: Node, faults: Faults) -> tuple[Input, ...] | None:
    if not isinstance(node.value, Mapping):
        faults.at(node, f"must be a mapping, not {node.kind}", "input name -> {describe, one_of | pattern, example}")
        return None
    found = (_read_input(name, child, faults) for name, child in node.value.items())
    return tuple(each for each in found if each is not None)


def _read_input(name: str, node: Node, faults: Faults) -> Input | None:
    if not _INPUT.fullmatch(name) or name == RUNBOOK:
        faults.at(node, f"`{name}` is not a name for an input", f"small letters, digits, `_`; not `{RUNBOOK}`")
    fields = Fields(node, faults, "describe", "example", "pattern", "one_of", "default", "type")
    described = fields.need("describe", text)
    one_of = fields.get("one_of", several(text), ())
    made = Input(
        name=name,
        describe=described or "",
        example=fields.get("example", text, ""),
        pattern=fields.get("pattern", _pattern, None),
        one_of=one_of,
        default=fields.get("default", text, None),
        integer=fields.get("type", choice("text", "integer"), "text") == "integer",
    )
    if made.one_of and (made.pattern or made.integer):
        faults.at(node, "has `one_of` and another way to be checked", "keep one of them")
    elif not made.one_of and not made.pattern and not made.integer:
        faults.at(node, "accepts anything", "say `one_of:`, `pattern:` or `type: integer`")
    for key, value in (("default", made.default), ("example", made.example)):
        if value and made.read(value) is None:
            faults.at(fields.child(key) or node, f"`{value}` is not {made.wanted}, so it cannot be the {key}")
    return made


def _pattern(node: Node, faults: Faults) -> re.Pattern[str] | None:
    value = text(node, faults)
    if value is None:
        return None
    try:
        return re.compile(value)
    except re.error as error:
        faults.at(node, f"is not a regular expression: {error}")
        return None


def _read_match(node: Node, faults: Faults) -> tuple[tuple[Phrase, ...], tuple[TaskMatch, ...]]:
    fields = Fields(node, faults, "say", "tasks")
    phrases = fields.get("say", several(_phrase, lone=True), ())
    return phrases, fields.get("tasks", several(_task_match), ())


def _phrase(node: Node, faults: Faults) -> Phrase | None:
    value = text(node, faults)
    if value is None:
        return None
    try:
        return parse_phrase(value)
    except PhraseFault as error:
        faults.at(node, str(error), "like `(fix|mend) [the] finding {finding} in {repository}`")
        return None


def _task_match(node: Node, faults: Faults) -> TaskMatch | None:
    fields = Fields(node, faults, "type", "when", "read")
    kind = fields.need("type", text)
    when = fields.get("when", condition(TASK_ROOTS), None)
    read_from = fields.get("read", by_name(_task_path), {})
    return TaskMatch(type=kind, when=when, read=read_from) if kind else None


def _task_path(node: Node, faults: Faults) -> Path | None:
    """`payload.labels.service`: a path into the task."""
    value = text(node, faults)
    if value is None:
        return None
    try:
        return parse_path(f"task.{value}")
    except PathFault as error:
        faults.at(node, str(error), "a path into the task, such as `payload.labels.service`")
        return None

"""What can be known to be wrong with a runbook before it is ever followed."""

import re
from collections.abc import Iterator, Mapping

from domain.calls import ToolSpec
from domain.tiers import Effect
from loop.ports import Catalog
from policy.conditions.condition import compile_condition
from policy.conditions.refusal import ConditionRefused
from policy.conditions.shapes import OPEN, RESULT_ROOTS, Shape
from policy.reading.files import Faults, Node, nearest
from reasoning.runbooks.model import (
    Calls,
    CallTemplate,
    Conclusion,
    ExpectTemplate,
    GivingUp,
    GoTo,
    Jump,
    Question,
    Retry,
    Runbook,
    Step,
    Waiting,
)
from reasoning.runbooks.shapes import RESERVED, TASK_ROOTS, unknown
from reasoning.runbooks.templates import Node as Tree
from reasoning.runbooks.templates import Placeholder, Template, placeholders

_FILLED = "filled_in"  # stands for what a placeholder will be
_STRINGS = re.compile(r""" "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' """, re.VERBOSE)
_EXPECTATION_ROOTS: Mapping[str, Shape] = {**RESULT_ROOTS, _FILLED: OPEN}


def check_runbook(
    book: Runbook, document: Node, roots: Mapping[str, Shape], faults: Faults, catalog: Catalog | None
) -> None:
    """Names, order, and, with a catalog, the calls."""
    _check_match(book, document, faults)
    nodes = _step_nodes(document)
    for step in book.steps:
        node = nodes.get(step.id, document)
        for path in (p.path for tree in _trees(step) for p in placeholders(tree)):
            if found := unknown(path, roots):
                faults.at(node, f"${{{path.text}}}: {found[0]}", found[1])
        for target in _targets(step):
            if book.index(target) is None:
                faults.at(node, f"there is no step `{target}` to go to", nearest(target, [s.id for s in book.steps]))
        for call in calls_of(step):
            if call.expect is not None:
                _check_expectation(call.expect, node, faults)
        _check_names(step, node, faults)
        if catalog is not None:
            _check_calls(step, node, faults, catalog)
    _check_order(book, nodes, document, faults)


def calls_of(step: Step) -> tuple[CallTemplate, ...]:
    """Every call that the step may make or offer."""
    match step.action:
        case Calls(calls=calls, verify=verify):
            return (*calls.values(), *((verify,) if verify else ()))
        case Waiting(offer=offer):
            return (offer,) if offer else ()
        case Conclusion(checks=checks):
            return checks
        case _:
            return ()


def _check_match(book: Runbook, document: Node, faults: Faults) -> None:
    if not book.phrases and not book.tasks:
        faults.at(document, "fits no request", "say `match: {say: [...]}` or `match: {tasks: [...]}`")
    for names in [*(set(p.inputs) for p in book.phrases), *(set(t.read) for t in book.tasks)]:
        for name in sorted(names - set(book.inputs)):
            faults.at(document, f"reads the input `{name}`, which is not declared", nearest(name, book.inputs))
        missing = [i.name for i in book.inputs.values() if i.name not in names and i.default is None]
        if missing:
            faults.at(document, f"a way to ask does not give `{missing[0]}`", "name it there, or give it a `default:`")
    for path in (path for task in book.tasks for path in task.read.values()):
        if found := unknown(path, TASK_ROOTS):
            faults.at(document, found[0], found[1])


def _check_expectation(expect: ExpectTemplate, node: Node, faults: Faults) -> None:
    """As CEL over `result`, a variable of which nothing is known in the place of each placeholder."""
    text = "".join(_FILLED if isinstance(part, Placeholder) else part for part in expect.condition.parts)
    try:
        compile_condition(text, _EXPECTATION_ROOTS, file=node.file, line=node.line)
    except ConditionRefused as refused:
        shown = "".join(f"${{{p.path.text}}}" if isinstance(p, Placeholder) else p for p in expect.condition.parts)
        for flaw in refused.flaws:
            faults.at(node, f"the expectation `{shown}` {flaw.problem}", flaw.suggestion)
    if any(_FILLED in said for said in _STRINGS.findall(text)):
        faults.at(node, "an expectation has a placeholder in quotes, where it could never fit", "leave the quotes out")


def _check_names(step: Step, node: Node, faults: Faults) -> None:
    if isinstance(step.action, Calls):
        for name in sorted(set(step.action.calls) & RESERVED):
            faults.at(node, f"a call cannot be named `{name}`: that is what a step says of itself")


def _check_calls(step: Step, node: Node, faults: Faults, catalog: Catalog) -> None:
    for call in calls_of(step):
        spec = catalog.spec(call.tool)
        if spec is None:
            faults.at(node, f"there is no tool `{call.tool}`", nearest(call.tool, catalog.names()))
            continue
        _check_arguments(call, spec, node, faults, catalog)
    reads = [catalog.spec(call.tool) for call in _must_read(step)]
    for spec in reads:
        if spec is not None and spec.effect is not Effect.READ:
            faults.at(node, f"`{spec.name}` is {spec.effect}: only reads are done together, or check something")
    if isinstance(step.action, Calls):
        for call in step.action.calls.values():
            made = catalog.spec(call.tool)
            if made is not None and not made.proposable:
                faults.at(node, f"`{made.name}` is for people only", "offer it in a `wait:`")


def _must_read(step: Step) -> tuple[CallTemplate, ...]:
    match step.action:
        case Calls(calls=calls, verify=verify):
            together = tuple(calls.values()) if len(calls) > 1 else ()
            return (*together, *((verify,) if verify else ()))
        case Conclusion(checks=checks):
            return checks
        case _:
            return ()


def _check_arguments(call: CallTemplate, spec: ToolSpec, node: Node, faults: Faults, catalog: Catalog) -> None:
    known: Mapping[str, object] = spec.arguments.get("properties", {})
    for name in call.arguments:
        if name not in known:
            faults.at(node, f"`{spec.name}` takes no `{name}`", nearest(name, known))
    for name in spec.arguments.get("required", ()):
        if name not in call.arguments:
            faults.at(node, f"`{spec.name}` needs `{name}`")
    if not any(True for _ in placeholders(dict(call.arguments))) and set(call.arguments) <= set(known):
        plain = {name: _plain(tree) for name, tree in call.arguments.items()}
        for problem in catalog.problems(spec.name, plain):
            faults.at(node, f"`{spec.name}`: {problem}")


def _check_order(book: Runbook, nodes: Mapping[str, Node], document: Node, faults: Faults) -> None:
    """Every step can be reached, and the last one ends."""
    last = book.steps[-1]
    if not _ends(last):
        faults.at(
            nodes.get(last.id, document), "the last step must end", "a `conclude:` or `give_up:` without a `when:`"
        )
    targets = {target for step in book.steps for target in _targets(step)}
    reached = True
    for step in book.steps:
        reached = reached or step.id in targets
        if not reached:
            faults.at(nodes.get(step.id, document), f"the step `{step.id}` is never reached", "nothing goes to it")
        if _ends(step):
            reached = False


def _ends(step: Step) -> bool:
    return step.when is None and isinstance(step.action, (Conclusion, GivingUp, Jump))


def _targets(step: Step) -> Iterator[str]:
    if isinstance(step.action, Jump):
        yield step.action.step
    for remedy in (*step.on_failure.by_kind.values(), step.on_failure.otherwise):
        match remedy:
            case GoTo(step=target) | Retry(then=GoTo(step=target)):
                yield target
            case _:
                pass


def _trees(step: Step) -> Iterator[Tree]:
    """Every template of the step."""
    yield step.say
    match step.action:
        case Question(question=question):
            yield question
        case Waiting(topic=topic, why=why):
            yield from (topic, why)
        case Conclusion(summary=summary):
            yield summary
        case GivingUp(why=why):
            yield why
        case Calls() | Jump():
            pass
    for call in calls_of(step):
        yield dict(call.arguments)
        yield from (t for t in (call.purpose, call.prediction, call.rollback) if t is not None)
        if call.expect is not None:
            yield from (call.expect.condition, call.expect.describe)


def _plain(tree: Tree) -> object:
    match tree:
        case Template(parts=parts):
            return "".join(part for part in parts if isinstance(part, str))
        case Mapping():
            return {name: _plain(item) for name, item in tree.items()}
        case list():
            return [_plain(item) for item in tree]
        case _:
            return tree


def _step_nodes(document: Node) -> dict[str, Node]:
    steps = document.value.get("steps") if isinstance(document.value, Mapping) else None
    found: dict[str, Node] = {}
    for node in steps.value if steps is not None and isinstance(steps.value, tuple) else ():
        name = node.value.get("id") if isinstance(node.value, Mapping) else None
        if name is not None and isinstance(name.value, str):
            found[name.value] = node
    return found

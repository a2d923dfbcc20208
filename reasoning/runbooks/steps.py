"""The steps of a runbook, as read from its file."""

import re
from collections.abc import Mapping

from domain.outcomes import Outcome
from policy.conditions.condition import condition
from policy.conditions.shapes import Shape
from policy.reading.files import Faults, Fields, Node, boolean, by_name, choice, duration, nearest, several, text
from reasoning.runbooks.model import (
    FINAL,
    Action,
    Calls,
    CallTemplate,
    Conclusion,
    ExpectTemplate,
    FailureKind,
    GivingUp,
    GoTo,
    Jump,
    Question,
    Remedies,
    Remedy,
    Retry,
    Step,
    Stop,
    Waiting,
)
from reasoning.runbooks.templates import Node as Tree
from reasoning.runbooks.templates import Template, TemplateFault, parse_node, parse_text

_STEP = re.compile(r"[a-z][a-z0-9_]{0,40}")
_ACTIONS = ("call", "calls", "ask", "wait", "conclude", "give_up", "goto")
_MOST_RETRIES = 5


def read_steps(node: Node, roots: Mapping[str, Shape], faults: Faults) -> tuple[Step, ...]:
    """The steps that can be read; what is wrong with the others is in `faults`."""
    steps = several(lambda child, found: _step(child, roots, found))(node, faults) or ()
    seen: set[str] = set()
    for step in steps:
        if step.id in seen:
            faults.at(node, f"the step `{step.id}` is there twice")
        seen.add(step.id)
    return steps


def _step(node: Node, roots: Mapping[str, Shape], faults: Faults) -> Step | None:
    fields = Fields(node, faults, "id", "say", "when", "verify", "on_failure", *_ACTIONS)
    name = fields.need("id", _step_id)
    chosen = [action for action in _ACTIONS if action in fields]
    if len(chosen) != 1:
        said = f"says {' and '.join(chosen)}" if chosen else "does nothing"
        faults.at(node, f"{said}: a step does one thing", f"one of {', '.join(_ACTIONS)}")
        return None
    say = fields.get("say", _template, None) or parse_text((name or "").replace("_", " "))
    action = _action(chosen[0], fields, faults, say)
    if "verify" in fields and chosen[0] != "call":
        faults.at(node, "`verify` checks a `call`, and there is none in this step")
    if name is None or action is None:
        return None
    return Step(
        id=name,
        say=say,
        action=action,
        when=fields.get("when", condition(roots), None),
        on_failure=fields.get("on_failure", _remedies, Remedies()),
        line=node.line,
    )


def _action(kind: str, fields: Fields, faults: Faults, say: Template) -> Action | None:
    node = fields.child(kind)
    if node is None:
        return None
    match kind:
        case "call":
            call, verify = _call(node, faults, say), fields.child("verify")
            checked = _call(verify, faults, say) if verify is not None else None
            return Calls(calls={"": call}, verify=checked) if call else None
        case "calls":
            return _named_calls(node, faults, say)
        case "ask":
            return _question(node, faults)
        case "wait":
            return _waiting(node, faults)
        case "conclude":
            return _conclusion(node, faults)
        case "give_up":
            return _giving_up(node, faults)
        case _:
            target = text(node, faults)
            return Jump(step=target) if target else None


def _call(node: Node, faults: Faults, say: Template) -> CallTemplate | None:
    fields = Fields(node, faults, "tool", "arguments", "purpose", "expect", "prediction", "rollback", "may_fail")
    tool = fields.need("tool", text)
    arguments = fields.child("arguments")
    filled = _arguments(arguments, faults) if arguments is not None else {}
    if tool is None or filled is None:
        return None
    return CallTemplate(
        tool=tool,
        arguments=filled,
        purpose=fields.get("purpose", _template, say),
        expect=fields.get("expect", _expectation, None),
        prediction=fields.get("prediction", _template, None),
        rollback=fields.get("rollback", _template, None),
        may_fail=fields.get("may_fail", boolean, False),
    )


def _named_calls(node: Node, faults: Faults, say: Template) -> Calls | None:
    made = by_name(lambda child, found: _call(child, found, say))(node, faults)
    if made is None:
        return None
    for name in made:
        if not _STEP.fullmatch(name):
            faults.at(node, f"`{name}` is not a name for a call", "small letters, digits and `_`")
    if not made:
        faults.at(node, "must name at least one call")
    return Calls(calls=made)


def _arguments(node: Node, faults: Faults) -> Mapping[str, Tree] | None:
    if not isinstance(node.value, Mapping):
        faults.at(node, f"must be a mapping, not {node.kind}")
        return None
    filled: dict[str, Tree] = {}
    for name, child in node.value.items():
        try:
            filled[name] = parse_node(child.plain)
        except TemplateFault as error:
            faults.at(child, str(error))
    return filled


def _expectation(node: Node, faults: Faults) -> ExpectTemplate | None:
    fields = Fields(node, faults, "condition", "describe")
    condition, describe = fields.need("condition", _template), fields.need("describe", _template)
    return ExpectTemplate(condition=condition, describe=describe) if condition and describe else None


def _question(node: Node, faults: Faults) -> Question | None:
    fields = Fields(node, faults, "question", "options")
    question = fields.need("question", _template)
    return Question(question=question, options=fields.get("options", several(text), ())) if question else None


def _waiting(node: Node, faults: Faults) -> Waiting | None:
    fields = Fields(node, faults, "topic", "until", "within", "why", "offer")
    topic, why = fields.need("topic", _template), fields.need("why", _template)
    until, within = fields.need("until", several(text, lone=True)), fields.need("within", duration)
    offer = fields.child("offer")
    if not (topic and why and until and within):
        return None
    offered = _call(offer, faults, why) if offer is not None else None
    return Waiting(topic=topic, until=until, within_s=within, why=why, offer=offered)


def _conclusion(node: Node, faults: Faults) -> Conclusion | None:
    fields = Fields(node, faults, "summary", "checks")
    summary = fields.need("summary", _template)
    if summary is None:
        return None
    said = summary
    checks = fields.get("checks", several(lambda child, found: _call(child, found, said)), ())
    return Conclusion(summary=summary, checks=checks)


def _giving_up(node: Node, faults: Faults) -> GivingUp | None:
    if isinstance(node.value, str):
        said = _template(node, faults)
        return GivingUp(why=said) if said else None
    fields = Fields(node, faults, "why", "outcome")
    why = fields.need("why", _template)
    outcome = fields.get("outcome", choice("escalated", "failed"), "escalated")
    return GivingUp(why=why, outcome=Outcome(outcome)) if why else None


def _remedies(node: Node, faults: Faults) -> Remedies | None:
    """One remedy for all, or one a kind of failure."""
    kinds = [str(kind) for kind in FailureKind]
    if not isinstance(node.value, Mapping) or not set(node.value) & {*kinds, "otherwise"}:
        remedy = _remedy(node, faults)
        return Remedies(otherwise=remedy) if remedy else None
    fields = Fields(node, faults, *kinds, "otherwise")
    by_kind = {kind: _remedy_of(fields, str(kind), faults) for kind in FailureKind}
    for kind in FINAL:
        if isinstance(by_kind[kind], Retry):
            faults.at(fields.child(str(kind)) or node, f"what was {kind} is not asked again", "give_up, or goto")
    chosen = {kind: remedy for kind, remedy in by_kind.items() if remedy is not None}
    return Remedies(by_kind=chosen, otherwise=_remedy_of(fields, "otherwise", faults) or Stop())


def _remedy_of(fields: Fields, name: str, faults: Faults) -> Remedy | None:
    node = fields.child(name)
    return None if node is None else _remedy(node, faults)


def _remedy(node: Node, faults: Faults) -> Remedy | None:
    match node.value:
        case "give_up":
            return Stop()
        case str():
            faults.at(node, f"`{node.value}` is not a remedy", nearest(node.value, ["give_up"]) or _REMEDIES)
            return None
        case Mapping():
            return _remedy_fields(node, faults)
        case _:
            faults.at(node, f"must be a remedy, not {node.kind}", _REMEDIES)
            return None


_REMEDIES = "give_up, {goto: STEP}, or {retry: N, then: ...}"


def _remedy_fields(node: Node, faults: Faults) -> Remedy | None:
    fields = Fields(node, faults, "goto", "retry", "then")
    goto, retry = fields.get("goto", text, None), fields.child("retry")
    if goto is not None and retry is None and "then" not in fields:
        return GoTo(goto)
    if retry is None or "goto" in fields:
        faults.at(node, "must say one thing", _REMEDIES)
        return None
    if not isinstance(retry.value, int) or isinstance(retry.value, bool) or not 1 <= retry.value <= _MOST_RETRIES:
        faults.at(retry, f"must be a number from 1 to {_MOST_RETRIES}")
        return None
    then = _remedy_of(fields, "then", faults) or Stop()
    if isinstance(then, Retry):
        faults.at(node, "retries within retries", _REMEDIES)
        return None
    return Retry(retry.value, then)


def _template(node: Node, faults: Faults) -> Template | None:
    value = text(node, faults)
    if value is None:
        return None
    try:
        return parse_text(value)
    except TemplateFault as error:
        faults.at(node, str(error))
        return None


def _step_id(node: Node, faults: Faults) -> str | None:
    value = text(node, faults)
    if value is not None and not _STEP.fullmatch(value):
        faults.at(node, f"`{value}` is not an id", "small letters, digits and `_`, a letter first")
        return None
    return value

"""What is judged outside a run: the task and the call of a test case or of `explain`. Only what it is about is given.

What a task lacks is empty. What a call lacks of resource and labels is unknown, unless tool or catalogue know it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from domain.canonical import Json
from domain.tasks import Context, Principal, Priority, Source, Task, Trigger, Trust
from domain.tiers import Effect
from policy.reading.files import Fields, Read, boolean, by_name, choice, integer, label, money, several, text
from policy.reading.nodes import Faults, Node, from_plain, read
from policy.sources.approvers import KEYS as REQUIREMENT

T = TypeVar("T")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = 1900, 9900  # years: near either end of the calendar nothing can be counted from a moment
MOST = 1_000_000_000_000  # of anything that budgets count
VERDICTS = ("allow", "deny", "require_approval")
# What cases, and the files given to `explain`, may say.
CASE = ("given", "expect", "describe")
GIVEN = ("task", "call", "run", "at", "spent")
CALL = ("tool", "arguments", "resource", "labels", "effect", "tainted")
EXPECT = ("verdict", "allowed", "tier", "approvals", "reason", "constraints")
# Whose words come from outside the organization.
_UNTRUSTED = frozenset({Source.ALERT, Source.EMAIL, Source.WEBHOOK})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSketch:
    """A call as a call file writes it; None is unknown."""

    tool: str
    arguments: Mapping[str, Json] = field(default_factory=dict)
    resource: str | None = None
    labels: Mapping[str, str] | None = None
    effect: Effect | None = None
    tainted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSketch:
    """How far a run has come, as far as conditions read it."""

    iterations: int = 0
    cost_usd: float = 0.0
    tainted: bool | None = None  # None: as the task's source has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is judged."""

    task: Task
    call: CallSketch | None = None
    run: RunSketch = RunSketch()
    at: datetime | None = None
    standing: tuple[Principal, ...] = ()  # of those who redirected, besides the requester's
    spent: Mapping[str, float] = field(default_factory=dict)  # by budget, as people write it


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A test of the rules: what is given, and what is expected of the answer, as `explain` prints it."""

    given: Subject
    expect: Mapping[str, Json]
    file: str
    line: int


def read_document(file: str, said: str, faults: Faults) -> Node | None:
    """A JSON or YAML document."""
    if said.lstrip()[:1] in {"{", "["}:
        try:
            return from_plain(file, json.loads(said, parse_constant=_refuse, object_pairs_hook=_once))
        except (ValueError, RecursionError):
            pass  # YAML's flow style looks like JSON and is not; its reader says what is wrong, and where
    return read(file, said, faults)


def read_task(node: Node, faults: Faults) -> Task | None:
    """A task of which only a part need be given."""
    fields = Fields(node, faults, "type", "goal", "requester", "trigger", "context", "payload", "inputs")
    trigger = fields.get("trigger", _trigger, _NO_TRIGGER)
    return Task(
        type=fields.get("type", maybe(text), ""),
        goal=fields.get("goal", anything_text, ""),
        requester=fields.get("requester", maybe(text), None),
        trigger=trigger,
        context=fields.get("context", _context, Context(organization_id="")),
        payload=fields.get("payload", data, {}),
        inputs=fields.get("inputs", data, {}),
        trust=Trust.UNTRUSTED if trigger.source in _UNTRUSTED else Trust.PERSON,
    )


def read_call(node: Node, faults: Faults) -> CallSketch | None:
    """A call file: `{"tool", "arguments", "resource"?, "labels"?, "effect"?, "tainted"?}`."""
    fields = Fields(node, faults, *CALL)
    effect = fields.get("effect", maybe(choice(*[e.value for e in Effect])), None)
    tool = fields.need("tool", text)
    sketch = CallSketch(
        tool=tool or "",
        arguments=fields.get("arguments", data, {}),
        resource=fields.get("resource", maybe(text), None),
        labels=fields.get("labels", maybe(by_name(label)), None),
        effect=None if effect is None else Effect(effect),
        tainted=fields.get("tainted", several(text), ()),
    )
    return None if tool is None else sketch


def read_case(node: Node, faults: Faults) -> Case | None:
    """One entry of `tests:`."""
    fields = Fields(node, faults, *CASE)
    given = fields.need("given", read_subject)
    expect = fields.need("expect", _expected)
    if given is None or expect is None:
        return None
    return Case(given=given, expect=expect, file=node.file, line=node.line)


def read_subject(node: Node, faults: Faults) -> Subject | None:
    """`given:` of a test."""
    fields = Fields(node, faults, *GIVEN)
    nothing = Task(type="", trigger=_NO_TRIGGER, context=Context(organization_id=""), trust=Trust.PERSON)
    return Subject(
        task=fields.get("task", read_task, nothing),
        call=fields.get("call", read_call, None),
        run=fields.get("run", _run, RunSketch()),
        at=fields.get("at", moment, None),
        spent=fields.get("spent", read_spent, {}),
    )


def read_spent(node: Node, faults: Faults) -> dict[str, float] | None:
    """`{restarts-an-hour: 3}`: by budget, what its accounts hold."""
    return by_name(_amount)(node, faults)


def _amount(node: Node, faults: Faults) -> float | None:
    if isinstance(node.value, bool) or not isinstance(node.value, (int, float)) or not 0 <= node.value <= MOST:
        faults.at(node, "must be an amount", "like 3, or 2.50 of a budget in US dollars")
        return None
    return float(node.value)


def moment(node: Node, faults: Faults) -> datetime | None:
    """A point in time; without an offset it is UTC."""
    try:
        said = datetime.fromisoformat(node.value) if isinstance(node.value, str) else None
    except ValueError:
        said = None
    if said is None or not _FIRST <= said.year <= _LAST:
        faults.at(node, "must be a time", "like 2026-12-20T00:00:00Z")
        return None
    return said if said.tzinfo else said.replace(tzinfo=UTC)


def maybe(reader: Read[T]) -> Read[T]:
    """The same reader, to which null is as good as nothing."""

    def read_maybe(node: Node, faults: Faults) -> T | None:
        return None if node.value is None else reader(node, faults)

    return read_maybe


def anything_text(node: Node, faults: Faults) -> str | None:
    """Text, the empty one too."""
    if node.value is None or node.value == "":
        return None
    return text(node, faults)


_NO_TRIGGER = Trigger(source=cast("Source", ""), source_id="", timestamp=EPOCH)  # empty fits no rule about sources


def _trigger(node: Node, faults: Faults) -> Trigger | None:
    fields = Fields(node, faults, "source", "source_id", "timestamp", "correlation")
    source = fields.get("source", maybe(choice(*[s.value for s in Source])), None)
    return Trigger(
        source=_NO_TRIGGER.source if source is None else Source(source),
        source_id=fields.get("source_id", maybe(text), ""),
        timestamp=fields.get("timestamp", maybe(moment), EPOCH),
        correlation=fields.get("correlation", maybe(text), None),
    )


def _context(node: Node, faults: Faults) -> Context | None:
    fields = Fields(node, faults, "organization_id", "repository_id", "agent_slug", "priority")
    priority = fields.get("priority", maybe(choice(*[p.value for p in Priority])), Priority.NORMAL.value)
    return Context(
        organization_id=fields.get("organization_id", maybe(text), ""),
        repository_id=fields.get("repository_id", maybe(text), None),
        agent_slug=fields.get("agent_slug", maybe(text), None),
        priority=Priority(priority),
    )


def _run(node: Node, faults: Faults) -> RunSketch | None:
    fields = Fields(node, faults, "iterations", "cost_usd", "tainted")
    return RunSketch(
        iterations=fields.get("iterations", integer(0, 1_000_000), 0),
        cost_usd=fields.get("cost_usd", money, 0.0),
        tainted=fields.get("tainted", boolean, None),
    )


def _expected(node: Node, faults: Faults) -> Mapping[str, Json] | None:
    fields = Fields(node, faults, *EXPECT)
    fields.get("verdict", choice(*VERDICTS), None)
    fields.get("allowed", boolean, None)
    if isinstance(node.value, Mapping) and not node.value:
        faults.at(node, "expects nothing", f"any of {', '.join(EXPECT)}")
    for entry in fields.get("approvals", several(_as_is), ()):
        Fields(entry, faults, *REQUIREMENT, "policies")
    return cast("Mapping[str, Json]", node.plain) if isinstance(node.value, Mapping) else None


def _as_is(node: Node, _: Faults) -> Node:
    return node


def data(node: Node, faults: Faults) -> Mapping[str, Json] | None:
    if not isinstance(node.value, Mapping):
        faults.at(node, f"must be a mapping, not {node.kind}")
        return None
    return cast("Mapping[str, Json]", node.plain)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) != len(pairs):
        raise ValueError("a key is said twice")
    return held

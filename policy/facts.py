"""What is known of a task and a call, in the two forms that rules read: attributes for `match`, values for `when`.

Nothing is assumed: what a task lacks is empty and fits nothing; the resource and labels of an EXECUTE or CHANGE call
that nobody could establish are unknown and fit everything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.calls import ToolCall
from domain.people import Snapshot
from domain.tasks import Principal, Source, Task, Trust
from domain.tiers import Effect
from policy.cel import Condition, ConditionFailed, Prepared, prepare
from policy.globs import matches
from policy.matching import LABEL, Facts

Groups = Mapping[str, frozenset[Principal] | None]  # members by name; None: only the directory knows


@dataclass(frozen=True, slots=True)
class Membership:
    """Groups the other way round: who is in what. `hidden` are the groups that only the directory can look into."""

    groups_of: Mapping[Principal, tuple[str, ...]] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()

    @classmethod
    def of(cls, groups: Groups) -> "Membership":
        """The same groups, by member."""
        found: dict[Principal, tuple[str, ...]] = {}
        for group, members in groups.items():
            for principal in members or ():
                found[principal] = (*found.get(principal, ()), group)
        return cls(found, tuple(group for group, members in groups.items() if members is None))


ANYONE, NOBODY = "anyone", "nobody"
DANGEROUS = frozenset({Effect.EXECUTE, Effect.CHANGE})
_HEAVY = (("task", "payload"), ("task", "inputs"), ("call", "arguments"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`run` of conditions."""

    run_id: str = ""
    iterations: int = 0
    cost_usd: float = 0.0
    tier: int = 0
    tainted: bool = False
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """A call, with the worst effect that anybody ascribes to it, and where it takes effect: None is unknown.

    Several places where the catalogue has changed since the call was proposed: the last is the current one.
    """

    call: ToolCall
    effect: Effect
    resources: tuple[str, ...] | None
    labels: tuple[Mapping[str, str], ...] | None


class Situation:
    """What is judged, at one moment. Values for conditions are made once, when the first condition asks."""

    def __init__(
        self,
        task: Task,
        *,
        standing: Sequence[Principal],
        people: Snapshot,
        groups: Membership,
        progress: Progress,
        now: datetime,
        view: CallView | None = None,
    ) -> None:
        self.task, self.view, self.now, self._progress = task, view, now, progress
        self._dangerous = view is not None and view.effect in DANGEROUS
        self._prepared: dict[tuple[bool, Principal | None], Prepared] = {}
        self._standing = [requesters([one], people, groups, certain=True) for one in standing]
        labels_known = view is None or view.labels is not None or not self._dangerous
        self.facts = Facts(
            known={**_of_task(task, requesters(standing, people, groups)), **(self._of_call(view) if view else {})},
            labels_known=labels_known,
        )

    def holds(self, condition: Condition) -> bool:
        """Whether the condition holds. Raises ConditionFailed. What is unknown counts as fulfilling it."""
        unknown = [path for path in self._unknown() if condition.reads(*path)]
        if any(path in condition.asks for path in unknown):
            return True  # `has(call.labels)`, of labels that nobody knows
        try:
            return self._holds(condition)
        except ConditionFailed:
            if unknown:
                return True
            raise

    def excepted(self, patterns: Sequence[str]) -> bool:
        """Whether each of those whose standing counts is among these requesters; nobody is not."""
        return bool(self._standing) and all(
            any(matches(pattern, name) for pattern in patterns for name in names) for names in self._standing
        )

    def _holds(self, condition: Condition) -> bool:
        """Nobody is null, as tasks are written; where that cannot be asked, an empty text, so `startsWith` says no."""
        requester = self.task.requester
        try:
            return condition.holds(self._values(condition, requester))
        except ConditionFailed:
            path = ("task", "requester")
            if requester is None and condition.reads(*path) and path not in condition.nulls:
                return condition.holds(self._values(condition, ""))
            raise

    def _unknown(self) -> tuple[tuple[str, ...], ...]:
        if self.view is None or not self._dangerous:
            return ()
        sides = (("resource", self.view.resources), ("labels", self.view.labels))
        return tuple(("call", name) for name, value in sides if value is None)

    def _values(self, condition: Condition, requester: Principal | None) -> Prepared:
        """The values as the engine takes them; payload and arguments only for a condition that reads them."""
        heavy = any(condition.reads(*path) for path in _HEAVY)
        key = (heavy, requester)
        if key not in self._prepared:
            values: dict[str, Any] = {"task": _task_values(self.task, requester, heavy=heavy), "now": self.now}
            values["run"] = _run_values(self._progress)
            if self.view is not None:
                values["call"] = self._call_values(self.view, heavy=heavy)
            self._prepared[key] = prepare(values)
        return self._prepared[key]

    def _call_values(self, view: CallView, *, heavy: bool) -> dict[str, Any]:
        values: dict[str, Any] = {
            "tool": view.call.tool,
            "effect": view.effect.value,
            "arguments": view.call.arguments if heavy else {},
            "tainted": bool(view.call.tainted),
        }
        if view.resources or not self._dangerous:
            values["resource"] = view.resources[-1] if view.resources else ""
        if view.labels or not self._dangerous:
            values["labels"] = view.labels[-1] if view.labels else {}
        return values

    def _of_call(self, view: CallView) -> dict[str, tuple[str, ...] | None]:
        known: dict[str, tuple[str, ...] | None] = {
            "tool": (view.call.tool,),
            "effect": (view.effect.value,),
            "resource": None if view.resources is None and self._dangerous else view.resources or (),
        }
        for labels in view.labels or ():
            for name, value in labels.items():
                known[LABEL + name] = (*(known.get(LABEL + name) or ()), value)
        return known


def requesters(
    standing: Sequence[Principal], people: Snapshot, groups: Membership, *, certain: bool = False
) -> tuple[str, ...]:
    """Everything that `requester:` may call those whose standing bounds a decision. Nobody is `nobody`.

    A user whom the directory does not know counts as a member of every group that only the directory could tell;
    where membership would help instead (`certain`), as a member of none of them.
    """
    if not standing:
        return (NOBODY,)
    names: set[str] = {ANYONE}
    for principal in standing:
        person = people.people.get(principal)
        known = {*groups.groups_of.get(principal, ()), *(person.groups if person else ())}
        if person is None and not certain and principal.startswith("user:"):
            known |= set(groups.hidden)
        names |= {principal, *(f"group:{group}" for group in known)}
    return tuple(sorted(names))


def _of_task(task: Task, names: tuple[str, ...]) -> dict[str, tuple[str, ...] | None]:
    def one(value: str | None) -> tuple[str, ...]:
        return (value,) if value else ()

    return {
        "source": one(task.trigger.source),
        "type": one(task.type),
        "agent": one(task.context.agent_slug),
        "repository": one(task.context.repository_id),
        "requester": names,
    }


def _task_values(task: Task, requester: Principal | None, *, heavy: bool) -> dict[str, Any]:
    context = task.context
    return {
        "type": task.type,
        "goal": task.goal,
        "requester": requester,
        "trigger": {
            "source": str(task.trigger.source),
            "source_id": task.trigger.source_id,
            "timestamp": task.trigger.timestamp,
            "correlation": task.trigger.correlation or "",
        },
        "context": {
            "organization_id": context.organization_id,
            "repository_id": context.repository_id or "",
            "agent_slug": context.agent_slug or "",
            "priority": context.priority.value,
        },
        "payload": task.payload if heavy else {},
        "inputs": task.inputs if heavy else {},
    }


def _run_values(progress: Progress) -> dict[str, Any]:
    return {
        "id": progress.run_id,
        "iterations": progress.iterations,
        "cost_usd": progress.cost_usd,
        "tier": progress.tier,
        "tainted": progress.tainted,
        "depth": progress.depth,
    }


def depth_of(task: Task) -> int:
    """How many runs stand above this one, as far as the task tells."""
    return 1 if task.trigger.source == Source.AGENT else 0


def tainted_task(task: Task) -> bool:
    """Whether the task's own words come from outside the organization."""
    return task.trust is Trust.UNTRUSTED

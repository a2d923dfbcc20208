"""What is known of a task and a call, in the two forms that rules read: attributes for `match`, values for `when`.

Nothing is assumed: what a task lacks is empty and fits nothing; the resource and labels of an EXECUTE or CHANGE call
that nobody could establish are unknown and fit everything.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from domain.calls import ToolCall
from domain.people import Snapshot
from domain.tasks import Principal, Source, Task, Trust
from domain.tiers import Effect
from policy.conditions.condition import Condition, ConditionFailed, Prepared, prepare
from policy.conditions.syntax import Path
from policy.globs import fits_any
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
_STRUCTURES = frozenset({("task",), ("run",), ("call",), ("task", "trigger"), ("task", "context")})


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
    """What is judged, at one moment. Values are made when the first condition asks, and only those that it reads."""

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
        self._standing, self._people, self._groups = standing, people, groups
        self._prepared: dict[tuple[tuple[Path, ...], Principal | None], Prepared] = {}
        who = requesters(standing, people, groups)
        known = _of_task(task, who if task.requester or NOBODY in who else (*who, NOBODY))
        if view is not None:
            self._add_call(known, view)
        labels_known = view is None or view.labels is not None or not self._dangerous
        self.facts = Facts(known=known, labels_known=labels_known)

    def holds(self, condition: Condition) -> bool:
        """Whether the condition holds. Raises ConditionFailed. What is unknown counts as fulfilling it."""
        unknown = [path for path in self._unknown() if condition.reads(*path)]
        if unknown and any(path in condition.asks for path in unknown):
            return True  # `has(call.labels)`, of labels that nobody knows
        try:
            return self._holds(condition)
        except ConditionFailed:
            if unknown:
                return True
            raise

    def excepted(self, patterns: Collection[str]) -> bool:
        """Whether each of those whose standing counts is among these requesters; nobody, whoever redirected, is not."""
        return (
            self.task.requester is not None
            and bool(self._standing)
            and all(
                fits_any(patterns, requesters([one], self._people, self._groups, certain=True))
                for one in self._standing
            )
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
        """What the condition reads, as the engine takes it: converting values costs more than evaluating them."""
        wanted = _whole(condition.paths)
        key = (wanted, requester)
        if key not in self._prepared:
            roots = {path[0] for path in wanted}
            values: dict[str, Any] = {"now": self.now}
            if "task" in roots:
                values["task"] = _task_values(self.task, requester)
            if "run" in roots:
                values["run"] = _run_values(self._progress)
            if "call" in roots and self.view is not None:
                values["call"] = self._call_values(self.view)
            self._prepared[key] = prepare(_picked(values, wanted))
        return self._prepared[key]

    def _call_values(self, view: CallView) -> dict[str, Any]:
        values: dict[str, Any] = {
            "tool": view.call.tool,
            "effect": view.effect.value,
            "arguments": view.call.arguments,
            "tainted": bool(view.call.tainted),
        }
        if view.resources or not self._dangerous:
            values["resource"] = view.resources[-1] if view.resources else ""
        if view.labels or not self._dangerous:
            values["labels"] = view.labels[-1] if view.labels else {}
        return values

    def _add_call(self, known: dict[str, tuple[str, ...] | None], view: CallView) -> None:
        known["tool"] = (view.call.tool,)
        known["effect"] = (view.effect.value,)
        known["resource"] = None if view.resources is None and self._dangerous else view.resources or ()
        for labels in view.labels or ():
            for name, value in labels.items():
                known[LABEL + name] = (*(known.get(LABEL + name) or ()), value)


@lru_cache(maxsize=4096)
def _whole(paths: frozenset[Path]) -> tuple[Path, ...]:
    """The paths, each cut where the values end whose names we know: what is below is taken whole."""
    return tuple(sorted({_cut(path) for path in paths}))


def _cut(path: Path) -> Path:
    return next((path[:n] for n in range(1, len(path)) if path[:n] not in _STRUCTURES), path)


def _picked(values: Mapping[str, Any], wanted: Iterable[Path]) -> dict[str, Any]:
    """Of `values` only what these paths name, as far as it is there."""
    picked: dict[str, Any] = {}
    for *above, last in wanted:
        held, source = picked, values
        for name in above:
            source = source.get(name, {})
            held = held.setdefault(name, {})
        if last in source:
            held[last] = source[last]
    return picked


def requesters(
    standing: Sequence[Principal], people: Snapshot, groups: Membership, *, certain: bool = False
) -> tuple[str, ...]:
    """Everything that `requester:` may call those whose standing bounds a decision. Nobody is `nobody`.

    A user whom the directory does not know counts as a member of every group that only the directory could tell;
    where membership would help instead (`certain`), as a member of none of them.
    """
    if not standing:
        return (NOBODY,)
    names = {ANYONE: None}
    for principal in standing:
        person = people.people.get(principal)
        names[principal] = None
        known = [*groups.groups_of.get(principal, ()), *(person.groups if person else ())]
        if person is None and not certain and principal.startswith("user:"):
            known += groups.hidden
        for group in known:
            names["group:" + group] = None
    return tuple(names)


def _of_task(task: Task, names: tuple[str, ...]) -> dict[str, tuple[str, ...] | None]:
    agent, repository = task.context.agent_slug, task.context.repository_id
    return {
        "source": (task.trigger.source,) if task.trigger.source else (),
        "type": (task.type,) if task.type else (),
        "agent": (agent,) if agent else (),
        "repository": (repository,) if repository else (),
        "requester": names,
    }


def _task_values(task: Task, requester: Principal | None) -> dict[str, Any]:
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
        "payload": task.payload,
        "inputs": task.inputs,
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

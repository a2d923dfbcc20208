"""What conditions and templates of a runbook may read, and who vouches for it.

Clean is what equals something that a person typed, the task's own repository as an authenticated door set it, or a word
of the runbook itself: so an input out of an alert is clean only where the runbook lists the values that it may have.
What tools return is never clean.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.canonical import Json
from domain.runs import Message, Run
from domain.tasks import Task, Trust
from reasoning.runbooks.history import results
from reasoning.runbooks.model import Input, Runbook
from reasoning.runbooks.paths import Path

RUNBOOK = "runbook"  # the input by which routing says which runbook it chose

_OURS = frozenset({"ok", "tried", "failure", "choice", "answer"})  # fields of a step that no tool wrote


@dataclass(frozen=True, slots=True, kw_only=True)
class RunScope:
    """The values at hand in one turn."""

    values: Mapping[str, Json]
    task: Task
    inputs: Mapping[str, Input]

    def clean(self, path: Path) -> bool:
        """Whether somebody we trust vouches for what `path` leads to."""
        match path.root, path.parts:
            case "run", _:
                return True
            case "inputs", (str() as name, *_):
                return vouched(self.inputs.get(name), self.task, self.task.inputs.get(name))
            case "task", ("context", "repository_id" | "organization_id"):
                return True
            case "task", _:
                return self.task.trust in {Trust.PERSON, Trust.ORGANIZATION}
            case "steps", (_, str() as field) if field in _OURS:
                return True
        return False


def scope_of(run: Run, book: Runbook) -> RunScope:
    """What the runbook sees of the run."""
    task = run.received
    values: dict[str, Json] = {
        "inputs": {**dict.fromkeys(book.inputs), **task.inputs},
        "task": described(task),
        "steps": results(run, book),
        "messages": [{"by": message.by, "text": message.text} for message in heard(run, since=run.goal_turn)],
        "run": {"id": run.run_id, "iterations": run.iterations},
    }
    return RunScope(values=values, task=task, inputs=book.inputs)


def heard(run: Run, since: int) -> tuple[Message, ...]:
    """What people said since that turn about the present goal; the redirect that set it is not among it."""
    return tuple(m for m in run.messages if m.turn >= since and m.text != run.received.goal)


def described(task: Task) -> dict[str, Json]:
    """The task in the shape that people know from policies and the API."""
    trigger, context = task.trigger, task.context
    return {
        "type": task.type,
        "goal": task.goal,
        "requester": task.requester,
        "trigger": {
            "source": str(trigger.source),
            "source_id": trigger.source_id,
            "timestamp": trigger.timestamp.isoformat(),
            "correlation": trigger.correlation,
        },
        "context": {
            "organization_id": context.organization_id,
            "repository_id": context.repository_id,
            "agent_slug": context.agent_slug,
            "priority": str(context.priority),
        },
        "payload": dict(task.payload),
    }


def vouched(declared: Input | None, task: Task, value: Json) -> bool:
    """Whether this value of an input is clean."""
    if task.trust in {Trust.PERSON, Trust.ORGANIZATION}:
        return True
    if declared is None or value is None:
        return False
    return value in declared.one_of or value == declared.default

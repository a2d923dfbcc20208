"""`countersign policy explain`: what policy answers about a task, or about a call of it, and why."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.commands.policy.loaded import HERE, NO, OK, AsJson, Config, Loaded, bad, loaded_or_exit, print_json
from domain.tasks import Task
from loop.ports import Routed
from policy.explain import Explanation, as_json, explain, why
from policy.files import Faults, Node
from policy.nodes import LARGEST_FILE, from_plain
from policy.subjects import Subject, moment, read_call, read_document, read_task
from reasoning.routing import RunbookRouter


def explain_(
    task: Annotated[str, typer.Option("--task", help="A task as JSON or YAML; - is standard input.")],
    call: Annotated[str | None, typer.Option("--call", help="A call of that task.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="Judge as of this time (ISO 8601).")] = None,
    config: Config = HERE,
    *,
    as_json_: AsJson = False,
) -> None:
    """Say what policy answers about a task, or about a call of it, and which rule, file and line set each limit."""
    found = loaded_or_exit(config)
    faults = Faults()
    subject = _subject(task, call, at, faults)
    if subject is None or len(faults):
        bad(faults)
    now = datetime.now(UTC)
    routed = replace(subject, task=_routed(subject.task, found))
    people = found.configuration.snapshot(subject.at or now)
    said = explain(found.configuration.policies, routed, people=people, catalog=found.catalog, now=now)
    if as_json_:
        print_json(as_json(said))
    else:
        _print_words(said)
    raise typer.Exit(OK if said.allowed else NO)


def _subject(task: str, call: str | None, at: str | None, faults: Faults) -> Subject | None:
    node = _document(task, faults)
    read = read_task(node, faults) if node is not None else None
    node = _document(call, faults) if call is not None else None
    sketch = read_call(node, faults) if node is not None else None
    when = moment(from_plain("--at", at), faults) if at is not None else None
    return None if read is None else Subject(task=read, call=sketch, at=when)


def _document(name: str, faults: Faults) -> Node | None:
    """The document of that file. One character more than is allowed is read, so that none is cut short unnoticed."""
    try:
        if name == "-":
            return read_document("-", sys.stdin.read(LARGEST_FILE + 1), faults)
        with Path(name).open(encoding="utf-8-sig") as opened:
            return read_document(name, opened.read(LARGEST_FILE + 1), faults)
    except (OSError, ValueError) as error:
        faults.add(name, 1, 1, "", f"cannot be read: {error}")
        return None


def _routed(task: Task, found: Loaded) -> Task:
    """The task with its agent, where the request itself says who handles it."""
    if task.context.agent_slug is not None or not task.type:
        return task
    routed = RunbookRouter(agents=found.configuration.agents, runbooks=found.runbooks).route(task)
    return routed.task if isinstance(routed, Routed) else task


def _print_words(said: Explanation) -> None:
    typer.echo("allowed" if said.allowed else "denied")
    typer.echo(said.sentence)
    for line in why(said.reasons):
        typer.echo(f"  {line}")

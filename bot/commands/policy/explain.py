"""`countersign policy explain`: what policy answers about a task, or about a call of it, and why."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.commands.policy.loaded import HERE, NO, OK, AsJson, Config, Loaded, bad, loaded_or_exit, print_json
from domain.decisions import Remedy, RequireApproval
from domain.tasks import Task
from loop.ports import Routed
from policy.engine import PolicySet
from policy.explaining.digest import in_words
from policy.explaining.effective import limits_of, lines
from policy.explaining.explain import Explanation, as_json, explain, standing_of
from policy.explaining.remedies import remedies, remedy_json, spell_remedy
from policy.explaining.unknowns import notes_on
from policy.reading.files import Faults, Node, nearest
from policy.reading.nodes import LARGEST_FILE, from_plain
from policy.sources.subjects import Subject, moment, read_call, read_document, read_spent, read_task
from reasoning.routing import RunbookRouter


def explain_(
    task: Annotated[str, typer.Option("--task", help="A task as JSON or YAML; - is standard input.")],
    call: Annotated[str | None, typer.Option("--call", help="A call of that task.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="Judge as of this time (ISO 8601).")] = None,
    spent: Annotated[str | None, typer.Option("--spent", help="What was drawn so far, by budget.")] = None,
    config: Config = HERE,
    *,
    as_json_: AsJson = False,
) -> None:
    """Say what policy answers about a task, or about a call of it, and which rule, file and line set each limit."""
    found = loaded_or_exit(config)
    faults = Faults()
    subject = _subject(task, call, at, faults)
    if subject is not None and spent is not None:
        subject = replace(subject, spent=_spent(spent, found.configuration.policies, faults))
    if subject is None or len(faults):
        bad(faults)
    now = datetime.now(UTC)
    routed = replace(subject, task=_routed(subject.task, found))
    people, policies = found.configuration.snapshot(subject.at or now), found.configuration.policies
    said = explain(policies, routed, people=people, catalog=found.catalog, now=now)
    ways = remedies(policies, routed, people=people, catalog=found.catalog, now=now)
    notes = (*notes_on(policies, [routed], people), *_untouched(said))
    if as_json_:
        digest = in_words(policies, routed.task, said.decision, standing=standing_of(routed), people=people).hash
        more = {"remedies": [remedy_json(way) for way in ways], "notes": list(notes), "digest": digest}
        print_json({**as_json(said), **more})
    else:
        _print_words(said, ways, notes)
    raise typer.Exit(OK if said.allowed else NO)


def _subject(task: str, call: str | None, at: str | None, faults: Faults) -> Subject | None:
    node = _document(task, faults)
    read = read_task(node, faults) if node is not None else None
    node = _document(call, faults) if call is not None else None
    sketch = read_call(node, faults) if node is not None else None
    when = moment(from_plain("--at", at), faults) if at is not None else None
    return None if read is None else Subject(task=read, call=sketch, at=when)


def _spent(name: str, policies: PolicySet, faults: Faults) -> Mapping[str, float]:
    node = _document(name, faults)
    amounts = (read_spent(node, faults) if node is not None else None) or {}
    for budget in amounts.keys() - policies.budgets.keys():
        at = node.value[budget] if node is not None and isinstance(node.value, Mapping) else None
        if at is not None:
            faults.at(at, f'there is no budget "{budget}"', nearest(budget, policies.budgets))
    return amounts


def _untouched(said: Explanation) -> tuple[str, ...]:
    if not said.assumed:
        return ()
    return (f"taken as untouched, for want of --spent: {', '.join(said.assumed)}",)


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


def _print_words(said: Explanation, ways: Sequence[Remedy], notes: Sequence[str]) -> None:
    asks = isinstance(said.verdict, RequireApproval)
    typer.echo("allowed, once it is countersigned" if asks else "allowed" if said.allowed else "denied")
    typer.echo(said.sentence)
    limits = limits_of(said.reasons, said.overruled, said.approvals)
    for line in lines(one for one in limits if one.sets != "deny" or one.value not in said.sentence):
        typer.echo(f"  {line}")
    if ways:
        typer.echo("it would be another answer:")
    for way in ways:
        typer.echo(f"  {spell_remedy(way)}")
    for note in notes:
        typer.echo(f"note: {note}")

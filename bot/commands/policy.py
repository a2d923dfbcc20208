"""`countersign policy check|test|explain`: what the rules say, and whether they say what was meant."""

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from bot.configuration import Configuration, load
from bot.systems import catalog_for, known_tools
from domain.tasks import Task
from loop.ports import Routed
from policy.cases import CaseResult, run_cases
from policy.explain import Explanation, as_json, explain, why
from policy.files import Fault, Faults, Invalid, Node
from policy.nodes import LARGEST_FILE, from_plain
from policy.subjects import Subject, moment, read_call, read_document, read_task
from reasoning.routing import RunbookRouter, check_followers
from reasoning.runbooks.load import read_runbooks
from tools.catalog import ToolCatalog

app = typer.Typer(no_args_is_help=True, help="What the rules say, and whether they say what was meant.")

OK, NO, BAD = 0, 1, 2
Config = Annotated[
    Path, typer.Option("--config", envvar="COUNTERSIGN_CONFIG", help="The configuration directory.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
_HERE = Path()


@app.command("check")
def check(config: Config = _HERE, *, as_json_: AsJson = False) -> None:
    """Load everything; print each fault with file, line and a suggestion."""
    try:
        configuration, _ = _loaded(config)
    except Invalid as invalid:
        if as_json_:
            _print_json({"ok": False, "faults": [_fault_json(fault) for fault in invalid.faults]})
        _bad(invalid.faults)
    policies = configuration.policies
    cases = sum(len(rule.cases) for rule in policies.rules)
    if as_json_:
        counts = {"policies": len(policies.rules), "freezes": len(policies.freezes), "tests": cases}
        _print_json({"ok": True, "faults": [], **counts, "policy_hash": policies.hash})
    else:
        typer.echo(f"ok: {len(policies.rules)} policies, {cases} tests, {len(configuration.agents)} agents")


@app.command("test")
def run_tests(config: Config = _HERE, *, as_json_: AsJson = False) -> None:
    """Run the cases that the rules carry."""
    configuration, catalog = _loaded_or_exit(config)
    now = datetime.now(UTC)
    results = run_cases(configuration.policies, people=configuration.snapshot(now), catalog=catalog, now=now)
    failed = [result for result in results if not result.passed]
    if as_json_:
        counts = {"passed": len(results) - len(failed), "failed": len(failed)}
        _print_json({**counts, "results": [_result_json(result) for result in results]})
    else:
        for result in failed:
            for line in result.wrong:
                typer.echo(f"{result.file}:{result.line}: {result.rule}: {line}")
        typer.echo(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    raise typer.Exit(NO if failed else OK)


@app.command("explain")
def explain_(
    task: Annotated[str, typer.Option("--task", help="A task as JSON or YAML; - is standard input.")],
    call: Annotated[str | None, typer.Option("--call", help="A call of that task.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="Judge as of this time (ISO 8601).")] = None,
    config: Config = _HERE,
    *,
    as_json_: AsJson = False,
) -> None:
    """Say what policy answers about a task, or about a call of it, and which rule, file and line set each limit."""
    configuration, catalog = _loaded_or_exit(config)
    faults = Faults()
    subject = _subject(task, call, at, faults)
    if subject is None or len(faults):
        _bad(faults)
    now = datetime.now(UTC)
    routed = replace(subject, task=_routed(subject.task, configuration, catalog))
    people = configuration.snapshot(subject.at or now)
    said = explain(configuration.policies, routed, people=people, catalog=catalog, now=now)
    if as_json_:
        _print_json(as_json(said))
    else:
        _print_words(said)
    raise typer.Exit(OK if said.allowed else NO)


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _loaded(directory: Path) -> tuple[Configuration, ToolCatalog]:
    """The configuration, checked against the tools and with its runbooks. Raises Invalid."""
    configuration = load(directory, os.environ, tools=known_tools())
    catalog = catalog_for(configuration)
    runbooks = read_runbooks(dict(configuration.texts("runbooks")), catalog)
    faults = Faults()
    check_followers(runbooks, configuration.agents, faults)
    faults.check()
    return configuration, catalog


def _loaded_or_exit(directory: Path) -> tuple[Configuration, ToolCatalog]:
    try:
        return _loaded(directory)
    except Invalid as invalid:
        _bad(invalid.faults)


def _subject(task: str, call: str | None, at: str | None, faults: Faults) -> Subject | None:
    node = _document(task, faults)
    read = read_task(node, faults) if node is not None else None
    node = _document(call, faults) if call is not None else None
    sketch = read_call(node, faults) if node is not None else None
    when = moment(from_plain("--at", at), faults) if at is not None else None
    return None if read is None else Subject(task=read, call=sketch, at=when)


def _document(name: str, faults: Faults) -> Node | None:
    try:
        if name == "-":
            return read_document("-", sys.stdin.read(LARGEST_FILE), faults)
        with Path(name).open(encoding="utf-8") as opened:
            return read_document(name, opened.read(LARGEST_FILE), faults)
    except (OSError, UnicodeDecodeError) as error:
        faults.add(name, 1, 1, "", f"cannot be read: {error}")
        return None


def _routed(task: Task, configuration: Configuration, catalog: ToolCatalog) -> Task:
    """The task with its agent, where the request itself says who handles it."""
    if task.context.agent_slug is not None or not task.type:
        return task
    runbooks = read_runbooks(dict(configuration.texts("runbooks")), catalog)
    found = RunbookRouter(agents=configuration.agents, runbooks=runbooks).route(task)
    return found.task if isinstance(found, Routed) else task


# ── Printing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _print_json(said: Any) -> None:
    typer.echo(json.dumps(said, indent=2, ensure_ascii=False))


def _print_words(said: Explanation) -> None:
    typer.echo("allowed" if said.allowed else "denied")
    typer.echo(said.sentence)
    for line in why(said.reasons):
        typer.echo(f"  {line}")


def _bad(faults: Iterable[Fault]) -> NoReturn:
    for fault in faults:
        typer.echo(str(fault), err=True)
    raise typer.Exit(BAD)


def _fault_json(fault: Fault) -> dict[str, Any]:
    return {
        "file": fault.file,
        "line": fault.line,
        "column": fault.column,
        "key": fault.key,
        "problem": fault.problem,
        "suggestion": fault.suggestion,
    }


def _result_json(result: CaseResult) -> dict[str, Any]:
    return {
        "policy": result.rule,
        "file": result.file,
        "line": result.line,
        "passed": result.passed,
        "wrong": list(result.wrong),
    }

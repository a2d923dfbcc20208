"""What the commands about rules share: the configuration as `serve` would take it, and how faults are told."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from bot.configuration import Configuration, load
from bot.configuration.files import MAIN
from bot.systems import catalog_for, known_tools
from policy.analysis.ground import Ground
from policy.reading.files import Fault, Faults, Invalid
from reasoning.routing import check_followers
from reasoning.runbooks.load import read_runbooks
from reasoning.runbooks.model import Runbook
from reasoning.runbooks.reasoner import admits
from tools.catalog import ToolCatalog

OK, NO, BAD = 0, 1, 2
Config = Annotated[
    Path, typer.Option("--config", envvar="COUNTERSIGN_CONFIG", help="The configuration directory.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
HERE = Path()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A configuration without faults, with the tools that it installs and its runbooks."""

    configuration: Configuration
    catalog: ToolCatalog
    runbooks: Mapping[str, Runbook]

    @property
    def ground(self) -> Ground:
        """What rules are analysed against, now."""
        return ground_of(self.configuration, self.catalog, self.runbooks)


def ground_of(
    configuration: Configuration, catalog: ToolCatalog, runbooks: Mapping[str, Runbook] | None = None
) -> Ground:
    """What the configuration's rules are analysed against, now."""
    lines = (configuration.directory / MAIN).read_text(encoding="utf-8-sig").split("\n")
    return Ground(
        policies=configuration.policies,
        tools=catalog,
        now=datetime.now(UTC),
        groups={name: group.members for name, group in configuration.groups.items()},
        people=frozenset(one.principal for one in configuration.people.values()),
        approvers_at=(MAIN, next((n for n, line in enumerate(lines, 1) if line.startswith("approvers:")), 1)),
        followers=None if runbooks is None else _followers(configuration, runbooks),
    )


def _followers(configuration: Configuration, runbooks: Mapping[str, Runbook]) -> dict[str, frozenset[str]]:
    """By type of task, the agents that have a runbook for it."""
    found: dict[str, frozenset[str]] = {}
    for book in runbooks.values():
        able = frozenset(slug for slug, agent in configuration.agents.items() if admits(agent, book))
        for one in book.tasks:
            found[one.type] = found.get(one.type, frozenset()) | able
    return found


def loaded(directory: Path) -> Loaded:
    """The configuration, checked against the tools and with its runbooks. Raises Invalid."""
    configuration = load(directory, os.environ, tools=known_tools())
    catalog = catalog_for(configuration)
    runbooks = read_runbooks(dict(configuration.texts("runbooks")), catalog)
    faults = Faults()
    check_followers(runbooks, configuration.agents, faults)
    faults.check()
    return Loaded(configuration=configuration, catalog=catalog, runbooks=runbooks)


def loaded_or_exit(directory: Path) -> Loaded:
    """The same; prints every fault and exits with 2 where there is one."""
    try:
        return loaded(directory)
    except Invalid as invalid:
        bad(invalid.faults)


def bad(faults: Iterable[Fault]) -> NoReturn:
    """Every fault on a line of standard error, and exit 2."""
    for fault in faults:
        typer.echo(str(fault), err=True)
    raise typer.Exit(BAD)


def print_json(said: Any) -> None:
    """One document, readable."""
    typer.echo(json.dumps(said, indent=2, ensure_ascii=False))

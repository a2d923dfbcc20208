"""From the configuration directory to what the loop goes by: rules, agents, runbooks, who is who."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.configuration import Configuration, load
from domain.runs import Run
from domain.tasks import Task
from loop.ports import Catalog, Proposal, Routed, Unrouted
from loop.rulebook import Rulebook
from policy.reading.nodes import Faults
from reasoning.routing import RunbookRouter, check_followers
from reasoning.runbooks.load import read_runbooks
from reasoning.runbooks.reasoner import RunbookReasoner


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """Everything laid down in a configuration directory, checked against the tools that are installed."""

    configuration: Configuration
    rulebook: Rulebook
    router: RunbookRouter
    reasoner: RunbookReasoner


class InForce:
    """The version that is in force, and since when. Rules, agents, routing and runbooks change together, in one step.

    Implements the loop's `Router` and `Reasoner` by asking the version of the moment.
    """

    def __init__(self, laid: Laid, since: datetime) -> None:
        self.laid, self.since = laid, since

    def replace(self, laid: Laid, now: datetime) -> None:
        """From here on this version, whole."""
        self.laid, self.since = laid, now

    def rulebook(self) -> Rulebook:
        """What the files say."""
        return self.laid.rulebook

    def route(self, task: Task) -> Routed | Unrouted:
        """See Router.route."""
        return self.laid.router.route(task)

    async def reason(self, run: Run, rules: str) -> Proposal:
        """See Reasoner.reason."""
        return await self.laid.reasoner.reason(run, rules)


def lay_down(configuration: Configuration, catalog: Catalog) -> Laid:
    """The rulebook and the runbooks of a configuration. Raises Invalid for runbooks that are at fault."""
    agents = configuration.agents
    runbooks = read_runbooks(dict(configuration.texts("runbooks")), catalog)
    faults = Faults()
    check_followers(runbooks, agents, faults)
    faults.check()
    rulebook = Rulebook(
        organization=configuration.organization,
        rules=configuration.policies,
        agents=agents,
        catalog=catalog,
        approvers=configuration.approvers,
        admins=configuration.admins,
        auditors=configuration.auditors,
    )
    return Laid(
        configuration=configuration,
        rulebook=rulebook,
        router=RunbookRouter(agents=agents, runbooks=runbooks),
        reasoner=RunbookReasoner(runbooks=runbooks, agents=agents),
    )


def directory_of(directory: Path | None) -> Path:
    """`directory`, else $COUNTERSIGN_CONFIG, else here."""
    return (directory or Path(os.environ.get("COUNTERSIGN_CONFIG") or ".")).resolve()


def configured(directory: Path | None, *, tools: Collection[str] | None = None) -> Configuration:
    """The configuration in `directory`, else in $COUNTERSIGN_CONFIG, else here. Raises Invalid.

    `tools` are the names that rules and agents may use; None where it only matters what is configured.
    """
    return load(directory_of(directory), os.environ, tools=tools)

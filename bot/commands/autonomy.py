"""`countersign autonomy`: where each agent starts from, what it has earned, and what its next rung still asks for."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.commands.opened import AsJson, Config, print_json, with_store
from bot.rulebook import configured
from domain.events import ORGANIZATION_STREAM
from domain.organization import replay_organization
from policy.sources.autonomy import Standing, evidence_of, looked_at_since, standing_of
from state.store import Store


def autonomy(
    agent: Annotated[str | None, typer.Argument(help="Only this agent.")] = None,
    config: Config = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Where agents start from, what they have earned, and what their next rung still asks for."""
    agents = configured(config).agents
    if agent is not None and agent not in agents:
        typer.echo(f"there is no agent {agent}; there are: {', '.join(sorted(agents))}", err=True)
        raise typer.Exit(2)
    wanted = [agents[slug] for slug in sorted(agents) if agent in {None, slug}]
    now = datetime.now(UTC)

    async def ask(store: Store) -> list[Standing]:
        organization = replay_organization(await store.journal.read(ORGANIZATION_STREAM))
        standings = []
        for one in wanted:
            earned = organization.earned.get(one.slug)
            deeds = await store.journal.deeds(one.slug, looked_at_since(one, earned, now))
            standings.append(standing_of(one, earned, deeds, now, lost=organization.lost.get(one.slug)))
        return standings

    standings = with_store(config, ask)
    if as_json:
        return print_json({"agents": [standing_json(standing) for standing in standings]})
    table = Table("agent", "starts from", "next rung", "still lacking", "record", box=None)
    for standing in standings:
        starts = standing.starts.label + (" (earned)" if standing.starts > standing.given else "")
        rung = standing.rung.tier.label if standing.rung else ""
        lacks = "; ".join(standing.lacking) or ("nothing: it is due" if standing.rung else "")
        table.add_row(standing.agent, starts, rung, Text(lacks), Text(evidence_of(standing.record)))
    return Console().print(table)


def standing_json(standing: Standing) -> dict[str, Any]:
    """Where one agent stands, for machines."""
    earned, rung = standing.earned, standing.rung
    return {
        "agent": standing.agent,
        "given": standing.given.label,
        "starts": standing.starts.label,
        "ceiling": standing.ceiling.label,
        "earned": None
        if earned is None
        else {
            "tier": earned.tier.label,
            "since": earned.since.isoformat(),
            "run_id": earned.run_id,
            "by": list(earned.by),
        },
        "record": {"since": standing.since.isoformat(), **asdict(standing.record)},
        "next": None
        if rung is None
        else {
            "tier": rung.tier.label,
            "lacking": list(standing.lacking),
            "file": rung.file,
            "line": rung.line,
        },
    }

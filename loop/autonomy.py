"""The ladder: where each agent stands, when its record is put to people, and how what it earned is lost again.

A promotion is a task like any other: it is judged, shown, countersigned and undone by the same machinery, and its one
effect is an event in the organization's stream. Losing a tier needs nobody: a prediction that did not hold, or a call
taken back, ends it in the step that records it, and the review finds what a crash may have left undone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from domain import events as e
from domain.agents import Agent, Earning
from domain.events import ORGANIZATION_STREAM
from domain.evolve import evolve
from domain.runs import Run, Status
from domain.tasks import Context, Principal, Source, Task, Trigger, Trust
from domain.tiers import Effect, Tier
from loop.engine import Engine
from loop.organization import Headquarters
from loop.ports import Journal
from policy.sources.autonomy import PROMOTION, Standing, evidence_of, looked_at_since, standing_of

log = structlog.get_logger(__name__)

BY_ITSELF = "countersign"  # who lowers, where nobody asked
A_WEEK = timedelta(days=7)


class NotEarned(Exception):
    """The agent may not start from that tier: no such rung, or the record does not show it. Says what lacks."""


class Ladder:
    """Reads records, proposes promotions, and writes what people have countersigned."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def standing(self, slug: str) -> Standing | None:
        """Where this agent stands now; None if there is none."""
        agent = self._engine.rulebook().agents.get(slug)
        return None if agent is None else await self._standing(agent)

    async def standings(self) -> Sequence[Standing]:
        """Every agent's, by name."""
        agents = self._engine.rulebook().agents
        return [await self._standing(agents[slug]) for slug in sorted(agents)]

    async def review(self) -> Sequence[Task]:
        """Take back what records speak against, and the promotions that are due: to be submitted like any task."""
        due = []
        for agent in self._engine.rulebook().agents.values():
            if agent.earns:
                await self._take_back(agent)
                standing = await self._standing(agent)
                rung = standing.rung if standing.due else None
                if rung is not None and not await self._asked_lately(agent.slug, rung):
                    due.append(self.promotion(agent.slug, rung))
        return due

    async def _asked_lately(self, slug: str, rung: Earning) -> bool:
        """Whether people are being asked about this rung, or were within a week, whoever wanted them to be."""
        organization = self._engine.rulebook().organization
        for run_id in await self._engine.world.journal.correlated(organization, f"{PROMOTION}:{slug}"):
            run = await self._engine.ledger.read(run_id)
            if run is None or run.created_at is None or run.received.payload.get("tier") != rung.tier.label:
                continue
            if run.status is not Status.FINISHED or self._engine.now() - run.created_at < A_WEEK:
                return True
        return False

    def promotion(self, slug: str, rung: Earning) -> Task:
        """The proposal. Unasked, at most one a week for a rung: a no is not asked about again the next day."""
        now = self._engine.now()
        occurrence = f"{slug}:{rung.tier.label}@{week_of(now)}"
        return Task(
            type=PROMOTION,
            goal=f"let {slug} start from {rung.tier.label}",
            trigger=Trigger(
                source=Source.AGENT,
                source_id=occurrence,
                timestamp=now,
                correlation=f"{PROMOTION}:{slug}",
            ),
            context=Context(organization_id=self._engine.rulebook().organization),
            payload={"agent": slug, "tier": rung.tier.label},
            trust=Trust.ORGANIZATION,  # both words stand in the agent's file
        )

    async def raise_(self, slug: str, tier: Tier, *, run_id: str, by: tuple[Principal, ...]) -> None:
        """Let the agent start from `tier`. Raises NotEarned, whatever people have countersigned."""
        if await self.raised(slug, run_id):
            return
        standing = await self.standing(slug)
        if standing is None or standing.rung is None or standing.rung.tier is not tier:
            raise NotEarned(f"{tier.label} is not the next rung of {slug}")
        if standing.lacking:
            raise NotEarned(f"the record of {slug} does not show it any more: {'; '.join(standing.lacking)}")
        evidence = evidence_of(standing.record)
        told = e.TierEarned(agent=slug, tier=tier, run_id=run_id, by=by, evidence=evidence)
        await self._engine.headquarters.tell(told)
        again = await self._engine.world.journal.deeds(slug, standing.since)
        if any(deed.held is False or deed.rolled_back for deed in again):  # while it was being told
            await self.lower(slug, by=BY_ITSELF, why="its record was broken meanwhile")
            raise NotEarned(f"the record of {slug} was broken meanwhile")

    async def raised(self, slug: str, run_id: str) -> bool:
        """Whether that run has raised this agent, whatever came afterwards."""
        said = [recorded.event for recorded in await self._engine.world.journal.read(ORGANIZATION_STREAM)]
        return any(isinstance(one, e.TierEarned) and (one.agent, one.run_id) == (slug, run_id) for one in said)

    async def lower(self, slug: str, *, by: Principal, why: str) -> bool:
        """Take back what the agent has earned; False if it has earned nothing."""
        return await demote(self._engine.headquarters, slug, by=by, why=why)

    async def _standing(self, agent: Agent) -> Standing:
        organization, now = self._engine.headquarters.now, self._engine.now()
        earned = organization.earned.get(agent.slug)
        deeds = await self._engine.world.journal.deeds(agent.slug, looked_at_since(agent, earned, now))
        return standing_of(agent, earned, deeds, now, lost=organization.lost.get(agent.slug))

    async def _take_back(self, agent: Agent) -> None:
        """What a crash may have kept from being taken back in its own step."""
        earned = self._engine.headquarters.now.earned.get(agent.slug)
        if earned is None:
            return
        for deed in await self._engine.world.journal.deeds(agent.slug, earned.since):
            if deed.held is False or deed.rolled_back:
                why = "was rolled back" if deed.rolled_back else "did not come out as predicted"
                await self.lower(agent.slug, by=BY_ITSELF, why=f"{deed.tool} of {deed.run_id} {why}")
                return


async def demote(headquarters: Headquarters, slug: str, *, by: Principal, why: str) -> bool:
    """Take back what the agent has earned; False if it has earned nothing."""
    if slug not in headquarters.now.earned:
        return False
    log.warning("tier_lost", agent=slug, by=by, why=why)
    await headquarters.tell(e.TierLost(agent=slug, by=by, why=why))
    return True


def broken_by(run: Run, call_id: str, *, met: bool | None) -> str | None:
    """How this result breaks a prediction about a call above READ, in words; None if it does not."""
    call = run.record(call_id).call
    predicted = call if call.verifies is None else run.record(call.verifies).call
    if met is not False or predicted.effect is Effect.READ:
        return None
    return f"{predicted.tool} of {run.run_id} did not come out as predicted"


async def proposer(journal: Journal, run: Run, call_id: str) -> str:
    """The agent that proposed this call of the run; later ones may be another's, to whom it was redirected."""
    then = Run(run_id=run.run_id)
    for recorded in await journal.read(run.run_id):
        then = evolve(then, recorded)
        if any(record.call.call_id == call_id for record in then.live):
            return then.agent
    return run.agent


def week_of(moment: datetime) -> str:
    """`2026-W47`."""
    year, week, _ = moment.isocalendar()
    return f"{year}-W{week:02}"

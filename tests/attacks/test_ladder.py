"""What an agent has earned goes when its word breaks, whoever has its run by then and whatever happens meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain import events as e
from domain.calls import Expectation
from domain.records import Deed
from domain.signals import SignalKind
from domain.tasks import Task
from domain.tiers import Tier
from loop.autonomy import NotEarned
from loop.ports import Ask, Routed, Unrouted
from loop.rulebook import Rulebook
from policy.sources.autonomy import counted, lacking
from state.memory import MemoryJournal
from tests.loop import house as world
from tests.loop.house import FakeRouter, ManualClock, call, propose
from tests.loop.test_autonomy import CHECKED, RUNG, Climbing

PREDICTED = call("restart", expect=Expectation(condition="result.met", describe="it is up"))


class Either(FakeRouter):
    """Whoever is named in the goal."""

    def route(self, task: Task) -> Routed | Unrouted:
        found = super().route(task)
        return replace(found, agent="other") if isinstance(found, Routed) and "other" in task.goal else found


class Both(Climbing):
    """Two agents, both of which have earned sandbox."""

    def rulebook(self) -> Rulebook:
        book = super().rulebook()
        return replace(book, agents={**book.agents, "other": replace(self.agent, slug="other")})

    def start(self) -> None:
        super().start()
        engine = self.controller._engine
        engine.world = replace(engine.world, router=Either())

    async def earned(self) -> set[str]:
        return set((await self.controller._engine.headquarters.refresh()).earned)


@asynccontextmanager
async def both(*turns: object) -> AsyncIterator[Both]:
    async with Both(*turns) as house:  # type: ignore[arg-type]
        for agent in ("agent", "other"):
            told = e.TierEarned(agent=agent, tier=Tier.SANDBOX, run_id="r-1", by=("user:SRE1",), evidence="")
            await house.controller._engine.headquarters.tell(told)
        yield house  # type: ignore[misc]


async def test_a_redirect_that_waits_does_not_take_the_blame() -> None:
    async with both(propose(PREDICTED)) as house:
        house.hands.gate = asyncio.Event()
        house.hands.behave = lambda *_: "unmet"
        run_id = await house.ask()
        await house.vote(run_id, "SRE1")
        assert (await house.say(run_id, SignalKind.REDIRECT, text="the other thing")).ok
        house.hands.gate.set()
        await house.settle()
        assert (await house.run(run_id)).agent == "other"
        assert await house.earned() == {"other"}


async def test_who_takes_back_what_another_did_does_not_take_the_blame() -> None:
    reversible = replace(world.SPECS["restart"], undo="wire")
    before = world.SPECS["restart"]
    world.SPECS["restart"] = reversible
    try:
        async with both(propose("restart"), Ask(question="and now?", by="script"), propose("wire")) as house:
            run_id = await house.ask()
            await house.vote(run_id, "SRE1")
            assert (await house.say(run_id, SignalKind.REDIRECT, text="the other thing")).ok
            await house.vote(run_id, "SRE2")
            assert house.hands.started == ["restart", "wire"]
            assert await house.earned() == {"other"}
    finally:
        world.SPECS["restart"] = before


class Passing(ManualClock):
    """A clock on which nothing happens at one and the same moment."""

    def now(self) -> datetime:
        self._now += timedelta(microseconds=1)
        return super().now()


class Breaking(MemoryJournal):
    """While a record is read, something goes wrong."""

    gate: asyncio.Event | None = None

    async def deeds(self, agent: str, since: datetime) -> Sequence[Deed]:
        found = await super().deeds(agent, since)
        if self.gate is not None:
            self.gate.set()
            for _ in range(90):
                await asyncio.sleep(0)
        return found


async def test_what_breaks_while_people_promote_is_not_forgotten() -> None:
    clock = Passing()
    journal = Breaking(clock)
    async with Climbing(propose("restart", CHECKED), journal=journal, clock=clock) as house:
        await house.restarted("1")
        await house.restarted("2")
        house.hands.gate = gate = asyncio.Event()
        house.hands.behave = lambda *_: "unmet"
        await house.restarted("3")
        journal.gate = gate
        with pytest.raises(NotEarned, match="broken meanwhile"):
            await house.ladder.raise_("agent", Tier.SANDBOX, run_id="r-9", by=("user:SRE1",))
        assert (await house.organization())[-1] == "TierLost"
        assert not (await house.controller._engine.headquarters.refresh()).earned


@pytest.mark.parametrize("broken", [{"held": False}, {"rolled_back": True}])
def test_what_went_wrong_counts_whichever_tool_it_was(broken: dict[str, bool]) -> None:
    now = world.START
    good = [Deed(run_id="r", call_id=f"c{n}", agent="a", tool="merge", approved=True, at=now) for n in range(2)]
    rung = replace(RUNG, tools=("merge",))
    assert lacking(rung, counted(rung, good, now)) == ()
    other = Deed(run_id="r", call_id="c9", agent="a", tool="restart", approved=True, at=now, **broken)
    record = counted(rung, [*good, other], now)
    assert record.approved == 2
    assert lacking(rung, record)

"""kill -9 on the way from a countersigned promotion to its report: the agent is raised exactly once."""

import asyncio
from pathlib import Path

import pytest

from bot.ladder import LadderRungs
from domain import events as e
from domain.calls import Doubt, Observation, ToolCall
from domain.events import ORGANIZATION_STREAM
from domain.outcomes import Outcome
from domain.runs import CallStatus, Run, Status
from domain.tasks import run_id_of
from domain.tiers import Tier
from loop.ports import Permit
from loop.replay import rederive
from tests.loop.house import FakeHands, ManualClock, call, propose, task
from tests.loop.test_autonomy import Climbing
from tests.loop.test_crashes import DyingJournal
from tools.autonomy import Raise, raise_spec
from tools.broker import Lent
from tools.port import Workplace

ARGUMENTS = {"agent": "agent", "tier": "sandbox"}
PROMOTED = task("promotion", "raise it")
NEVER = 10_000


class Promoting(FakeHands):
    """Performs the raise with the real tool over the real ladder. May die before it, or between it and the report."""

    def __init__(self, rungs: LadderRungs) -> None:
        super().__init__()
        self.tool = Raise(rungs=rungs, spec=raise_spec())
        self.dies: str | None = None

    async def perform(self, run: Run, call: ToolCall, permit: Permit) -> Observation:
        if not call.arguments:
            return await super().perform(run, call, permit)
        await self._die("before")
        done = await self.tool.perform(call.arguments, self._at(run, permit.voters))
        await self._die("after")
        return Observation(ok=True, summary=done.summary, data=done.data)

    async def check(self, run: Run, call: ToolCall, key: str) -> Doubt:
        if not call.arguments:
            return await super().check(run, call, key)
        return await self.tool.check(call.arguments, self._at(run, ()))

    async def _die(self, when: str) -> None:
        if self.dies == when:
            self.dies = "dead"
            await asyncio.Event().wait()

    def _at(self, run: Run, voters: tuple[str, ...]) -> Workplace:
        return Workplace(run_id=run.run_id, workspace=Path(), lent=Lent(), key="k", voters=voters)


class Ladderhouse(Climbing):
    """The same house, in which one run asks that the agent be raised; the ladder is the present controller's."""

    rungs: LadderRungs

    def start(self) -> None:
        if self.boot == 0:
            self.rungs = LadderRungs()
            self.hands = Promoting(self.rungs)
        super().start()
        self.rungs.ladder = self.controller.ladder

    @property
    def promoting(self) -> Promoting:
        assert isinstance(self.hands, Promoting)
        return self.hands

    async def earned(self) -> None:
        for occurrence in ("1", "2"):
            await self.restarted(occurrence)
        assert (await self.ladder.standing("agent")).due
        self.reasoner.turns = (propose(call("restart", arguments=ARGUMENTS)),)

    async def promoted(self) -> Run:
        """The promotion to its end: asked for, countersigned when asked, and begun anew once, when it has died."""
        run_id = run_id_of(PROMOTED)
        for _ in range(30):
            step = asyncio.ensure_future(self._step(run_id))
            await self.settle()
            step.cancel()
            await asyncio.gather(step, return_exceptions=True)
            if self.promoting.dies == "dead" or (isinstance(self.journal, DyingJournal) and self.journal.died):
                self.promoting.dies = None
                if isinstance(self.journal, DyingJournal):
                    self.journal.died = False
                await self.crash()
                await self.settle()
            run = await self.controller.run(run_id)
            if run is not None and run.status is Status.FINISHED:
                return run
        raise AssertionError("the run hangs")

    async def _step(self, run_id: str) -> None:
        run = await self.controller.run(run_id)
        if run is None:
            await self.controller.submit(PROMOTED)
        elif any(record.status is CallStatus.AWAITING for record in run.records):
            await self.vote(run_id, "SRE1")

    async def raised_once(self, run: Run) -> None:
        assert run.outcome is Outcome.SUCCEEDED
        log = await self.journal.read(ORGANIZATION_STREAM)
        [told] = [one.event for one in log if isinstance(one.event, e.TierEarned)]
        assert (told.agent, told.tier, told.run_id, told.by) == ("agent", Tier.SANDBOX, run.run_id, ("user:SRE1",))
        assert not [one for one in log if isinstance(one.event, e.TierLost)]
        assert (await self.ladder.standing("agent")).starts is Tier.SANDBOX
        assert rederive(run.run_id, await self.events(run.run_id)).divergences == ()


@pytest.mark.parametrize("when", [None, "before", "after"])
async def test_the_process_dies_around_the_raise(when: str | None) -> None:
    async with Ladderhouse(propose("restart")) as house:
        await house.earned()
        house.promoting.dies = when
        await house.raised_once(await house.promoted())
        assert house.boot == (1 if when is None else 2)


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("at", range(1, 8))
async def test_the_journal_dies_at_any_append_of_a_promotion(at: int, durable: bool) -> None:
    clock = ManualClock()
    journal = DyingJournal(clock, NEVER, durable=durable)
    async with Ladderhouse(propose("restart"), journal=journal, clock=clock) as house:
        await house.earned()
        journal.left = at
        await house.raised_once(await house.promoted())
        assert house.boot == 2, "it died once"

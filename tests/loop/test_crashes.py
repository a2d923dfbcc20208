"""kill -9 at every append and around every effect: the run goes on, and what happened has happened once."""

import asyncio
from collections.abc import Sequence

import pytest

from domain.calls import Observation, ToolCall
from domain.events import Event, Recorded
from domain.outcomes import Outcome
from domain.runs import Run, Status
from domain.signals import SignalKind
from domain.tasks import run_id_of
from loop.ports import Guard, Permit
from loop.replay import rederive
from state.memory import MemoryJournal
from tests.loop.house import FakeHands, House, ManualClock, call, propose, task, wait_for
from tests.loop.test_loop import RESTART

STORY = (propose("look", "look"), RESTART, propose("draft"), wait_for("merge", offer=call("merge")))
WIRED = (propose("look"), propose("wire"))


class DyingJournal(MemoryJournal):
    """Dies at one append: before it is durable, or after, before anybody hears of it."""

    def __init__(self, clock: ManualClock, at: int, *, durable: bool) -> None:
        super().__init__(clock)
        self.left, self.durable, self.died = at, durable, False

    async def append(
        self,
        stream: str,
        expected: int,
        events: Sequence[Event],
        guards: Sequence[Guard] = (),
        folded: Run | None = None,
    ) -> list[Recorded]:
        self.left -= 1
        if self.left == 0:
            self.died = True
            if self.durable:
                await super().append(stream, expected, events, guards, folded)
            await asyncio.Event().wait()
        return await super().append(stream, expected, events, guards, folded)


class DyingHands(FakeHands):
    """Dies around one effect: before it happens, or after, before anybody hears of it."""

    def __init__(self, at: int, *, happened: bool) -> None:
        super().__init__()
        self.left, self.happened, self.died = at, happened, False

    async def perform(self, run: Run, call: ToolCall, permit: Permit) -> Observation:
        self.left -= 1
        if self.left == 0:
            self.died = True
            if self.happened:
                await super().perform(run, call, permit)
            await asyncio.Event().wait()
        return await super().perform(run, call, permit)


async def people_do_their_part(house: House, run_id: str) -> None:
    """Somebody votes when asked, and says honestly what happened when asked that."""
    run = await house.controller.run(run_id)
    if run is None:
        await house.controller.submit(task("1"))
    elif run.status is Status.AWAITING_ANSWER:
        happened = "It happened" if house.hands.effects.total() else "It did not happen"
        await house.say(run_id, SignalKind.ANSWER, text=happened)
    elif run.status is not Status.FINISHED:
        asked = [r for r in run.records if r.request is not None]
        if asked:
            await house.vote(run_id, "SRE1")


async def to_the_end(house: House, died: "DyingJournal | DyingHands") -> Run:
    """Drive the story; when the process has died, start another one and go on."""
    run_id = run_id_of(task("1"))
    crashed = False
    for _ in range(60):
        acting = asyncio.ensure_future(people_do_their_part(house, run_id))
        await house.settle()
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
        if died.died and not crashed:
            crashed = True
            await house.crash()
            await house.settle()
        run = await house.controller.run(run_id)
        if run is not None and run.status is Status.FINISHED and (crashed or not died.died):
            return run
    raise AssertionError(f"the run hangs: {run}")


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("at", range(1, 22))
async def test_the_journal_dies_at_any_append(at: int, durable: bool) -> None:
    clock = ManualClock()
    journal = DyingJournal(clock, at, durable=durable)
    async with House(*STORY, journal=journal, clock=clock) as house:
        run = await to_the_end(house, journal)
        await holds(house, run, effects=3)


@pytest.mark.parametrize("happened", [False, True])
@pytest.mark.parametrize("at", range(1, 8))
async def test_the_process_dies_around_any_effect(at: int, happened: bool) -> None:
    async with House(*STORY) as house:
        house.hands = DyingHands(at, happened=happened)
        await house.crash()
        run = await to_the_end(house, house.hands)
        await holds(house, run, effects=3)


@pytest.mark.parametrize("happened", [False, True])
async def test_an_effect_that_nothing_can_check_is_put_to_a_person(happened: bool) -> None:
    async with House(*WIRED, propose("look")) as house:
        house.hands = DyingHands(2, happened=happened)
        await house.crash()
        run = await to_the_end(house, house.hands)
        assert house.hands.effects.total() == (1 if happened else 0)
        assert run.questions[0].about == "c2"
        assert rederive(run.run_id, await house.events(run.run_id)).divergences == ()


async def holds(house: House, run: Run, *, effects: int) -> None:
    """One effect per key, all of them there, a log that replays, and not one start without leave."""
    assert run.outcome is Outcome.SUCCEEDED
    assert set(house.hands.effects.values()) == {1}
    assert len(house.hands.effects) == effects
    log = await house.events(run.run_id)
    replayed = rederive(run.run_id, log)
    assert replayed.divergences == ()
    assert replayed.run == run

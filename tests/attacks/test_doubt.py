"""An effect in doubt is never repeated against the word of people, nor for ever."""

import pytest

from domain.calls import Doubt, ToolCall
from domain.runs import Run, Status
from domain.signals import Signal, SignalKind
from loop.judgement import DOUBT_OPTIONS
from tests.loop.house import House, propose


@pytest.mark.parametrize("word", [SignalKind.REDIRECT, SignalKind.STOP])
@pytest.mark.parametrize("finding", [Doubt.NOT_HAPPENED, Doubt.UNKNOWN])
async def test_what_people_have_turned_away_from_is_not_done_anew(word: SignalKind, finding: Doubt) -> None:
    async with House(propose("restart"), *[propose("look")] * 3) as house:
        house.hands.behave = lambda call, permit: "unknown-undone"
        said: list[str] = []

        async def check(run: Run, call: ToolCall, key: str) -> Doubt:
            if not said:
                said.append(key)
                signal = Signal(kind=word, by="user:SRE2", text="do something else")
                assert (await house.controller.signal(run.run_id, signal)).ok
            return finding

        house.hands.check = check  # type: ignore[method-assign]
        run_id = await house.ask()
        assert (await house.vote(run_id, "SRE1")).ok
        await house.settle()
        assert said
        assert house.hands.started.count("restart") == 1


async def test_a_redirect_during_a_repeatable_doubt_asks_whether_it_happened() -> None:
    async with House(propose("draft"), propose("look")) as house:
        house.hands.behave = lambda call, permit: "unknown-undone"
        house.controller._engine.stopped = False
        run_id = await house.ask()
        await house.settle()
        run = await house.run(run_id)
        assert run.status is Status.AWAITING_ANSWER  # five attempts, all in doubt
        assert house.hands.started.count("draft") == 5
        assert (await house.say(run_id, SignalKind.REDIRECT, text="something else")).ok
        assert (await house.run(run_id)).status is Status.AWAITING_ANSWER
        assert (await house.say(run_id, SignalKind.ANSWER, text=DOUBT_OPTIONS[1])).ok
        assert house.hands.started.count("draft") == 5

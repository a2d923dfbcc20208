"""Any full member may freeze. Whoever does it without end fills neither the log nor the cards of others."""

import time
from datetime import timedelta

import pytest

from domain import events as e
from handlers.slack import commands
from handlers.slack.words import Seat
from loop.doors import Reply
from loop.freezing import LONGEST_WHY, MOST
from tests.loop.house import START, House, propose
from tests.loop.test_reload import RealHouse

UNTIL = START + timedelta(hours=4)


async def freeze(house: House, why: str = "") -> Reply:
    return await house.controller.freeze("user:SRE1", "everything", UNTIL, why, "UTC")


async def test_a_thousand_freezes_fill_no_log() -> None:
    async with RealHouse("", propose("restart")) as house:
        run_id = await house.ask()
        replies = [await freeze(house, "w" * 10_000) for _ in range(MOST + 5)]
        assert [reply.ok for reply in replies] == [True] * MOST + [False] * 5
        assert replies[-1].text.startswith(f"{MOST} freezes are declared already. Nothing was frozen")
        marks = [r.event for r in await house.events(run_id) if isinstance(r.event, e.CallFrozen)]
        assert len(marks) <= 5
        assert sum(len(mark.text) for mark in marks) < 20 * LONGEST_WHY
        assert (await house.controller.unfreeze("user:SRE1", "freeze-1", "")).ok
        assert (await freeze(house)).ok


@pytest.mark.parametrize("why", ["w" * 40_000, "\ud800" * 10, "<!channel> *now*\n\n\u202e"])
async def test_why_is_kept_as_text_and_not_at_any_length(why: str) -> None:
    async with RealHouse("") as house:
        assert (await freeze(house, why)).ok
        [kept] = await house.controller.freezes()
        assert len(kept.why) <= 6 * LONGEST_WHY
        kept.why.encode()
        assert (await house.controller.unfreeze("user:SRE1", kept.id, why)).ok


@pytest.mark.parametrize("said", ["x{}y", "x until{}", "x{}until y", "x until y{}because{}z{}"])
def test_no_words_hold_the_bot_up(said: str) -> None:
    words = "freeze " + said.replace("{}", " \t\n" * 12_000)
    began = time.perf_counter()
    commands.is_command(words)
    commands.parse(words, Seat(user="U1", team="T1", channel="C1"), occurrence="1", at=START)
    assert time.perf_counter() - began < 1

"""What approvers, and the threads that it concerns, are told of tiers earned and lost."""

import json
from dataclasses import replace
from typing import Any

import pytest

from domain import events as e
from domain.decisions import Reason
from domain.events import ORGANIZATION_STREAM
from domain.tasks import Place, run_id_of
from domain.tiers import Tier
from tests.slack import samples as s
from tests.slack.conftest import House, until

EARNED = e.TierEarned(
    agent="incident", tier=Tier.PRODUCTION, run_id="r-9", by=("user:U1", "user:U2"), evidence="20 approved as proposed"
)
LOST = e.TierLost(agent="incident", by="countersign", why="service.restart of r-3 did not come out as predicted")
TAKEN = e.TierLost(agent="incident", by="user:U2", why="it worries me")


async def said(house: House, mark: str) -> list[tuple[str, str]]:
    """Every message that begins so: where, and in which words."""
    rows = [(row["channel"], "".join(_texts(row["blocks"]))) for row in await house.messages()]
    return [(channel, text) for channel, text in rows if text.startswith(mark)]


def _texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["text"]] if isinstance(node.get("text"), str) else [node["user_id"]] if "user_id" in node else []
        return own + [text for value in node.values() for text in _texts(value)]
    return [text for each in node for text in _texts(each)] if isinstance(node, list) else []


async def test_tiers_earned_and_lost_are_announced_where_approvers_meet(house: House) -> None:
    await house.operator.write(ORGANIZATION_STREAM, EARNED, LOST, EARNED, TAKEN)

    async def both() -> bool:
        return len(await said(house, "▼")) == 2

    await until(both, 15)
    await house.quiet()
    earned, _ = await said(house, "▲")
    assert earned[0] == "C7"
    assert earned[1].startswith("▲ Earned: incident starts from production, countersigned by U1, U2 in r-9")
    assert "Its record: 20 approved as proposed." in earned[1]
    by_itself, taken = await said(house, "▼")
    assert by_itself[1].startswith(
        "▼ Lost: incident starts from the tier of its file again, by itself: service.restart"
    )
    assert "It had earned production in r-9" in by_itself[1]
    assert "again, by U2: it worries me" in taken[1]


@pytest.mark.parametrize("rests", [True, False])
async def test_the_thread_of_a_run_that_began_with_it_hears_of_the_loss(house: House, rests: bool) -> None:
    await house.operator.submit(s.task(place=Place(channel="C1")))
    run_id = run_id_of(house.operator.submitted[-1])
    decided = s.decided()
    earned = Reason(policy="earned:incident", file="agents/incident.yaml", line=8, sets="tier", to="production")
    reasons = (*decided.decision.reasons, earned) if rests else decided.decision.reasons
    await house.write(replace(decided, decision=replace(decided.decision, reasons=reasons)))
    await house.one(":card")
    await house.operator.write(ORGANIZATION_STREAM, EARNED, TAKEN)

    async def announced() -> bool:
        return bool(await said(house, "▼ Lost"))

    await until(announced, 15)
    await house.quiet()
    told = await said(house, "▼ incident has lost the tier that this run began with, by U2: it worries me")
    assert [channel for channel, _ in told] == (["C1"] if rests else [])
    rows = [row for row in await house.messages() if f"{run_id}:lost:" in json.dumps(row.get("metadata") or {})]
    assert len(rows) == len(told)

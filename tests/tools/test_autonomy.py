"""The ladder's tools over the real ladder: what people see before, what is written once, what is refused at the end."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.ladder import LadderRungs
from domain.agents import Earning
from domain.calls import Doubt, ErrorKind
from domain.tiers import Tier
from tests.loop.house import House, propose
from tools.autonomy import Lower, Raise, Record, lower_spec, raise_spec, record_spec
from tools.broker import Lent
from tools.port import ToolFailure, Workplace

ARGUMENTS = {"agent": "agent", "tier": "sandbox"}
RUNG = Earning(tier=Tier.SANDBOX, approved=1, within_s=86_400.0)


@pytest.fixture
async def house() -> AsyncGenerator[House, None]:
    async with House(propose("restart")) as house:
        house.agent = replace(house.agent, tier=Tier.DRAFT, earns=(RUNG,))
        yield house


@pytest.fixture
def rungs(house: House) -> LadderRungs:
    made = LadderRungs()
    made.ladder = house.controller.ladder
    return made


@pytest.fixture
def at(tmp_path: Path) -> Workplace:
    return Workplace(run_id="r-promotion", workspace=tmp_path, lent=Lent(), key="k", voters=("user:SRE1",))


async def earned(house: House) -> None:
    run_id = await house.ask()
    await house.vote(run_id, "SRE1")
    await house.settle()


async def test_the_card_shows_the_record(house: House, rungs: LadderRungs, at: Workplace) -> None:
    await earned(house)
    look = await Raise(rungs=rungs, spec=raise_spec()).look(ARGUMENTS, at)
    assert look.preview is not None
    facts = dict(look.preview.facts)
    assert facts["starts from"] == "draft"
    assert facts["record"].startswith("1 approved as proposed, 0 denied")
    assert facts["still lacking"] == "nothing"
    assert look.fingerprint == "starts from draft"


async def test_a_raise_happens_once_and_can_be_asked_about(house: House, rungs: LadderRungs, at: Workplace) -> None:
    await earned(house)
    tool = Raise(rungs=rungs, spec=raise_spec())
    assert await tool.check(ARGUMENTS, at) is Doubt.NOT_HAPPENED
    for _ in range(2):
        assert (await tool.perform(ARGUMENTS, at)).ok
    assert await tool.check(ARGUMENTS, at) is Doubt.HAPPENED
    done = await Record(rungs=rungs, spec=record_spec()).perform({"agent": "agent"}, at)
    assert str(done.data["starts from"]).startswith("sandbox, earned ")
    assert "countersigned by user:SRE1" in str(done.data["starts from"])


async def test_a_countersignature_does_not_stand_in_for_a_record(
    house: House, rungs: LadderRungs, at: Workplace
) -> None:
    with pytest.raises(ToolFailure) as refused:
        await Raise(rungs=rungs, spec=raise_spec()).perform(ARGUMENTS, at)
    assert refused.value.kind is ErrorKind.PRECONDITION
    assert "0 of 1 approved" in str(refused.value)


@pytest.mark.parametrize("arguments", [{"agent": "nobody", "tier": "sandbox"}, {"agent": "agent", "tier": "divine"}])
async def test_what_does_not_exist_is_refused_before_anybody_is_asked(
    rungs: LadderRungs, at: Workplace, arguments: dict[str, str]
) -> None:
    with pytest.raises(ToolFailure) as refused:
        await Raise(rungs=rungs, spec=raise_spec()).look(arguments, at)
    assert refused.value.kind is ErrorKind.ARGUMENTS


async def test_a_raise_is_taken_back_by_its_undo(house: House, rungs: LadderRungs, at: Workplace) -> None:
    await earned(house)
    await Raise(rungs=rungs, spec=raise_spec()).perform(ARGUMENTS, at)
    lower = Lower(rungs=rungs, spec=lower_spec())
    assert await lower.check(ARGUMENTS, at) is Doubt.NOT_HAPPENED
    await lower.perform(ARGUMENTS, at)
    assert await lower.check(ARGUMENTS, at) is Doubt.HAPPENED
    standing = await house.controller.ladder.standing("agent")
    assert standing is not None
    assert standing.starts is Tier.DRAFT
    assert raise_spec().undo == lower_spec().name

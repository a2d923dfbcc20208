"""The ladder, climbed and lost: by records of real runs, through the real controller."""

from dataclasses import replace

import pytest

from domain import events as e
from domain.agents import Earning
from domain.approvals import Ballot
from domain.calls import Expectation
from domain.events import ORGANIZATION_STREAM
from domain.runs import Status
from domain.tasks import Source
from domain.tiers import Tier
from loop.autonomy import NotEarned
from loop.doors import Reply, Submitted
from tests.loop.house import House, call, propose

RUNG = Earning(tier=Tier.SANDBOX, approved=2, within_s=7 * 86_400.0)
CHECKED = call("look", verifies_previous=True, expect=Expectation(condition="result.met", describe="it is up"))


class Climbing(House):
    """A house whose agent starts from draft and may earn sandbox. Its rules still allow everything: only the ladder is
    looked at here."""

    def start(self) -> None:
        self.agent = replace(self.agent, tier=Tier.DRAFT, earns=(RUNG,))
        super().start()

    @property
    def ladder(self):  # type: ignore[no-untyped-def]
        return self.controller.ladder

    async def restarted(self, occurrence: str) -> str:
        run_id = await self.ask(occurrence)
        assert (await self.vote(run_id, "SRE1")).ok
        await self.settle()
        return run_id

    async def organization(self) -> list[str]:
        return [type(r.event).__name__ for r in await self.journal.read(ORGANIZATION_STREAM)]


async def test_a_record_reaches_the_rung_and_a_promotion_is_proposed_once_a_week() -> None:
    async with Climbing(propose("restart", CHECKED)) as house:
        await house.restarted("1")
        assert (await house.ladder.standing("agent")).lacking == ("1 of 2 approved as proposed within 7d",)
        assert not await house.ladder.review()
        await house.restarted("2")
        standing = await house.ladder.standing("agent")
        assert standing.due
        assert (standing.record.approved, standing.record.held) == (2, 2)
        (task,) = await house.ladder.review()
        assert (task.type, task.requester, dict(task.payload)) == (
            "promotion",
            None,
            {"agent": "agent", "tier": "sandbox"},
        )
        await house.controller.review()
        await house.controller.review()
        received = [r.event.task for r in house.journal._log if isinstance(r.event, e.TaskReceived)]
        assert [one.trigger for one in received if one.type == "promotion"] == [task.trigger]


async def test_raising_is_recorded_once_however_often_the_tool_comes_back() -> None:
    async with Climbing(propose("restart", CHECKED)) as house:
        for occurrence in ("1", "2"):
            await house.restarted(occurrence)
        for _ in range(2):
            await house.ladder.raise_("agent", Tier.SANDBOX, run_id="r-promotion", by=("user:SRE1",))
        assert (await house.organization()).count("TierEarned") == 1
        standing = await house.ladder.standing("agent")
        assert (standing.starts, standing.rung) == (Tier.SANDBOX, None)
        assert standing.earned.by == ("user:SRE1",)


async def test_what_people_countersign_without_the_record_raises_nothing() -> None:
    async with Climbing(propose("restart", CHECKED)) as house:
        await house.restarted("1")
        with pytest.raises(NotEarned, match="1 of 2"):
            await house.ladder.raise_("agent", Tier.SANDBOX, run_id="r-promotion", by=("user:SRE1",))
        with pytest.raises(NotEarned, match="not the next rung"):
            await house.ladder.raise_("agent", Tier.PRODUCTION, run_id="r-promotion", by=("user:SRE1",))
        assert "TierEarned" not in await house.organization()


async def raised(house: Climbing) -> None:
    for occurrence in ("1", "2"):
        await house.restarted(occurrence)
    house.clock.move(seconds=1)
    await house.ladder.raise_("agent", Tier.SANDBOX, run_id="r-promotion", by=("user:SRE1",))


async def test_a_prediction_that_does_not_hold_takes_it_back_in_the_same_step() -> None:
    async with Climbing(propose("restart", CHECKED)) as house:
        await raised(house)
        house.hands.behave = lambda made, _: "unmet" if made.tool == "look" else "ok"
        run_id = await house.restarted("3")
        assert "agent" not in house.controller._engine.headquarters.now.earned
        (lost,) = [r.event for r in await house.journal.read(ORGANIZATION_STREAM) if isinstance(r.event, e.TierLost)]
        assert (lost.by, lost.why) == ("countersign", f"restart of {run_id} did not come out as predicted")


async def test_what_a_crash_kept_from_being_taken_back_is_taken_back_by_the_review() -> None:
    async with Climbing(propose("restart", CHECKED)) as house:
        await raised(house)
        house.hands.behave = lambda made, _: "unmet" if made.tool == "look" else "ok"
        house.controller.desk._engine.headquarters.now = replace(
            house.controller._engine.headquarters.now, earned={}
        )  # as if the step had died between the two appends
        await house.restarted("3")
        assert "TierLost" not in await house.organization()
        await house.crash()
        await house.controller.review()
        assert "TierLost" in await house.organization()


async def test_the_next_rung_is_earned_by_deeds_of_its_own() -> None:
    async with Climbing(propose("restart", CHECKED)) as house:
        second = replace(RUNG, tier=Tier.PRODUCTION)
        house.agent = replace(house.agent, earns=(RUNG, second))
        await raised(house)
        house.clock.move(minutes=1)
        standing = await house.ladder.standing("agent")
        assert standing.rung == second
        assert standing.record.approved == 0


async def test_old_deeds_fall_out_of_the_window() -> None:
    async with Climbing(propose("restart", CHECKED)) as house:
        await house.restarted("1")
        house.clock.move(days=8)
        await house.restarted("2")
        assert (await house.ladder.standing("agent")).record.approved == 1


async def test_a_person_may_ask_and_then_does_not_countersign() -> None:
    async with Climbing(propose("restart", CHECKED)) as house:
        refused = await house.controller.promote("agent", "user:SRE1", "o-1")
        assert isinstance(refused, Reply)
        assert "Not yet: 0 of 2" in refused.text
        for occurrence in ("1", "2"):
            await house.restarted(occurrence)
        asked = await house.controller.promote("agent", "user:SRE1", "o-2")
        assert isinstance(asked, Submitted)
        run = await house.run(asked.run_id)
        assert (run.received.requester, run.received.trigger.source) == ("user:SRE1", Source.USER)
        nobody = await house.controller.promote("nobody", "user:SRE1", "o-3")
        assert isinstance(nobody, Reply)
        assert "There is no agent nobody" in nobody.text


async def test_any_full_member_may_take_it_back_and_nobody_else() -> None:
    async with Climbing(propose("restart", CHECKED)) as house:
        assert not (await house.controller.demote("agent", "user:OTHER", "no reason")).ok
        await raised(house)
        assert not (await house.controller.demote("agent", "user:GUEST", "hm")).ok
        assert (await house.controller.demote("agent", "user:OTHER", "it worries me")).ok
        assert (await house.ladder.standing("agent")).starts is Tier.DRAFT


async def test_what_spoke_for_an_agent_before_it_lost_its_tier_does_not_speak_for_it_again() -> None:
    async with Climbing(propose("restart", CHECKED)) as house:
        await raised(house)
        house.clock.move(seconds=1)
        assert (await house.controller.demote("agent", "user:OTHER", "it worries me")).ok
        standing = await house.ladder.standing("agent")
        assert standing.lacking == ("0 of 2 approved as proposed within 7d",)
        assert standing.since == house.clock.now()
        assert not await house.ladder.review(), "nobody is asked about the same record again"
        house.clock.move(seconds=1)
        for occurrence in ("3", "4"):
            await house.restarted(occurrence)
        assert (await house.ladder.standing("agent")).due


async def test_a_no_to_a_person_is_not_asked_about_again_by_itself_before_a_week_has_passed() -> None:
    async with Climbing(propose("restart", CHECKED)) as house:
        house.agent = replace(house.agent, earns=(replace(RUNG, denied=5, within_s=30 * 86_400.0),))
        for occurrence in ("1", "2"):
            await house.restarted(occurrence)
        asked = await house.controller.promote("agent", "user:OTHER", "o-1")
        assert isinstance(asked, Submitted)
        await house.settle()
        assert not await house.ladder.review(), "it is being asked about"
        await house.vote(asked.run_id, "SRE1", Ballot.DENY, reason="not yet")
        assert (await house.run(asked.run_id)).status is Status.FINISHED
        assert (await house.ladder.standing("agent")).due
        house.clock.move(days=6)
        assert not await house.ladder.review()
        house.clock.move(days=2)
        assert len(await house.ladder.review()) == 1

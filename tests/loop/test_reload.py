"""Rules change while runs are under way: what holds is the decision at the door and the newest rules, both."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from domain import events as e
from domain.agents import Agent
from domain.decisions import Approvers
from domain.events import ORGANIZATION_STREAM, PolicyLoaded
from domain.outcomes import Outcome
from domain.people import Snapshot
from domain.runs import Status
from domain.tiers import Tier
from loop.rulebook import Rulebook
from policy import check
from policy.engine import PolicySet
from policy.reading.files import Faults
from state.memory import MemoryJournal
from tests.loop.house import FakeCatalog, House, ManualClock, propose

RESTART = "- {id: restarts, level: organization, match: {tool: [restart]}, approve: [{from: 'group:sre'}]}\n"
TWO = RESTART.replace("from: 'group:sre'", "from: 'group:sre', count: 2")
UNRELATED = "- {id: tea, level: organization, match: {type: [tea]}, deny: No tea.}\n"
NEVER = "- {id: never, level: organization, match: {tool: [restart]}, deny: Nothing restarts today.}\n"
DRAFT = "- {id: drafts, level: organization, limit: {tier: draft}}\n"
LOOKS = "- {id: blind, level: organization, match: {tool: [look]}, deny: Nobody looks.}\n"
AGENT = "slug: agent\nhandles: [chat]\ntier: production\ntools: ['*']\n"


def policies(text: str, *, agents: tuple[str, ...] = (AGENT,)) -> PolicySet:
    faults = Faults()
    said = f"version: 1\npolicies:\n{text}" if text else "version: 1\npolicies: []\n"
    sources = check.Sources(
        agents=[(f"agents/{n}.yaml", one) for n, one in enumerate(agents)], policies=[("policies/org.yaml", said)]
    )
    groups = {"sre": frozenset({"user:REQUESTER", "user:SRE1", "user:SRE2"})}
    found = check.load(sources, faults, groups=groups, approvers=[Approvers(kind="group", name="sre")])
    faults.check()
    return found


class RealHouse(House):
    """The house with the real policy plane, whose versions can be exchanged."""

    def __init__(self, text: str, *turns: object, **more: object) -> None:
        self.book = self._book(policies(text))
        super().__init__(*turns, **more)  # type: ignore[arg-type]

    async def __aenter__(self) -> "RealHouse":
        return self

    def _book(self, found: PolicySet) -> Rulebook:
        return Rulebook(
            organization="acme", rules=found, agents=found.agents, catalog=FakeCatalog(),
            approvers=found.approvers, admins=(Approvers(kind="user", name="SRE1"),),
        )  # fmt: skip

    def rulebook(self) -> Rulebook:
        return self.book

    async def load(self, text: str, *, agents: tuple[str, ...] = (AGENT,)) -> int:
        """Another version, as the program puts one in force; how many cards it closed."""
        found = self._book(policies(text, agents=agents))

        def swap() -> None:
            self.book = found

        closed = await self.controller.load_rules(PolicyLoaded(policy_hash=found.rules.hash, why="a test"), swap)
        await self.settle()
        return closed


class LateJournal(MemoryJournal):
    """Others act before and after an append to the organization's stream is durable."""

    async def append(self, stream: str, *more: Any, **others: Any) -> list[e.Recorded]:
        if stream != ORGANIZATION_STREAM:
            return await super().append(stream, *more, **others)
        for _ in range(9):
            await asyncio.sleep(0)
        recorded = await super().append(stream, *more, **others)
        for _ in range(9):
            await asyncio.sleep(0)
        return recorded


async def ends(house: House, run_id: str) -> list[tuple[str, str]]:
    closed = [r.event for r in await house.events(run_id) if isinstance(r.event, e.ApprovalClosed)]
    return [(event.end.value, event.why) for event in closed]


async def test_a_stricter_rule_asks_anew_and_says_what_has_changed() -> None:
    async with RealHouse(RESTART, propose("restart"), propose("restart")) as house:
        run_id = await house.ask()
        assert await house.load(TWO) == 1
        [(end, why)] = await ends(house, run_id)
        assert end == "voided"
        assert why.endswith("they asked for 1 of group:sre, and now for 2 of group:sre")
        assert (await house.run(run_id)).status is Status.AWAITING_APPROVAL
        await house.vote(run_id, "SRE1")
        assert house.hands.effects.total() == 0
        await house.vote(run_id, "SRE2")
        assert house.hands.effects.total() == 1


async def test_nobody_is_asked_any_more_about_what_the_newest_rules_deny() -> None:
    async with RealHouse(RESTART, propose("restart")) as house:
        run_id = await house.ask()
        assert await house.load(RESTART + NEVER) == 1
        [(end, why)] = await ends(house, run_id)
        assert end == "voided"
        assert "Nothing restarts today." in why
        assert (await house.run(run_id)).outcome is Outcome.SUCCEEDED  # the script goes on, and concludes
        assert house.hands.effects.total() == 0


async def test_an_unrelated_change_voids_nothing() -> None:
    async with RealHouse(RESTART, propose("restart")) as house:
        run_id = await house.ask()
        assert await house.load(RESTART + UNRELATED) == 0
        assert await house.load("# described otherwise\n" + RESTART) == 0
        await house.vote(run_id, "SRE1")
        assert house.hands.effects.total() == 1
        assert await ends(house, run_id) == []


async def test_a_denial_added_under_way_meets_the_next_call() -> None:
    async with RealHouse("", propose("look"), propose("look")) as house:
        house.directory.up = True
        run_id = await house.ask()
        assert (await house.log(run_id)).count("ActionStarted") == 2
        await house.load(LOOKS)
        other = await house.ask("2")
        assert "ActionStarted" not in await house.log(other)
        denied = [r.event.verdict for r in await house.events(other) if isinstance(r.event, e.CallDenied)]
        assert denied[0].text.startswith("Nobody looks.")


async def test_what_is_relaxed_does_not_widen_a_run_beyond_its_door() -> None:
    async with RealHouse(DRAFT, propose("draft"), propose("restart")) as house:
        house.hands.gate = asyncio.Event()
        run_id = await house.ask()
        await house.load("")
        house.hands.gate.set()
        await house.settle()
        denied = [r.event.verdict for r in await house.events(run_id) if isinstance(r.event, e.CallDenied)]
        assert "may go up to draft only" in denied[0].text
        assert house.hands.started == ["draft"]
        fresh = await house.ask("2")
        assert (await house.run(fresh)).decision.tier is Tier.PRODUCTION  # type: ignore[union-attr]


async def test_a_rule_about_calls_that_is_taken_back_holds_no_run_any_more() -> None:
    """ADR 0008: the door's decision is kept, the boundary is the newest; nobody was promised an old boundary."""
    async with RealHouse(LOOKS, propose("restart"), propose("look")) as house:
        run_id = await house.ask()
        await house.load("")
        await house.vote(run_id, "SRE1")
        assert "look" in house.hands.started
        assert (await house.run(run_id)).outcome is Outcome.SUCCEEDED


async def test_an_agent_that_is_gone_makes_no_call_any_more() -> None:
    async with RealHouse(RESTART, propose("restart"), propose("look")) as house:
        run_id = await house.ask()
        assert await house.load(RESTART, agents=(AGENT.replace("slug: agent", "slug: other"),)) == 1
        assert "there is no agent agent any more" in (await ends(house, run_id))[0][1]
        assert house.hands.started == []


async def test_a_lease_in_flight_starts_nothing_under_rules_that_are_over() -> None:
    async with RealHouse(RESTART, propose("restart")) as house:
        run_id = await house.ask()
        for task in house._tasks[:1]:  # the worker is away: the lease waits on the queue
            task.cancel()
        await house.vote(run_id, "SRE1")
        assert (await house.run(run_id)).status is Status.APPROVED
        lease = await house.queue.claim()
        await house.load(RESTART + NEVER)
        refused = await house.controller.desk.start(lease, lease.calls[0])
        assert "Nothing restarts today." in getattr(refused, "why", "")
        assert "ActionStarted" not in await house.log(run_id)


@pytest.mark.parametrize("nth", range(1, 5))
async def test_what_was_judged_before_a_reload_is_judged_again_before_it_starts(nth: int) -> None:
    """Looking people up takes until after the reload: before the door, the verdict, or the start that follows it."""
    async with RealHouse("", propose("look")) as house:
        looked, held = asyncio.Event(), asyncio.Event()
        people, count = house.directory.snapshot, 0

        async def slow(max_age_s: float = 60.0) -> Snapshot:
            nonlocal count
            count += 1
            if count == nth:
                looked.set()
                await held.wait()
            return await people(max_age_s)

        house.directory.snapshot = slow  # type: ignore[method-assign]
        asking = asyncio.create_task(house.ask())
        await asyncio.wait([asyncio.create_task(looked.wait())], timeout=0.2)
        before = list(house.hands.started)
        await house.load(LOOKS)
        held.set()
        await asking
        await house.settle()
        assert house.hands.started == before, "nothing starts under rules that are over"
        assert bool(before) != looked.is_set(), "this test looks at a moment before the start"


async def test_the_log_says_from_where_on_a_version_holds() -> None:
    """No start under the new version stands before `PolicyLoaded`, and none under the old one after it."""
    clock = ManualClock()
    journal = LateJournal(clock)
    async with RealHouse(RESTART, *[propose("look") for _ in range(30)], journal=journal, clock=clock) as house:
        asking = [asyncio.create_task(house.ask(str(n))) for n in range(6)]
        for text in (RESTART + UNRELATED, RESTART, RESTART + UNRELATED):
            await asyncio.sleep(0)
            await house.load(text)
        runs = await asyncio.gather(*asking)
        for _ in range(20):
            await house.settle()
        loaded = await house.journal.read(ORGANIZATION_STREAM)
        starts = [r for run in runs for r in await house.events(run) if isinstance(r.event, e.ActionStarted)]
        assert len({r.event.policy_hash for r in starts}) > 1  # type: ignore[union-attr]
        first = policies(RESTART).hash
        for start in starts:
            before = [r.event.policy_hash for r in loaded if r.position < start.position]  # type: ignore[union-attr]
            assert start.event.policy_hash == (before[-1] if before else first)  # type: ignore[union-attr]
        assert len(starts) == 6 * 30


async def test_a_crash_between_two_versions_loses_nothing() -> None:
    async with RealHouse(RESTART, propose("restart"), propose("restart")) as house:
        run_id = await house.ask()
        house.book = house._book(policies(TWO))  # what is on disk when the next process starts
        await house.crash()
        await house.settle()
        await house.vote(run_id, "SRE1")
        assert house.hands.effects.total() == 0
        await house.vote(run_id, "SRE1")
        await house.vote(run_id, "SRE2")
        assert house.hands.effects.total() == 1


def test_the_agent_of_these_houses_is_the_real_ones() -> None:
    assert replace(policies("").agents["agent"], file="", line=0) == Agent(
        slug="agent", describe="", handles=("chat",), tier=Tier.PRODUCTION, tools=("*",)
    )

"""The rules in words on their way: their hash into the log, the words to whoever reasons, and why, for who asks."""

from dataclasses import replace

from domain import events as e
from loop.briefing import Briefings
from loop.ports import GiveUp, Lease
from tests.loop.house import FakeRules, House, propose

RESTART = propose("restart")


async def test_the_decision_keeps_the_hash_and_every_turn_is_told_the_words() -> None:
    async with House(propose("look"), propose("look")) as house:
        run_id = await house.ask()
        (decided,) = (r.event for r in await house.events(run_id) if isinstance(r.event, e.PolicyDecided))
        assert decided.decision.digest == "words of sha256:rules"
        assert house.reasoner.told == ["agent may go up to production by sha256:rules"] * 3
        assert house.rules.asked_in_words == 2, "once at the door, once for all turns"


async def test_other_rules_are_other_words_from_the_next_turn_on() -> None:
    async with House(RESTART, propose("look")) as house:
        run_id = await house.ask()
        house.rules = FakeRules(hash="sha256:newer")
        assert (await house.vote(run_id, "SRE1")).ok
        await house.settle()
        assert house.reasoner.told[0] == "agent may go up to production by sha256:rules"
        assert house.reasoner.told[-1] == "agent may go up to production by sha256:newer"


async def test_leases_for_effects_carry_no_words() -> None:
    async with House(RESTART) as house:
        seen: list[Lease] = []
        put = house.queue.put

        async def watched(lease: Lease) -> None:
            seen.append(lease)
            await put(lease)

        house.queue.put = watched  # type: ignore[method-assign]  # what passes through the one queue there is
        run_id = await house.ask()
        assert (await house.vote(run_id, "SRE1")).ok
        await house.settle()
        assert {bool(lease.rules_in_words) == lease.reasoning for lease in seen} == {True}
        assert {lease.reasoning for lease in seen} == {True, False}


async def test_kept_words_are_those_of_this_decision_and_these_rules() -> None:
    async with House(propose("look")) as house:
        run, rules, briefings = await house.run(await house.ask()), FakeRules(), Briefings()
        people = await house.directory.snapshot()
        words = briefings.of(run, rules, people)
        assert briefings.kept(run, rules) == words
        assert run.decision is not None
        assert briefings.kept(replace(run, decision=replace(run.decision, digest="another")), rules) is None
        assert briefings.kept(run, FakeRules()) is None
        for number in range(1_100):
            briefings.of(replace(run, run_id=f"r-{number}"), rules, people)
        assert briefings.kept(run, rules) is None, "what is kept is bounded"


async def test_why_holds_the_words_of_now_and_ways_for_what_was_denied() -> None:
    async with House(RESTART, GiveUp(why="refused", by="script")) as house:
        house.rules.deny_tools = {"restart"}
        run = await house.run(await house.ask())
        why = await house.controller.why(run)
        (record,) = run.past
        assert (why.policy_hash, why.digest) == ("sha256:rules", "words of sha256:rules")
        (ways,) = why.ways
        assert (ways.call_id, ways.remedies[0].text) == (record.call.call_id, "if the rules did not deny restart")


async def test_why_of_a_refused_run_is_about_the_run_itself() -> None:
    async with House(RESTART) as house:
        house.rules.allowed = False
        why = await house.controller.why(await house.run(await house.ask()))
        assert [(ways.call_id, ways.remedies[0].text) for ways in why.ways] == [
            (None, "if the rules did not deny the run")
        ]


async def test_why_without_a_directory_says_that_it_does_not_know() -> None:
    async with House(RESTART) as house:
        run = await house.run(await house.ask())
        house.directory.up = False
        why = await house.controller.why(run)
        assert (why.ways, why.words) == ((), "")
        assert "directory" in why.note

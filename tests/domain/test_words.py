"""Small words with promises of their own: who counts, who vouches, how far an agent may go, how amounts are told."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest

from domain.agents import Agent, Earning
from domain.budgets import NOTHING, UNKNOWN, Balance, Spending, Spent, Unit, micros, spell_amount, spell_owner
from domain.calls import Observation, ToolCall
from domain.change import changed
from domain.freezes import spell_moment
from domain.people import Person
from domain.runs import WORKING, CallRecord, CallStatus, Question, Run, Status, Wait
from domain.tasks import Trust
from domain.tiers import Effect, Tier, admits

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
BALANCE = Balance(
    budget="b", describe="", whose=(), of=Unit.ACTIONS, used=2, most=3, renews=None, file="org.yaml", line=1
)


@pytest.mark.parametrize(("active", "guest", "external", "bot"), list(product([True, False], repeat=4)))
def test_only_full_active_people_of_the_team_count(active: bool, guest: bool, external: bool, bot: bool) -> None:
    person = Person(principal="user:U1", name="P", active=active, guest=guest, external=external, bot=bot)
    assert person.counts == ((active, guest, external, bot) == (True, False, False, False))


@pytest.mark.parametrize(("one", "other"), list(product(Trust, repeat=2)))
def test_of_two_who_vouch_the_worse_one_is_believed(one: Trust, other: Trust) -> None:
    best_first = [Trust.PERSON, Trust.ORGANIZATION, Trust.MACHINE, Trust.UNTRUSTED]
    assert best_first.index(one.worst(other)) == max(best_first.index(one), best_first.index(other))


@pytest.mark.parametrize(
    ("tier", "admitted"),
    [
        (Tier.OBSERVE, {Effect.READ}),
        (Tier.RECOMMEND, {Effect.READ}),
        (Tier.DRAFT, {Effect.READ, Effect.DRAFT}),
        (Tier.SANDBOX, {Effect.READ, Effect.DRAFT, Effect.EXECUTE}),
        (Tier.PRODUCTION, set(Effect)),
    ],
)
def test_a_tier_admits_the_effects_of_its_rung_and_below(tier: Tier, admitted: set[Effect]) -> None:
    assert {effect for effect in Effect if admits(tier, effect)} == admitted


def test_the_ladder_is_written_down_by_number() -> None:
    assert [(tier.value, tier.label) for tier in Tier] == [
        (0, "observe"), (1, "recommend"), (2, "draft"), (3, "sandbox"), (4, "production"),
    ]  # fmt: skip


def test_the_ceiling_of_an_agent_is_its_highest_rung_or_its_own_tier() -> None:
    agent = Agent(slug="a", describe="", handles=(), tier=Tier.DRAFT, tools=())
    assert agent.ceiling is Tier.DRAFT
    rungs = tuple(Earning(tier=tier, approved=1, within_s=1) for tier in (Tier.SANDBOX, Tier.PRODUCTION))
    assert replace(agent, earns=rungs[:1]).ceiling is Tier.SANDBOX
    assert replace(agent, earns=rungs).ceiling is Tier.PRODUCTION


# ── Budgets ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_amounts_are_told_in_their_unit() -> None:
    assert spell_amount(BALANCE) == "2 of 3 actions"
    assert spell_amount(replace(BALANCE, of=Unit.USD, used=1.25, most=5)) == "$1.25 of $5.00"
    assert spell_owner((("resource", "prod/web"), ("agent", "a"))) == "resource prod/web, agent a"


def test_of_a_budget_of_nothing_all_is_used() -> None:
    assert replace(BALANCE, used=1, most=4).share == 0.25
    assert replace(BALANCE, used=0, most=0).share == 1


def test_money_is_counted_in_whole_millionths() -> None:
    assert micros(1.25) == 1_250_000
    assert micros(0.1) + micros(0.2) == micros(0.3)


def test_only_actions_and_runs_can_be_refused_before_they_are_drawn() -> None:
    assert {unit for unit in Unit if unit.counted} == {Unit.ACTIONS, Unit.RUNS}


def test_an_account_that_nobody_knows_is_not_an_empty_one() -> None:
    assert UNKNOWN.of("a") is None
    assert NOTHING.of("a") == Spent(amount=0)
    assert Spending(known={"a": Spent(amount=2)}, others=Spent()).of("a") == Spent(amount=2)


# ── Moments ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("moment", "zone", "told"),
    [
        (NOW, "UTC", "Sat 2026-11-21 08:00 UTC"),
        (NOW, "Africa/Abidjan", "Sat 2026-11-21 08:00 UTC"),
        (NOW, "Europe/Berlin", "Sat 2026-11-21 09:00 CET (08:00 UTC)"),
        (NOW, "Pacific/Kiritimati", "Sat 2026-11-21 22:00 +14 (08:00 UTC)"),
        (NOW.replace(hour=23), "Europe/Berlin", "Sun 2026-11-22 00:00 CET (2026-11-21 23:00 UTC)"),
    ],
)
def test_moments_are_told_where_people_are_and_in_utc_with_its_day_where_that_is_another(
    moment: datetime, zone: str, told: str
) -> None:
    assert spell_moment(moment, zone) == told


# ── Runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_the_newest_wait_and_question_can_be_open() -> None:
    wait, question = Wait(topic="t", why="", until=NOW), Question(question="?")
    over, answered = replace(wait, what="came"), replace(question, answer="yes")
    run = Run(run_id="r")
    assert (run.waiting_for, run.open_question) == (None, None)
    assert Run(run_id="r", waits=(over, wait), questions=(answered, question)).waiting_for is wait
    assert Run(run_id="r", waits=(over, wait), questions=(answered, question)).open_question is question
    closed = Run(run_id="r", waits=(wait, over), questions=(question, answered))
    assert (closed.waiting_for, closed.open_question) == (None, None)


def test_what_is_true_beside_the_status_is_told_by_name() -> None:
    assert Run(run_id="r").flags == ()
    assert Run(run_id="r", paused=True, held_by="user:U1", stopping="user:U2").flags == (
        "paused", "taken_over", "stopping",
    )  # fmt: skip


def test_a_run_without_a_task_or_a_call_says_so() -> None:
    with pytest.raises(ValueError, match="r has no task yet"):
        _ = Run(run_id="r").received
    with pytest.raises(KeyError, match="no call c1"):
        Run(run_id="r").record("c1")


def test_a_changed_run_is_another_one_and_knows_its_fields() -> None:
    run = Run(run_id="r", tokens=1)
    assert changed(run, tokens=2) == replace(run, tokens=2)
    assert run.tokens == 1
    with pytest.raises(TypeError, match=r"a Run has no token$"):
        changed(run, token=2)


def record(call_id: str, effect: Effect, status: CallStatus = CallStatus.PROPOSED) -> CallRecord:
    return CallRecord(call=ToolCall(call_id=call_id, tool="t", version=1, effect=effect, arguments={}), status=status)


@pytest.mark.parametrize(
    ("batch", "turn"),
    [
        ("rr", "rr"),
        ("rrc", "rr"),
        ("crr", "c"),
        ("cc", "c"),
        ("r", "r"),
        ("rc", "r"),
        ("", ""),
    ],
)
def test_it_is_the_turn_of_adjacent_reads_together_and_of_anything_above_alone(batch: str, turn: str) -> None:
    effects = {"r": Effect.READ, "c": Effect.CHANGE}
    records = tuple(record(str(n), effects[letter]) for n, letter in enumerate(batch))
    over = record("x", Effect.READ, CallStatus.RETURNED)
    run = Run(run_id="r", batch=(over, *records))
    assert run.group == records[: len(turn)]


def test_a_call_is_found_wherever_it_stands_and_the_newest_of_a_name_first() -> None:
    old, new = record("c1", Effect.READ), record("c1", Effect.CHANGE)
    live, offer = record("c2", Effect.READ), record("m", Effect.CHANGE)
    run = Run(run_id="r", past=(old, new), batch=(live,), offer=offer)
    assert (run.record("c1"), run.record("c2"), run.record("m")) == (new, live, offer)
    assert (run.live, run.records) == ((live, offer), (old, new, live, offer))
    assert replace(run, offer=None).live == (live,)


def test_good_is_what_returned_sound_and_as_predicted() -> None:
    done = replace(record("c1", Effect.READ), observation=Observation(ok=True, summary=""))
    assert done.good
    assert replace(done, met=True).good
    assert not record("c1", Effect.READ).good
    for wrong in (
        replace(done, observation=Observation(ok=False, summary="")),
        replace(done, met=False),
        replace(done, problems=("odd",)),
    ):
        assert not wrong.good


def test_actions_are_calls_above_read_that_have_started() -> None:
    started = replace(record("c1", Effect.CHANGE), attempt=1)
    read, waiting = replace(record("c2", Effect.READ), attempt=1), record("c3", Effect.CHANGE)
    assert Run(run_id="r", past=(started,), batch=(read, waiting), offer=replace(started, attempt=2)).actions == 2


def test_time_is_worked_in_these_states() -> None:
    assert set(WORKING) == {Status.DECIDING, Status.REASONING, Status.PROPOSED, Status.APPROVED, Status.ACTING}

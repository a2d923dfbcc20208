"""Small words with promises of their own: who counts, who vouches, how far an agent may go, how amounts are told."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest

from domain.agents import Agent, Earning
from domain.approvals import seen_of
from domain.budgets import NOTHING, UNKNOWN, Balance, Spending, Spent, Unit, micros, spell_amount, spell_owner
from domain.freezes import spell_moment
from domain.people import Person
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


def test_what_an_effect_does_is_said_to_people() -> None:
    assert {effect.value: effect.words for effect in Effect} == {
        "read": "read", "draft": "draft a change", "execute": "execute in a lent environment",
        "change": "change something real",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "seen"),
    [("", 0), ("ab", 2), ("a  b", 3), ("a \u200b b", 3), ("\u3164\u2800", 0), ("1! €", 4), ("a\u0301", 1), ("\n\t", 0)],
)
def test_of_a_reason_what_people_can_see_counts(reason: str, seen: int) -> None:
    assert seen_of(reason) == seen

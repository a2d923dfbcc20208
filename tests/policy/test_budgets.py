"""Budgets: read strictly, counted by account and window, and never a reason to allow."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.budgets import NOTHING, UNKNOWN, Draw, Spending, Spent, Unit
from domain.calls import ToolCall
from domain.decisions import Allow, Deny, RequireApproval, Verdict
from domain.runs import CallRecord, CallStatus, Run
from policy.engine import PolicySet
from policy.sources.budgets import Per, account_name, budget_of, owner, parts_of
from tests.policy.test_laws import SEVERITY, calls, tasks
from tests.policy.world import NOW, PEOPLE, SPECS, call, decide, faults_of, rules, run_of, task

RESTARTS = """budgets:
  - id: restarts
    describe: No service is restarted more than three times an hour.
    match: {tool: ["service.restart"]}
    of: actions
    most: 3
    per: [resource]
    every: 1h
"""
WEB = "restarts resource=prod/web"


def one(text: str) -> PolicySet:
    return rules(f"budgets:\n  - {text}")


def verdict(policies: PolicySet, made: ToolCall, spending: Spending, run: Run | None = None) -> Verdict:
    run = run or run_of(policies)
    return policies.check_call(run, made, SPECS[made.tool], people=PEOPLE, now=NOW, spending=spending)


def spent(amounts: Mapping[str, int], *, others: bool = True) -> Spending:
    known = {account: Spent(amount=amount) for account, amount in amounts.items()}
    return Spending(known=known, others=Spent() if others else None)


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{id: a, of: actions, every: 1h}", 'the key "most" is missing'),
        ("{id: a, most: 1, every: 1h}", 'the key "of" is missing'),
        ("{of: runs, most: 1, every: 1h}", 'the key "id" is missing'),
        ("{id: a, of: run, most: 1, every: 1h}", 'did you mean "runs"?'),
        ("{id: a, of: actions, most: 1.5, every: 1h}", "must be a whole number"),
        ("{id: a, of: actions, most: -1, every: 1h}", "must be between 0 and"),
        ("{id: a, of: usd, most: -0.5, every: 1h}", "must be between 0 and"),
        ("{id: a, of: usd, most: much, every: 1h}", "must be an amount in US dollars"),
        ("{id: a, of: actions, most: 1, every: 1h, per: [person]}", "must be one of run, agent, requester"),
        ("{id: a, of: actions, most: 1, every: hour}", "must be a duration"),
        ("{id: a, of: actions, most: 1, every: 32d}", "must be at most 31d"),
        ("{id: a, of: actions, most: 1, every: 1h, zone: UTC}", "only tells when a day, week or month begins"),
        ("{id: a, of: actions, most: 1, every: day, zone: Europe/Berln}", 'did you mean "Europe/Berlin"?'),
        ("{id: a, of: actions, most: 1}", "once it is used up it stays so"),
        ("{id: a, of: actions, most: 1, per: [agent]}", "once it is used up it stays so"),
        ("{id: a, of: runs, most: 1, every: day, per: [run]}", "counts each run for itself"),
        ("{id: a, of: runs, most: 1, every: day, per: [tool]}", "runs are counted by run"),
        ("{id: a, of: usd, most: 1, every: day, match: {tool: [git.push]}}", "usd are counted by run"),
        ("{id: a, of: tokens, most: 1, every: day, match: {labels: {env: prod}}}", "tokens are counted by run"),
        ("{id: a, of: actions, most: 1, every: 1h, match: {tool: [git.puhs]}}", 'did you mean "git.push"?'),
        ("{id: a, of: actions, mots: 1, every: 1h}", 'did you mean "most"?'),
        ("{id: a b, of: actions, most: 1, every: 1h}", "is not an id"),
    ],
)
def test_what_means_nothing_is_a_fault_where_it_stands(text: str, fault: str) -> None:
    found = faults_of(f"budgets:\n  - {text}")
    assert any(fault in line for line in found), found
    assert found[0].startswith("policies/org.yaml:3:")


def test_ids_are_unique_among_rules_freezes_and_budgets() -> None:
    said = "policies:\n  - {id: a, deny: No.}\nbudgets:\n  - {id: a, of: runs, most: 1, every: day}"
    assert '"a" is taken' in faults_of(said)[0]


def test_another_limit_is_another_version_of_the_rules() -> None:
    texts = [RESTARTS, RESTARTS.replace("most: 3", "most: 4"), RESTARTS.replace("1h", "day"), "policies: []"]
    assert len({rules(text).hash for text in texts}) == 4
    assert rules(RESTARTS).hash == rules(RESTARTS.replace("No service", "Not one service")).hash


# ── Accounts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.lists(st.tuples(st.sampled_from(Per), st.text(max_size=12)), max_size=3, unique_by=lambda part: part[0]))
def test_the_name_of_an_account_tells_whose_it_is_and_no_two_share_one(parts: list[tuple[Per, str]]) -> None:
    name = account_name("a.budget", parts)
    assert budget_of(name) == "a.budget"
    assert parts_of(name) == {per.value: value for per, value in parts}


def drawn(policies: PolicySet, made: ToolCall | None = None, **more: Any) -> list[str]:
    run = run_of(policies, **more)
    calls_ = () if made is None else ((made, SPECS[made.tool]),)
    return [draw.account for draw in policies.draws(run, calls_, people=PEOPLE, now=NOW)]


@pytest.mark.parametrize(
    ("per", "more", "account"),
    [
        ("[run]", {}, ["a run=r-1"]),
        ("[agent]", {}, ["a agent=operator"]),
        ("[requester]", {}, ["a requester=user:U1"]),
        ("[requester]", {"asked": task(requester=None)}, ["a requester=nobody"]),
        ("[requester]", {"standing": ("user:U1", "user:U2")}, ["a requester=user:U1", "a requester=user:U2"]),
        ("[repository]", {}, ["a repository=none"]),
        ("[repository, agent]", {"asked": task(repository="a b/c=d")}, ["a agent=operator repository=a%20b/c=d"]),
        ("[]", {}, ["a"]),
    ],
)
def test_each_of_whom_a_budget_tells_apart_has_an_account(per: str, more: dict[str, Any], account: list[str]) -> None:
    policies = one(f"{{id: a, of: tokens, most: 9, per: {per}, every: day}}")
    assert drawn(policies, **more) == account
    assert drawn(policies, call("git.push"), **more) == account


def test_a_resource_that_nobody_knows_has_one_account_and_fits_every_match() -> None:
    policies = rules(RESTARTS.replace("{tool:", '{resource: ["dev/*"], tool:').replace("service.restart", "dns.set"))
    assert drawn(policies, call("dns.set")) == ["restarts resource=unknown"]
    assert drawn(policies, call("dns.set", resource="prod/web")) == []
    assert owner("restarts resource=unknown") == "resource unknown"


def test_reads_and_calls_that_have_started_draw_nothing() -> None:
    policies = one("{id: a, of: actions, most: 0, every: 1h}")
    assert drawn(policies, call("git.clone")) == []
    made = call("service.restart", policies)
    again = CallRecord(call=made, status=CallStatus.IN_DOUBT, attempt=1, remedy="repeat")
    assert drawn(policies, made, batch=(again,)) == []
    assert drawn(policies, made) == ["a"]


# ── Windows ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("every", "now", "begins", "renews"),
    [
        ("every: day", "2026-11-21T08:00", "2026-11-21T00:00", "2026-11-22T00:00"),
        ("every: week", "2026-11-21T08:00", "2026-11-16T00:00", "2026-11-23T00:00"),
        ("every: month", "2026-12-31T23:59", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("every: month", "2024-02-29T12:00", "2024-02-01T00:00", "2024-03-01T00:00"),
        ("every: day, zone: Europe/Berlin", "2026-11-21T23:30", "2026-11-21T23:00", "2026-11-22T23:00"),
        ("every: day, zone: Europe/Berlin", "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00"),
        ("every: day, zone: Europe/Berlin", "2026-10-25T12:00", "2026-10-24T22:00", "2026-10-25T23:00"),
        # In Havana the clock goes back from 01:00 to 00:00: of two midnights the first begins the day.
        ("every: day, zone: America/Havana", "2026-11-01T12:00", "2026-11-01T04:00", "2026-11-02T05:00"),
    ],
)
def test_calendars_follow_their_zone(every: str, now: str, begins: str, renews: str) -> None:
    (budget,) = one(f"{{id: a, of: actions, most: 1, {every}}}").budgets.values()
    after = budget.window.after(at(now))
    assert after is not None
    assert after + timedelta(microseconds=1) == at(begins)
    assert budget.renews(Spent(amount=1), at(now)) == at(renews)
    assert budget.renews(Spent(amount=0), at(now)) is None


@given(
    st.integers(0, 40 * 366 * 86_400).map(
        lambda seconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    ),
    st.sampled_from(["day", "week", "month"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/Havana", "Asia/Beirut", "Pacific/Apia", "Australia/Lord_Howe"]),
)
def test_now_is_always_within_the_window(now: datetime, every: str, zone: str) -> None:
    (budget,) = one(f"{{id: a, of: actions, most: 1, every: {every}, zone: {zone}}}").budgets.values()
    after, renews = budget.window.after(now), budget.renews(Spent(amount=1), now)
    assert after is not None
    assert renews is not None
    assert after < now < renews


# ── Answers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_denial_says_how_much_is_used_and_when_it_renews() -> None:
    policies = rules(RESTARTS)
    full = Spending(known={WEB: Spent(amount=3, blocked_by=NOW - timedelta(minutes=55))})
    said = verdict(policies, call("service.restart", policies), full)
    assert isinstance(said, Deny)
    assert said.text == (
        "No service is restarted more than three times an hour: 3 of 3 actions for resource prod/web in the last hour; "
        "next possible at 08:05 UTC (restarts, policies/org.yaml:3)"
    )
    assert [(reason.policy, reason.sets) for reason in said.reasons] == [("restarts", "deny")]
    assert said.help == ("group:sre",)


def test_what_is_left_lets_the_call_through_and_its_start_draws() -> None:
    policies = rules(RESTARTS)
    said = verdict(policies, call("service.restart", policies), spent({WEB: 2}))
    assert isinstance(said, RequireApproval)
    after = NOW - timedelta(hours=1)
    assert said.draws == (Draw(account=WEB, of=Unit.ACTIONS, most=3, after=after),)
    assert said.hash == verdict(policies, call("service.restart", policies), spent({})).hash  # type: ignore[union-attr]


def test_a_full_account_is_nobody_elses() -> None:
    policies = rules(RESTARTS)
    full = spent({"restarts resource=prod/api": 3})
    assert isinstance(verdict(policies, call("service.restart", policies), full), RequireApproval)
    assert isinstance(verdict(policies, call("git.push"), full), Allow)


def test_the_door_refuses_runs_and_names_where_costs_are_booked() -> None:
    policies = rules(
        "budgets:\n  - {id: a, of: runs, most: 2, per: [requester], every: day}\n"
        "  - {id: b, of: usd, most: 2.50, per: [agent], every: month}"
    )
    accounts = ["a requester=user:U1", "b agent=operator"]
    allowed = decide(policies)
    assert ([draw.account for draw in allowed.draws], allowed.draws[1].most) == (accounts, 2_500_000)
    denied = decide(policies, spending=spent({accounts[0]: 2}))
    assert (denied.allowed, denied.draws) == (False, ())
    assert "2 of 2 runs for requester user:U1 today; next possible at 2026-11-22 00:00 UTC" in denied.reason
    poor = decide(policies, spending=spent({accounts[1]: 2_500_000}))
    assert "$2.50 of $2.50 for agent operator this month" in poor.reason


def test_an_empty_purse_denies_calls_above_read_and_a_run_too_many_does_not() -> None:
    policies = rules(
        "budgets:\n  - {id: a, of: tokens, most: 9, every: day}\n  - {id: b, of: runs, most: 1, every: day}"
    )
    run, empty = run_of(policies), spent({"a": 9, "b": 1})
    assert isinstance(verdict(policies, call("git.push"), empty, run), Deny)
    assert isinstance(verdict(policies, call("git.clone"), empty, run), Allow)
    assert isinstance(verdict(policies, call("git.push"), spent({"b": 1}), run), Allow)


def test_a_limit_of_actions_counts_what_the_run_has_started() -> None:
    policies = rules("- {id: few, limit: {max_actions: 1, max_tokens: 5}}")
    made = call("git.push", call_id="c2")
    begun = CallRecord(call=call("git.push"), status=CallStatus.RETURNED, attempt=2)
    read = CallRecord(call=call("git.clone", call_id="c0"), status=CallStatus.RETURNED, attempt=1)
    assert decide(policies).constraints.max_tokens == 5
    assert isinstance(verdict(policies, made, NOTHING, run_of(policies, past=(read,))), Allow)
    said = verdict(policies, made, NOTHING, run_of(policies, past=(read, begun)))
    assert isinstance(said, Deny)
    assert said.text == "git.push would be one action more than the 1 of this run (few, policies/org.yaml:3)"
    again = replace(begun, call=made, status=CallStatus.IN_DOUBT)
    assert isinstance(verdict(policies, made, NOTHING, run_of(policies, batch=(again,))), Allow)


# ── Laws ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

ENTRIES = [
    "{id: b0, of: actions, most: 2, per: [resource], every: 1h, match: {effect: [change]}}",
    "{id: b1, of: actions, most: 1, per: [requester, tool], every: day}",
    "{id: b2, of: runs, most: 1, per: [requester], every: week}",
    "{id: b3, of: usd, most: 1, per: [agent], every: month, match: {source: [alert, user]}}",
    "{id: b4, of: tokens, most: 3, per: [run]}",
    "{id: b5, of: actions, most: 0, every: 1h, match: {labels: {env: prod}}}",
]
entries = st.lists(st.sampled_from(ENTRIES), unique=True)
amounts = st.integers(0, 4)


def answers(listed: list[str], asked: Any, made: ToolCall, spending: Spending) -> tuple[bool, int]:
    """What the door and the boundary say: whether it is allowed, and how severe the verdict is."""
    policies = rules("budgets: []" if not listed else "budgets:\n" + "\n".join(f"  - {entry}" for entry in listed))
    run = run_of(policies, asked)
    said = policies.check_call(run, made, SPECS[made.tool], people=PEOPLE, now=NOW, spending=spending)
    return decide(policies, asked, spending=spending).allowed, SEVERITY[type(said).__name__]


@settings(max_examples=40, deadline=None)
@given(entries, st.sampled_from(ENTRIES), tasks, calls, amounts)
def test_one_more_budget_never_widens(listed: list[str], more: str, asked: Any, made: ToolCall, amount: int) -> None:
    spending = Spending(others=Spent(amount=amount))
    before = answers(listed, asked, made, spending)
    after = answers([*dict.fromkeys([*listed, more])], asked, made, spending)
    assert after[0] <= before[0]
    assert after[1] >= before[1]


@settings(max_examples=40, deadline=None)
@given(entries, st.randoms(), tasks, calls, amounts)
def test_their_order_never_matters(listed: list[str], dice: Any, asked: Any, made: ToolCall, amount: int) -> None:
    shuffled = list(listed)
    dice.shuffle(shuffled)
    spending = Spending(others=Spent(amount=amount))
    assert answers(listed, asked, made, spending) == answers(shuffled, asked, made, spending)


@settings(max_examples=40, deadline=None)
@given(entries, tasks, calls, amounts, amounts)
def test_more_spent_never_widens(listed: list[str], asked: Any, made: ToolCall, amount: int, more: int) -> None:
    before = answers(listed, asked, made, Spending(others=Spent(amount=amount)))
    after = answers(listed, asked, made, Spending(others=Spent(amount=amount + more)))
    assert after[0] <= before[0]
    assert after[1] >= before[1]


@settings(max_examples=40, deadline=None)
@given(entries, tasks, calls)
def test_an_account_that_nobody_knows_is_worth_a_full_one(listed: list[str], asked: Any, made: ToolCall) -> None:
    full = answers(listed, asked, made, Spending(others=Spent(amount=10**9)))
    assert answers(listed, asked, made, UNKNOWN) == full

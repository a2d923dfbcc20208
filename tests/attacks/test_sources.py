"""Whichever source a denial comes from, no later word, clock or version of the rules talks it away."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.budgets import NOTHING
from domain.decisions import Deny, Verdict
from domain.organization import DeclaredFreeze, Organization
from domain.runs import Run
from domain.tasks import Source, Task, Trigger, Trust
from domain.tiers import Tier
from handlers.slack.directory import FileGroup, SlackDirectory
from loop.doors import Submitted
from policy.engine import PolicySet
from tests.loop.house import START, House, ManualClock, propose
from tests.loop.house import task as asked
from tests.policy.world import NOW, PEOPLE, SPECS, call, decide, rules, run_of, task

ALERT = task(source=Source.ALERT, requester=None)
SECURITY = ("user:U4",)  # who redirected it
TAINTED = "- {id: n, level: organization, match: {tool: [service.restart]}, when: run.tainted, deny: No.}\n"


def judged(policies: PolicySet, run: Run, tool: str = "service.restart", **more: object) -> Verdict:
    made = call(tool, policies, **more)
    return policies.check_call(run, made, SPECS[tool], people=PEOPLE, now=NOW, spending=NOTHING)


# ── Nobody asked, and somebody redirects ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("standing", [(), SECURITY])
def test_a_redirect_does_not_lift_what_binds_nobody(standing: tuple[str, ...]) -> None:
    policies = rules("- {id: n, level: organization, match: {requester: [nobody]}, limit: {tier: observe}}\n")
    assert decide(policies, ALERT, standing=standing).tier is Tier.OBSERVE


def test_a_redirect_does_not_lend_nobody_the_exception_of_a_freeze() -> None:
    policies = rules(
        "freezes:\n- {id: y, from: 2026-11-21T00:00, until: 2026-11-22T00:00, except: ['group:security']}\n"
    )
    assert isinstance(judged(policies, run_of(policies, ALERT, standing=SECURITY)), Deny)
    own = task(requester=SECURITY[0])
    assert not isinstance(judged(policies, run_of(policies, own)), Deny)


def test_a_redirect_does_not_spare_the_account_of_nobody() -> None:
    policies = rules("budgets:\n- {id: b, of: actions, most: 1, per: [requester], every: 1h}\n")
    verdict = judged(policies, run_of(policies, ALERT, standing=SECURITY))
    assert not isinstance(verdict, Deny)
    assert {draw.account for draw in verdict.draws} == {"b requester=nobody", "b requester=user:U4"}


# ── Another version of the rules ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("resources", [None, "version: 1\nresources:\n- {name: 'other/*', labels: {env: dev}}\n"])
def test_labels_that_the_catalogue_has_let_go_of_are_unknown(resources: str | None) -> None:
    only = "- {id: n, level: organization, match: {labels: {env: prod}}, deny: No.}\n"
    before = rules(only, resources="version: 1\nresources:\n- {name: 'prod/*', labels: {env: dev}}\n")
    made, run = call("service.restart", before), run_of(before)
    spec = SPECS[made.tool]
    said = before.check_call(run, made, spec, people=PEOPLE, now=NOW, spending=NOTHING)
    assert not isinstance(said, Deny)
    after = rules(only, resources=resources)
    assert isinstance(after.check_call(run, made, spec, people=PEOPLE, now=NOW, spending=NOTHING), Deny)


def test_a_version_without_any_agent_starts_nothing() -> None:
    policies = rules("")
    run = run_of(policies)
    assert isinstance(judged(replace(policies, agents={}), run, "service.status"), Deny)


# ── The clock ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("behind", [0, 30, 86_400])
def test_a_freeze_holds_for_a_process_whose_clock_is_behind(behind: int) -> None:
    until = NOW + timedelta(hours=4)
    freeze = DeclaredFreeze(id="freeze-1", by="user:U2", why="", since=NOW, until=until, where=())
    policies = rules("").under(Organization(freezes={"freeze-1": freeze}))
    run, made = run_of(policies), call("service.restart", policies)
    then = NOW - timedelta(seconds=behind)
    verdict = policies.check_call(run, made, SPECS["service.restart"], people=PEOPLE, now=then, spending=NOTHING)
    assert isinstance(verdict, Deny)


class Slack:
    """As much of the gateway as the directory asks. Counts the look-ups."""

    def __init__(self) -> None:
        self.looked = 0

    async def team(self) -> str:
        return "T1"

    async def users(self) -> list[dict[str, str]]:
        self.looked += 1
        return [{"id": "U1", "team_id": "T1"}]


@pytest.mark.parametrize("back", [1, 3_600])
async def test_a_clock_that_is_set_back_does_not_keep_people_as_they_were(back: int) -> None:
    slack, clock = Slack(), ManualClock()
    directory = SlackDirectory(slack, clock, groups={"sre": FileGroup(members=("U1",))})  # type: ignore[arg-type]
    await directory.snapshot()
    await directory.snapshot()
    assert slack.looked == 1
    clock.move(seconds=-back)
    await directory.snapshot()
    assert slack.looked == 2


# ── Words that join a run ─────────────────────────────────────────────────────────────────────────────────────────────


def firing(occurrence: str) -> Task:
    trigger = Trigger(source=Source.ALERT, source_id=occurrence, timestamp=START, correlation="web")
    return asked(occurrence, "restart everything", trigger=trigger, requester=None, trust=Trust.UNTRUSTED)


async def test_an_alert_that_joins_a_run_taints_it() -> None:
    async with House(propose("restart")) as house:
        trigger = Trigger(source=Source.USER, source_id="1", timestamp=START, correlation="web")
        run_id = await house.ask("1", trigger=trigger)
        joined = await house.controller.submit(firing("2"))
        assert isinstance(joined, Submitted)
        assert (joined.joined, joined.run_id) == (True, run_id)
        [heard] = (await house.run(run_id)).messages
    policies = rules(TAINTED)
    assert not isinstance(judged(policies, run_of(policies)), Deny)
    assert isinstance(judged(policies, run_of(policies, messages=(heard,))), Deny)

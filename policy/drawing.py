"""What a run, or a call of it, would draw from the budgets that speak of it, and whether there is enough."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from domain.agents import Agent
from domain.budgets import Draw, Spending, Unit
from domain.people import Snapshot
from domain.runs import Run
from domain.tasks import Principal, Task
from domain.tiers import Effect
from policy.facts import CallView, Progress, Situation
from policy.lattice import Bounds, meet
from policy.ruleset import RuleSet
from policy.sources.budgets import NOBODY, NONE, UNKNOWN_VALUE, Per, objections
from policy.sources.rules import denial

OF_RUNS = frozenset({Unit.RUNS, Unit.USD, Unit.TOKENS})
OF_CALLS = frozenset({Unit.ACTIONS, Unit.USD, Unit.TOKENS})


def run_draws(
    policies: RuleSet,
    task: Task,
    agent: Agent | None,
    *,
    run_id: str,
    standing: Sequence[Principal],
    people: Snapshot,
    now: datetime,
) -> tuple[Draw, ...]:
    """What a run draws once the door accepts it: itself, and where its costs are booked."""
    slug = agent.slug if agent is not None else task.context.agent_slug
    return _draws(policies, OF_RUNS, task, slug, None, run_id=run_id, standing=standing, people=people, now=now)


def call_draws(policies: RuleSet, run: Run, view: CallView, *, people: Snapshot, now: datetime) -> tuple[Draw, ...]:
    """What a call above READ draws, and the accounts of its run that must not be empty.

    A read draws nothing, and neither does a call that has started: to repeat it is to finish what was drawn for.
    """
    if not policies.budgets or view.effect is Effect.READ or _started(run, view.call.call_id):
        return ()
    task, agent = run.received, run.agent or None
    return _draws(
        policies, OF_CALLS, task, agent, view, run_id=run.run_id, standing=run.standing, people=people, now=now
    )


def _started(run: Run, call_id: str) -> bool:
    return any(record.attempt and record.call.call_id == call_id for record in run.live)


def actions(draws: Sequence[Draw]) -> tuple[Draw, ...]:
    """What the start of a call itself draws."""
    return tuple(draw for draw in draws if draw.of is Unit.ACTIONS)


def overdrawn(policies: RuleSet, draws: Sequence[Draw], spending: Spending, now: datetime) -> Bounds:
    """Denials for the accounts that are empty, or of which nobody can tell."""
    return meet(denial(reason) for reason in objections(policies.budgets, draws, spending, now))


def _draws(
    policies: RuleSet,
    units: Collection[Unit],
    task: Task,
    slug: str | None,
    view: CallView | None,
    *,
    run_id: str,
    standing: Sequence[Principal],
    people: Snapshot,
    now: datetime,
) -> tuple[Draw, ...]:
    near = [budget for budget in policies.budgets.values() if budget.of in units]
    if not near:
        return ()
    if task.context.agent_slug != slug and slug is not None:
        task = replace(task, context=replace(task.context, agent_slug=slug))
    situation = Situation(
        task, standing=standing, people=people, groups=policies.groups, progress=Progress(), now=now, view=view
    )
    values = _values(task, standing, view, run_id)
    return tuple(draw for budget in near if budget.match.fits(situation.facts) for draw in budget.draws(values, now))


def _values(
    task: Task, standing: Sequence[Principal], view: CallView | None, run_id: str
) -> dict[Per, tuple[str, ...]]:
    """Whose accounts they are. Everybody whose standing counts draws on an account of their own, and so does nobody."""
    who = tuple(dict.fromkeys((task.requester or NOBODY, *standing)))
    values = {
        Per.RUN: (run_id or UNKNOWN_VALUE,),
        Per.AGENT: (task.context.agent_slug or NONE,),
        Per.REQUESTER: who,
        Per.REPOSITORY: (task.context.repository_id or NONE,),
    }
    if view is not None:
        values[Per.TOOL] = (view.call.tool,)
        values[Per.RESOURCE] = view.resources or (UNKNOWN_VALUE,)
    return values

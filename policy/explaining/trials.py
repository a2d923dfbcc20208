"""One denied question, asked again and again with something changed: what stands in its way, and what does not."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from domain.agents import Agent
from domain.people import Person, Snapshot
from domain.tasks import Principal, Source, Trust
from domain.tiers import Tier
from policy.explaining.explain import Explanation, Tools, explain, handler, situation_of
from policy.facts import Situation
from policy.index import Index
from policy.ruleset import RuleSet
from policy.sources.budgets import Budget
from policy.sources.freezes import Freeze
from policy.sources.rules import Rule
from policy.sources.subjects import Subject

MOST_TRIED = 200  # rules that are taken away one by one
SOMEBODY = "user:-"  # nobody's id: a person of whom nothing is known but the groups given
_LATER = 5  # freezes that may follow on each other


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacles:
    """What stands in the way: each of these `alone`, or else all of these `together`."""

    alone: tuple[str, ...] = ()
    together: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Whatever it is."""
        return self.alone or self.together


class Trial:
    """The question and its answer, and the same question otherwise."""

    def __init__(self, policies: RuleSet, subject: Subject, people: Snapshot, catalog: Tools, now: datetime) -> None:
        self.policies, self.subject, self.catalog = policies, subject, catalog
        self._people, self._now = people, now
        self.agent = handler(policies, subject)

    @cached_property
    def said(self) -> Explanation:
        """The answer as it is."""
        return self._ask(self.policies, self.subject)

    def _ask(self, policies: RuleSet, subject: Subject, people: Snapshot | None = None) -> Explanation:
        return explain(policies, subject, people=people or self._people, catalog=self.catalog, now=self._now)

    @cached_property
    def _situation(self) -> Situation:
        return situation_of(self.policies, self.subject, people=self._people, catalog=self.catalog, now=self._now)

    @cached_property
    def matching(self) -> tuple[Rule, ...]:
        """The rules that match: no other can have a say, whatever becomes of these."""
        facts, at_call = self._situation.facts, self.subject.call is not None
        found = self.policies.at_door.matching(facts)
        return (*found, *(self.policies.at_boundary.matching(facts) if at_call else ()))

    @cached_property
    def freezes(self) -> tuple[Freeze, ...]:
        """Those that stop it now."""
        if self.subject.call is None:
            return ()
        both = (*self.policies.freezes, *self.policies.declared)
        return tuple(one for one in both if one.stops(self._situation))

    @cached_property
    def budgets(self) -> tuple[Budget, ...]:
        """Those with nothing left."""
        denying = {one.policy for one in self.said.reasons if one.sets == "deny"}
        return tuple(budget for name, budget in self.policies.budgets.items() if name in denying)

    # ── What stands in the way ────────────────────────────────────────────────────────────────────────────────────────

    def obstacles(self) -> Obstacles:
        """The single things in the way, each of which alone makes the difference; else a least set that together do."""
        names = [rule.id for rule in self.matching if rule.when or _stops(rule)][:MOST_TRIED]
        names += [freeze.id for freeze in self.freezes]
        names += [budget.id for budget in self.budgets]
        names += [grant_of(self.agent)] if self.agent is not None else []
        alone = tuple(name for name in names if self._without({name}))
        if alone or not self._without(names):
            return Obstacles(alone=alone)
        needed = list(names)
        for name in names:
            fewer = [other for other in needed if other != name]
            if self._without(fewer):
                needed = fewer
        return Obstacles(together=tuple(needed))

    def _without(self, names: Iterable[str]) -> bool:
        """Whether the answer is another one without these."""
        gone, policies, agent = frozenset(names), self.policies, self.agent
        rules = [rule for rule in self.matching if rule.id not in gone]
        agents = policies.agents
        if agent is not None and grant_of(agent) in gone:
            agents = {**agents, agent.slug: replace(agent, tier=Tier.PRODUCTION, tools=("*",))}
        less = replace(
            policies,
            rules=tuple(rules),
            freezes=tuple(one for one in policies.freezes if one.id not in gone),
            declared=tuple(one for one in policies.declared if one.id not in gone),
            budgets={name: one for name, one in policies.budgets.items() if name not in gone},
            agents=agents,
            at_door=Index([rule for rule in rules if not rule.at_boundary]),
            at_boundary=Index([rule for rule in rules if rule.at_boundary]),
        )
        return self._ask(less, self.subject).allowed

    # ── The same question otherwise ───────────────────────────────────────────────────────────────────────────────────

    def asked_by(self, who: str, source: Source | None = None) -> bool:
        """Whether the answer is another one if only `who` asks: a principal, or somebody of a group."""
        kind, _, name = who.partition(":")
        if kind not in {"user", "group", "token"} or "*" in name:
            return False
        principal: Principal = SOMEBODY if kind == "group" else who
        people = self._people
        if kind == "group" or who == SOMEBODY:
            groups = frozenset({name}) if kind == "group" else frozenset[str]()
            somebody = Person(principal=SOMEBODY, name="Somebody", groups=groups)
            people = replace(people, people={**people.people, SOMEBODY: somebody})
        task = replace(self.subject.task, requester=principal)
        if source is not None:
            task = replace(task, trigger=replace(task.trigger, source=source), trust=Trust.PERSON)
        return self._ask(self.policies, replace(self.subject, task=task, standing=()), people).allowed

    def after(self, freezes: Iterable[Freeze]) -> datetime | None:
        """When these are over, and no other has begun; None where it is no question of time."""
        moment, waiting = self._now, tuple(freezes)
        for _ in range(_LATER):
            ends = [end for freeze in waiting if (end := freeze.until(moment)) is not None]
            if not ends:
                return None
            moment = max(ends)
            if self._ask(self.policies, replace(self.subject, at=moment)).allowed:
                return moment
            waiting = (*self.policies.freezes, *self.policies.declared)
        return None

    def done_by(self, agent: Agent) -> bool:
        """Whether another agent that handles such tasks would be allowed."""
        task = self.subject.task
        if agent == self.agent or (task.type and task.type not in agent.handles):
            return False
        task = replace(task, context=replace(task.context, agent_slug=agent.slug))
        return self._ask(self.policies, replace(self.subject, task=task)).allowed

    def known(self) -> bool:
        """Whether it is denied only because nobody knows what the call touches."""
        call = self.subject.call
        if call is None or call.resource is not None or call.labels is not None:
            return False
        known = replace(self.subject, call=replace(call, resource="-", labels={}))
        return self._ask(self.policies, known).allowed


def grant_of(agent: Agent) -> str:
    """What an agent's own file is called among the reasons."""
    return f"agent:{agent.slug}"


def _stops(rule: Rule) -> bool:
    """Whether what the rule adds can make the difference between allowed and denied."""
    adds = rule.bounds
    duties = adds.requires_pr or adds.requires_validation
    return bool(adds.denials or adds.tier < Tier.PRODUCTION or adds.allowed_tools or adds.denied_tools or duties)

"""What would have to change for a denial to be another answer, and who can help: found by asking again.

Nothing is guessed from words. What stands in the way is what makes the difference when it is taken away; and another
requester, a later moment, another agent are named only if the same question had another answer with them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from domain.agents import Agent
from domain.decisions import Reason, Remedy
from domain.people import Person, Snapshot
from domain.runs import CallRecord, Run
from domain.tasks import Principal, Source, Trust
from domain.tiers import Effect, Tier
from policy.budgets import Budget
from policy.door import helpers
from policy.explain import Explanation, Tools, explain, handler, situation_of
from policy.facts import NOBODY, Situation
from policy.freezes import DECLARED, Freeze, spell
from policy.headers import Origin
from policy.index import Index
from policy.matching import LABEL
from policy.rules import Rule
from policy.ruleset import RuleSet
from policy.subjects import CallSketch, RunSketch, Subject

MOST = 8  # remedies
MOST_TRIED = 200  # rules that are taken away one by one
_STOPPING = frozenset({"deny", "tier", "allowed_tools", "denied_tools", "requires_pr", "requires_validation"})
_SOMEBODY = "user:-"  # nobody's id: a person of whom nothing is known but the groups given
_LATER = 5  # freezes that may follow on each other


def remedies(
    policies: RuleSet, subject: Subject, *, people: Snapshot, catalog: Tools, now: datetime
) -> tuple[Remedy, ...]:
    """Ways to another answer about `subject`, the easiest first; () where it is allowed."""
    trial = _Trial(policies, subject, people, catalog, subject.at or now)
    if trial.said.allowed:
        return ()
    obstacles = trial.obstacles()
    ways = [*trial.otherwise(obstacles), *trial.changed(obstacles)]
    return tuple(ways[:MOST])


def remedies_of_run(
    policies: RuleSet, run: Run, record: CallRecord | None, *, people: Snapshot, catalog: Tools, now: datetime
) -> tuple[Remedy, ...]:
    """Ways to another answer about a run's task, or about a call of it that was denied, were it asked again now."""
    reasons = record.denial.reasons if record is not None and record.denial is not None else ()
    house = next((_HOUSE[reason.policy] for reason in reasons if reason.policy in _HOUSE), None)
    if house is not None:
        return (Remedy(text=house),)
    spent = [one for one in (reasons or _door_reasons(run, record)) if one.policy in policies.budgets]
    if spent:
        return tuple(Remedy(text=_room(policies.budgets[one.policy]), rules=(one.policy,)) for one in spent)
    if record is not None and record.denial is not None and not reasons:
        return (Remedy(text="in a run of its own: this run has its answer", help=record.denial.help),)
    context = replace(run.received.context, agent_slug=run.agent or run.received.context.agent_slug)
    subject = Subject(
        task=replace(run.received, context=context),
        call=None if record is None else _sketch(record),
        run=RunSketch(iterations=run.iterations, cost_usd=run.cost_usd),
        standing=run.standing,
        at=now,
    )
    if explain(policies, subject, people=people, catalog=catalog, now=now).allowed:
        return (Remedy(text="asked again now: by the rules of this moment it is allowed"),)
    return remedies(policies, subject, people=people, catalog=catalog, now=now)


def _door_reasons(run: Run, record: CallRecord | None) -> tuple[Reason, ...]:
    """Why the door denies the run, where no call is asked about."""
    refused = record is None and run.decision is not None and not run.decision.allowed
    return tuple(one for one in run.decision.reasons if one.sets == "deny") if refused and run.decision else ()


def _room(budget: Budget) -> str:
    """Under a budget it is a question of time, and the denial has said of how much."""
    return f"once something is left of the budget {budget.id}: {budget.allowance}"


def remedy_json(one: Remedy) -> dict[str, Any]:
    """As `policy explain --json` prints it."""
    return {"text": one.text, "rules": list(one.rules), "help": list(one.help)}


def spell_remedy(one: Remedy) -> str:
    """`if somebody outside group:contractors asked; group:sre can help`."""
    return f"{one.text}; {', '.join(one.help)} can help" if one.help else one.text


# What the house itself says, whatever the rules are.
_HOUSE = {
    "only-people": "by a person's click, when it is offered: it is never proposed",
    "unknown-tool": "if that tool were installed",
    "changed-tool": "if it were proposed again, for the tool as it is now",
    "undecided": "once policy has decided about the run",
}


def _sketch(record: CallRecord) -> CallSketch:
    call = record.call
    return CallSketch(
        tool=call.tool,
        arguments=call.arguments,
        resource=call.resource,
        labels=call.labels,
        effect=call.effect,
        tainted=call.tainted,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Obstacles:
    """What stands in the way: each of these `alone`, or else all of these `together`."""

    alone: tuple[str, ...] = ()
    together: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return self.alone or self.together


class _Trial:
    """One denied question, asked again and again with something changed."""

    def __init__(self, policies: RuleSet, subject: Subject, people: Snapshot, catalog: Tools, now: datetime) -> None:
        self._policies, self._subject, self._people, self._catalog, self._now = policies, subject, people, catalog, now
        self._agent = handler(policies, subject)

    @cached_property
    def said(self) -> Explanation:
        """The answer as it is."""
        return self._ask(self._policies, self._subject)

    def _ask(self, policies: RuleSet, subject: Subject, people: Snapshot | None = None) -> Explanation:
        return explain(policies, subject, people=people or self._people, catalog=self._catalog, now=self._now)

    # ── What stands in the way ────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _situation(self) -> Situation:
        return situation_of(self._policies, self._subject, people=self._people, catalog=self._catalog, now=self._now)

    @cached_property
    def _matching(self) -> tuple[Rule, ...]:
        """The rules that match: no other can have a say, whatever becomes of these."""
        facts, at_call = self._situation.facts, self._subject.call is not None
        found = self._policies.at_door.matching(facts)
        return (*found, *(self._policies.at_boundary.matching(facts) if at_call else ()))

    @cached_property
    def _freezes(self) -> tuple[Freeze, ...]:
        if self._subject.call is None:
            return ()
        both = (*self._policies.freezes, *self._policies.declared)
        return tuple(one for one in both if one.stops(self._situation))

    @cached_property
    def _budgets(self) -> tuple[Budget, ...]:
        """Those with nothing left."""
        denying = {one.policy for one in self.said.reasons if one.sets == "deny"}
        return tuple(budget for name, budget in self._policies.budgets.items() if name in denying)

    def obstacles(self) -> _Obstacles:
        """The single things in the way, each of which alone makes the difference; else a least set that together do."""
        names = [rule.id for rule in self._matching if rule.when or any(_stops(rule))][:MOST_TRIED]
        names += [freeze.id for freeze in self._freezes]
        names += [budget.id for budget in self._budgets]
        names += [_grant(self._agent)] if self._agent is not None else []
        alone = tuple(name for name in names if self._without({name}))
        if alone or not self._without(names):
            return _Obstacles(alone=alone)
        needed = list(names)
        for name in names:
            fewer = [other for other in needed if other != name]
            if self._without(fewer):
                needed = fewer
        return _Obstacles(together=tuple(needed))

    def _without(self, names: Iterable[str]) -> bool:
        """Whether the answer is another one without these."""
        gone, policies, agent = frozenset(names), self._policies, self._agent
        rules = [rule for rule in self._matching if rule.id not in gone]
        agents = policies.agents
        if agent is not None and _grant(agent) in gone:
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
        return self._ask(less, self._subject).allowed

    # ── Asking otherwise ──────────────────────────────────────────────────────────────────────────────────────────────

    def otherwise(self, obstacles: _Obstacles) -> Iterator[Remedy]:
        """What whoever asks could do about it, no rule being changed."""
        rules = [rule for rule in self._matching if rule.id in obstacles.all]
        freezes = [freeze for freeze in self._freezes if freeze.id in obstacles.all]
        yield from self._by_somebody_else(rules, freezes)
        yield from self._by_a_person(rules)
        yield from self._later(freezes)
        for budget in self._budgets if obstacles.alone else ():
            yield Remedy(text=_room(budget), rules=(budget.id,))
        yield from self._with_another_agent(obstacles, rules)
        yield from self._once_it_is_known(rules)
        yield from self._the_other_way(rules)

    def _by_somebody_else(self, rules: list[Rule], freezes: list[Freeze]) -> Iterator[Remedy]:
        barred = [pattern for rule in rules for pattern in _patterns(rule, "requester")]
        if barred and NOBODY not in barred and self._asked_by(_SOMEBODY):
            helping = tuple(who for who in self._helpers() if self._asked_by(who))
            yield Remedy(text=f"if somebody {_outside(barred)} asked", help=helping)
        if NOBODY in barred and self._asked_by(_SOMEBODY):
            yield Remedy(text="if a person asked for it", help=self._helpers())
        for who in dict.fromkeys(who for freeze in freezes for who in freeze.excepted):
            if self._asked_by(who):
                yield Remedy(text=f"if {_somebody(who)} asked, whom the freeze spares", help=(who,))

    def _asked_by(self, who: str, source: Source | None = None) -> bool:
        """Whether the answer is another one if only `who` asks: a principal, or somebody of a group."""
        kind, _, name = who.partition(":")
        if kind not in {"user", "group", "token"} or "*" in name:
            return False
        principal: Principal = _SOMEBODY if kind == "group" else who
        people = self._people
        if kind == "group" or who == _SOMEBODY:
            groups = frozenset({name}) if kind == "group" else frozenset[str]()
            somebody = Person(principal=_SOMEBODY, name="Somebody", groups=groups)
            people = replace(people, people={**people.people, _SOMEBODY: somebody})
        task = replace(self._subject.task, requester=principal)
        if source is not None:
            task = replace(task, trigger=replace(task.trigger, source=source), trust=Trust.PERSON)
        return self._ask(self._policies, replace(self._subject, task=task, standing=()), people).allowed

    def _by_a_person(self, rules: list[Rule]) -> Iterator[Remedy]:
        source = self._subject.task.trigger.source
        tested = any(_patterns(rule, "source") for rule in rules) or any(
            rule.when is not None and rule.when.reads("task", "trigger", "source") for rule in rules
        )
        if tested and source and source is not Source.USER:
            able = tuple(who for who in self._helpers() if self._asked_by(who, Source.USER))
            if able or self._asked_by(_SOMEBODY, Source.USER):
                yield Remedy(text=f"if a person asked for it: now it comes by {source}", help=able)

    def _later(self, freezes: list[Freeze]) -> Iterator[Remedy]:
        """When every freeze in the way is over, and no other has begun."""
        moment, waiting = self._now, freezes
        for _ in range(_LATER):
            ends = [end for freeze in waiting if (end := freeze.until(moment)) is not None]
            if not ends:
                return
            moment = max(ends)
            later = replace(self._subject, at=moment)
            if self._ask(self._policies, later).allowed:
                yield Remedy(text=f"after {spell(moment)}")
                return
            waiting = [*self._policies.freezes, *self._policies.declared]

    def _with_another_agent(self, obstacles: _Obstacles, rules: list[Rule]) -> Iterator[Remedy]:
        named = any(_patterns(rule, "agent") for rule in rules)
        if self._agent is not None and not named and _grant(self._agent) not in obstacles.all:
            return
        able = [agent for agent in self._policies.agents.values() if self._done_by(agent)]
        if able:
            listed = ", ".join(f"{agent.slug} (tier {agent.tier.label})" for agent in able)
            owners = tuple(dict.fromkeys(who for agent in able for who in agent.owners))
            which = "an agent that exists" if self._agent is None else "another agent"
            yield Remedy(text=f"with {which}: {listed}", help=owners)

    def _done_by(self, agent: Agent) -> bool:
        task = self._subject.task
        if agent == self._agent or (task.type and task.type not in agent.handles):
            return False
        task = replace(task, context=replace(task.context, agent_slug=agent.slug))
        return self._ask(self._policies, replace(self._subject, task=task)).allowed

    def _once_it_is_known(self, rules: list[Rule]) -> Iterator[Remedy]:
        call = self._subject.call
        of_target = any(name == "resource" or name.startswith(LABEL) for r in rules for name, _ in r.match.tests)
        if call is not None and of_target and call.resource is None and call.labels is None:
            known = replace(self._subject, call=replace(call, resource="-", labels={}))
            if self._ask(self._policies, known).allowed:
                yield Remedy(text="if it were known what the call touches: what is unknown counts as matching")

    def _the_other_way(self, rules: list[Rule]) -> Iterator[Remedy]:
        call = self._subject.call
        spec = None if call is None else self._catalog.spec(call.tool)
        duties = {claim.reason.sets for rule in rules for claim in rule.bounds.claims}
        if spec is not None and not spec.proposable and "requires_validation" in duties:
            yield Remedy(text="once its exact head has passed its checks")
        if spec is not None and spec.proposable and spec.effect is Effect.CHANGE and "requires_pr" in duties:
            yield Remedy(text="by a change request, which people merge", help=self._helpers())

    # ── Changing the rules ────────────────────────────────────────────────────────────────────────────────────────────

    def changed(self, obstacles: _Obstacles) -> Iterator[Remedy]:
        """What whoever writes the rules could do about it."""
        for name in obstacles.alone:
            yield Remedy(text=f"if {self._spelled(name)}", rules=(name,), help=self._owners(name))
        if obstacles.together:
            listed = ", and ".join(self._spelled(name) for name in obstacles.together)
            owners = dict.fromkeys(who for name in obstacles.together for who in self._owners(name))
            yield Remedy(text=f"if {listed}: each of them denies it", rules=obstacles.together, help=tuple(owners))

    def _spelled(self, name: str) -> str:
        agent = self._agent
        if agent is not None and name == _grant(agent):
            return f"the agent {agent.slug} were granted more than {agent.tier.label} ({agent.file}:{agent.line})"
        rule = next((one for one in self._matching if one.id == name), None)
        budget = self._policies.budgets.get(name)
        if budget is not None:
            return f"the budget {name} were larger ({budget.file}:{budget.line})"
        if rule is None:
            freeze = next(one for one in self._freezes if one.id == name)
            if freeze.file == DECLARED:
                return f"the freeze {name} were lifted"
            return f"the freeze {name} were changed ({freeze.file}:{freeze.line})"
        named = f"{name}, {rule.stands_for}," if rule.stands_for else name
        return f"the rule {named} were changed ({rule.file}:{rule.line})"

    def _owners(self, name: str) -> tuple[str, ...]:
        """Who answers for it: whom its header names, the agent's owners, or else the organization's approvers."""
        if self._agent is not None and name == _grant(self._agent):
            return self._helpers()
        rule = next((one for one in self._matching if one.id == name), None)
        own = rule.header.owners if rule is not None else ()
        if rule is not None and rule.header.origin is Origin.AGENT:
            own = own or self._helpers()
        return own or tuple(one.text for one in self._policies.approvers)

    def _helpers(self) -> tuple[str, ...]:
        return helpers(self._policies, self._agent)


def _grant(agent: Agent) -> str:
    """What an agent's own file is called among the reasons."""
    return f"agent:{agent.slug}"


def _stops(rule: Rule) -> Iterator[bool]:
    return (claim.reason.sets in _STOPPING for claim in rule.bounds.claims)


def _patterns(rule: Rule, attribute: str) -> tuple[str, ...]:
    return tuple(pattern for name, patterns in rule.match.tests if name == attribute for pattern in patterns)


def _outside(barred: list[str]) -> str:
    """`outside group:contractors`, `other than user:U5`."""
    groups = [who for who in dict.fromkeys(barred) if who.startswith("group:")]
    others = [who for who in dict.fromkeys(barred) if not who.startswith("group:")]
    said = [f"outside {' and '.join(groups)}"] if groups else []
    return " and ".join([*said, *([f"other than {', '.join(others)}"] if others else [])])


def _somebody(who: str) -> str:
    return f"somebody of {who}" if who.startswith("group:") else who

"""What would have to change for a denial to be another answer, and who can help: found by asking again.

Nothing is guessed from words. What stands in the way is what makes the difference when it is taken away; and another
requester, a later moment, another agent are named only if the same question had another answer with them.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.agents import Agent
from domain.decisions import Deny, Reason, Remedy
from domain.people import Snapshot
from domain.runs import CallRecord, Run
from domain.tasks import Source
from domain.tiers import Effect
from policy.door import helpers
from policy.explaining.explain import Tools, explain
from policy.explaining.trials import SOMEBODY, Obstacles, Trial, grant_of
from policy.facts import NOBODY
from policy.matching import LABEL
from policy.ruleset import RuleSet
from policy.sources.budgets import Budget
from policy.sources.freezes import DECLARED, Freeze, spell
from policy.sources.headers import Origin
from policy.sources.rules import Rule
from policy.sources.subjects import CallSketch, RunSketch, Subject

MOST = 8  # remedies


def remedies(
    policies: RuleSet, subject: Subject, *, people: Snapshot, catalog: Tools, now: datetime
) -> tuple[Remedy, ...]:
    """Ways to another answer about `subject`, the easiest first; () where it is allowed."""
    trial = Trial(policies, subject, people, catalog, subject.at or now)
    if trial.said.allowed:
        return ()
    obstacles = trial.obstacles()
    words = _Words(trial)
    ways = [*words.otherwise(obstacles), *words.changed(obstacles)]
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


class _Words:
    """What a trial came to, said so that people know whom to turn to."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    # ── Asking otherwise ──────────────────────────────────────────────────────────────────────────────────────────────

    def otherwise(self, obstacles: Obstacles) -> Iterator[Remedy]:
        """What whoever asks could do about it, no rule being changed."""
        rules = [rule for rule in self._trial.matching if rule.id in obstacles.all]
        freezes = [freeze for freeze in self._trial.freezes if freeze.id in obstacles.all]
        yield from self._by_somebody_else(rules, freezes)
        yield from self._by_a_person(rules)
        yield from self._later(freezes)
        for budget in self._trial.budgets if obstacles.alone else ():
            yield Remedy(text=_room(budget), rules=(budget.id,))
        yield from self._with_another_agent(obstacles, rules)
        yield from self._once_it_is_known(rules)
        yield from self._the_other_way(rules)

    def _by_somebody_else(self, rules: list[Rule], freezes: list[Freeze]) -> Iterator[Remedy]:
        barred = [pattern for rule in rules for pattern in _patterns(rule, "requester")]
        if barred and NOBODY not in barred and self._trial.asked_by(SOMEBODY):
            helping = tuple(who for who in self._helpers() if self._trial.asked_by(who))
            yield Remedy(text=f"if somebody {_outside(barred)} asked", help=helping)
        if NOBODY in barred and self._trial.asked_by(SOMEBODY):
            yield Remedy(text="if a person asked for it", help=self._helpers())
        for who in dict.fromkeys(who for freeze in freezes for who in freeze.excepted):
            if self._trial.asked_by(who):
                yield Remedy(text=f"if {_somebody(who)} asked, whom the freeze spares", help=(who,))

    def _by_a_person(self, rules: list[Rule]) -> Iterator[Remedy]:
        source = self._trial.subject.task.trigger.source
        tested = any(_patterns(rule, "source") for rule in rules) or any(
            rule.when is not None and rule.when.reads("task", "trigger", "source") for rule in rules
        )
        if tested and source and source is not Source.USER:
            able = tuple(who for who in self._helpers() if self._trial.asked_by(who, Source.USER))
            if able or self._trial.asked_by(SOMEBODY, Source.USER):
                yield Remedy(text=f"if a person asked for it: now it comes by {source}", help=able)

    def _later(self, freezes: list[Freeze]) -> Iterator[Remedy]:
        moment = self._trial.after(freezes)
        if moment is not None:
            yield Remedy(text=f"after {spell(moment)}")

    def _with_another_agent(self, obstacles: Obstacles, rules: list[Rule]) -> Iterator[Remedy]:
        named = any(_patterns(rule, "agent") for rule in rules)
        if self._trial.agent is not None and not named and grant_of(self._trial.agent) not in obstacles.all:
            return
        able = [agent for agent in self._trial.policies.agents.values() if self._trial.done_by(agent)]
        if able:
            listed = ", ".join(f"{agent.slug} (tier {agent.tier.label})" for agent in able)
            owners = tuple(dict.fromkeys(who for agent in able for who in agent.owners))
            which = "an agent that exists" if self._trial.agent is None else "another agent"
            yield Remedy(text=f"with {which}: {listed}", help=owners)

    def _once_it_is_known(self, rules: list[Rule]) -> Iterator[Remedy]:
        of_target = any(name == "resource" or name.startswith(LABEL) for r in rules for name, _ in r.match.tests)
        if of_target and self._trial.known():
            yield Remedy(text="if it were known what the call touches: what is unknown counts as matching")

    def _the_other_way(self, rules: list[Rule]) -> Iterator[Remedy]:
        call = self._trial.subject.call
        spec = None if call is None else self._trial.catalog.spec(call.tool)
        duties = {claim.reason.sets for rule in rules for claim in rule.bounds.claims}
        if spec is not None and not spec.proposable and "requires_validation" in duties:
            yield Remedy(text="once its exact head has passed its checks")
        if spec is not None and spec.proposable and spec.effect is Effect.CHANGE and "requires_pr" in duties:
            yield Remedy(text="by a change request, which people merge", help=self._helpers())

    # ── Changing the rules ────────────────────────────────────────────────────────────────────────────────────────────

    def changed(self, obstacles: Obstacles) -> Iterator[Remedy]:
        """What whoever writes the rules could do about it."""
        for name in obstacles.alone:
            yield Remedy(text=f"if {self._spelled(name)}", rules=(name,), help=self._owners(name))
        if obstacles.together:
            listed = ", and ".join(self._spelled(name) for name in obstacles.together)
            owners = dict.fromkeys(who for name in obstacles.together for who in self._owners(name))
            yield Remedy(text=f"if {listed}: each of them denies it", rules=obstacles.together, help=tuple(owners))

    def _spelled(self, name: str) -> str:
        agent = self._trial.agent
        if agent is not None and name == grant_of(agent):
            return f"the agent {agent.slug} were granted {self._more(agent)} ({agent.file}:{agent.line})"
        rule = next((one for one in self._trial.matching if one.id == name), None)
        budget = self._trial.policies.budgets.get(name)
        if budget is not None:
            return f"the budget {name} were larger ({budget.file}:{budget.line})"
        if rule is None:
            freeze = next(one for one in self._trial.freezes if one.id == name)
            if freeze.file == DECLARED:
                return f"the freeze {name} were lifted"
            return f"the freeze {name} were changed ({freeze.file}:{freeze.line})"
        if rule.header.origin is Origin.STANDING:
            return f"the standing of {name.partition(':')[2]} were changed ({rule.file}:{rule.line})"
        named = f"{name}, {rule.stands_for}," if rule.stands_for else name
        return f"the rule {named} were changed ({rule.file}:{rule.line})"

    def _more(self, agent: Agent) -> str:
        """What the grant lacks: the tool, where the answer blames the tools; else a higher tier."""
        verdict, call = self._trial.said.verdict, self._trial.subject.call
        lacks = isinstance(verdict, Deny) and any(one.sets == "allowed_tools" for one in verdict.reasons)
        return call.tool if lacks and call is not None else f"more than {agent.tier.label}"

    def _owners(self, name: str) -> tuple[str, ...]:
        """Who answers for it: whom its header names, the agent's owners, or else the organization's approvers."""
        if self._trial.agent is not None and name == grant_of(self._trial.agent):
            return self._helpers()
        rule = next((one for one in self._trial.matching if one.id == name), None)
        own = rule.header.owners if rule is not None else ()
        if rule is not None and rule.header.origin is Origin.AGENT:
            own = own or self._helpers()
        return own or tuple(one.text for one in self._trial.policies.approvers)

    def _helpers(self) -> tuple[str, ...]:
        return helpers(self._trial.policies, self._trial.agent)


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

"""The runbook reasoner: the next proposal is a pure function of the folded run.

Which step is next follows from the latest attempt alone: after a success the first later step whose condition holds,
after a failure whatever the step's `on_failure` says. It understands no free text, and says so where
somebody wrote some.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import takewhile

from domain.agents import Agent
from domain.runs import Run
from loop.ports import GiveUp, Proposal
from policy.conditions.condition import ConditionFailed
from reasoning.runbooks.drafting import check_for, proposal_for
from reasoning.runbooks.history import Attempt, Failure, attempts, check_due, failure_of
from reasoning.runbooks.model import CallTemplate, GoTo, Jump, Remedy, Retry, Runbook, Step, Stop
from reasoning.runbooks.paths import Missing
from reasoning.runbooks.scope import RUNBOOK, RunScope, heard, scope_of
from reasoning.runbooks.words import evidence

MOST_ATTEMPTS = 10  # at one step: a `goto` that goes in circles ends here


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookReasoner:
    """Follows the runbook that routing chose, for agents that may. Implements the loop's `Reasoner`."""

    runbooks: Mapping[str, Runbook]
    agents: Mapping[str, Agent] = field(default_factory=dict)

    async def reason(self, run: Run, rules: str) -> Proposal:
        """The next proposal. Never waits, never raises on a run that the loop can reach; knows its rules by heart."""
        return self.propose(run)

    def propose(self, run: Run) -> Proposal:
        """The next proposal. Pure."""
        chosen = run.received.inputs.get(RUNBOOK)
        book = self.runbooks.get(chosen) if isinstance(chosen, str) else None
        if book is None:
            return self._unknown(run, chosen)
        agent = self.agents.get(run.agent)
        if agent is not None and not admits(agent, book):
            why = f"The agent `{agent.slug}` does not follow the runbook `{book.id}`: its `runbooks` do not name it."
            return GiveUp(why=why, by=f"runbook:{book.id}")
        return _Turn(run=run, book=book, scope=scope_of(run, book)).proposal()

    def _unknown(self, run: Run, chosen: object) -> GiveUp:
        if chosen:
            why = f"The runbook `{chosen}` that this run began with is not there any more. A person has to go on."
        else:
            task = run.received
            known = ", ".join(f"`{name}`" for name in sorted(self.runbooks)) or "none"
            why = f"No runbook fits this {task.type} task ({task.goal or 'no goal given'}). There are: {known}."
        return GiveUp(why=why, by="runbook")


def admits(agent: Agent, book: Runbook) -> bool:
    """Whether the agent may follow the runbook."""
    named = not book.agents or agent.slug in book.agents
    return named and any(fnmatchcase(book.id, pattern) for pattern in agent.runbooks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """One turn of one run along one runbook."""

    run: Run
    book: Runbook
    scope: RunScope

    def proposal(self) -> Proposal:
        """Where the run stands, and the step that is due."""
        made = attempts(self.run, self.book.id)
        if not made:
            return self._from(0, made)
        index = self.book.index(made[-1].step)
        if index is None:
            return self._give_up(f"the runbook has changed under way and has no step `{made[-1].step}` any more")
        step = self.book.steps[index]
        check = check_due(made[-1], step)
        if check is not None:
            return self._take(step, made, check)
        failure = failure_of(made[-1], step)
        if failure is None:
            return self._from(index + 1, made)
        return self._mend(index, failure, made)

    def _mend(self, index: int, failure: Failure, made: tuple[Attempt, ...]) -> Proposal:
        step = self.book.steps[index]
        remedy: Remedy = step.on_failure.of(failure.kind)
        if isinstance(remedy, Retry):
            if _failed_in_a_row(made, step) <= remedy.times:
                return self._take(step, made)
            remedy = remedy.then
        match remedy:
            case GoTo(step=target):
                return self._from(self._place(target), made)
            case Stop():
                times = _failed_in_a_row(made, step)
                often = f", tried {times} times" if times > 1 else ""
                return self._give_up(f"step `{step.id}`{often}: {failure.why}")

    def _from(self, index: int, made: tuple[Attempt, ...]) -> Proposal:
        """The first step from there on whose condition holds now, following `goto`s."""
        followed: set[str] = set()
        while index < len(self.book.steps):
            step = self.book.steps[index]
            try:
                due = step.when is None or step.when.holds(self.scope.values)
            except ConditionFailed as error:
                return self._give_up(f"whether step `{step.id}` is due cannot be said: {error}")
            match step.action:
                case _ if not due:
                    index += 1
                case Jump(step=target):
                    if step.id in followed:
                        return self._give_up(f"step `{step.id}` leads back to itself")
                    followed.add(step.id)
                    index = self._place(target)
                case _:
                    return self._take(step, made)
        return self._give_up("no step is left, and none said that the job is done")

    def _place(self, step: str) -> int:
        """Where a step stands that the loader has made sure of."""
        index = self.book.index(step)
        return len(self.book.steps) if index is None else index

    def _take(self, step: Step, made: tuple[Attempt, ...], check: CallTemplate | None = None) -> Proposal:
        if _tried(made, step) >= MOST_ATTEMPTS:
            return self._give_up(f"step `{step.id}` has been taken {MOST_ATTEMPTS} times: the runbook goes in circles")
        try:
            if check is not None:
                return check_for(step, check, self.book, self.scope)
            return proposal_for(step, self.book, self.scope, _aside(self.run), evidence(self.run, self.book))
        except Missing as missing:
            return self._give_up(f"step `{step.id}` needs `{missing}`, which is not there")

    def _give_up(self, why: str) -> GiveUp:
        known = evidence(self.run, self.book)
        return GiveUp(why=f"I cannot go on: {why.rstrip('.')}.{known}", by=f"runbook:{self.book.id}")


def _tried(made: tuple[Attempt, ...], step: Step) -> int:
    return sum(attempt.step == step.id for attempt in made)


def _failed_in_a_row(made: tuple[Attempt, ...], step: Step) -> int:
    """How often the step has failed since it, or anything else, last went well."""
    recent = takewhile(lambda attempt: attempt.step == step.id and failure_of(attempt, step), reversed(made))
    return sum(1 for _ in recent)


def _aside(run: Run) -> str:
    """An honest word about what people wrote since the last turn."""
    said = heard(run, since=max(run.iterations, run.goal_turn))
    if not said:
        return ""
    quoted = "; ".join(f"{message.by}: “{message.text}”" for message in said)
    honest = "A runbook does not understand free text: it goes on as written. Redirect or stop it to change that."
    return f"\n{quoted}. {honest}"

"""Who handles a task. What is typed in words goes to the agent of the runbook whose phrase fits; what a machine sends
goes to the agent that handles its type. A request that fits nothing, or two things equally well, is said so: never a
guess.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from domain.agents import Agent
from domain.canonical import Json
from domain.tasks import Task
from loop.ports import Routed, Unrouted
from policy.conditions.condition import ConditionFailed
from policy.reading.files import Faults
from policy.reading.files import nearest as nearest_name
from reasoning.runbooks.model import Runbook, TaskMatch
from reasoning.runbooks.paths import Missing, look_up
from reasoning.runbooks.phrases import nearest, read, shown, tidy
from reasoning.runbooks.reasoner import admits
from reasoning.runbooks.scope import RUNBOOK, described, vouched

CHAT = "chat"
_REPOSITORY = "repository"  # the input that names the task's repository


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """A runbook that fits, for an agent that may follow it. The larger `weight`, the more specific."""

    agent: Agent
    book: Runbook
    inputs: Mapping[str, Json]
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Misfit:
    """A runbook that would fit but for one value."""

    why: str
    example: str  # what would have fitted


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookRouter:
    """Implements the loop's `Router` over the agents' and runbooks' files."""

    agents: Mapping[str, Agent]
    runbooks: Mapping[str, Runbook]

    def route(self, task: Task) -> Routed | Unrouted:
        """The task with agent, repository and inputs filled in; or why nobody handles it, with the nearest."""
        agents = self._handlers(task)
        if isinstance(agents, Unrouted):
            return agents
        found = list(self._fits(task, agents))
        fits = [fit for fit in found if isinstance(fit, _Fit)]
        if fits:
            return self._best(task, fits)
        misfits = [fit for fit in found if isinstance(fit, _Misfit)]
        if task.type == CHAT or len(agents) != 1:
            return self._nothing_fits(task, agents, misfits)
        return _routed(task, agents[0], {}, None)  # nothing that a machine sent is lost: its agent says why it cannot

    def examples(self, task_type: str = CHAT) -> tuple[str, ...]:
        """One way to ask for each runbook that requests of this type can reach, as one would type it."""
        agents = [agent for agent in self.agents.values() if task_type in agent.handles]
        books = [b for b in self.runbooks.values() if b.phrases and any(admits(a, b) for a in agents)]
        return tuple(shown(book.phrases[0], book.examples) for book in sorted(books, key=lambda book: book.id))

    def _handlers(self, task: Task) -> tuple[Agent, ...] | Unrouted:
        """The agents that may be asked: the one that the door named, or all that handle the type."""
        named = task.context.agent_slug
        if named is not None and named not in self.agents:
            return Unrouted(why=f"There is no agent `{named}`.", nearest=tuple(sorted(self.agents)))
        agents = [self.agents[named]] if named is not None else [self.agents[slug] for slug in sorted(self.agents)]
        handling = tuple(agent for agent in agents if task.type in agent.handles)
        if handling:
            return handling
        who = f"The agent `{named}` does not handle" if named else "No agent handles"
        types = sorted({kind for agent in agents for kind in agent.handles})
        hint = nearest_name(task.type, types)
        return Unrouted(why=f"{who} tasks of type `{task.type}`" + (f" ({hint})." if hint else "."), nearest=())

    def _fits(self, task: Task, agents: tuple[Agent, ...]) -> Iterator[_Fit | _Misfit]:
        request = tidy(task.goal)
        for agent in agents:
            for book in (self.runbooks[name] for name in sorted(self.runbooks)):
                if admits(agent, book):
                    yield from _by_task(task, agent, book)
                    yield from _by_phrase(request, agent, book)

    def _best(self, task: Task, fits: list[_Fit]) -> Routed | Unrouted:
        most = max(fit.weight for fit in fits)
        best = [fit for fit in fits if fit.weight == most]
        who = sorted({(fit.agent.slug, fit.book.id) for fit in best})
        if len(who) > 1:
            both = " and ".join(f"runbook `{book}` of agent `{agent}`" for agent, book in who)
            return Unrouted(why=f"That fits {both} equally well: say it another way, or name the agent.")
        return _routed(task, best[0].agent, best[0].inputs, best[0].book)

    def _nothing_fits(self, task: Task, agents: tuple[Agent, ...], misfits: list[_Misfit]) -> Unrouted:
        offers: dict[str, str] = {}
        for book in self.runbooks.values():
            if any(admits(agent, book) for agent in agents):
                said = {shown(phrase, book.examples): phrase.plain for phrase in book.phrases}
                offers |= {best: said[best] for best in nearest(task.goal, said, most=1)}
        close = nearest(task.goal, offers)
        if misfits:
            best = dict.fromkeys([*(m.example for m in misfits if m.example), *close])
            return Unrouted(why=" ".join(dict.fromkeys(m.why for m in misfits)), nearest=tuple(best)[: len(close)])
        asked = f"“{tidy(task.goal)[:200]}”" if task.goal.strip() else f"a {task.type} task without a goal"
        return Unrouted(why=f"No runbook fits {asked}.", nearest=close)


def check_followers(runbooks: Mapping[str, Runbook], agents: Mapping[str, Agent], faults: Faults) -> None:
    """Every runbook can be reached by an agent, and no two of an agent answer to the same words."""
    for book in runbooks.values():
        for slug in book.agents:
            if slug not in agents:
                hint = nearest_name(slug, agents)
                faults.add(book.file, book.line, 1, "agents", f"there is no agent `{slug}`", hint)
        if not any(admits(agent, book) for agent in agents.values()):
            hint = "name it in an agent's `reasoner: {runbooks: [...]}`"
            faults.add(book.file, book.line, 1, "runbook", f"no agent follows `{book.id}`", hint)
    for agent in agents.values():
        said: dict[str, Runbook] = {}
        for book in (b for b in runbooks.values() if admits(agent, b)):
            for phrase in book.phrases:
                first = said.setdefault(phrase.pattern.pattern, book)
                if first is not book:
                    problem = f"`{phrase.text}` is also a phrase of `{first.id}`, and `{agent.slug}` follows both"
                    faults.add(book.file, book.line, 1, "match.say", problem, "say it another way in one of them")


def _by_phrase(request: str, agent: Agent, book: Runbook) -> Iterator[_Fit | _Misfit]:
    for phrase in book.phrases:
        words = read(phrase, request)
        if words is not None:
            yield _fit(agent, book, words, phrase.words, shown(phrase, book.examples))


def _by_task(task: Task, agent: Agent, book: Runbook) -> Iterator[_Fit | _Misfit]:
    values = {"task": described(task)}
    for match in book.tasks:
        if match.type == task.type and _holds(match, values):
            found: dict[str, str] = {}
            for name, path in match.read.items():
                try:
                    value = look_up(path, values)
                except Missing:
                    continue
                if isinstance(value, (str, int)) and not isinstance(value, bool):
                    found[name] = str(value)
            yield _fit(agent, book, found, 1_000)  # a condition over what was sent says more than any phrase


def _holds(match: TaskMatch, values: Mapping[str, Json]) -> bool:
    """A condition that cannot be evaluated does not fit."""
    try:
        return match.when is None or match.when.holds(values)
    except ConditionFailed:
        return False


def _fit(agent: Agent, book: Runbook, said: Mapping[str, str], weight: int, example: str = "") -> _Fit | _Misfit:
    """The runbook with its inputs read, or what about them does not do."""
    inputs: dict[str, Json] = {}
    for name, declared in book.inputs.items():
        text = said.get(name, declared.default)
        value = declared.read(text) if text is not None else None
        if value is None:
            given = f"`{text[:80]}` will not do as" if text is not None else "It does not say the"
            why = f"{given} {name} of runbook `{book.id}`: it wants {declared.wanted}."
            return _Misfit(why=why, example=example)
        inputs[name] = value
    return _Fit(agent=agent, book=book, inputs=inputs, weight=weight)


def _routed(task: Task, agent: Agent, inputs: Mapping[str, Json], book: Runbook | None) -> Routed:
    """The inputs of a task are what was read from it, and nothing else. A repository is set where it is vouched for."""
    chosen: dict[str, Json] = {**inputs, RUNBOOK: book.id} if book else {}
    repository = task.context.repository_id
    value = inputs.get(_REPOSITORY)
    if book and repository is None and isinstance(value, str) and vouched(book.inputs.get(_REPOSITORY), task, value):
        repository = value
    context = replace(task.context, agent_slug=agent.slug, repository_id=repository)
    return Routed(task=replace(task, context=context, inputs=chosen), agent=agent.slug)

"""The policy workload for our own engine: loaded from YAML like any other rules, asked through its own methods."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from benchmarks.workload import CONTRACTOR, Asked, Decision, Entry, written
from domain.agents import Agent
from domain.calls import ToolCall, ToolSpec
from domain.decisions import Deny, PolicyDecision, Verdict
from domain.people import Person, Snapshot
from domain.runs import Run
from domain.tasks import Context, Source, Task, Trigger, Trust
from domain.tiers import Effect, Tier
from policy.check import Sources, load
from policy.reading.files import Faults

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
FILE = "policies/many.yaml"

GRANT = "slug: bench\nhandles: [chat]\ntier: production\ntools: ['*']\n"
AGENT = Agent(slug="bench", describe="", handles=("chat",), tier=Tier.PRODUCTION, tools=("*",))
EFFECTS = {"service.restart": "change", "service.scale": "change", "service.status": "read", "dns.set": "change"}
SPECS = {
    name: ToolSpec(name=name, version=1, effect=Effect(effect), describe="", arguments={}, resource="{resource}")
    for name, effect in EFFECTS.items()
}
GROUPS = {"sre": frozenset({"user:U2", "user:U3"}), "contractors": frozenset({CONTRACTOR})}
PEOPLE = Snapshot(
    version="1",
    at=NOW,
    people={
        f"user:U{n}": Person(
            principal=f"user:U{n}",
            name=f"P{n}",
            groups=frozenset(name for name, members in GROUPS.items() if f"user:U{n}" in members),
        )
        for n in range(1, 6)
    },
)


class Tools:
    """The installed tools."""

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(EFFECTS))


class Ours:
    """A policy set. Each question is about a run of its own, which the door has decided on."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        faults = Faults()
        sources = Sources(agents=[("agents/bench.yaml", GRANT)], policies=[(FILE, written(entries))])
        self.policies = load(sources, faults, groups=GROUPS, tools=tuple(EFFECTS))
        faults.check()

    def question(self, asked: Asked, *, at_door: bool) -> Decision:
        if at_door:
            task = task_of(asked)
            return lambda: self.decide(task).allowed
        run, call = self.run(asked), call_of(asked)
        spec = spec_of(call)
        return lambda: not isinstance(self.check(run, call, spec), Deny)

    def decide(self, task: Task) -> PolicyDecision:
        """The door."""
        standing = (task.requester,) if task.requester else ()
        return self.policies.evaluate(task, AGENT, standing=standing, people=PEOPLE, catalog=TOOLS, now=NOW)

    def check(self, run: Run, call: ToolCall, spec: ToolSpec) -> Verdict:
        """The boundary."""
        return self.policies.check_call(run, call, spec, people=PEOPLE, now=NOW)

    def run(self, asked: Asked) -> Run:
        """A run as the door leaves it."""
        task = task_of(asked)
        standing = (asked.requester,)
        run_id = f"r-{asked.number}"
        return Run(run_id=run_id, task=task, agent=AGENT.slug, decision=self.decide(task), standing=standing)


TOOLS = Tools()


def spec_of(call: ToolCall) -> ToolSpec:
    """The tool of a call, which knows what its target is labelled."""
    return replace(SPECS[call.tool], labels=call.labels)


def task_of(asked: Asked) -> Task:
    return Task(
        type="chat",
        requester=asked.requester,
        trigger=Trigger(source=Source(asked.source), source_id=str(asked.number), timestamp=NOW),
        context=Context(organization_id="acme", repository_id=asked.repository, agent_slug=AGENT.slug),
        trust=Trust.PERSON,
    )


def call_of(asked: Asked) -> ToolCall:
    return ToolCall(
        call_id=f"c-{asked.number}",
        tool=asked.tool,
        version=1,
        effect=Effect(asked.effect),
        arguments={"resource": asked.resource, "count": asked.count},
        resource=asked.resource,
        labels={"env": "prod", "service": asked.service},
    )

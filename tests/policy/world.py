"""A small organization to judge in: tools, people, agents, and builders for tasks, calls and runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from domain.agents import Agent
from domain.budgets import NOTHING, Spending
from domain.calls import ToolCall, ToolSpec
from domain.decisions import Approvers, PolicyDecision
from domain.people import Person, Snapshot
from domain.runs import Run
from domain.tasks import Context, Source, Task, Trigger, Trust
from domain.tiers import Effect, Tier
from policy import check
from policy.engine import PolicySet
from policy.reading.files import Faults, Invalid

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
GROUPS = {
    "sre": frozenset({"user:U2", "user:U3"}),
    "security": frozenset({"user:U4"}),
    "contractors": frozenset({"user:U5"}),
    "everybody": None,
}
PEOPLE = Snapshot(
    version="1",
    at=NOW,
    people={
        f"user:U{i}": Person(
            principal=f"user:U{i}",
            name=f"P{i}",
            groups=frozenset(name for name, who in GROUPS.items() if who and f"user:U{i}" in who),
        )
        for i in range(1, 6)
    },
)


def spec(name: str, effect: Effect, **more: Any) -> ToolSpec:
    return ToolSpec(name=name, version=1, effect=effect, describe=name, arguments={}, **more)


SPECS = {
    s.name: s
    for s in (
        spec("git.clone", Effect.READ, selectors=("repository",), resource="{repository}"),
        spec("git.commit", Effect.READ),
        spec("git.push", Effect.DRAFT, selectors=("repository",), resource="{repository}"),
        spec("shell.run", Effect.EXECUTE, selectors=("command",)),
        spec("service.status", Effect.READ, selectors=("service",), resource="prod/{service}"),
        spec("service.restart", Effect.CHANGE, selectors=("service",), resource="prod/{service}"),
        spec("dns.set", Effect.CHANGE, selectors=("zone",)),
        spec("forge.merge", Effect.CHANGE, selectors=("head",), resource="{repository}", proposable=False),
    )
}


@dataclass(frozen=True)
class Tools:
    specs: Mapping[str, ToolSpec]

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.specs))

    def spec(self, name: str) -> ToolSpec | None:
        return self.specs.get(name)

    def problems(self, name: str, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        return ()


CATALOG = Tools(SPECS)
AGENT = Agent(
    slug="operator",
    describe="Does everything.",
    handles=("chat", "compliance-remediation"),
    tier=Tier.PRODUCTION,
    tools=("*",),
    owners=("group:sre",),
    file="agents/operator.yaml",
    line=1,
)
RESOURCES = """
version: 1
resources:
  - {name: "prod/*", labels: {env: prod}}
  - {name: prod/web, labels: {team: shop}}
  - {name: acme/infra, labels: {kind: repository}}
"""


def rules(text: str, *, resources: str | None = RESOURCES, agents: Mapping[str, Agent] | None = None) -> PolicySet:
    """The policy set of `text`, the lines below `policies:`. Raises Invalid."""
    body = (
        f"version: 1\n{text}"
        if text.lstrip().startswith(("policies:", "freezes:", "budgets:"))
        else f"version: 1\npolicies:\n{text}"
    )
    faults = Faults()
    granted = "handles: [chat]\ntier: production\ntools: ['*']\n"
    sources = check.Sources(
        agents=[(f"agents/{slug}.yaml", f"slug: {slug}\n{granted}") for slug in ("operator", "other")],
        policies=[("policies/org.yaml", body if text.strip() else "version: 1\npolicies: []\n")],
        resources=None if resources is None else ("resources.yaml", resources),
    )
    found = check.load(
        sources, faults, groups=GROUPS, approvers=(Approvers(kind="group", name="sre"),), tools=tuple(SPECS)
    )
    faults.check()
    return found if agents is None else replace(found, agents=agents)


def faults_of(text: str) -> list[str]:
    """The faults of a policies file."""
    try:
        rules(text)
    except Invalid as invalid:
        return [str(fault) for fault in invalid.faults]
    return []


def task(
    *,
    type_: str = "chat",
    source: Source = Source.USER,
    requester: str | None = "user:U1",
    repository: str | None = None,
    trust: Trust = Trust.PERSON,
    payload: Mapping[str, Any] | None = None,
    goal: str = "",
) -> Task:
    return Task(
        type=type_,
        goal=goal,
        requester=requester,
        trigger=Trigger(source=source, source_id="1", timestamp=NOW),
        context=Context(organization_id="acme", repository_id=repository),
        payload=payload or {},
        trust=trust,
    )


def decide(
    policies: PolicySet,
    asked: Task | None = None,
    *,
    agent: Agent = AGENT,
    standing: Sequence[str] | None = None,
    now: datetime = NOW,
    people: Snapshot = PEOPLE,
    run_id: str = "r-1",
    spending: Spending = NOTHING,
) -> PolicyDecision:
    asked = asked or task()
    who = standing if standing is not None else tuple(filter(None, [asked.requester]))
    return policies.evaluate(
        asked, agent, standing=who, people=people, catalog=CATALOG, now=now, run_id=run_id, spending=spending
    )


def run_of(policies: PolicySet, asked: Task | None = None, *, agent: Agent = AGENT, **more: Any) -> Run:
    """A run as it stands after the door's answer."""
    asked = asked or task()
    standing = more.pop("standing", tuple(filter(None, [asked.requester])))
    decision = more.pop("decision", None) or decide(policies, asked, agent=agent, standing=standing)
    return Run(run_id="r-1", task=asked, agent=agent.slug, decision=decision, standing=standing, **more)


def call(tool: str, policies: PolicySet | None = None, **more: Any) -> ToolCall:
    """A call as the controller completes it: located by the catalogue."""
    found = SPECS.get(tool)
    arguments = more.pop("arguments", {"service": "web"} if tool.startswith("service.") else {})
    resource, labels = policies.locate(found, arguments) if policies and found else (None, None)
    base: dict[str, Any] = {"resource": resource, "labels": labels}
    return ToolCall(
        call_id=more.pop("call_id", "c1"),
        tool=tool,
        version=more.pop("version", 1),
        effect=more.pop("effect", found.effect if found else Effect.CHANGE),
        arguments=arguments,
        **{**base, **more},
    )

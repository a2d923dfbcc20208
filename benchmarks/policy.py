"""Decisions a second over 10, 1,000 and 10,000 rules, beside a naive loop and a loop over compiled conditions.

The floor is what one would write in an afternoon: tuples in a list, compared one by one, the least tier kept. The peer
is one compiled CEL condition for each rule, all over one prepared context. Ours does more: globs, groups, unknown
values, reasons with file and line, approvals merged. Believe the ratios, and how each grows from left to right.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import cel

from benchmarks.report import Row, table
from domain.agents import Agent
from domain.calls import ToolCall, ToolSpec
from domain.people import Snapshot
from domain.runs import Run
from domain.tasks import Context, Source, Task, Trigger, Trust
from domain.tiers import Effect, Tier
from policy.check import Sources, load
from policy.engine import PolicySet
from policy.files import Faults

COUNTS = (10, 1_000, 10_000)
SECONDS = 0.4
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
PEOPLE = Snapshot(version="1", at=NOW)
AGENT = Agent(slug="bench", describe="", handles=("chat",), tier=Tier.PRODUCTION, tools=("*",))
TASK = Task(
    type="chat",
    requester="user:U1",
    trigger=Trigger(source=Source.USER, source_id="1", timestamp=NOW),
    context=Context(organization_id="acme", repository_id="acme/repo-3"),
    trust=Trust.PERSON,
)
SPEC = ToolSpec(
    name="service.restart",
    version=1,
    effect=Effect.CHANGE,
    describe="",
    arguments={},
    selectors=("service",),
    resource="prod/{service}",
)
CALL = ToolCall(
    call_id="c1",
    tool=SPEC.name,
    version=1,
    effect=Effect.CHANGE,
    arguments={"service": "service-3"},
    resource="prod/service-3",
    labels={"env": "prod"},
)
_RULE = """
  - {{id: task-{n}, match: {{type: [chat], repository: ["acme/repo-{n}"]}},
      limit: {{tier: production, max_iterations: 9}}}}
  - {{id: call-{n}, match: {{effect: [change], resource: ["prod/service-{n}", "prod/service-{n}/*"]}},
      approve: [{{from: peer}}]}}"""


class Tools:
    """One tool."""

    def names(self) -> tuple[str, ...]:
        return (SPEC.name,)


def main() -> None:
    """Print the table."""
    rows: list[Row] = []
    for count in COUNTS:
        policies = policies_of(count)
        floor = rate(naive(count))
        rows += [
            Row(f"naive tuple loop, {count:,} rules", floor, "decisions/s", floor),
            Row(f"CEL loop, {count:,} rules", rate(conditions(count)), "decisions/s", floor),
            Row(f"door, {count:,} rules", rate(door(policies)), "decisions/s", floor),
            Row(f"boundary (door again, and the call), {count:,} rules", rate(boundary(policies)), "verdicts/s", floor),
        ]
    print(table("Policy", rows))


def policies_of(count: int) -> PolicySet:
    """So many rules, half about tasks and half about calls, loaded from YAML like any others."""
    text = "version: 1\npolicies:" + "".join(_RULE.format(n=n) for n in range(count // 2))
    faults = Faults()
    found = load(Sources(policies=[("policies/many.yaml", text)]), faults)
    faults.check()
    return found


def door(policies: PolicySet) -> Callable[[], object]:
    """One decision about a task."""
    tools = Tools()
    return lambda: policies.evaluate(TASK, AGENT, standing=("user:U1",), people=PEOPLE, catalog=tools, now=NOW)


def boundary(policies: PolicySet) -> Callable[[], object]:
    """One verdict on a call, the rules of the door asked again."""
    decision = policies.evaluate(TASK, AGENT, standing=("user:U1",), people=PEOPLE, catalog=Tools(), now=NOW)
    run = Run(run_id="r", task=TASK, agent=AGENT.slug, decision=decision, standing=("user:U1",))
    return lambda: policies.check_call(run, CALL, SPEC, people=PEOPLE, now=NOW)


def naive(count: int) -> Callable[[], object]:
    """Tuples in a list, compared one by one."""
    rules = [("chat", f"acme/repo-{n}", 4) for n in range(count)]

    def decide() -> int:
        tier = 4
        for type_, repository, least in rules:
            if type_ == TASK.type and repository == TASK.context.repository_id:
                tier = min(tier, least)
        return tier

    return decide


def conditions(count: int) -> Callable[[], object]:
    """One compiled condition a rule."""
    programs = [cel.compile(f"task.type == 'chat' && task.repository == 'acme/repo-{n}'") for n in range(count)]
    context = cel.Context({"task": {"type": TASK.type, "repository": TASK.context.repository_id}})
    return lambda: [program.execute(context) for program in programs]


def rate(work: Callable[[], object]) -> float:
    """How often a second; the best of three."""
    return max(_rate(work) for _ in range(3))


def _rate(work: Callable[[], object]) -> float:
    work()
    times, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        work()
        times += 1
    return times / (time.perf_counter() - start)


if __name__ == "__main__":
    main()

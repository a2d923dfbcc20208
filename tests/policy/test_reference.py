"""The engine against a naive reading of `docs/policy.md`: for any rules, tasks and calls they say the same."""

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.agents import Agent
from domain.calls import ToolCall
from domain.decisions import Allow, Deny, RequireApproval, Requirement
from domain.runs import Run
from domain.tasks import Source, Task, Trust
from domain.tiers import Effect, Tier
from policy import check
from policy.engine import PolicySet
from policy.reading.files import Faults
from tests.policy.reference import Answer, Asked, Called, Condition, Reference
from tests.policy.world import AGENT, CATALOG, GROUPS, NOW, PEOPLE, SPECS, call, task

CONDITIONS: dict[str, Condition] = {
    "task.type == 'chat'": lambda v: v["task"]["type"] == "chat",
    "task.payload.count > 3": lambda v: v["task"]["payload"]["count"] > 3,
    "task.requester == null": lambda v: v["task"]["requester"] is None,
    "has(task.payload.count) && task.payload.count > 3": lambda v: (
        "count" in v["task"]["payload"] and v["task"]["payload"]["count"] > 3
    ),
    "run.tainted": lambda v: v["run"]["tainted"],
    "run.tier >= 3": lambda v: v["run"]["tier"] >= 3,
    "call.tainted": lambda v: v["call"]["tainted"],
    "call.labels.env == 'prod'": lambda v: v["call"]["labels"]["env"] == "prod",
    "has(call.labels.env)": lambda v: "env" in v["call"]["labels"],
    "call.resource.startsWith('prod/')": lambda v: v["call"]["resource"].startswith("prod/"),
    "has(call.arguments.service)": lambda v: "service" in v["call"]["arguments"],
    "call.effect == 'read' || call.arguments.service == 'web'": lambda v: (
        v["call"]["effect"] == "read" or v["call"]["arguments"]["service"] == "web"
    ),
}

PATTERNS = {
    "source": ["user", "alert", "*"],
    "type": ["chat", "ch*", "other", "*t", "c*t", "*ha*"],
    "agent": ["operator", "op*", "other"],
    "repository": ["acme/*", "acme/infra", "*", "*/infra"],
    "requester": ["user:U1", "group:sre", "anyone", "nobody", "group:everybody", "token:*", "user:*", "group:s*"],
    "tool": ["git.*", "service.restart", "*.restart", "dns.set", "*s*t*"],
    "effect": ["change", "draft", "execute", "read"],
    "resource": ["prod/*", "prod/web", "dev/*", "*/web", "p*/w*", "*"],
}
LABELS = {"env": ["prod", "d*", "*"], "team": ["shop", "*op"]}
WHO: list[Any] = [
    "self",
    "peer",
    "group:sre",
    "group:security",
    "user:U4",
    {"any": ["group:sre", "self"]},
    {"all": ["self", "user:U4"]},
    {"any": ["user:U4", "group:sre"]},
]
RUN_LIMITS = {
    "max_iterations": [0, 5],
    "timeout": ["90s", "15m"],
    "deadline": ["2h", "1d"],
    "budget_usd": [0, 2.5],
    "max_actions": [0, 3],
    "max_tokens": [0, 1000],
}
CALL_LIMITS: dict[str, list[Any]] = {
    "tier": ["observe", "recommend", "draft", "sandbox", "production"],
    "allowed_tools": [[], ["git.*"], ["*"], ["service.*", "dns.set", "git.push"]],
    "denied_tools": [["git.push"], ["*.restart", "shell.run"]],
    "requires_pr": [True],
    "requires_validation": [True],
}


def some(choices: dict[str, list[Any]], most: int) -> st.SearchStrategy[dict[str, Any]]:
    names = st.lists(st.sampled_from(sorted(choices)), max_size=most, unique=True)
    return names.flatmap(lambda found: st.fixed_dictionaries({name: st.sampled_from(choices[name]) for name in found}))


def patterns(choices: list[str]) -> st.SearchStrategy[Any]:
    return st.one_of(st.sampled_from(choices), st.lists(st.sampled_from(choices), min_size=1, max_size=2, unique=True))


labels_ = st.fixed_dictionaries({}, optional={name: patterns(said) for name, said in LABELS.items()}).filter(bool)
matches_ = st.fixed_dictionaries(
    {},
    optional={
        **{name: patterns(choices) for name, choices in PATTERNS.items()},
        "labels": labels_,
    },
).map(lambda match: match if len(match) < 5 else dict(sorted(match.items())[:3]))
asks = st.fixed_dictionaries(
    {"from": st.sampled_from(WHO)},
    optional={
        "within": st.sampled_from(["1h", "30m"]),
        "use_within": st.sampled_from(["5m", "1h"]),
        "break_glass": st.booleans(),
    },
)
counted = st.tuples(asks, st.integers(1, 3)).map(
    lambda pair: {**pair[0], "count": pair[1]} if pair[0]["from"] not in ("self", "user:U4") else pair[0]
)
limits_ = st.builds(lambda call, run: {**call, **run}, some(CALL_LIMITS, 3), some(RUN_LIMITS, 3))
outcomes = st.one_of(
    st.just({"deny": "No."}),
    st.fixed_dictionaries(
        {"limit": st.tuples(some(CALL_LIMITS, 3), some(RUN_LIMITS, 3)).map(lambda p: {**p[0], **p[1]})}
    ),
    st.fixed_dictionaries({"approve": st.lists(counted, min_size=1, max_size=2)}),
    st.fixed_dictionaries({"limit": some(CALL_LIMITS, 2), "approve": st.lists(counted, min_size=1, max_size=2)}),
)


@st.composite
def rule_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    drawn = draw(st.lists(st.tuples(matches_, st.none() | st.sampled_from(sorted(CONDITIONS)), outcomes), max_size=20))
    return [_rule(n, *parts) for n, parts in enumerate(drawn)]


def _rule(number: int, match: dict[str, Any], when: str | None, outcome: dict[str, Any]) -> dict[str, Any]:
    """As a file could hold it: a rule about calls bounds no run, and a limit limits something."""
    rule = {"id": f"r{number}", **({"match": match} if match else {}), **({"when": when} if when else {}), **outcome}
    of_calls = not {"tool", "effect", "resource", "labels"}.isdisjoint(match) or "call." in (when or "")
    if "limit" in rule:
        kept = {key: value for key, value in rule["limit"].items() if not (of_calls and key in RUN_LIMITS)}
        rule["limit"] = kept or {"tier": "production"}
    return rule


def engine(listed: list[dict[str, Any]], agent: Agent) -> PolicySet:
    faults = Faults()
    text = json.dumps({"version": 1, "policies": listed})
    files = [(f"agents/{slug}.yaml", f"slug: {slug}\n{_GRANTED}") for slug in ("operator", "other")]
    policies = check.load(check.Sources(agents=files, policies=[("policies/any.yaml", text)]), faults, groups=GROUPS)
    faults.check()
    return replace(policies, agents={agent.slug: agent})


_GRANTED = "handles: [chat]\ntier: production\ntools: ['*']\n"  # these only lend their names: see `agents`


def groups_of(requester: str | None) -> tuple[str, ...]:
    """A user whom the directory does not know counts as a member of every group that only it could tell."""
    known = [name for name, members in GROUPS.items() if members and requester in members]
    hidden = [name for name, members in GROUPS.items() if members is None]
    unknown = requester is not None and requester.startswith("user:") and requester not in PEOPLE.people
    return tuple(known + (hidden if unknown else []))


def asked_of(one: Task, agent: Agent) -> Asked:
    return Asked(
        type=one.type,
        source=one.trigger.source,
        agent=agent.slug,
        repository=one.context.repository_id,
        requester=one.requester,
        groups=groups_of(one.requester),
        payload=one.payload,
        tainted=one.trust is Trust.UNTRUSTED,
    )


def called_of(one: ToolCall) -> Called:
    return Called(
        tool=one.tool,
        effect=one.effect,
        resource=one.resource,
        labels=one.labels,
        arguments=one.arguments,
        tainted=bool(one.tainted),
        tainted_selector=not set(one.tainted).isdisjoint(SPECS[one.tool].selectors),
    )


def terms(asked: tuple[Requirement, ...]) -> dict[str, tuple[int, float, float, bool]]:
    return {one.approvers.text: (one.count, one.within_s, one.use_within_s, one.break_glass) for one in asked}


tasks = st.builds(
    task,
    type_=st.sampled_from(["chat", "other"]),
    source=st.sampled_from([Source.USER, Source.ALERT]),
    requester=st.sampled_from(["user:U1", "user:U2", "user:U9", "token:ci", None]),
    repository=st.sampled_from([None, "acme/infra", "x/y"]),
    trust=st.sampled_from([Trust.PERSON, Trust.UNTRUSTED]),
    payload=st.sampled_from([{}, {"count": 4}, {"count": 2}, {"count": "x"}]),
)


def made_of(tool: str, service: str | None, resource: str | None, labels: Any, tainted: tuple[str, ...]) -> ToolCall:
    """A call whose resource is what its tool makes of the arguments, if it makes anything of them."""
    names = (*SPECS[tool].selectors, "text")
    return call(
        tool,
        arguments={"service": service} if service else {},
        resource=f"prod/{service}" if service and tool.startswith("service.") else resource,
        labels=labels,
        tainted=tuple(name for name in tainted if name in names),
    )


calls = st.builds(
    made_of,
    tool=st.sampled_from(sorted(set(SPECS) - {"forge.merge"})),
    service=st.sampled_from([None, "web"]),
    resource=st.sampled_from([None, "prod/web", "prod/api", "dev/x"]),
    labels=st.sampled_from([None, {}, {"env": "prod"}, {"env": "dev", "team": "shop"}]),
    tainted=st.sampled_from([(), ("text",), ("service", "zone", "repository", "command")]),
)
agents = st.builds(
    lambda tier, tools: replace(AGENT, tier=tier, tools=tools),
    tier=st.sampled_from([Tier.PRODUCTION, Tier.PRODUCTION, Tier.SANDBOX, Tier.RECOMMEND]),
    tools=st.sampled_from([("*",), ("*",), ("git.*", "service.*")]),
)


@settings(max_examples=200, deadline=None)
@given(rule_lists(), tasks, calls, agents)
def test_the_engine_says_what_the_contract_says(
    listed: list[dict[str, Any]], one: Task, made: ToolCall, agent: Agent
) -> None:
    policies = engine(listed, agent)
    naive = Reference(rules=listed, conditions=CONDITIONS, tier=agent.tier.label, tools=agent.tools)
    standing = (one.requester,) if one.requester else ()
    decision = policies.evaluate(one, agent, standing=standing, people=PEOPLE, catalog=CATALOG, now=NOW)
    door = naive.door(asked_of(one, agent))
    limits = decision.constraints
    assert decision.allowed is not door.denied
    assert decision.tier == door.tier
    assert terms(decision.approvals) == ({} if door.denied else door.approvals)
    assert limits.allowed_tools == tuple(name for name in CATALOG.names() if door.admits(name))
    assert (limits.requires_pr, limits.requires_validation) == _duties(door)
    held = (limits.max_iterations, limits.timeout_s, limits.deadline_s, limits.budget_usd)
    held += (limits.max_actions, limits.max_tokens)
    assert held == tuple(door.limits.get(key) for key in RUN_LIMITS)

    run = Run(run_id="r-1", task=one, agent=agent.slug, decision=decision, standing=standing)
    verdict = policies.check_call(run, made, SPECS[made.tool], people=PEOPLE, now=NOW)
    said = naive.boundary(asked_of(one, agent), called_of(made))
    match verdict:
        case Allow():
            assert said.verdict == "allow"
        case Deny():
            assert said.verdict == "deny"
        case RequireApproval(requirements=requirements):
            assert said.verdict == "require_approval"
            assert terms(requirements) == said.approvals


def _duties(answer: Answer) -> tuple[bool, bool]:
    return "requires_pr" in answer.duties, "requires_validation" in answer.duties


def test_effects_are_those_of_the_house() -> None:
    """The reference writes the ladder down itself."""
    from tests.policy.reference import LEAST_TIER, TIERS  # noqa: PLC0415

    assert tuple(tier.label for tier in Tier) == TIERS
    assert set(LEAST_TIER) == {effect.value for effect in Effect}

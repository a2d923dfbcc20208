"""agents/*.yaml: one agent a file. What it is granted is where every decision starts."""

import re
from collections.abc import Iterable, Mapping

from domain.agents import Agent, SuccessCheck
from policy.conditions.condition import condition
from policy.conditions.shapes import RESULT_ROOTS
from policy.matching import Names, ReadPattern
from policy.reading.files import Fields, by_name, choice, label, several, text
from policy.reading.nodes import Faults, Node
from policy.sources.approvers import approvers
from policy.sources.autonomy import ReadEarning, check_rungs
from policy.sources.headers import Header, Origin
from policy.sources.limits import OF_THE_RUN, TIERS, limits_of_a_run, tier_named
from policy.sources.rules import ReadRule, Rule
from policy.sources.subjects import data

RULES = "rules"
KEYS = (
    *("slug", "describe", "handles", "tier", "tools", "reasoner", "owners", "success", "fallback", "inputs"),
    *(*OF_THE_RUN, "earns", RULES),
)
_SLUG = re.compile(r"[a-z][a-z0-9-]{0,62}")
_TYPE = re.compile(r"[a-z][a-z0-9_.-]{0,62}")


def read_agents(documents: Iterable[Node | None], names: Names, faults: Faults) -> dict[str, Agent]:
    """The agents by slug."""
    found: dict[str, Agent] = {}
    for node in documents:
        agent = read_agent(node, names, faults) if node is not None else None
        if agent is None:
            continue
        if agent.slug in found:
            first = found[agent.slug]
            faults.add(
                agent.file, agent.line, 1, "slug", f'"{agent.slug}" is taken', f"first at {first.file}:{first.line}"
            )
        found[agent.slug] = agent
    return found


def read_agent(node: Node, names: Names, faults: Faults) -> Agent | None:
    """One file's agent; None where it has no slug, handles or tier."""
    fields = Fields(node, faults, *KEYS)
    slug = fields.need("slug", _word(_SLUG, "a slug", "like remediation"))
    handles = fields.need("handles", several(_word(_TYPE, "a task type", "like compliance-remediation")))
    tier = fields.need("tier", choice(*TIERS))
    tools = fields.need("tools", several(ReadPattern("tool", names.tools)))
    owners = fields.get("owners", several(approvers(names.groups, people_only=True)), ())
    at = fields.child("slug") or node
    earns = fields.get("earns", several(ReadEarning(names)), ())
    if slug is None or handles is None or tier is None or tools is None:
        return None
    check_rungs(tier_named(tier), earns, faults)
    return Agent(
        slug=slug,
        describe=fields.get("describe", text, ""),
        handles=handles,
        tier=tier_named(tier),
        tools=tools,
        runbooks=fields.get("reasoner", _reasoner, ()),
        owners=tuple(owner.text for owner in owners),
        **limits_of_a_run(fields),
        success=fields.get("success", several(_success), ()),
        fallback=fields.get("fallback", choice("escalate"), "escalate"),
        file=at.file,
        line=at.line,
        inputs=fields.get("inputs", by_name(label), {}),
        earns=earns,
    )


def read_hard_rules(
    documents: Iterable[Node | None],
    agents: Mapping[str, Agent],
    names: Names,
    taken: dict[str, str],
    faults: Faults,
) -> tuple[Rule, ...]:
    """`rules:` of every agent's file: in the grammar of policies, each about this agent only."""
    found: list[Rule] = []
    by_file = {agent.file: agent for agent in agents.values()}
    for node in documents:
        held = node.value.get(RULES) if node is not None and isinstance(node.value, Mapping) else None
        if node is not None and held is not None and node.file in by_file:
            found += several(ReadRule(names, taken, _header(by_file[node.file])))(held, faults) or ()
    return tuple(found)


def _header(agent: Agent) -> Header:
    return Header(
        origin=Origin.AGENT,
        level="agent",
        name=agent.slug,
        describe=agent.describe,
        implied=(("agent", (agent.slug,)),),
        owners=agent.owners,
        file=agent.file,
        line=agent.line,
    )


def _reasoner(node: Node, faults: Faults) -> tuple[str, ...] | None:
    return Fields(node, faults, "runbooks").get("runbooks", several(ReadPattern("runbook", None)), ())


def _success(node: Node, faults: Faults) -> SuccessCheck | None:
    fields = Fields(node, faults, "tool", "arguments", "expect", "describe")
    tool = fields.need("tool", text)
    expected = fields.need("expect", condition(RESULT_ROOTS))
    described = fields.need("describe", text)
    if tool is None or expected is None or described is None:
        return None
    arguments = fields.get("arguments", data, {})
    return SuccessCheck(tool=tool, arguments=arguments, expect=expected.text, describe=described)


def _word(form: re.Pattern[str], what: str, like: str) -> "ReadWord":
    return ReadWord(form, what, like)


class ReadWord:
    """Reads text of one form."""

    def __init__(self, form: re.Pattern[str], what: str, like: str) -> None:
        self._form, self._what, self._like = form, what, like

    def __call__(self, node: Node, faults: Faults) -> str | None:
        said = text(node, faults)
        if said is not None and not self._form.fullmatch(said):
            faults.at(node, f"{said!r} is not {self._what}", self._like)
            return None
        return said

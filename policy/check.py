"""Loads all that bears on decisions, from texts, and finds every fault there is."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from domain.decisions import Approvers
from policy.agents import read_agents
from policy.autonomy import promotion_rules
from policy.catalogue import Catalogue, read_catalogue
from policy.engine import PolicySet, policy_set
from policy.facts import Groups
from policy.matching import Names
from policy.nodes import Faults
from policy.rules import read_policies

Texts = Iterable[tuple[str, str]]  # (file, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The texts of a configuration directory that bear on decisions."""

    agents: Texts = ()
    policies: Texts = ()
    resources: tuple[str, str] | None = None


def load(
    sources: Sources,
    faults: Faults,
    *,
    groups: Groups | None = None,
    approvers: Iterable[Approvers] = (),
    tools: Collection[str] | None = None,
) -> PolicySet:
    """The policy set. What is at fault is left out, and in `faults`: use the set only if there are none."""
    agents = read_agents(sources.agents, Names(groups=groups, tools=tools), faults)
    names = Names(groups=groups, agents=agents, tools=tools)
    rules, freezes = read_policies(sources.policies, names, faults)
    resources = read_catalogue(*sources.resources, faults) if sources.resources else Catalogue()
    rules += promotion_rules(agents.values())
    return policy_set(rules, freezes=freezes, catalogue=resources, groups=groups, approvers=approvers, agents=agents)

"""Loads all that bears on decisions, from texts, and finds every fault there is."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from domain.decisions import Approvers
from policy.engine import PolicySet, policy_set
from policy.facts import Groups
from policy.matching import Names
from policy.reading.nodes import Faults, Node, read
from policy.sources.agents import read_agents, read_hard_rules
from policy.sources.autonomy import promotion_rules
from policy.sources.catalogue import Catalogue, read_catalogue
from policy.sources.rules import read_budgets, read_policies
from policy.sources.standing import read_standing

Texts = Iterable[tuple[str, str]]  # (file, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The texts of a configuration directory that bear on decisions."""

    agents: Texts = ()
    policies: Texts = ()
    resources: tuple[str, str] | None = None
    standing: Node | None = None  # of countersign.yaml
    budgets: Node | None = None  # likewise


def load(
    sources: Sources,
    faults: Faults,
    *,
    groups: Groups | None = None,
    approvers: Iterable[Approvers] = (),
    tools: Collection[str] | None = None,
) -> PolicySet:
    """The policy set. What is at fault is left out, and in `faults`: use the set only if there are none."""
    documents = [read(file, said, faults) for file, said in sources.agents]
    agents = read_agents(documents, Names(groups=groups, tools=tools), faults)
    names = Names(groups=groups, agents=agents, tools=tools)
    taken: dict[str, str] = {}
    laws = read_policies(sources.policies, names, faults, taken)
    hard = read_hard_rules(documents, agents, names, taken, faults)
    standing = read_standing(sources.standing, names, taken, faults)
    budgets = read_budgets(sources.budgets, names, taken, faults)
    resources = read_catalogue(*sources.resources, faults) if sources.resources else Catalogue()
    return policy_set(
        (*laws.rules, *hard, *standing, *promotion_rules(agents.values())),
        freezes=laws.freezes,
        budgets=(*laws.budgets, *budgets),
        headers=laws.headers,
        catalogue=resources,
        groups=groups,
        approvers=approvers,
        agents=agents,
    )

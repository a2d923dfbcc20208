"""All that the organization has laid down, in one frozen value: rules, freezes, catalogue, who is in which group."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from domain.agents import Agent
from domain.canonical import digest
from domain.decisions import Approvers, Reason
from domain.organization import Earned
from policy.bundles import Bundle, bundled
from policy.conditions.condition import ConditionFailed
from policy.facts import Membership, Situation
from policy.index import Index
from policy.lattice import Bounds
from policy.sources.autonomy import canonical_agent, start_of
from policy.sources.budgets import Budget
from policy.sources.catalogue import Catalogue
from policy.sources.freezes import Freeze
from policy.sources.headers import Header
from policy.sources.limits import grant
from policy.sources.rules import Rule, denial


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """The rules, ready to be asked. Make one with `policy.engine.policy_set`."""

    rules: tuple[Rule, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    declared: tuple[Freeze, ...] = ()  # by people, beside the files
    budgets: Mapping[str, Budget] = field(default_factory=dict)  # by id
    headers: tuple[Header, ...] = ()  # of the files of rules: frameworks, conventions of repositories
    earned: Mapping[str, Earned] = field(default_factory=dict)  # by agent
    catalogue: Catalogue = field(default_factory=Catalogue)
    groups: Membership = field(default_factory=Membership)
    approvers: tuple[Approvers, ...] = ()
    agents: Mapping[str, Agent] = field(default_factory=dict)
    hash: str = ""
    at_door: Index[Rule] = field(default_factory=lambda: Index[Rule](()), repr=False)
    at_boundary: Index[Rule] = field(default_factory=lambda: Index[Rule](()), repr=False)
    by_id: Mapping[str, Rule] = field(default_factory=dict, repr=False)
    _bundles: list[Bundle] = field(default_factory=list, init=False, repr=False, compare=False)
    _starts: dict[str, tuple[Agent, Bounds]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def start(self, agent: Agent) -> Bounds:
        """What the agent is granted: by its file, and by what it has earned."""
        kept = self._starts.get(agent.slug)
        if kept is None or kept[0] is not agent:
            kept = self._starts[agent.slug] = (agent, grant(agent, *start_of(agent, self.earned.get(agent.slug))))
        return kept[1]

    def bundles(self) -> Sequence[Bundle]:
        """The rules by the tasks that they can concern; made when somebody first asks."""
        if not self._bundles:
            self._bundles.extend(bundled(self.rules))
        return self._bundles

    def door(self, situation: Situation) -> list[Bounds]:
        """What each rule about tasks says that matches."""
        return [said(rule, situation) for rule in self.at_door.matching(situation.facts)]

    def boundary(self, situation: Situation) -> list[Bounds]:
        """What each rule about calls says that matches, and each freeze that stops them."""
        rules = [said(rule, situation) for rule in self.at_boundary.matching(situation.facts)]
        return rules + [
            denial(one.reason(situation.now)) for one in (*self.freezes, *self.declared) if one.stops(situation)
        ]

    def contents(self, policies: Iterable[str]) -> list[str]:
        """What these rules say, as digests; the ids themselves for what is built in, or gone."""
        return sorted(self.by_id[name].contents if name in self.by_id else name for name in set(policies))

    def excepted(self, reasons: Iterable[Reason]) -> tuple[str, ...]:
        """Whom the freezes among these reasons spare: they can help."""
        named = {reason.policy for reason in reasons}
        return tuple(who for freeze in (*self.freezes, *self.declared) if freeze.id in named for who in freeze.excepted)


def said(rule: Rule, situation: Situation) -> Bounds:
    """What a rule that matches adds. One whose condition cannot be evaluated denies."""
    if rule.when is None:
        return rule.bounds
    try:
        return rule.bounds if situation.holds(rule.when) else Bounds()
    except ConditionFailed as failed:
        return rule.failed(str(failed))
    except Exception as error:  # whatever else breaks in a rule: doubt denies, and the reason records it
        return rule.failed(f"{type(error).__name__}: {error}")


def hash_of(
    rules: Iterable[Rule],
    freezes: Iterable[Freeze],
    catalogue: Catalogue,
    approvers: Iterable[Approvers],
    agents: Iterable[Agent] = (),
    budgets: Iterable[Budget] = (),
) -> str:
    """Names this version of the rules, whatever order and files they are in."""
    return digest(
        {
            "rules": sorted(rule.contents for rule in rules),
            "freezes": sorted(digest(freeze.canonical) for freeze in freezes),
            "resources": {entry.pattern: dict(entry.labels) for entry in catalogue.entries},
            "approvers": sorted(one.text for one in approvers),
            "agents": sorted(digest(canonical_agent(agent)) for agent in agents),
            "budgets": sorted(digest(budget.canonical) for budget in budgets),
        }
    )


def place(reason: Reason) -> str:
    """`no-direct-production, policies/org.yaml:12`; of a framework, `encrypted, soc2 CC6.1, policies/soc2.yaml:4`."""
    named = f"{reason.policy}, {reason.control}" if reason.control else reason.policy
    return f"{named}, {reason.file}:{reason.line}" if reason.line else named

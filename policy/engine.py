"""The policy plane as others ask it: one frozen value with the door, the boundary and the catalogue as its methods."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.agents import Agent
from domain.calls import Observation, ToolCall, ToolSpec
from domain.canonical import Json
from domain.decisions import Approvers, PolicyDecision, Verdict
from domain.organization import Organization
from domain.people import Snapshot
from domain.runs import Run
from domain.tasks import Principal, Task
from policy import boundary, door, results
from policy.catalogue import Catalogue
from policy.facts import Groups, Membership
from policy.freezes import Freeze, declared_freeze
from policy.headers import Header
from policy.index import Index
from policy.rules import Rule
from policy.ruleset import RuleSet, hash_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySet(RuleSet):
    """Implements `loop.rulebook.Rules`. Pure: the same questions get the same answers."""

    def under(self, organization: Organization) -> "PolicySet":
        """The same rules, narrowed by the freezes that people have declared, over what agents have earned."""
        declared = tuple(declared_freeze(one) for _, one in sorted(organization.freezes.items()))
        if (declared, organization.earned) == (self.declared, self.earned):
            return self
        return replace(self, declared=declared, earned=organization.earned)

    def evaluate(
        self,
        task: Task,
        agent: Agent | None,
        *,
        standing: Sequence[Principal],
        people: Snapshot,
        catalog: door.Tools,
        now: datetime,
    ) -> PolicyDecision:
        """The door: `standing` are the requester and every redirector; each one's standing narrows."""
        return door.evaluate(self, task, agent, standing=standing, people=people, catalog=catalog, now=now)

    def check_call(
        self, run: Run, call: ToolCall, spec: ToolSpec | None, *, people: Snapshot, now: datetime
    ) -> Verdict:
        """The boundary, for what a reasoner proposes."""
        return boundary.check_call(self, run, call, spec, people=people, now=now)

    def check_offer(
        self, run: Run, call: ToolCall, spec: ToolSpec | None, *, people: Snapshot, now: datetime
    ) -> Verdict:
        """The boundary, for what only a person's click makes."""
        return boundary.check_offer(self, run, call, spec, people=people, now=now)

    def check_result(self, spec: ToolSpec | None, call: ToolCall, observation: Observation) -> results.ResultCheck:
        """The boundary, for what came back."""
        return results.check_result(spec, call, observation)

    def locate(self, spec: ToolSpec, arguments: Mapping[str, Json]) -> tuple[str | None, Mapping[str, str] | None]:
        """The call's resource and labels; None is unknown."""
        return self.catalogue.locate(spec, arguments)


def policy_set(
    rules: Iterable[Rule] = (),
    *,
    freezes: Iterable[Freeze] = (),
    headers: Iterable[Header] = (),
    catalogue: Catalogue | None = None,
    groups: Groups | None = None,
    approvers: Iterable[Approvers] = (),
    agents: Mapping[str, Agent] | None = None,
) -> PolicySet:
    """The rules, indexed and named by their hash."""
    listed, frozen, peers = tuple(rules), tuple(freezes), tuple(approvers)
    resources = catalogue or Catalogue()
    return PolicySet(
        rules=listed,
        freezes=frozen,
        headers=tuple(headers),
        catalogue=resources,
        groups=Membership.of(groups or {}),
        approvers=peers,
        agents=agents or {},
        hash=hash_of(listed, frozen, resources, peers, (agents or {}).values()),
        at_door=Index([rule for rule in listed if not rule.at_boundary]),
        at_boundary=Index([rule for rule in listed if rule.at_boundary]),
        by_id={rule.id: rule for rule in listed},
    )

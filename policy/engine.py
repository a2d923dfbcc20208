"""The policy plane as others ask it: one frozen value with the door, the boundary and the catalogue as its methods."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.agents import Agent
from domain.budgets import UNKNOWN, Balance, Draw, Spending
from domain.calls import Observation, ToolCall, ToolSpec
from domain.canonical import Json
from domain.decisions import Approvers, Deny, PolicyDecision, Reason, Remedy, Verdict
from domain.freezes import Frozen, Target, Unclear
from domain.organization import Organization
from domain.people import Snapshot
from domain.runs import CallRecord, Run
from domain.tasks import Principal, Task
from policy import boundary, door, drawing, results
from policy.explaining.digest import InWords, in_words
from policy.explaining.explain import Tools
from policy.explaining.remedies import remedies_of_run
from policy.facts import Groups, Membership
from policy.index import Index
from policy.ruleset import RuleSet, hash_of
from policy.sources.budgets import Budget, budget_of, objections
from policy.sources.catalogue import Catalogue
from policy.sources.freezes import Freeze, declared_freeze, in_force
from policy.sources.headers import Header
from policy.sources.rules import Rule
from policy.sources.targets import find


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
        run_id: str = "",
        spending: Spending = UNKNOWN,
    ) -> PolicyDecision:
        """The door: `standing` are the requester and every redirector; each one's standing narrows."""
        return door.evaluate(
            self,
            task,
            agent,
            standing=standing,
            people=people,
            catalog=catalog,
            now=now,
            run_id=run_id,
            spending=spending,
        )

    def check_call(
        self,
        run: Run,
        call: ToolCall,
        spec: ToolSpec | None,
        *,
        people: Snapshot,
        now: datetime,
        spending: Spending = UNKNOWN,
    ) -> Verdict:
        """The boundary, for what a reasoner proposes."""
        return boundary.check_call(self, run, call, spec, people=people, now=now, spending=spending)

    def check_offer(
        self,
        run: Run,
        call: ToolCall,
        spec: ToolSpec | None,
        *,
        people: Snapshot,
        now: datetime,
        spending: Spending = UNKNOWN,
    ) -> Verdict:
        """The boundary, for what only a person's click makes."""
        return boundary.check_offer(self, run, call, spec, people=people, now=now, spending=spending)

    def draws(
        self, run: Run, calls: Sequence[tuple[ToolCall, ToolSpec | None]] = (), *, people: Snapshot, now: datetime
    ) -> tuple[Draw, ...]:
        """What judging these calls of the run has to know the accounts of; without calls, the run itself."""
        if not self.budgets:
            return ()
        if calls:
            seen = [boundary.seen(self, call, spec) for call, spec in calls if spec is not None]
            each = [draw for view in seen for draw in drawing.call_draws(self, run, view, people=people, now=now)]
            return tuple(dict.fromkeys(each))
        agent = self.agents.get(run.agent)
        return drawing.run_draws(
            self, run.received, agent, run_id=run.run_id, standing=run.standing, people=people, now=now
        )

    def exhausted(self, draws: Sequence[Draw], spending: Spending, now: datetime) -> tuple[Reason, ...]:
        """Why nothing may be drawn from these accounts now."""
        return tuple(objections(self.budgets, draws, spending, now))

    def balances(self, draws: Sequence[Draw], spending: Spending, now: datetime) -> tuple[Balance, ...]:
        """What is used of these accounts; those of which nobody can tell are left out."""
        each = [(draw, self.budgets[budget_of(draw.account)], spending.of(draw.account)) for draw in draws]
        return tuple(budget.balance(draw, spent, now) for draw, budget, spent in each if spent is not None)

    def drawn_on(self, accounts: Iterable[str], now: datetime) -> tuple[Draw, ...]:
        """These accounts, as the budgets of today count them; those of budgets that are gone are left out."""
        named = [(self.budgets.get(budget_of(account)), account) for account in accounts]
        return tuple(budget.draw_on(account, now) for budget, account in named if budget is not None)

    def frozen_by(self, verdict: Verdict) -> tuple[Reason, ...]:
        """Which of the reasons of a denial are freezes."""
        if not isinstance(verdict, Deny):
            return ()
        known = {(one.id, one.file, one.line) for one in (*self.freezes, *self.declared)}
        return tuple(one for one in verdict.reasons if (one.policy, one.file, one.line) in known)

    def holding(self, now: datetime) -> frozenset[str]:
        """The ids of the freezes that hold."""
        return frozenset(one.id for one in (*self.declared, *self.freezes) if one.holds(now))

    def frozen(self, now: datetime) -> tuple[Frozen, ...]:
        """Every freeze that holds or will hold again, the first to begin or end first."""
        return in_force((*self.declared, *self.freezes), now)

    def find(self, said: str) -> Target | Unclear:
        """What a person's words mean of all that can be frozen."""
        return find(said, self.catalogue)

    def check_result(self, spec: ToolSpec | None, call: ToolCall, observation: Observation) -> results.ResultCheck:
        """The boundary, for what came back."""
        return results.check_result(spec, call, observation)

    def in_words(
        self, task: Task, agent: str, decision: PolicyDecision, *, standing: Sequence[Principal], people: Snapshot
    ) -> InWords:
        """What bounds a run of `task` by this agent under `decision`, for its reasoner and for people."""
        routed = replace(task, context=replace(task.context, agent_slug=agent or task.context.agent_slug))
        return in_words(self, routed, decision, standing=standing, people=people)

    def remedies_of(
        self, run: Run, record: CallRecord | None, *, people: Snapshot, catalog: Tools, now: datetime
    ) -> tuple[Remedy, ...]:
        """Ways to another answer about a run that was denied (no record), or about a denied call of it."""
        return remedies_of_run(self, run, record, people=people, catalog=catalog, now=now)

    def locate(self, spec: ToolSpec, arguments: Mapping[str, Json]) -> tuple[str | None, Mapping[str, str] | None]:
        """The call's resource and labels; None is unknown."""
        return self.catalogue.locate(spec, arguments)


def policy_set(
    rules: Iterable[Rule] = (),
    *,
    freezes: Iterable[Freeze] = (),
    budgets: Iterable[Budget] = (),
    headers: Iterable[Header] = (),
    catalogue: Catalogue | None = None,
    groups: Groups | None = None,
    approvers: Iterable[Approvers] = (),
    agents: Mapping[str, Agent] | None = None,
) -> PolicySet:
    """The rules, indexed and named by their hash."""
    listed, frozen, counted, peers = tuple(rules), tuple(freezes), tuple(budgets), tuple(approvers)
    resources = catalogue or Catalogue()
    return PolicySet(
        rules=listed,
        freezes=frozen,
        budgets={budget.id: budget for budget in counted},
        headers=tuple(headers),
        catalogue=resources,
        groups=Membership.of(groups or {}),
        approvers=peers,
        agents=agents or {},
        hash=hash_of(listed, frozen, resources, peers, (agents or {}).values(), counted),
        at_door=Index([rule for rule in listed if not rule.at_boundary]),
        at_boundary=Index([rule for rule in listed if rule.at_boundary]),
        by_id={rule.id: rule for rule in listed},
    )

"""The organization's word, as the controller needs it: agents, rules, and who is who by configuration."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from changes.votes import Electorate
from domain.agents import Agent
from domain.budgets import UNKNOWN, Balance, Draw, Spending
from domain.calls import Observation, ToolCall, ToolSpec
from domain.canonical import Json
from domain.decisions import Approvers, PolicyDecision, Reason, Remedy, Verdict
from domain.freezes import Frozen, Target, Unclear
from domain.organization import Organization
from domain.people import Snapshot
from domain.runs import CallRecord, Run
from domain.tasks import Principal, Task
from loop.ports import Catalog


class ResultCheck(Protocol):
    """What the boundary says about a result."""

    @property
    def met(self) -> bool | None:
        """Whether the call's expectation holds; None where it had none."""
        ...

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the result itself."""
        ...


class InWords(Protocol):
    """The rules in words, and the hash that names them."""

    @property
    def text(self) -> str:
        """As a prompt takes it."""
        ...

    @property
    def hash(self) -> str:
        """Of all that bounds the run."""
        ...


class Rules(Protocol):
    """The policy plane: the door, the boundary, and where things are."""

    @property
    def hash(self) -> str:
        """Names this version of the rules."""
        ...

    def under(self, organization: Organization) -> "Rules":
        """The same rules, narrowed by what people have declared: freezes."""
        ...

    def evaluate(
        self,
        task: Task,
        agent: Agent,
        *,
        standing: Sequence[Principal],
        people: Snapshot,
        catalog: Catalog,
        now: datetime,
        run_id: str = "",
        spending: Spending = UNKNOWN,
    ) -> PolicyDecision:
        """The door. `spending` is what was drawn from the accounts that `draws` names."""
        ...

    def draws(
        self, run: Run, calls: Sequence[tuple[ToolCall, ToolSpec | None]] = (), *, people: Snapshot, now: datetime
    ) -> tuple[Draw, ...]:
        """The accounts of budgets that judging these calls needs to know; without calls, those of the run itself."""
        ...

    def drawn_on(self, accounts: Sequence[str], now: datetime) -> tuple[Draw, ...]:
        """These accounts, as the budgets of today count them; those of budgets that are gone are left out."""
        ...

    def balances(self, draws: Sequence[Draw], spending: Spending, now: datetime) -> tuple[Balance, ...]:
        """What is used of these accounts."""
        ...

    def exhausted(self, draws: Sequence[Draw], spending: Spending, now: datetime) -> tuple[Reason, ...]:
        """Why nothing may be drawn from these accounts now."""
        ...

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
        ...

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
        ...

    def frozen_by(self, verdict: Verdict) -> tuple[Reason, ...]:
        """Which of the reasons of a denial are freezes; () where something else, or nothing, denies."""
        ...

    def holding(self, now: datetime) -> frozenset[str]:
        """The ids of the freezes that hold."""
        ...

    def frozen(self, now: datetime) -> tuple[Frozen, ...]:
        """Every freeze that holds or will hold again: those of the files, and those that people have declared."""
        ...

    def find(self, said: str) -> Target | Unclear:
        """What a person's words mean of all that can be frozen."""
        ...

    def check_result(self, spec: ToolSpec | None, call: ToolCall, observation: Observation) -> ResultCheck:
        """The boundary, for what came back."""
        ...

    def in_words(
        self, task: Task, agent: str, decision: PolicyDecision, *, standing: Sequence[Principal], people: Snapshot
    ) -> InWords:
        """What bounds a run of `task` by this agent under `decision`, in words."""
        ...

    def remedies_of(
        self, run: Run, record: CallRecord | None, *, people: Snapshot, catalog: Catalog, now: datetime
    ) -> tuple[Remedy, ...]:
        """Ways to another answer about a run that was denied (no record), or about a denied call of it."""
        ...

    def locate(self, spec: ToolSpec, arguments: Mapping[str, Json]) -> tuple[str | None, Mapping[str, str] | None]:
        """The call's resource and its labels; None is unknown."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """One consistent version of everything the organization has laid down."""

    organization: str
    rules: Rules
    agents: Mapping[str, Agent]
    catalog: Catalog
    approvers: tuple[Approvers, ...] = ()
    admins: tuple[Approvers, ...] = ()
    auditors: tuple[Approvers, ...] = ()
    organization_seq: int = 0  # how far the organization's stream was read; starts are refused once it has moved on

    def includes(self, who: Principal, these: Iterable[Approvers], people: Snapshot) -> bool:
        """Whether this person is one of these, by the directory; whatever they asked for themselves."""
        voters = Electorate(people=people, peers=self.approvers, requester=None, excluded=())
        return any(voters.eligible(who, one) for one in these)

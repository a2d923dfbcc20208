"""A run is a fold of its events. `evolve` is the only thing that changes one.

The law: a run has one status, and moves only along `TRANSITIONS`. Everything that may be true *beside* a status
(paused, stopping, a redirect that waits for an action to end) is a flag, so that pausing keeps a pending approval and
stopping never loses the result of an action that has started. Each call has a status of its own; the run's status is
that of its current group: a maximal run of adjacent READs, or one call above READ.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.approvals import ApprovalEnd, ApprovalRequest, Vote
from domain.budgets import Draw
from domain.calls import Observation, ToolCall
from domain.decisions import Deny, PolicyDecision
from domain.outcomes import Outcome
from domain.tasks import Principal, Task
from domain.tiers import Effect


class Status(StrEnum):
    """Where a run stands."""

    NEW = "new"
    DECIDING = "deciding"
    REASONING = "reasoning"
    PROPOSED = "proposed"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    ACTING = "acting"
    WAITING = "waiting"
    AWAITING_ANSWER = "awaiting_answer"
    IN_DOUBT = "in_doubt"
    FINISHED = "finished"


_S = Status
TRANSITIONS: dict[Status, frozenset[Status]] = {
    _S.NEW: frozenset({_S.DECIDING}),
    _S.DECIDING: frozenset({_S.REASONING}),
    _S.REASONING: frozenset({_S.PROPOSED, _S.WAITING, _S.AWAITING_ANSWER}),
    _S.PROPOSED: frozenset({_S.APPROVED, _S.AWAITING_APPROVAL, _S.REASONING}),
    _S.AWAITING_APPROVAL: frozenset({_S.APPROVED, _S.PROPOSED, _S.REASONING}),
    _S.APPROVED: frozenset({_S.ACTING, _S.PROPOSED, _S.REASONING}),
    _S.ACTING: frozenset({_S.PROPOSED, _S.REASONING, _S.IN_DOUBT}),
    _S.WAITING: frozenset({_S.REASONING}),
    _S.AWAITING_ANSWER: frozenset({_S.REASONING, _S.ACTING, _S.IN_DOUBT}),
    _S.IN_DOUBT: frozenset({_S.ACTING, _S.REASONING, _S.AWAITING_ANSWER}),
    _S.FINISHED: frozenset(),
}
# Every state that is not final may also end, and be redirected to the door while no action is in flight.
FROM_ANYWHERE = frozenset({_S.FINISHED, _S.DECIDING})

# `timeout` counts the time spent in these, unless paused.
WORKING = frozenset({_S.DECIDING, _S.REASONING, _S.PROPOSED, _S.APPROVED, _S.ACTING})


class CallStatus(StrEnum):
    """Where one call of a batch stands."""

    PROPOSED = "proposed"
    AWAITING = "awaiting"
    ALLOWED = "allowed"
    ACTING = "acting"
    IN_DOUBT = "in_doubt"
    RETURNED = "returned"
    DENIED = "denied"
    DROPPED = "dropped"


OVER = frozenset({CallStatus.RETURNED, CallStatus.DENIED, CallStatus.DROPPED})


@dataclass(frozen=True, kw_only=True)  # no slots: see domain.change
class CallRecord:
    """A call and all that happened to it."""

    call: ToolCall
    status: CallStatus = CallStatus.PROPOSED
    denial: Deny | None = None
    request: ApprovalRequest | None = None
    votes: tuple[Vote, ...] = ()
    use_until: datetime | None = None  # set while granted and not started
    approval_end: ApprovalEnd | None = None
    note: str = ""  # why it was dropped, closed or is in doubt
    frozen: str = ""  # why approving it now would not start it
    epoch: int = 0
    attempt: int = 0
    key: str = ""
    digest: str = ""
    remedy: str = ""  # of a doubt: check | repeat | ask
    observation: Observation | None = None
    met: bool | None = None
    problems: tuple[str, ...] = ()
    turn: int = 0  # the reasoner's answer that proposed it, counted from 1

    @property
    def good(self) -> bool:
        """Returned, sound, and as predicted where something was predicted."""
        returned = self.observation is not None and self.observation.ok
        return returned and self.met is not False and not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What a run waited for; `what` is None while it still does."""

    topic: str
    why: str
    until: datetime
    step: str | None = None
    what: str | None = None
    turn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What people were asked; `answer` is None while it is open. `about` names a call in doubt."""

    question: str
    options: tuple[str, ...] = ()
    about: str | None = None
    step: str | None = None
    answer: str | None = None
    by: Principal | None = None
    turn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a person said to the run."""

    by: Principal
    text: str
    turn: int = 0  # how many answers the reasoner had given by then
    tainted: bool = False  # its words come from outside the organization


@dataclass(frozen=True, kw_only=True)  # no slots: see domain.change
class Run:
    """The state of one run: what its events add up to. `seq` is the number of the last event folded in."""

    run_id: str
    seq: int = 0
    status: Status = Status.NEW
    task: Task | None = None
    agent: str = ""
    decision: PolicyDecision | None = None
    draws: tuple[Draw, ...] = ()  # the accounts of its costs, kept while a redirect revokes the decision
    batch: tuple[CallRecord, ...] = ()  # the proposal being worked on
    past: tuple[CallRecord, ...] = ()  # the calls of earlier proposals, oldest first
    offer: CallRecord | None = None  # a call that only a person may make, while waiting
    waits: tuple[Wait, ...] = ()
    questions: tuple[Question, ...] = ()
    messages: tuple[Message, ...] = ()
    excluded: tuple[
        Principal, ...
    ] = ()  # who never counts as approver of what follows: requester, redirectors, answerers
    standing: tuple[Principal, ...] = ()  # whose standing bounds the decision: requester and redirectors
    iterations: int = 0
    goal_turn: int = 0  # the iterations when the present goal was set; what earlier turns did served another
    calls_made: int = 0  # the next call's id follows from it
    failures: int = 0  # of the reasoner, in a row
    cost_usd: float = 0.0
    tokens: int = 0
    paused: bool = False
    held_by: Principal | None = None  # who took over
    stopping: str | None = None  # who asked, and why
    redirect: "Redirect | None" = None  # waits until no action is in flight
    limit: str | None = None  # which limit was reached
    conclusion: str | None = None  # the summary whose success checks are running
    ending: "Ending | None" = None  # how the reasoner wants to end
    outcome: Outcome | None = None
    summary: str = ""
    rationale: str = ""
    working_s: float = 0.0
    created_at: datetime | None = None
    updated_at: datetime | None = None
    posted: dict[str, tuple[str, str]] = field(default_factory=dict)  # outbox receipts: key -> (channel, ts)
    linked: str | None = None
    refusals: frozenset[tuple[str, str, str]] = frozenset()  # (approval, who, why): each is recorded once
    joined: tuple[str, ...] = ()  # occurrences of other tasks that this run took in

    @property
    def received(self) -> Task:
        """The task; a run without one does not exist outside its first fold."""
        if self.task is None:
            raise ValueError(f"run {self.run_id} has no task yet: its log is empty")
        return self.task

    @property
    def flags(self) -> tuple[str, ...]:
        """What is true beside the status, for people and the API."""
        held = {
            "paused": self.paused,
            "taken_over": self.held_by,
            "stopping": self.stopping,
            "redirected": self.redirect,
        }
        return tuple(name for name, value in held.items() if value)

    @property
    def records(self) -> tuple[CallRecord, ...]:
        """Every call of the run, oldest first, the offer last."""
        return self.past + self.batch + ((self.offer,) if self.offer else ())

    @property
    def live(self) -> tuple[CallRecord, ...]:
        """The calls that are not over: those of the batch, and the offer. What is past has ended."""
        return self.batch if self.offer is None else (*self.batch, self.offer)

    def record(self, call_id: str) -> CallRecord:
        """The call's record. Raises KeyError."""
        for records in (self.live, reversed(self.past)):
            for record in records:
                if record.call.call_id == call_id:
                    return record
        raise KeyError(f"run {self.run_id} has no call {call_id}")

    def approval(self, approval_id: str) -> CallRecord | None:
        """The call that this approval is, or was, about."""
        return next((r for r in self.records if r.request and r.request.approval_id == approval_id), None)

    @property
    def group(self) -> tuple[CallRecord, ...]:
        """The calls whose turn it is: adjacent READs together, anything above alone."""
        left = [record for record in self.batch if record.status not in OVER]
        if len(left) < 2 or left[0].call.effect is not Effect.READ:
            return tuple(left[:1])
        count = next((i for i, record in enumerate(left) if record.call.effect is not Effect.READ), len(left))
        return tuple(left[:count])

    @property
    def actions(self) -> int:
        """How many calls above READ have started."""
        return sum(1 for r in self.records if r.attempt and r.call.effect is not Effect.READ)

    @property
    def in_flight(self) -> tuple[CallRecord, ...]:
        """Calls that have started and not come back."""
        return tuple([r for r in self.live if r.status is CallStatus.ACTING])

    @property
    def in_doubt(self) -> tuple[CallRecord, ...]:
        """Calls of which nobody knows whether they happened."""
        return tuple([r for r in self.live if r.status is CallStatus.IN_DOUBT])

    @property
    def waiting_for(self) -> Wait | None:
        """The open wait."""
        return self.waits[-1] if self.waits and self.waits[-1].what is None else None

    @property
    def open_question(self) -> Question | None:
        """The open question."""
        return self.questions[-1] if self.questions and self.questions[-1].answer is None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """A new goal that waits for the action in flight."""

    by: Principal
    task: Task
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the reasoner wants the run to end."""

    outcome: Outcome
    summary: str

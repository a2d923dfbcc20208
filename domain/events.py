"""The facts. Everything that happened to a run is one of these, in order; everything else is computed from them.

*Answers* are what the controller or a worker did because `next_step` asked for it. *Arrivals* may come at any moment:
people, deadlines, notices, late reports. *Consequences* are recorded in the same append as the event that causes them.
A new event class must be added to `Event`, to `evolve`, and to one of the three tables below; a machine checks it.
"""

from dataclasses import dataclass
from datetime import datetime

from domain.approvals import ApprovalEnd, ApprovalRequest, Vote
from domain.budgets import Draw
from domain.calls import Doubt, Observation, ToolCall
from domain.decisions import Deny, PolicyDecision, Reason
from domain.outcomes import Outcome
from domain.tasks import Principal, Task
from domain.tiers import Tier

# ── Arrivals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReceived:
    """A door accepted a task; the run begins. `agent` is the slug that routing chose.

    `body` is the digest of the task as it came, before routing filled anything in: the same occurrence has the same.
    """

    task: Task
    agent: str
    body: str = ""
    linked: str | None = None  # the finished run with the same correlation
    shaped_by: tuple[Principal, ...] = ()  # of a retry: whose words these are besides the requester's


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSpoke:
    """Somebody said something to the run; the reasoner hears it at its next turn.

    `occurrence` is the key of a task that joined this run, so that its redelivery is known; `tainted`: its words come
    from outside the organization.
    """

    by: Principal
    text: str
    occurrence: str | None = None
    tainted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Nothing new starts until `Resumed`. What is under way ends; approvals stay open."""

    by: Principal
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The pause, or the takeover, is over."""

    by: Principal
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """A person does it by hand; the run stands still until it is handed back."""

    by: Principal
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirected:
    """A new goal: the decision is revoked, proposals are dropped, the door is asked again."""

    by: Principal
    task: Task
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequested:
    """Finish as soon as no action is under way."""

    by: Principal
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A person answered the open question."""

    by: Principal
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteCast:
    """A vote that counts: checked against the rule at click time."""

    vote: Vote


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteRefused:
    """A click that does not count, and why. Changes nothing; kept because somebody tried."""

    approval_id: str
    by: Principal
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineReached:
    """A time limit passed. `kind`: approval | use | wait | timeout | deadline."""

    kind: str
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFrozen:
    """What people are asked about is frozen now: their approval would not start it. `text` says why and until when."""

    approval_id: str
    text: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallThawed:
    """What people are asked about is not frozen any more: they may go on."""

    approval_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassBroken:
    """One person has satisfied a requirement alone. `told` must hear of it, besides whoever can see it."""

    approval_id: str
    by: Principal
    why: str
    told: tuple[Principal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """What the run waited for has happened."""

    topic: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionReturned:
    """A started call came back. `met` is set where the call carried an expectation; `problems` by the boundary."""

    call_id: str
    observation: Observation
    met: bool | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionInDoubt:
    """Whether a started call had its effect is unknown. `remedy` follows from the tool: check | repeat | ask."""

    call_id: str
    why: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """The outbox delivered something of this run: the receipt that keeps a rebuild from posting it again."""

    key: str
    channel: str
    ts: str


# ── Answers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDecided:
    """The door's answer."""

    decision: PolicyDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a turn of reasoning cost."""

    usd: float = 0.0
    tokens: int = 0


FREE = Cost()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsProposed:
    """The reasoner proposes an ordered batch. With `conclusion` it holds the success checks of a finished job."""

    calls: tuple[ToolCall, ...]
    rationale: str = ""
    by: str = ""  # the reasoner: `runbook:restart-service`
    conclusion: str | None = None
    cost: Cost = FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAsked:
    """The reasoner asks people."""

    question: str
    options: tuple[str, ...] = ()
    step: str | None = None
    cost: Cost = FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitStarted:
    """The run waits for `topic` until a moment. `offer` is a call that only a person may make meanwhile (a merge)."""

    topic: str
    why: str
    until: datetime
    offer: ToolCall | None = None
    step: str | None = None
    cost: Cost = FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningFailed:
    """The reasoner itself broke; the text says how."""

    why: str
    retry: bool = False
    cost: Cost = FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalDropped:
    """An answer came for a run that had moved on. Its cost still counts."""

    why: str
    cost: Cost = FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp:
    """The reasoner cannot go on; the run ends with what is known."""

    why: str
    outcome: Outcome = Outcome.ESCALATED
    cost: Cost = FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetExhausted:
    """Nothing is left of a budget that the run uses up: the reasoner is not asked again."""

    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """The reasoner says the job is done and nothing is left to check."""

    summary: str
    outcome: Outcome = Outcome.SUCCEEDED
    by: str = ""
    cost: Cost = FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAllowed:
    """The boundary lets the call run."""

    call_id: str
    reasons: tuple[Reason, ...] = ()
    policy_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDenied:
    """The boundary refuses; the reasoner is told why."""

    call_id: str
    verdict: Deny


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested:
    """The boundary asks people; the run parks."""

    request: ApprovalRequest
    reasons: tuple[Reason, ...] = ()
    policy_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionStarted:
    """Recorded before the effect: from here on it counts as having perhaps happened. Consumes the approval."""

    call_id: str
    epoch: int
    key: str  # the idempotency key; the same for every attempt
    digest: str
    attempt: int = 1
    approval_id: str | None = None
    policy_hash: str = ""
    draws: tuple[Draw, ...] = ()  # one action each; nothing where the same call is attempted again


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtResolved:
    """Somebody or something knows whether the effect happened. `by` is a tool's check or a person."""

    call_id: str
    finding: Doubt
    by: str
    observation: Observation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The end."""

    outcome: Outcome
    summary: str
    help: tuple[str, ...] = ()


# ── Consequences ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalGranted:
    """Every requirement is met. The start must follow before `use_until`."""

    approval_id: str
    use_until: datetime
    voters: tuple[Principal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalClosed:
    """The request ended otherwise."""

    approval_id: str
    end: ApprovalEnd
    why: str
    by: Principal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsDropped:
    """The rest of the batch will not be done."""

    call_ids: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtPutToPerson:
    """Nothing can tell whether the effect happened, and repeating it is not safe: a person says."""

    call_id: str
    question: str
    options: tuple[str, ...]


# ── The organization's own stream ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceStarted:
    """A process took the instance lock. `boot` grows by one each time; epochs begin with it. Says what it runs on."""

    boot: int
    version: str
    sandbox: str
    policy_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EverythingStopped:
    """The switch: no action starts anywhere until `EverythingResumed`."""

    by: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EverythingResumed:
    """The switch is off again."""

    by: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLoaded:
    """Another version of the rules is in force from here on; `why` says what brought it."""

    policy_hash: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeDeclared:
    """A person froze something: what fits `where` does not change until `until`."""

    id: str
    by: Principal
    until: datetime
    where: tuple[tuple[str, tuple[str, ...]], ...]  # attribute, patterns: as rules match
    why: str = ""
    zone: str = "UTC"  # in which people are told the time


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeLifted:
    """The freeze of that id is over: a person says so."""

    id: str
    by: Principal
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeEnded:
    """The freeze of that id is over: its time has come."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TierEarned:
    """People countersigned that an agent starts from a higher tier; `run_id` is the run in which they did."""

    agent: str
    tier: Tier
    run_id: str
    by: tuple[Principal, ...]
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierLost:
    """What an agent had earned is gone: by itself, after a broken prediction or a rollback, or by a person's word."""

    agent: str
    by: Principal
    why: str


Arrival = (
    TaskReceived
    | PersonSpoke
    | Paused
    | Resumed
    | TakenOver
    | Redirected
    | StopRequested
    | Answered
    | VoteCast
    | VoteRefused
    | DeadlineReached
    | Noticed
    | ActionReturned
    | ActionInDoubt
    | CallFrozen
    | CallThawed
    | Posted
)
Answer = (
    PolicyDecided
    | CallsProposed
    | QuestionAsked
    | WaitStarted
    | ReasoningFailed
    | ProposalDropped
    | GaveUp
    | BudgetExhausted
    | Concluded
    | CallAllowed
    | CallDenied
    | ApprovalRequested
    | ActionStarted
    | DoubtResolved
    | RunFinished
)
Consequence = ApprovalGranted | ApprovalClosed | GlassBroken | CallsDropped | DoubtPutToPerson
RunEvent = Arrival | Answer | Consequence
OrganizationEvent = (
    InstanceStarted
    | EverythingStopped
    | EverythingResumed
    | PolicyLoaded
    | FreezeDeclared
    | FreezeLifted
    | FreezeEnded
    | TierEarned
    | TierLost
)
Event = RunEvent | OrganizationEvent

ORGANIZATION_STREAM = "organization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event in its place. `position` orders all streams; `seq` counts from 1 within one."""

    stream: str
    seq: int
    at: datetime
    event: Event
    position: int = 0
    hash: str = ""

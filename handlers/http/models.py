"""The API's documents, as pydantic models: what comes in is held to them, what goes out is described by them."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    field_validator,
    model_validator,
)

from domain.outcomes import Outcome
from domain.runs import Status
from domain.tasks import Priority, Source
from handlers.http import names

Slug = Annotated[str, StringConstraints(pattern=names.SLUG_PATTERN)]
Key = Annotated[str, StringConstraints(pattern=names.KEY_PATTERN)]
Repository = Annotated[str, StringConstraints(pattern=names.REPOSITORY_PATTERN, max_length=200)]
PrincipalText = Annotated[str, StringConstraints(pattern=names.PRINCIPAL_PATTERN)]
Text = Annotated[str, StringConstraints(max_length=8_000)]


class Incoming(BaseModel):
    """What comes in: exact types, no keys that we do not know, and no input in its errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Outgoing(BaseModel):
    """What goes out; only the document is made from it."""

    model_config = ConfigDict(extra="forbid")


class TriggerIn(Incoming):
    """What set the task off. `source_id` names one occurrence; the same one again is the same run."""

    source_id: Key | None = None
    source: Source | None = Field(None, description="Only for tokens with `act_as`; else it is `api`.")
    timestamp: AwareDatetime | None = Field(None, description="When it happened; now, if absent.")
    correlation: Key | None = Field(None, description="The long-lived thing behind it: an open run with it is joined.")

    @field_validator("timestamp")
    @classmethod
    def _of_this_age(cls, at: datetime | None) -> datetime | None:
        if at is not None and not 1970 <= at.year <= 2200:  # within this, no zone can push it out of range
            raise ValueError("not a moment of this age")
        return at.astimezone(UTC) if at is not None else None


class ContextIn(Incoming):
    """Where the task belongs. Routing fills in what is absent."""

    organization_id: Slug | None = Field(None, description="This operator's own, if given.")
    repository_id: Repository | None = None
    agent_slug: Slug | None = None
    priority: Priority = Priority.NORMAL


class TaskIn(Incoming):
    """A task as it is posted."""

    type: Slug = Field("chat", description="The kind of work; `chat` is free text.")
    goal: Text = ""
    requester: PrincipalText | None = Field(None, description="Only for tokens with `act_as`; else the token itself.")
    trigger: TriggerIn = TriggerIn()
    context: ContextIn = ContextIn()
    payload: dict[str, JsonValue] = {}

    @model_validator(mode="after")
    def _says_something(self) -> "TaskIn":
        if self.type == "chat" and not self.goal.strip():
            raise ValueError("a task of type `chat` needs a goal")
        return self


class SignalIn(Incoming):
    """A word to a run. `redirect` and `answer` need their text."""

    signal: Literal["pause", "resume", "redirect", "answer", "stop"]
    text: Text = ""

    @model_validator(mode="after")
    def _has_its_text(self) -> "SignalIn":
        if self.signal in {"redirect", "answer"} and not self.text.strip():
            raise ValueError(f"`{self.signal}` needs a text")
        return self


class Accepted(Outgoing):
    """The task's run."""

    run_id: str
    status: Status
    url: str


class Signalled(Outgoing):
    """What the word did."""

    run_id: str
    status: Status
    text: str


class Requirement(Outgoing):
    """So many distinct people from there, voting within so long."""

    from_: str = Field(alias="from")
    count: int
    within: str
    use_within: str
    break_glass: bool
    stage: int
    policies: list[str]


class Vote(Outgoing):
    """One person's word on one request."""

    by: str
    ballot: Literal["approve", "deny", "break_glass"]
    reason: str


class Approval(Outgoing):
    """A request to countersign exactly one call."""

    approval_id: str
    call_id: str
    tool: str
    resource: str | None
    arguments: dict[str, Any]
    digest: str
    requirements: list[Requirement]
    votes: list[Vote]
    status: Literal["open", "granted", "used", "denied", "expired", "voided"]
    expires_at: datetime


class OpenApproval(Approval):
    """An approval in a listing, with its run."""

    run_id: str


class Approvals(Outgoing):
    """What waits for people, oldest first."""

    approvals: list[OpenApproval]


class Trigger(Outgoing):
    """What set the task off."""

    source: Source
    source_id: str
    timestamp: datetime
    correlation: str | None


class Context(Outgoing):
    """Where the task belongs."""

    organization_id: str
    repository_id: str | None
    agent_slug: str | None
    priority: Priority


class Task(Outgoing):
    """A task."""

    type: str
    goal: str
    requester: str | None
    trigger: Trigger
    context: Context
    payload: dict[str, Any]


class Constraints(Outgoing):
    """The effective limits of a run; null is no limit."""

    max_iterations: int | None
    timeout_s: float | None
    deadline_s: float | None
    budget_usd: float | None
    max_actions: int | None
    max_tokens: int | None
    allowed_tools: list[str]
    denied_tools: list[str]
    requires_pr: bool
    requires_validation: bool


class Reason(Outgoing):
    """Which rule set which limit, and where it stands."""

    policy: str
    file: str
    line: int
    sets: str
    to: str
    control: str


class Decision(Outgoing):
    """The door's answer, as `policy explain` prints it."""

    allowed: bool
    tier: Annotated[int, Field(ge=0, le=4)]
    reason: str
    required_approvals: list[Requirement]
    constraints: Constraints
    reasons: list[Reason]
    overruled: list[Reason]
    policy_hash: str
    digest: str


class Run(Outgoing):
    """One run."""

    run_id: str
    status: Status
    outcome: Outcome | None
    flags: list[str]
    task: Task | None
    decision: Decision | None
    approvals: list[Approval]
    cost_usd: float
    iterations: int
    thread_url: str | None
    created_at: datetime | None
    updated_at: datetime | None


class Runs(Outgoing):
    """A page of runs, the last updated first. `cursor` begins the next page; null: this was the last."""

    runs: list[Run]
    cursor: str | None


class Event(Outgoing):
    """One event of a run's log."""

    seq: int
    at: datetime
    type: str
    data: dict[str, Any]


class Events(Outgoing):
    """A stretch of a run's log. `after` continues behind it; `more`: there is more already."""

    events: list[Event]
    after: int
    more: bool


class Delivered(Outgoing):
    """How many alerts of the delivery are durable."""

    accepted: int


class Alive(Outgoing):
    """The process runs."""

    status: Literal["ok"]


class Condition(Outgoing):
    """How one thing that we depend on is."""

    ok: bool
    says: str


class Ready(Outgoing):
    """Work can be accepted."""

    status: Literal["ready"]
    checks: dict[str, Condition]


class Problem(BaseModel):
    """RFC 9457 problem details. `run_id` and `url` name the run of a conflict, `nearest` what would have fitted."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str

"""What somebody wants of us, as read from one Slack request: the intents. Nothing here has been checked or done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.approvals import Ballot
from domain.canonical import Json
from domain.signals import SignalKind
from domain.tasks import Principal, Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Who spoke and where, and the ways to answer. `direct`: a direct message; `spoken`: a message, not a command."""

    user: str
    team: str = ""
    channel: str = ""
    thread_ts: str | None = None
    ts: str | None = None
    direct: bool = False
    spoken: bool = False
    response_url: str | None = None
    trigger_id: str | None = None

    @property
    def principal(self) -> Principal:
        return f"user:{self.user}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Do this. `occurrence` names it once and for all."""

    seat: Seat
    goal: str
    occurrence: str
    at: datetime
    trust: Trust = Trust.PERSON
    payload: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Words in a thread, or a mention in one: to the run there if there is one, else perhaps a request.

    `kind` is set where the words are a signal as they stand. `addressed`: they name us, or it is a direct message.
    """

    seat: Seat
    text: str
    addressed: bool
    occurrence: str
    at: datetime
    kind: SignalKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Steer:
    """A signal to one run. `question` is the number of the question that an answer is for."""

    seat: Seat
    run_id: str
    kind: SignalKind
    text: str = ""
    question: int | None = None
    option: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Voted:
    """A click on a card, or the form behind one."""

    seat: Seat
    approval_id: str
    digest: str
    ballot: Ballot
    reason: str = ""
    card: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A form to open now, before its trigger is stale. `about` is what the form carries until it is sent.

    Details say in `about` of `what`: a run's reasons (`why`), its rules in words (`rules`), else all that is known.
    """

    seat: Seat
    form: str  # deny | break_glass | redirect | ask | answer | task | details
    about: Mapping[str, Json]
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """Another page of open details."""

    seat: Seat
    view_id: str
    about: Mapping[str, Json]
    page: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Show something: `what` is help, status, why, approvals, freezes or budgets."""

    seat: Seat
    what: str
    run_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The finished run's task once more."""

    seat: Seat
    run_id: str
    occurrence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Stop everything, or let it go on."""

    seat: Seat
    stop: bool
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """Read the configuration directory again, now."""

    seat: Seat


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """Where agents stand, or one of them up or down: `move` is show, promote or demote."""

    seat: Seat
    move: str
    agent: str = ""
    why: str = ""
    occurrence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Nothing that `what` means is to change until then: in the person's own words, read where they are."""

    seat: Seat
    what: str
    until: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfreeze:
    """A freeze is to end before its time."""

    seat: Seat
    freeze: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forced:
    """Break the glass for what this run asks people about."""

    seat: Seat
    run_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Misspoken:
    """It cannot be understood; `text` says why and what would."""

    seat: Seat
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeOpened:
    seat: Seat


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStopped:
    """Slack's own Stop button."""

    seat: Seat


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A message has another text now. If it was a request, people are asked; nothing is run again."""

    seat: Seat
    occurrence: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """A message is gone: a request (pause and ask), or a card of ours (show it again)."""

    seat: Seat
    occurrence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Nothing for us, and why."""

    why: str


Intent = (
    Request | Spoken | Steer | Voted | Opened | Turned | Told | Again | Switch | Freeze | Unfreeze | Forced | Misspoken
    | HomeOpened | SessionStopped | Edited | Deleted | Ignored | Reload | Climb
)  # fmt: skip

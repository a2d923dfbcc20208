"""Tools, the calls made of them, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.canonical import Json
from domain.tasks import Trust
from domain.tiers import Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """What a tool is, as policy, cards and reasoners see it. Schemas are JSON Schema with no extra keys.

    `resource` is a template over the arguments (`prod/{service}`), None where the tool cannot establish one.
    `selectors` are the arguments that say who, where or which; the others are content.
    """

    name: str
    version: int
    effect: Effect
    describe: str
    arguments: Mapping[str, Json]
    result: Mapping[str, Json] = field(default_factory=dict)
    selectors: tuple[str, ...] = ()
    resource: str | None = None
    labels: Mapping[str, str] | None = None  # what the tool itself knows; None: the catalogue must say
    idempotent: bool = False  # repeating under the same key has the effect once
    checkable: bool = False  # can say whether an effect under a key happened
    undo: str | None = None  # the tool that reverses it, if any
    proposable: bool = True  # False: only a person's click makes such a call (a merge)
    timeout_s: float = 60.0
    writes_workspace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a result must show: `condition` is CEL over `result`; `describe` says it to people."""

    condition: str
    describe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a call will do, computed by its tool from the real target before anyone is asked. Never shortened."""

    summary: str
    diff: str | None = None
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One proposed effect, typed. `resource` and `labels` are None when nothing established them: unknown, not empty.

    `fingerprint` is the target's state when the call was proposed; a start against another state fails. `verifies`
    makes the call the check of an earlier one of the same batch; `undoes` follows from the tool that reverses another.
    `tainted` names arguments that follow untrusted text.
    """

    call_id: str
    tool: str
    version: int
    effect: Effect
    arguments: Mapping[str, Json]
    resource: str | None = None
    labels: Mapping[str, str] | None = None
    fingerprint: str | None = None
    preview: Preview | None = None
    purpose: str = ""  # the reasoner's words
    step: str | None = None  # the runbook step behind it
    prediction: str = ""
    rollback: str = ""
    expect: Expectation | None = None
    verifies: str | None = None
    undoes: str | None = None  # the earlier call of the run that this one takes back
    tainted: tuple[str, ...] = ()
    problem: str = ""  # why it cannot be done as written: a schema's fault, an unreachable target
    proposer: str = "reasoner"  # or the person who edited or offered it


class ErrorKind(StrEnum):
    """Whose fault a failed call is, hence what to do next."""

    ARGUMENTS = "arguments"
    PRECONDITION = "precondition"  # the target is not what was approved any more
    TRANSPORT = "transport"
    RATE_LIMIT = "rate_limit"
    TIMEOUT = "timeout"
    PERMANENT = "permanent"
    REFUSED = "refused"  # the sandbox, the broker or a permit said no
    CRASH = "crash"  # the tool itself is wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What came back from a call: bounded, redacted, labelled. A failure is a value, never an exception."""

    ok: bool
    summary: str
    data: Mapping[str, Json] = field(default_factory=dict)
    error: str | None = None
    error_kind: ErrorKind | None = None
    trust: Trust = Trust.UNTRUSTED
    seconds: float = 0.0
    redactions: int = 0


class Doubt(StrEnum):
    """Answers to `did it happen?` about an effect whose outcome is unknown."""

    HAPPENED = "happened"
    NOT_HAPPENED = "not_happened"
    UNKNOWN = "unknown"

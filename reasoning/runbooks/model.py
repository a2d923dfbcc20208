"""What a runbook is once it has been read: its phrases, its inputs, its steps. `docs/runbooks.md` teaches it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.canonical import Json
from domain.outcomes import Outcome
from policy.conditions.condition import Condition
from reasoning.runbooks.paths import Path
from reasoning.runbooks.phrases import Phrase
from reasoning.runbooks.templates import Node, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A value that the request gives. With `one_of` the value is one of the runbook's own words."""

    name: str
    describe: str
    example: str = ""
    pattern: re.Pattern[str] | None = None
    one_of: tuple[str, ...] = ()
    default: str | None = None
    integer: bool = False

    def read(self, text: str) -> Json | None:
        """The value that `text` stands for, None where it stands for none."""
        if self.one_of:
            return next((word for word in self.one_of if word.lower() == text.lower()), None)
        if self.pattern is not None and not self.pattern.fullmatch(text):
            return None
        if not self.integer:
            return text
        return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else None

    @property
    def wanted(self) -> str:
        """What would do, in words."""
        if self.one_of:
            return f"one of {', '.join(self.one_of)}"
        shape = "a number" if self.integer else "something"
        return f"{shape} like `{self.example}`" if self.example else f"{shape} that fits its pattern"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMatch:
    """Typed tasks that the runbook takes: of this type, with the condition over `task`; inputs read by path."""

    type: str
    when: Condition | None
    read: Mapping[str, Path]


class FailureKind(StrEnum):
    """Why a step did not do what it was for."""

    REFUSED = "refused"  # policy said no
    DENIED = "denied"  # a person said no
    EXPIRED = "expired"  # nobody said anything in time
    VOIDED = "voided"  # the approval lost its object
    FAILED = "failed"  # the tool did not do it
    UNMET = "unmet"  # it was done, and does not show what was predicted
    DROPPED = "dropped"  # it was never done
    UNSEEN = "unseen"  # it was done, but its result was lost: a failure only where the step says what to do about it
    TIMED_OUT = "timed_out"  # what the run waited for did not come


# A person's or policy's no is not asked again.
FINAL = frozenset({FailureKind.REFUSED, FailureKind.DENIED})


@dataclass(frozen=True, slots=True)
class GoTo:
    """Go on with that step."""

    step: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Give up, saying why, with all that is known."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Do the step again, so many times in a row; then the other."""

    times: int
    then: GoTo | Stop


Remedy = GoTo | Stop | Retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedies:
    """What to do about each kind of failure."""

    by_kind: Mapping[FailureKind, Remedy] = field(default_factory=dict)
    otherwise: Remedy = field(default_factory=Stop)

    def of(self, kind: FailureKind) -> Remedy:
        """The remedy. What is final is never retried."""
        remedy = self.by_kind.get(kind, self.otherwise)
        return remedy.then if isinstance(remedy, Retry) and kind in FINAL else remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectTemplate:
    """A prediction that a machine can compare: CEL over `result`, and the words for people."""

    condition: Template
    describe: Template


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTemplate:
    """A call to be made. `may_fail`: the step goes on without it."""

    tool: str
    arguments: Mapping[str, Node]
    purpose: Template
    expect: ExpectTemplate | None = None
    prediction: Template | None = None
    rollback: Template | None = None
    may_fail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Calls made together, by name; the name of a sole one is ''. The last may be the check of the one before it."""

    calls: Mapping[str, CallTemplate]
    verify: CallTemplate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """People are asked."""

    question: Template
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The run waits until `topic` settles as one of `until`; people may make the offered call meanwhile."""

    topic: Template
    until: tuple[str, ...]
    within_s: float
    why: Template
    offer: CallTemplate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """The job is done, if the checks hold."""

    summary: Template
    checks: tuple[CallTemplate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GivingUp:
    """The job cannot be done here."""

    why: Template
    outcome: Outcome = Outcome.ESCALATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """Nothing is done here: go on with that step."""

    step: str


Action = Calls | Question | Waiting | Conclusion | GivingUp | Jump


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. `say` tells people what it is for."""

    id: str
    say: Template
    action: Action
    when: Condition | None = None
    on_failure: Remedies = field(default_factory=Remedies)
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """One file of `runbooks/`."""

    id: str
    describe: str
    agents: tuple[str, ...]  # slugs; () is every agent that admits it
    phrases: tuple[Phrase, ...]
    tasks: tuple[TaskMatch, ...]
    inputs: Mapping[str, Input]
    steps: tuple[Step, ...]
    file: str
    line: int

    def index(self, step: str) -> int | None:
        """Where the step stands."""
        return next((i for i, each in enumerate(self.steps) if each.id == step), None)

    @property
    def examples(self) -> dict[str, str]:
        """What to show for each input where a phrase is shown."""
        return {i.name: i.example or next(iter(i.one_of), "") for i in self.inputs.values()}

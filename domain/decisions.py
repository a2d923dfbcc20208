"""What policy says: decisions about tasks, verdicts about calls, each with its reasons."""

from dataclasses import dataclass

from domain.budgets import Draw
from domain.tiers import Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Which rule set which limit, and where it stands. `sets` is a key of `limit`, `deny` or `approve`.

    `control` names the framework, and the control of it, that the rule stands for: `soc2 CC6.1`.
    """

    policy: str
    file: str
    line: int
    sets: str
    to: str
    control: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvers:
    """Who counts: self | peer | user | group | oncall, or any/all of such.

    `text` is the form rules and people read (`group:sre`, `any(user:U1,group:sre)`); it is also the merge key.
    """

    kind: str
    name: str | None = None
    of: tuple["Approvers", ...] = ()

    @property
    def text(self) -> str:
        """The canonical spelling."""
        if self.of:
            return f"{self.kind}({','.join(sorted(part.text for part in self.of))})"
        return self.kind if self.name is None else f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """So many distinct people from there, voting within `within_s`; the start follows within `use_within_s`."""

    approvers: Approvers
    count: int = 1
    within_s: float = 86_400.0
    use_within_s: float = 900.0
    break_glass: bool = False
    stage: int = 0  # stages are asked in order, lowest first
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """The effective limits of a run; None is no limit. Money in US dollars, time in seconds."""

    max_iterations: int | None = None
    timeout_s: float | None = None  # working time
    deadline_s: float | None = None  # wall time
    budget_usd: float | None = None
    max_actions: int | None = None  # calls above READ that start
    max_tokens: int | None = None
    allowed_tools: tuple[str, ...] = ()  # resolved against what is installed, sorted; () is none
    denied_tools: tuple[str, ...] = ()
    requires_pr: bool = False
    requires_validation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDecision:
    """The door's answer about a task. `approvals` apply to every call above READ."""

    allowed: bool
    tier: Tier
    reason: str  # one sentence
    constraints: Constraints
    approvals: tuple[Requirement, ...] = ()
    reasons: tuple[Reason, ...] = ()
    policy_hash: str = ""
    help: tuple[str, ...] = ()  # who could help: principals and groups
    draws: tuple[Draw, ...] = ()  # the run itself, and the accounts that its costs are booked to
    overruled: tuple[Reason, ...] = ()  # who asked for less than what holds
    digest: str = ""  # names the rules in words, as they stood for this run


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """The call may run now; its start draws `draws`."""

    reasons: tuple[Reason, ...] = ()
    policy_hash: str = ""
    draws: tuple[Draw, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """The call may not run; `text` says why to people and to the reasoner."""

    text: str
    reasons: tuple[Reason, ...] = ()
    policy_hash: str = ""
    help: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequireApproval:
    """The call may run once these people have countersigned it. `hash` names this verdict in the digest.

    Its start draws `draws`, which the hash does not name: how much is left changes while people think.
    """

    requirements: tuple[Requirement, ...]
    reasons: tuple[Reason, ...] = ()
    policy_hash: str = ""
    hash: str = ""
    draws: tuple[Draw, ...] = ()


Verdict = Allow | Deny | RequireApproval


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A way to another answer: `text` says what would have to change, `rules` what would have to be changed for it."""

    text: str
    rules: tuple[str, ...] = ()
    help: tuple[str, ...] = ()  # who can: principals and groups

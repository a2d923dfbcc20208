"""Budgets: so many actions, runs, dollars or tokens, within a time, for each of those that a budget tells apart.

A budget never allows anything: what fits its `match` and finds its account empty is denied, until the account renews.
How much has been drawn is an input, read from the log; an account that nobody can tell about denies as well.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import product
from typing import Any

from domain.budgets import MICRO, Balance, Draw, Spending, Spent, Unit, micros
from domain.decisions import Reason
from policy.matching import Match, Names, read_match
from policy.reading.files import Fields, Read, choice, integer, money, several, text
from policy.reading.nodes import Faults, Node
from policy.sources.periods import Window, read_window

KEYS = ("id", "describe", "match", "of", "most", "per", "every", "zone")
MOST = 1_000_000_000_000
UNKNOWN_VALUE, NOBODY, NONE = "unknown", "nobody", "none"


class Per(StrEnum):
    """What a budget tells apart: each run, agent, … has an account of its own."""

    RUN = "run"
    AGENT = "agent"
    REQUESTER = "requester"
    REPOSITORY = "repository"
    TOOL = "tool"
    RESOURCE = "resource"


_OF_CALLS = frozenset({Per.TOOL, Per.RESOURCE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """At most `most` of `of`, in what each account counts, within `window`."""

    id: str
    describe: str
    match: Match
    of: Unit
    most: int
    per: tuple[Per, ...]
    window: Window
    file: str
    line: int

    def draws(self, values: Mapping[Per, tuple[str, ...]], now: datetime) -> tuple[Draw, ...]:
        """One for each account that these values name: several where something has several names."""
        after = self.window.after(now)
        return tuple(
            Draw(
                account=account_name(self.id, zip(self.per, each, strict=True)), of=self.of, most=self.most, after=after
            )
            for each in product(*(values[key] for key in self.per))
        )

    def draw_on(self, account: str, now: datetime) -> Draw:
        """The draw on an account of this budget that is known by name."""
        return Draw(account=account, of=self.of, most=self.most, after=self.window.after(now))

    def objection(self, draw: Draw, spent: Spent | None, now: datetime) -> Reason | None:
        """Why nothing may be drawn now; None while something is left."""
        if spent is not None and spent.amount < draw.most:
            return None
        what = self.describe.rstrip(".") or f"the budget {self.id}"
        whose = owner(draw.account)
        if spent is None:
            said = f"{what}: nobody can tell now how much is used{f' for {whose}' if whose else ''}"
        else:
            said = f"{what}: {self.used(spent, now, whose)}"
        return Reason(policy=self.id, file=self.file, line=self.line, sets="deny", to=said)

    def used(self, spent: Spent, now: datetime, whose: str = "") -> str:
        """`3 of 3 actions for resource prod/web in the last hour; next possible at 14:05 UTC`."""
        parts = [amount_of(self.of, spent.amount, self.most), f"for {whose}" if whose else "", self.window.words]
        said = " ".join(part for part in parts if part)
        renews = self.renews(spent, now)
        return f"{said}; next possible at {_clock(renews, now)}" if renews is not None else said

    def balance(self, draw: Draw, spent: Spent, now: datetime) -> Balance:
        """What is used of the account."""
        anew = self.window.renews(now, None) if spent.amount < self.most else self.renews(spent, now)
        return Balance(
            budget=self.id,
            describe=self.describe,
            whose=tuple(parts_of(draw.account).items()),
            of=self.of,
            used=natural(self.of, spent.amount),
            most=natural(self.of, self.most),
            renews=None if anew is None else anew.astimezone(UTC),
            file=self.file,
            line=self.line,
        )

    def renews(self, spent: Spent, now: datetime) -> datetime | None:
        """When something can be drawn again; None while it can, and where it never will."""
        if spent.amount < self.most or self.most == 0:
            return None
        return self.window.renews(now, spent.blocked_by)

    @property
    def allowance(self) -> str:
        """`at most 3 actions for each resource in the last hour`."""
        most = f"${self.most / MICRO:.2f}" if self.of is Unit.USD else f"{self.most} {self.of.value}"
        each = f"for each {' and '.join(key.value for key in self.per)}" if self.per else ""
        return " ".join(part for part in (f"at most {most}", each, self.window.words) if part)

    @property
    def words(self) -> str:
        """In the rules in words: `No restart storms. [restarts: at most 3 actions in the last hour]`."""
        described = f"{self.describe} " if self.describe else ""
        return f"{described}[{self.id}: {self.allowance}]"

    @property
    def canonical(self) -> Mapping[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "match": self.match.canonical,
            "of": self.of.value,
            "most": self.most,
            "per": sorted(self.per),
            "every": self.window.canonical,
        }


# ── Accounts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def account_name(budget: str, parts: Iterable[tuple[Per, str]]) -> str:
    """`restarts-an-hour resource=prod/web`: no two accounts share a name."""
    return " ".join([budget, *(f"{per.value}={_escaped(value)}" for per, value in parts)])


def _escaped(value: str) -> str:
    """A value without spaces, which part the name."""
    return value.replace("%", "%25").replace(" ", "%20")


def budget_of(account: str) -> str:
    """The id of the budget that the account belongs to."""
    return account.partition(" ")[0]


def parts_of(account: str) -> dict[str, str]:
    """What the account is for: `{"resource": "prod/web"}`."""
    pairs = (part.partition("=") for part in account.split(" ")[1:])
    return {key: value.replace("%20", " ").replace("%25", "%") for key, _, value in pairs}


def owner(account: str) -> str:
    """The same in words: `resource prod/web`; nothing for the organization's."""
    return ", ".join(f"{key} {value}" for key, value in parts_of(account).items())


# ── Asking ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def objections(
    budgets: Mapping[str, Budget], draws: Sequence[Draw], spending: Spending, now: datetime
) -> Iterator[Reason]:
    """Why one of these draws may not be made."""
    for draw in draws:
        budget = budgets[budget_of(draw.account)]
        reason = budget.objection(draw, spending.of(draw.account), now)
        if reason is not None:
            yield reason


def amount_of(unit: Unit, amount: int, most: int) -> str:
    """`2 of 3 actions`, `$1.25 of $5.00`."""
    if unit is Unit.USD:
        return f"${amount / MICRO:.2f} of ${most / MICRO:.2f}"
    return f"{amount} of {most} {unit.value}"


def natural(unit: Unit, amount: int) -> float | int:
    """An amount as people write it: dollars, not their millionths."""
    return amount / MICRO if unit is Unit.USD else amount


def in_units(unit: Unit, amount: float) -> int:
    """The other way: an amount as people write it, as accounts count."""
    return micros(amount) if unit is Unit.USD else int(amount)


def _clock(moment: datetime, now: datetime) -> str:
    """`14:05 UTC`, with the day where it is another one."""
    moment, now = moment.astimezone(UTC), now.astimezone(UTC)
    return f"{moment:%H:%M} UTC" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M} UTC"


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_budget(names: Names, identifier: Read[str]) -> "ReadBudget":
    """A reader of one entry of `budgets:`."""
    return ReadBudget(names, identifier)


class ReadBudget:
    """Reads `{id: restarts-an-hour, match: {tool: ["service.restart"]}, of: actions, most: 3, every: 1h}`."""

    def __init__(self, names: Names, identifier: Read[str]) -> None:
        self._names, self._identifier = names, identifier

    def __call__(self, node: Node, faults: Faults) -> Budget | None:
        before = len(faults)
        fields = Fields(node, faults, *KEYS)
        name, unit = fields.need("id", self._identifier), fields.need("of", choice(*Unit))
        of = Unit(unit) if unit is not None else Unit.ACTIONS
        per = tuple(Per(one) for one in fields.get("per", several(choice(*Per), lone=True), ()))
        match = fields.get("match", read_match(self._names), Match())
        most = fields.need("most", _dollars if of is Unit.USD else integer(0, MOST))
        window = read_window(fields, faults)
        at = fields.child("id") or node
        if unit is not None:
            _sensible(fields, of, per, match, window, faults)
        if name is None or most is None or len(faults) > before:
            return None
        return Budget(
            id=name,
            describe=fields.get("describe", text, ""),
            match=match,
            of=of,
            most=most,
            per=tuple(key for key in Per if key in per),
            window=window,
            file=at.file,
            line=at.line,
        )


def _sensible(fields: Fields, of: Unit, per: Sequence[Per], match: Match, window: Window, faults: Faults) -> None:
    """What can never mean anything is a fault, at the key that says it."""
    node = fields.node
    if of is not Unit.ACTIONS:
        why = f"speaks of a call (tool, effect, resource, labels), but {of.value} are counted by run"
        if match.at_boundary:
            faults.at(fields.child("match") or node, why, "leave these keys out, or count of: actions")
        if _OF_CALLS.intersection(per):
            faults.at(fields.child("per") or node, why, "per: [run, agent, requester, repository]")
    if of is Unit.RUNS and Per.RUN in per:
        faults.at(fields.child("per") or node, "counts each run for itself", "leave run out")
    if not window.bounded and Per.RUN not in per:
        faults.at(
            node, 'has no "every": once it is used up it stays so', "like every: 1h, day, week or month; or per: [run]"
        )


def _dollars(node: Node, faults: Faults) -> int | None:
    usd = money(node, faults)
    return None if usd is None else micros(usd)

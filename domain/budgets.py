"""What is drawn from the accounts of budgets: so many actions, runs, millionths of a dollar or tokens.

An *account* is one of a budget's, which may keep several: `restarts-an-hour resource=prod/web`. A *draw* names one, and
under which limit it was allowed, so that the log alone explains it. Actions and runs are drawn one by one, by the event
that records them; money and tokens as they are used up, from the accounts that the door named.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

MICRO = 1_000_000  # a dollar, as accounts count it: in whole numbers, so that a sum is the same in any order


class Unit(StrEnum):
    """What a budget counts."""

    ACTIONS = "actions"  # calls above READ that start
    RUNS = "runs"  # accepted at the door
    USD = "usd"  # millionths
    TOKENS = "tokens"

    @property
    def counted(self) -> bool:
        """Whether it is drawn one by one, and can be refused before it is drawn."""
        return self in (Unit.ACTIONS, Unit.RUNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Of this account no more than `most` may have been drawn after `after` (None: ever)."""

    account: str
    of: Unit
    most: int
    after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """How much was drawn. `blocked_by`: where nothing is left, when that was drawn which has to lapse first."""

    amount: int = 0
    blocked_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What was drawn, by account. An account that is not here is unknown, unless `others` says."""

    known: Mapping[str, Spent] = field(default_factory=dict)
    others: Spent | None = None

    def of(self, account: str) -> Spent | None:
        """What was drawn from it; None where nobody knows."""
        return self.known.get(account, self.others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What is used of one account, as people count it: dollars, not their millionths."""

    budget: str
    describe: str
    whose: tuple[tuple[str, str], ...]  # ("resource", "prod/web"); () is the organization's
    of: Unit
    used: float
    most: float
    renews: datetime | None  # when it begins anew, or when something is left again; in UTC
    file: str
    line: int

    @property
    def share(self) -> float:
        """How much of it is used; 1 and more is all of it."""
        return self.used / self.most if self.most else 1.0


def spell_amount(one: Balance) -> str:
    """`2 of 3 actions`, `$1.25 of $5.00`."""
    if one.of is Unit.USD:
        return f"${one.used:.2f} of ${one.most:.2f}"
    return f"{one.used:.0f} of {one.most:.0f} {one.of.value}"


def spell_owner(whose: tuple[tuple[str, str], ...]) -> str:
    """`resource prod/web`; nothing for the organization's."""
    return ", ".join(f"{key} {value}" for key, value in whose)


UNKNOWN = Spending()
NOTHING = Spending(others=Spent())


def micros(usd: float) -> int:
    """Dollars as accounts count them."""
    return round(usd * MICRO)

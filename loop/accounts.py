"""The accounts of budgets as they would stand, had other rules held: filled again from the past, in its order."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from domain.budgets import Draw, Spending, Spent, Unit, micros
from domain.events import Cost


class Accounts:
    """What was drawn, by account, oldest first."""

    def __init__(self) -> None:
        self._drawn: dict[str, list[tuple[datetime, int]]] = defaultdict(list)

    def spent(self, draws: Iterable[Draw]) -> Spending:
        """How these accounts stand, each within its window."""
        return Spending(known={draw.account: self._spent(draw) for draw in draws})

    def take(self, draws: Iterable[Draw], at: datetime) -> None:
        """One each, of what is counted one by one."""
        for draw in draws:
            if draw.of.counted:
                self._drawn[draw.account].append((at, 1))

    def book(self, draws: Iterable[Draw], cost: Cost, at: datetime) -> None:
        """What a turn of reasoning cost, on the accounts that count money or tokens."""
        for draw in draws:
            amount = {Unit.USD: micros(cost.usd), Unit.TOKENS: cost.tokens}.get(draw.of, 0)
            if amount:
                self._drawn[draw.account].append((at, amount))

    def _spent(self, draw: Draw) -> Spent:
        drawn = self._drawn.get(draw.account, [])
        first = 0 if draw.after is None else bisect_right(drawn, draw.after, key=lambda entry: entry[0])
        left, amount, blocked_by = draw.most, 0, None
        for at, each in reversed(drawn[first:]):
            amount += each
            left -= each
            if left <= 0 and blocked_by is None:
                blocked_by = at
        return Spent(amount=amount, blocked_by=blocked_by)

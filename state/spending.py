"""What was drawn from the accounts of budgets, as rows beside the log: one for each account of each event. Pure.

An account holds what its rows within a window add up to, so a window needs no clock here, and a row never changes.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from domain import events as e
from domain.budgets import Draw, Spent, Unit, micros
from domain.events import Recorded
from loop.ports import Guard, GuardRefused, WithinBudget
from state import chain

KEPT: Final = 32 * 86_400 * 1_000_000  # microseconds: longer than any window that budgets may have
# What one event may draw, a million dollars: whatever a worker says it cost, sums stay far from where SQLite's end.
LARGEST: Final = 10**12


class SpendingRow(NamedTuple):
    """So much, drawn by a run, at a moment in microseconds since 1970. Money is in millionths of a dollar."""

    account: str
    at: int
    position: int
    run_id: str
    amount: int


def spending_rows(draws: Sequence[Draw], recorded: Recorded) -> list[SpendingRow]:
    """What this event draws; `draws` are the accounts that the run's costs are booked to by then."""
    said = _drawn(draws, recorded.event)
    if not said:
        return []
    drawn: dict[str, int] = {}
    for account, amount in said:
        drawn[account] = drawn.get(account, 0) + amount
    at = chain.microseconds(recorded.at)
    return [
        SpendingRow(account, at, recorded.position, recorded.stream, min(amount, LARGEST))
        for account, amount in drawn.items()
        if amount
    ]


def _drawn(draws: Sequence[Draw], event: e.Event) -> Sequence[tuple[str, int]]:
    match event:
        case e.ActionStarted(draws=each):
            return [(draw.account, 1) for draw in each]
        case e.PolicyDecided(decision=decision):
            runs = [draw for draw in decision.draws if draw.of is Unit.RUNS]
            return [(draw.account, 1) for draw in runs if decision.allowed]
        case (
            e.CallsProposed(cost=cost)
            | e.QuestionAsked(cost=cost)
            | e.WaitStarted(cost=cost)
            | e.ReasoningFailed(cost=cost)
            | e.ProposalDropped(cost=cost)
            | e.GaveUp(cost=cost)
            | e.Concluded(cost=cost)
        ):
            return [(draw.account, micros(cost.usd) if draw.of is Unit.USD else cost.tokens) for draw in draws]
        case _:
            return ()


def after_of(draw: Draw) -> int:
    """Rows later than this count."""
    return -1 if draw.after is None else chain.microseconds(draw.after)


def total(draw: Draw, rows: Iterable[SpendingRow]) -> int:
    """What these rows add up to, for this draw."""
    after = after_of(draw)
    return sum(row.amount for row in rows if row.account == draw.account and row.at > after)


def spent(draw: Draw, rows: Iterable[SpendingRow]) -> Spent:
    """The same, and, where nothing is left, when that was drawn which has to lapse first."""
    after = after_of(draw)
    near = sorted((row for row in rows if row.account == draw.account and row.at > after), key=_by_time)
    amount = sum(row.amount for row in near)
    left = amount
    for row in near if amount >= draw.most else ():
        left -= row.amount
        if left < draw.most:
            return Spent(amount=amount, blocked_by=chain.moment(row.at))
    return Spent(amount=amount)


def check_drawn(guards: Sequence[Guard], drawn: Callable[[Draw], int]) -> None:
    """With this append's own draws: no account may be overdrawn. Raises GuardRefused."""
    for guard in guards:
        if isinstance(guard, WithinBudget):
            amount = drawn(guard.draw)
            if amount > guard.draw.most:
                raise GuardRefused(guard, f"{guard.draw.account}: nothing is left of {guard.draw.most}")


def _by_time(row: SpendingRow) -> tuple[int, int]:
    return row.at, row.position

"""What is used of the budgets: every account that something was drawn from, for those who may see it."""

from collections.abc import Sequence

from domain.budgets import Balance
from domain.tasks import Principal
from loop.engine import Engine
from loop.ports import Clock, DirectoryUnavailable, Journal
from loop.rulebook import Rules


async def balances(journal: Journal, rules: Rules, clock: Clock) -> tuple[Balance, ...]:
    """Every account in use, by the budgets of today."""
    now = clock.now()
    draws = rules.drawn_on(await journal.accounts(), now)
    found = rules.balances(draws, await journal.spent(draws), now) if draws else ()
    return tuple(one for one in found if one.used)


async def seen_by(engine: Engine, who: Principal) -> tuple[Balance, ...]:
    """Those that `who` may see: all of them for approvers, administrators and auditors; else one's own."""
    found = await balances(engine.world.journal, engine.rulebook().rules, engine.world.clock)
    return found if not found or await _oversees(engine, who) else tuple(_own(found, who))


async def _oversees(engine: Engine, who: Principal) -> bool:
    try:
        people = await engine.people()
    except DirectoryUnavailable:
        return False
    book = engine.rulebook()
    return book.includes(who, (*book.approvers, *book.admins, *book.auditors), people)


def _own(found: Sequence[Balance], who: Principal) -> list[Balance]:
    return [one for one in found if ("requester", who) in one.whose]

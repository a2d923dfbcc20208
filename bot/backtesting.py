"""A backtest over a store: two configurations, one log, read once and judged beside whatever else goes on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.configuration import Configuration
from domain.events import Recorded, TaskReceived
from loop.backtest import Backtest, Side
from loop.doors import Views
from loop.ports import Catalog, Journal
from loop.rulebook import Rulebook
from policy.analysis.backtest import Report
from state.errors import PayloadErased

_BATCH = 200  # events judged in one go, in a thread: the loop stays free between them


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A report, and how many runs could not be judged because what they said has been erased."""

    report: Report
    erased: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which part of the past: answers from `since` on, of the runs `only`; None is all."""

    since: datetime | None = None
    only: Collection[str] | None = None


ALL = Scope()


async def backtest(
    past: AsyncIterator[Recorded | str],
    current: Configuration,
    candidate: Configuration,
    catalog: Catalog,
    now: datetime,
    scope: Scope = ALL,
) -> Judged:
    """Judge the past again. Both sides have the tools of `catalog`, and people as each configuration names them.

    Raises Unfoldable, and Damaged where the log cannot be read.
    """
    sides = [_side(one, catalog, now) for one in (current, candidate)]
    judge = Backtest(sides[0], sides[1], since=scope.since, only=scope.only)
    erased: set[str] = set()
    batch: list[Recorded] = []
    async for said in past:
        if isinstance(said, str):
            erased.add(said)
        elif said.stream not in erased:
            batch.append(said)
        if len(batch) >= _BATCH:
            await asyncio.to_thread(_hear, judge, batch)
            batch = []
    await asyncio.to_thread(_hear, judge, batch)
    counted = erased if scope.only is None else erased & set(scope.only)
    return Judged(report=judge.report(), erased=len(counted))


async def latest(views: Views, limit: int) -> list[str]:
    """The ids of the runs that changed last, at most so many."""
    found: list[str] = []
    cursor: str | None = None
    while len(found) < limit:
        page = await views.runs(limit=min(500, limit - len(found)), cursor=cursor)
        found += page.run_ids
        cursor = page.cursor
        if cursor is None:
            break
    return found


async def shown_to_all(journal: Journal, run_ids: Sequence[str], public: Callable[[str], Awaitable[bool]]) -> list[str]:
    """Of these runs those that everybody may see: not what was asked in private, and nothing that would tell of it."""
    found = []
    for run_id in run_ids:
        try:
            log = await journal.read(run_id)
        except PayloadErased:
            continue
        task = log[0].event.task if log and isinstance(log[0].event, TaskReceived) else None
        if task is not None and (task.place is None or await public(task.place.channel)):
            found.append(run_id)
    return found


def _hear(judge: Backtest, batch: list[Recorded]) -> None:
    for recorded in batch:
        judge.hear(recorded)


def _side(configuration: Configuration, catalog: Catalog, now: datetime) -> Side:
    book = Rulebook(
        organization=configuration.organization,
        rules=configuration.policies,
        agents=configuration.agents,
        catalog=catalog,
        approvers=configuration.approvers,
        admins=configuration.admins,
        auditors=configuration.auditors,
    )
    return Side(configuration.policies, book, configuration.snapshot(now))

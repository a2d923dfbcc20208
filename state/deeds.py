"""What an agent's calls came to, as rows beside the log: the evidence behind earned autonomy. Pure.

A row is written anew whenever something happens to its call, from the fold after that append; the agent stays the one
that the call was first seen under, whoever the run is redirected to.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from domain.events import (
    ActionReturned,
    ActionStarted,
    ApprovalClosed,
    ApprovalGranted,
    ApprovalRequested,
    DoubtResolved,
    Event,
)
from domain.records import Deed, deed_of, touched
from domain.runs import Run
from state import chain


class DeedRow(NamedTuple):
    """`domain.records.Deed`, as stored: `held` is NULL where nothing is known, `at` in microseconds since 1970."""

    run_id: str
    call_id: str
    agent: str
    tool: str
    approved: int
    edited: int
    denied: int
    held: int | None
    rolled_back: int
    at: int


def deed_rows(run: Run, events: Iterable[Event], at: datetime) -> list[DeedRow]:
    """The rows of the calls that these events, the latest of the run, are about; recorded `at`."""
    rows: dict[str, DeedRow] = {}
    for call_id in _about(run, events):
        for record in touched(run, call_id):
            deed = deed_of(run, record)
            if deed is not None:
                rows[deed.call_id] = _row(deed, at)
    return list(rows.values())


def keeping_agent(known: DeedRow | None, row: DeedRow) -> DeedRow:
    """`row`, under the agent of the one before it."""
    return row if known is None else row._replace(agent=known.agent)


def deed_in(row: DeedRow) -> Deed:
    """The deed that a row holds."""
    return Deed(
        run_id=row.run_id,
        call_id=row.call_id,
        agent=row.agent,
        tool=row.tool,
        approved=bool(row.approved),
        edited=bool(row.edited),
        denied=bool(row.denied),
        held=None if row.held is None else bool(row.held),
        rolled_back=bool(row.rolled_back),
        at=chain.moment(row.at),
    )


def _about(run: Run, events: Iterable[Event]) -> Iterator[str]:
    for event in events:
        match event:
            case ActionStarted() | ActionReturned() | DoubtResolved():
                yield event.call_id
            case ApprovalRequested(request=request):
                yield request.call_id
            case ApprovalGranted() | ApprovalClosed():
                record = run.approval(event.approval_id)
                if record is not None:
                    yield record.call.call_id
            case _:
                pass


def _row(deed: Deed, at: datetime) -> DeedRow:
    return DeedRow(
        deed.run_id,
        deed.call_id,
        deed.agent,
        deed.tool,
        int(deed.approved),
        int(deed.edited),
        int(deed.denied),
        None if deed.held is None else int(deed.held),
        int(deed.rolled_back),
        chain.microseconds(at),  # as recorded: a fold by another clock may say a moment earlier
    )

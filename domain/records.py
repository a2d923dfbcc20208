"""What an agent's calls came to, as people and the world answered them: the evidence behind earned autonomy.

A deed is a call above READ that was put to people or has started. It counts as *approved* once it has started under a
countersignature exactly as the agent proposed it; its prediction *held* or failed by the tool's own expectation and the
check that followed; it was *rolled back* when a later call took it back. Nobody grades anything: all of it follows from
the run's events.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.approvals import ApprovalEnd
from domain.runs import CallRecord, Run
from domain.tiers import Effect

REASONER = "reasoner"  # `ToolCall.proposer` of what nobody has edited


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What one call came to. `held` is None where nothing was predicted, or nothing has been checked yet."""

    run_id: str
    call_id: str
    agent: str
    tool: str
    approved: bool = False
    edited: bool = False
    denied: bool = False
    held: bool | None = None
    rolled_back: bool = False
    at: datetime | None = None  # of the last change

    @property
    def good(self) -> bool:
        """Approved as proposed, and nothing speaks against it since."""
        return self.approved and self.held is not False and not self.rolled_back


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRecord:
    """Deeds, counted."""

    proposed: int = 0
    approved: int = 0  # as proposed
    edited: int = 0
    denied: int = 0
    rolled_back: int = 0
    held: int = 0
    failed: int = 0  # predictions

    @property
    def broken(self) -> bool:
        """Whether something went otherwise than the agent had said."""
        return bool(self.failed or self.rolled_back)


def track_record(deeds: Iterable[Deed]) -> TrackRecord:
    """The counts."""
    listed = tuple(deeds)
    return TrackRecord(
        proposed=len(listed),
        approved=sum(deed.approved for deed in listed),
        edited=sum(deed.edited for deed in listed),
        denied=sum(deed.denied for deed in listed),
        rolled_back=sum(deed.rolled_back for deed in listed),
        held=sum(deed.held is True for deed in listed),
        failed=sum(deed.held is False for deed in listed),
    )


def deed_of(run: Run, record: CallRecord) -> Deed | None:
    """What `record`, a call of `run`, has come to; None for a read, and for what neither people nor the world met."""
    call, request = record.call, record.request
    started = bool(record.key)
    if call.effect is Effect.READ or not (started or request is not None):
        return None
    edited = call.proposer != REASONER
    return Deed(
        run_id=run.run_id,
        call_id=call.call_id,
        agent=run.agent,
        tool=call.tool,
        approved=started and request is not None and not edited,
        edited=edited,
        denied=record.approval_end is ApprovalEnd.DENIED,
        held=_held(run, record),
        rolled_back=any(r.call.undoes == call.call_id and r.key for r in run.records),
        at=run.updated_at,
    )


def touched(run: Run, call_id: str) -> tuple[CallRecord, ...]:
    """The calls whose deeds may be other ones once something happens to this call: itself, what it checks or undoes."""
    try:
        record = run.record(call_id)
    except KeyError:
        return ()
    others = {record.call.verifies, record.call.undoes} - {None}
    return (record, *(r for r in run.records if r.call.call_id in others))


def _held(run: Run, record: CallRecord) -> bool | None:
    """The tool's own expectation and every check of it: one that failed speaks louder than all that held."""
    said = [record.met, *(r.met for r in run.records if r.call.verifies == record.call.call_id)]
    known = [met for met in said if met is not None]
    return None if not known else all(known)

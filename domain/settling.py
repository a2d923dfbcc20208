"""What a call, or a wait, that has changed makes of its run. Pure; for `evolve` alone."""

from dataclasses import replace
from typing import Any

from domain.change import changed
from domain.outcomes import Outcome
from domain.runs import FROM_ANYWHERE, OVER, TRANSITIONS, CallRecord, CallStatus, Ending, Run, Status


class IllegalEvent(ValueError):
    """The log says something that cannot have happened: it is damaged, or the code that wrote it was wrong."""


def settle(run: Run) -> Run:
    """The run's status after one of its calls has changed: that of its current group."""
    if run.status is Status.WAITING:
        return _offer_over(run)
    statuses = {record.status for record in run.group}
    for status, meaning in (
        (CallStatus.ACTING, Status.ACTING),
        (CallStatus.IN_DOUBT, Status.IN_DOUBT),
        (CallStatus.PROPOSED, Status.PROPOSED),
        (CallStatus.AWAITING, Status.AWAITING_APPROVAL),
        (CallStatus.ALLOWED, Status.APPROVED),
    ):
        if status in statuses:
            return move(run, meaning)
    return _batch_over(run)


def dropped(run: Run, call_ids: tuple[str, ...], why: str) -> Run:
    """`run` with those of these calls dropped that were not over."""
    for call_id in call_ids:
        record = run.record(call_id)
        if record.status not in OVER:
            run = put(run, record, status=CallStatus.DROPPED, note=why)
    return settle(run)


def wait_over(run: Run, what: str) -> Run:
    """`run` once it waits no more, because of `what`; as it was where it waits for nothing."""
    wait = run.waiting_for
    if wait is None:
        return run
    ended = (*run.waits[:-1], replace(wait, what=what))
    past = run.past
    if run.offer is not None and run.offer.status not in (CallStatus.ACTING, CallStatus.IN_DOUBT):
        past = (
            *past,
            run.offer if run.offer.status in OVER else changed(run.offer, status=CallStatus.DROPPED, note=what),
        )
    elif run.offer is not None:
        return changed(run, waits=ended)  # the person's call is under way: its return ends the wait
    return move(changed(run, waits=ended, offer=None, past=past), Status.REASONING)


def all_over(run: Run, why: str = "the run ended") -> tuple[CallRecord, ...]:
    """Every call, none left open."""
    return tuple(r if r.status in OVER else changed(r, status=CallStatus.DROPPED, note=why) for r in run.records)


def put(run: Run, record: CallRecord, **changes: Any) -> Run:
    """`run` with one call's record changed."""
    after = changed(record, **changes)
    if run.offer is record:
        return changed(run, offer=after)
    if record in run.batch:
        return changed(run, batch=tuple(after if r is record else r for r in run.batch))
    return changed(run, past=tuple(after if r is record else r for r in run.past))


def asked(run: Run, approval_id: str) -> CallRecord:
    """The call that this request asked about. Raises IllegalEvent."""
    record = run.approval(approval_id)
    if record is None:
        raise IllegalEvent(f"{run.run_id}: nothing was asked as {approval_id}")
    return record


def move(run: Run, status: Status) -> Run:
    """`run` in that status. Raises IllegalEvent where the table has no such way."""
    if status is not run.status:
        if status not in TRANSITIONS[run.status] and (run.status is Status.FINISHED or status not in FROM_ANYWHERE):
            raise IllegalEvent(f"{run.run_id}: a run that is {run.status} cannot become {status}")
        return changed(run, status=status)
    return run


def _batch_over(run: Run) -> Run:
    ending = run.ending
    if run.conclusion is not None and all(record.good for record in run.batch):
        ending = Ending(outcome=Outcome.SUCCEEDED, summary=run.conclusion)
    done = changed(run, past=run.past + run.batch, batch=(), conclusion=None, ending=ending)
    return move(done, Status.REASONING)


def _offer_over(run: Run) -> Run:
    """An offered call that returned, or was closed, ends the wait it was offered in."""
    offer = run.offer
    if offer is None or offer.status not in OVER:
        return run
    if offer.status is CallStatus.RETURNED:
        what = "done" if offer.good else "failed"
    else:
        what = str(offer.approval_end or "closed")
    wait = run.waiting_for
    waits = run.waits if wait is None else (*run.waits[:-1], replace(wait, what=what))
    return move(changed(run, offer=None, past=(*run.past, offer), waits=waits), Status.REASONING)

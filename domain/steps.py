"""`next_step(run)`: the whole control flow, on one screen. Pure: it says what should happen; the controller does it."""

from dataclasses import dataclass
from typing import assert_never

from domain.outcomes import Outcome
from domain.runs import CallRecord, CallStatus, Run, Status
from domain.tiers import Effect

MOST_FAILURES = 3  # of the reasoner, in a row
MOST_ITERATIONS = 200  # where nobody has set a limit: a mind that goes in circles ends, whatever the configuration


@dataclass(frozen=True, slots=True)
class Decide:
    """Ask policy whether this may happen at all."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Lend the run to a worker, which observes and proposes."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Ask the boundary about these calls, in order."""

    call_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Act:
    """Lend the run to a worker, which does these calls, or checks whether they were done."""

    call_ids: tuple[str, ...]
    checking: bool = False


@dataclass(frozen=True, slots=True)
class Park:
    """Nothing to do until something arrives. Costs no memory and no slot."""

    why: str


@dataclass(frozen=True, slots=True)
class Finish:
    """End the run."""

    outcome: Outcome
    summary: str


Step = Decide | Reason | Judge | Act | Park | Finish


def next_step(run: Run) -> Step | None:
    """What should happen to `run` now; None when it has finished."""
    if run.status is Status.FINISHED:
        return None
    if run.in_flight:
        return _reads_left(run) or Park("an action is under way")
    if run.in_doubt:
        return _resolve(run)
    if run.stopping:
        return Finish(Outcome.STOPPED, f"Stopped by {run.stopping}.")
    if run.limit:
        return Finish(Outcome.ESCALATED, f"The {run.limit} was reached.")
    if run.paused:
        return Park("paused" if run.held_by is None else f"taken over by {run.held_by}")
    match run.status:
        case Status.NEW:
            return Park("no task yet")
        case Status.DECIDING:
            refused = run.decision is not None and not run.decision.allowed
            return Finish(Outcome.DENIED, run.decision.reason) if refused and run.decision else Decide()
        case Status.REASONING:
            return _reason(run)
        case Status.PROPOSED:
            return Judge(_ids(run.group, CallStatus.PROPOSED))
        case Status.APPROVED:
            return Act(_ids(run.group, CallStatus.ALLOWED))
        case Status.WAITING:
            return _offered(run)
        case Status.AWAITING_APPROVAL:
            return Park("people are asked to countersign")
        case Status.AWAITING_ANSWER:
            return Park("a question is open")
        case Status.ACTING | Status.IN_DOUBT:
            return Park("an action is under way")
        case _:
            assert_never(run.status)


def _reason(run: Run) -> Step:
    if run.ending is not None:
        return Finish(run.ending.outcome, run.ending.summary)
    limits = run.decision.constraints if run.decision else None
    most = MOST_ITERATIONS if limits is None or limits.max_iterations is None else limits.max_iterations
    if run.iterations >= most:
        return Finish(Outcome.ESCALATED, f"The limit of {most} iterations was reached.")
    if limits and limits.budget_usd is not None and run.cost_usd > limits.budget_usd:
        return Finish(Outcome.ESCALATED, f"The budget of ${limits.budget_usd:.2f} was spent.")
    if limits and limits.max_tokens is not None and run.tokens > limits.max_tokens:
        return Finish(Outcome.ESCALATED, f"The budget of {limits.max_tokens} tokens was spent.")
    if run.failures >= MOST_FAILURES:
        return Finish(Outcome.FAILED, f"The reasoner failed {run.failures} times in a row: {run.rationale}")
    return Reason()


def _offered(run: Run) -> Step:
    """While a run waits, a person's own call (a merge) goes its way beside the wait."""
    offer = run.offer
    if offer is not None and offer.status is CallStatus.PROPOSED:
        return Judge((offer.call.call_id,))
    if offer is not None and offer.status is CallStatus.ALLOWED:
        return Act((offer.call.call_id,))
    wait = run.waiting_for
    return Park(wait.why if wait else "waiting")


def _reads_left(run: Run) -> Step | None:
    """Reads of one group start together; those not yet started, or to be repeated, are still due."""
    if run.stopping or run.paused or any(r.call.effect is not Effect.READ for r in run.in_flight):
        return None
    left = tuple(
        r.call.call_id
        for r in run.group
        if r.status is CallStatus.ALLOWED or (r.remedy == "repeat" and r in run.in_doubt)
    )
    return Act(left) if left else None


def _resolve(run: Run) -> Step:
    """Never guess: check if the tool can say, repeat if that is safe, else a person was asked."""
    by_remedy = {r.remedy: r for r in run.in_doubt}
    if "check" in by_remedy:
        return Act((by_remedy["check"].call.call_id,), checking=True)
    if run.stopping and all(r.call.effect is Effect.READ for r in run.in_doubt):
        return Finish(Outcome.STOPPED, f"Stopped by {run.stopping}.")
    wanted = run.redirect is None  # who asked for something else does not want the old effect repeated
    repeats = [r for r in run.in_doubt if r.remedy == "repeat" and (wanted or r.call.effect is Effect.READ)]
    if repeats and not run.paused and not run.stopping:
        return Act(tuple(record.call.call_id for record in repeats))
    return Park("nobody knows yet whether an action happened")


def _ids(records: tuple[CallRecord, ...], status: CallStatus) -> tuple[str, ...]:
    return tuple(record.call.call_id for record in records if record.status is status)

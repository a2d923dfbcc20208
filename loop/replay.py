"""Deterministic replay: for every answer in a log, `next_step` of the fold before it must name its step.

Model and tool answers are in the log, so replay calls nothing; time travel is `events[:n]`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain import events as e
from domain.evolve import evolve
from domain.runs import Run
from domain.settling import IllegalEvent
from domain.steps import Act, Decide, Finish, Judge, Reason, Step, next_step

# Which step each kind of answer answers. What is not here is an arrival or a consequence, and may come anywhere.
ANSWERS: dict[type[e.Answer], type[Step]] = {
    e.PolicyDecided: Decide,
    e.CallsProposed: Reason,
    e.QuestionAsked: Reason,
    e.WaitStarted: Reason,
    e.ReasoningFailed: Reason,
    e.GaveUp: Reason,
    e.BudgetExhausted: Reason,
    e.Concluded: Reason,
    e.CallAllowed: Judge,
    e.ApprovalRequested: Judge,
    e.ActionStarted: Act,
    e.DoubtResolved: Act,
    e.RunFinished: Finish,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """An answer that the fold before it did not ask for: the log and the code disagree."""

    seq: int
    event: str
    wanted: str

    def __str__(self) -> str:
        return f"event {self.seq}, {self.event}: at that point the run's next step was {self.wanted}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The fold of a whole log, how many of its events were re-derived, and where they diverge."""

    run: Run
    steps: int
    divergences: tuple[Divergence, ...]


def rederive(run_id: str, log: Sequence[e.Recorded]) -> Replayed:
    """Fold the log, and hold every answer against the step that the code of today names."""
    run, steps, divergences = Run(run_id=run_id), 0, list[Divergence]()
    for recorded in log:
        wanted = ANSWERS.get(type(recorded.event))  # type: ignore[arg-type]  # arrivals have no entry, on purpose
        if wanted is not None and not _by_person(run, recorded.event):
            steps += 1
            step = next_step(run)
            if not isinstance(step, wanted) or not _same(step, recorded.event):
                divergences.append(Divergence(seq=recorded.seq, event=type(recorded.event).__name__, wanted=repr(step)))
        try:
            run = evolve(run, recorded)
        except IllegalEvent as error:
            event = type(recorded.event).__name__
            divergences.append(Divergence(seq=recorded.seq, event=event, wanted=f"anything else ({error})"))
            break
    return Replayed(run=run, steps=steps, divergences=tuple(divergences))


def _by_person(run: Run, event: e.Event) -> bool:
    """A person's word about a doubt comes when it comes."""
    return isinstance(event, e.DoubtResolved) and run.record(event.call_id).remedy == "ask"


def _same(step: Step, event: e.Event) -> bool:
    """Whether the step is about what the event is about."""
    match step, event:
        case Judge(call_ids=ids), e.CallAllowed(call_id=call_id):
            return call_id in ids
        case Judge(call_ids=ids), e.ApprovalRequested(request=request):
            return request.call_id in ids
        case Act(call_ids=ids), e.ActionStarted(call_id=call_id) | e.DoubtResolved(call_id=call_id):
            return call_id in ids
        case Finish(outcome=outcome), e.RunFinished(outcome=ended):
            return outcome is ended
        case _:
            return True

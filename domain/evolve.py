"""`evolve(run, recorded)`: one event folded into a run. Pure, total over run events, and the only writer of a Run.

What a changed call makes of its run is in `domain/settling.py`.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, assert_never

from domain import events as e
from domain.budgets import Draw
from domain.calls import Doubt, Observation
from domain.change import changed
from domain.outcomes import Outcome
from domain.runs import (
    WORKING,
    CallRecord,
    CallStatus,
    Ending,
    Message,
    Question,
    Redirect,
    Run,
    Status,
    Wait,
)
from domain.settling import IllegalEvent, all_over, asked, dropped, move, put, settle, wait_over
from domain.tasks import Trust


def replay(run_id: str, log: Iterable[e.Recorded]) -> Run:
    """The run that these events add up to."""
    run = Run(run_id=run_id)
    for recorded in log:
        run = evolve(run, recorded)
    return run


def evolve(run: Run, recorded: e.Recorded) -> Run:
    """`run` after `recorded`. Raises IllegalEvent."""
    if recorded.seq != run.seq + 1:
        raise IllegalEvent(f"{run.run_id}: event {recorded.seq} follows {run.seq}; the log has a gap")
    after = _apply(run, recorded)
    worked = run.working_s
    if run.updated_at is not None and run.status in WORKING and not run.paused:
        worked += max(0.0, (recorded.at - run.updated_at).total_seconds())
    created = run.created_at or recorded.at
    return changed(after, seq=recorded.seq, working_s=worked, created_at=created, updated_at=recorded.at)


def _apply(run: Run, recorded: e.Recorded) -> Run:
    event = recorded.event
    if run.status is Status.FINISHED and not isinstance(event, _AFTER_THE_END):
        raise IllegalEvent(f"{run.run_id}: {type(event).__name__} after the run has finished")
    match event:
        case e.TaskReceived():
            return _received(run, event)
        case e.PolicyDecided(decision=decision):
            decided = changed(run, decision=decision, draws=draws_after(run.draws, event))
            return move(decided, Status.REASONING if decision.allowed else Status.DECIDING)
        case e.CallsProposed() | e.QuestionAsked() | e.WaitStarted() | e.Concluded() | e.GaveUp():
            return _reasoned(run, event)
        case e.ReasoningFailed(why=why, retry=retry):
            counted = _spend(run, event.cost)
            ending = None if retry else Ending(outcome=Outcome.FAILED, summary=why)
            return changed(counted, failures=run.failures + 1, ending=ending, rationale=why)
        case e.ProposalDropped():
            return _spend(run, event.cost)
        case e.BudgetExhausted(reason=reason):
            return changed(run, ending=Ending(outcome=Outcome.ESCALATED, summary=reason.to))
        case e.CallAllowed() | e.CallDenied() | e.ApprovalRequested():
            return _judged(run, event)
        case (
            e.VoteCast()
            | e.VoteRefused()
            | e.ApprovalGranted()
            | e.ApprovalClosed()
            | e.CallFrozen()
            | e.CallThawed()
            | e.GlassBroken()
        ):
            return _countersigned(run, event)
        case e.CallsDropped(call_ids=call_ids, why=why):
            return dropped(run, call_ids, why)
        case e.ActionStarted() | e.ActionReturned() | e.ActionInDoubt() | e.DoubtResolved() | e.DoubtPutToPerson():
            return _redirected_if_free(_acted(run, event))
        case e.Noticed(what=what):
            return wait_over(run, what)
        case e.DeadlineReached(kind=kind, subject=subject):
            return _deadline(run, kind, subject)
        case (
            e.PersonSpoke()
            | e.Answered()
            | e.Paused()
            | e.TakenOver()
            | e.Resumed()
            | e.Redirected()
            | e.StopRequested()
        ):
            return _steered(run, event)
        case e.RunFinished(outcome=outcome, summary=summary):
            return changed(
                move(run, Status.FINISHED), outcome=outcome, summary=summary, offer=None, past=all_over(run), batch=()
            )
        case e.Posted(key=key, channel=channel, ts=ts):
            return changed(run, posted={**run.posted, key: (channel, ts)})
        case (
            e.InstanceStarted()
            | e.EverythingStopped()
            | e.EverythingResumed()
            | e.PolicyLoaded()
            | e.FreezeDeclared()
            | e.FreezeLifted()
            | e.FreezeEnded()
            | e.TierEarned()
            | e.TierLost()
        ):
            raise IllegalEvent(f"{run.run_id}: {type(event).__name__} belongs to the organization's stream")
        case _:
            assert_never(event)


_AFTER_THE_END = (e.Posted, e.VoteRefused, e.ProposalDropped)


def _received(run: Run, event: e.TaskReceived) -> Run:
    if run.task is not None:
        raise IllegalEvent(f"{run.run_id}: a run has one task; another goal is a redirect")
    people = (event.task.requester,) if event.task.requester else ()
    excluded = tuple(dict.fromkeys((*people, *event.shaped_by)))
    begun = changed(run, task=event.task, agent=event.agent, linked=event.linked, excluded=excluded, standing=people)
    return move(begun, Status.DECIDING)


def _reasoned(run: Run, event: "e.CallsProposed | e.QuestionAsked | e.WaitStarted | e.Concluded | e.GaveUp") -> Run:
    """An answer of the reasoner: one more iteration, and what it wants next."""
    run = changed(_spend(run, event.cost), iterations=run.iterations + 1, failures=0)
    match event:
        case e.CallsProposed(calls=calls, rationale=rationale, conclusion=conclusion):
            batch = tuple(CallRecord(call=call, turn=run.iterations) for call in calls)
            made = run.calls_made + len(calls)
            run = changed(run, batch=batch, calls_made=made, rationale=rationale, conclusion=conclusion)
            return move(run, Status.PROPOSED)
        case e.QuestionAsked(question=text, options=options, step=step):
            question = Question(question=text, options=options, step=step, turn=run.iterations)
            return move(changed(run, questions=(*run.questions, question)), Status.AWAITING_ANSWER)
        case e.WaitStarted(topic=topic, why=why, until=until, step=step, offer=offer):
            wait = Wait(topic=topic, why=why, until=until, step=step, turn=run.iterations)
            made = run.calls_made + (1 if offer else 0)
            record = CallRecord(call=offer, turn=run.iterations) if offer else None
            return move(changed(run, waits=(*run.waits, wait), offer=record, calls_made=made), Status.WAITING)
        case e.Concluded(summary=summary, outcome=outcome):
            return changed(run, ending=Ending(outcome=outcome, summary=summary))
        case e.GaveUp(why=why, outcome=outcome):
            return changed(run, ending=Ending(outcome=outcome, summary=why))


def _judged(run: Run, event: "e.CallAllowed | e.CallDenied | e.ApprovalRequested") -> Run:
    match event:
        case e.CallAllowed(call_id=call_id):
            return settle(put(run, run.record(call_id), status=CallStatus.ALLOWED))
        case e.CallDenied(call_id=call_id, verdict=verdict):
            return settle(put(run, run.record(call_id), status=CallStatus.DENIED, denial=verdict, note=verdict.text))
        case e.ApprovalRequested(request=request):
            return settle(put(run, run.record(request.call_id), status=CallStatus.AWAITING, request=request))


_OfApproval = (
    e.VoteCast | e.VoteRefused | e.ApprovalGranted | e.ApprovalClosed | e.CallFrozen | e.CallThawed | e.GlassBroken
)
_OfPeople = e.PersonSpoke | e.Answered | e.Paused | e.TakenOver | e.Resumed | e.Redirected | e.StopRequested


def _countersigned(run: Run, event: _OfApproval) -> Run:
    """What became of a request for people's approval."""
    match event:
        case e.VoteCast(vote=vote):
            record = asked(run, vote.approval_id)
            return put(run, record, votes=(*record.votes, vote))
        case e.ApprovalGranted(approval_id=approval_id, use_until=until):
            record = asked(run, approval_id)
            return settle(put(run, record, status=CallStatus.ALLOWED, use_until=until))
        case e.ApprovalClosed(approval_id=approval_id, end=end, why=why):
            record = asked(run, approval_id)
            return settle(put(run, record, status=CallStatus.DROPPED, approval_end=end, note=why, use_until=None))
        case e.VoteRefused(approval_id=approval_id, by=by, why=why):
            return changed(run, refusals=run.refusals | {(approval_id, by, why)})
        case e.CallFrozen(approval_id=approval_id, text=text):
            return _frozen(run, approval_id, text)
        case e.CallThawed(approval_id=approval_id):
            return _frozen(run, approval_id, "")
        case e.GlassBroken():
            return run


def _acted(
    run: Run,
    event: "e.ActionStarted | e.ActionReturned | e.ActionInDoubt | e.DoubtResolved | e.DoubtPutToPerson",
) -> Run:
    record = run.record(event.call_id)
    match event:
        case e.ActionStarted(epoch=epoch, attempt=attempt, key=key, digest=digest):
            if record.status not in (CallStatus.ALLOWED, CallStatus.IN_DOUBT):
                raise IllegalEvent(f"{run.run_id}: call {event.call_id} starts while it is {record.status}")
            changes: dict[str, Any] = {"epoch": epoch, "attempt": attempt, "key": key, "digest": digest}
            return settle(put(run, record, status=CallStatus.ACTING, use_until=None, **changes))
        case e.ActionReturned(observation=observation, met=met, problems=problems):
            done: dict[str, Any] = {"observation": observation, "met": met, "problems": problems}
            return settle(put(run, record, status=CallStatus.RETURNED, **done))
        case e.ActionInDoubt(why=why, remedy=remedy):
            return settle(put(run, record, status=CallStatus.IN_DOUBT, note=why, remedy=remedy))
        case e.DoubtResolved():
            return _resolved(run, record, event)
        case e.DoubtPutToPerson(question=text, options=options):
            question = Question(question=text, options=options, about=event.call_id, turn=run.iterations)
            asked = changed(put(run, record, remedy="ask"), questions=(*run.questions, question))
            return asked if run.status is Status.WAITING else move(asked, Status.AWAITING_ANSWER)


def _resolved(run: Run, record: CallRecord, event: e.DoubtResolved) -> Run:
    """A doubt ends. Where a tool finds nothing done it is repeated; where a person says so, thought about anew."""
    match event.finding:
        case Doubt.HAPPENED:
            seen = event.observation or Observation(
                ok=True, summary=f"It did happen, says {event.by}.", trust=Trust.MACHINE
            )
            return settle(put(run, record, status=CallStatus.RETURNED, observation=seen))
        case Doubt.NOT_HAPPENED if record.remedy == "ask" or run.stopping or run.redirect:
            return settle(put(run, record, status=CallStatus.DROPPED, note=f"It did not happen, says {event.by}."))
        case Doubt.NOT_HAPPENED:
            return put(run, record, remedy="repeat")
        case Doubt.UNKNOWN:
            return run


def _steered(run: Run, event: _OfPeople) -> Run:
    """What a person said to the run."""
    match event:
        case e.PersonSpoke(by=by, text=text, occurrence=occurrence):
            if occurrence is not None:
                run = changed(run, joined=(*run.joined, occurrence))
            return _heard(run, by, text, tainted=event.tainted)
        case e.Answered(by=by, text=text):
            return _answered(run, by, text)
        case e.Paused():
            return changed(run, paused=True)
        case e.TakenOver(by=by):
            return changed(run, paused=True, held_by=by)
        case e.Resumed(by=by):
            return changed(_heard(run, by, event.why), paused=False, held_by=None)
        case e.Redirected(by=by, task=task, agent=agent):
            return _redirected_if_free(changed(run, redirect=Redirect(by=by, task=task, agent=agent)))
        case e.StopRequested(by=by, why=why):
            return changed(run, stopping=f"{by}: {why}" if why else by)


def _answered(run: Run, by: str, text: str) -> Run:
    question = run.open_question
    if question is None:
        raise IllegalEvent(f"{run.run_id}: an answer without a question")
    closed = (*run.questions[:-1], replace(question, answer=text, by=by))
    run = changed(run, questions=closed, excluded=_add(run.excluded, by))
    if question.about is not None:
        return run  # the resolution of the doubt follows, and moves the run
    return move(run, Status.REASONING)


def _deadline(run: Run, kind: str, subject: str) -> Run:
    match kind:
        case "wait":
            return wait_over(run, "timed out")
        case "timeout" | "deadline":
            return changed(run, limit=kind)
        case _:
            return run  # an approval's end is recorded beside it, as ApprovalClosed


def _redirected_if_free(run: Run) -> Run:
    """A redirect takes hold once nothing is in flight: the decision is revoked and the door asked again."""
    redirect = run.redirect
    if redirect is None or run.in_flight or run.in_doubt:
        return run
    waits, wait = run.waits, run.waiting_for
    if wait is not None:
        waits = (*waits[:-1], replace(wait, what="redirected"))
    questions, question = run.questions, run.open_question
    if question is not None:
        questions = (*questions[:-1], replace(question, answer="(redirected)", by=redirect.by))
    return move(
        changed(
            run,
            task=redirect.task,
            agent=redirect.agent,
            redirect=None,
            decision=None,
            past=all_over(run, "redirected"),
            batch=(),
            offer=None,
            waits=waits,
            questions=questions,
            conclusion=None,
            ending=None,
            messages=_heard(run, redirect.by, redirect.task.goal).messages,
            goal_turn=run.iterations,
            excluded=_add(run.excluded, redirect.by),
            standing=_add(run.standing, redirect.by),
        ),
        Status.DECIDING,
    )


def _frozen(run: Run, approval_id: str, text: str) -> Run:
    record = run.approval(approval_id)
    return run if record is None else put(run, record, frozen=text)


def draws_after(draws: tuple[Draw, ...], event: e.Event) -> tuple[Draw, ...]:
    """The accounts that a run's costs are booked to after `event`: those that its latest decision named."""
    if isinstance(event, e.PolicyDecided) and event.decision.allowed:
        return tuple(draw for draw in event.decision.draws if not draw.of.counted)
    return draws


def _spend(run: Run, cost: e.Cost) -> Run:
    if not cost.usd and not cost.tokens:
        return run
    return changed(run, cost_usd=run.cost_usd + cost.usd, tokens=run.tokens + cost.tokens)


def _heard(run: Run, by: str, text: str, *, tainted: bool = False) -> Run:
    said = Message(by=by, text=text, turn=run.iterations, tainted=tainted)
    return changed(run, messages=(*run.messages, said)) if text else run


def _add(people: tuple[str, ...], person: str) -> tuple[str, ...]:
    return people if person in people else (*people, person)

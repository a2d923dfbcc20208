"""What happened, as replies in the thread: a message per step of the run, a line per fact."""

import re
from datetime import datetime

from domain import events as e
from domain.approvals import ApprovalEnd, Ballot
from domain.calls import Observation
from domain.runs import CallRecord, Run, Status
from domain.tiers import Effect
from handlers.slack.show import kit
from handlers.slack.show.approval import SAID
from handlers.slack.show.card import reason_line
from handlers.slack.show.message import Message
from handlers.slack.show.story import Story
from handlers.slack.show.text import brief, plural

_LINE = 600
_LONG_S = 1.0  # a call that took less has its time left out
_TOPIC = re.compile(r"([a-z]{2,20}):([^@\s]+)(?:@([0-9a-f]{40,64}))?")
_GOOD = frozenset({"passed", "merged", "applied"})
_ROWS = 18  # of _LINE each, so that a message holds them
_REST = frozenset({Status.REASONING, Status.AWAITING_APPROVAL, Status.WAITING, Status.AWAITING_ANSWER, Status.IN_DOUBT})

Row = list[kit.Element]


def due(story: Story) -> bool:
    """Whether a step has ended, so that what it did is said."""
    run = story.run
    if story.untold and isinstance(story.untold[-1].event, e.VoteCast):
        return False  # the card shows votes; what follows from this one is said with it
    return run.status in _REST or run.status is Status.FINISHED or run.paused or bool(run.stopping)


def trace(story: Story) -> Message | None:
    """The untold facts; None where there is nothing that people need to read."""
    rows = [row for recorded in story.untold for row in _rows(story.run, recorded)]
    if not rows:
        return None
    if len(rows) > _ROWS:
        rows = [*rows[: _ROWS - 1], kit.say(f"and {plural(len(rows) - _ROWS + 1, 'more line')}, in Details")]
    text = "".join(element.get("text", "") for element in rows[0])
    return Message(text=text, blocks=kit.lines(*rows))


def _rows(run: Run, recorded: e.Recorded) -> list[Row]:
    """The lines of one event. What other cards show (approvals, questions, the outcome) is not said twice."""
    event = recorded.event
    match event:
        case e.PolicyDecided(decision=decision) if decision.allowed:
            return [kit.say("Policy: ", bold=True) + _say(decision.reason)]
        case e.CallsProposed(calls=calls, rationale=why, by=by, conclusion=conclusion):
            head = "Check that the job is done" if conclusion else why or f"{plural(len(calls), 'call')} proposed"
            return [_say(head, bold=True) + (_say(f" · {by}") if by and not by.startswith("runbook:") else [])]
        case e.CallDenied(call_id=call_id, verdict=verdict):
            rules = "; ".join(reason_line(reason) for reason in verdict.reasons)
            said = brief(f"{verdict.text}{f' ({rules})' if rules else ''}", _LINE)
            return [_say(f"⊘ {_call(run, call_id)}: ") + kit.credited(said)]
        case e.ActionStarted(call_id=call_id, attempt=attempt) if attempt > 1:
            return [_say(f"▶ {_call(run, call_id)}: attempt {attempt}")]
        case e.ActionReturned(call_id=call_id, observation=seen, met=met, problems=problems):
            return _returned(run, call_id, seen, met=met, problems=problems)
        case e.ActionInDoubt(call_id=call_id, why=why):
            return [_say(f"? {_call(run, call_id)}: whether it happened is unknown. {why}")]
        case e.DoubtResolved(call_id=call_id, finding=finding, by=by):
            return [_say(f"{_call(run, call_id)}: {finding.replace('_', ' ')}, says ") + kit.who(by)]
        case e.WaitStarted(why=why, until=until):
            return [_say("Waits: ", bold=True) + _say(f"{why} (until {_moment(until, recorded.at)})")]
        case e.Noticed(topic=topic, what=what):
            return [_say(_noticed(topic, what))]
        case e.DeadlineReached(kind=kind, subject=subject):
            return [_say(f"⚠ The {kind} limit was reached {subject}".rstrip())]
        case e.ReasoningFailed(why=why):
            return [_say(f"✗ Reasoning failed: {why}")]
        case e.CallsDropped(call_ids=calls, why=why):
            return [_say(f"{plural(len(calls), 'call')} dropped: {why}")]
        case _:
            return _people(event)


def _people(event: e.Event) -> list[Row]:
    """What people said and did."""
    match event:
        case e.VoteCast(vote=vote):
            sign, said = SAID[vote.ballot]
            why = f": {vote.reason}" if vote.reason else ""
            return [
                kit.say(f"{sign} ") + kit.who(vote.by) + _say(f" {said}{why}", bold=vote.ballot is Ballot.BREAK_GLASS)
            ]
        case e.CallFrozen(text=text):
            frozen = kit.credited(brief(text[:1].upper() + text[1:], _LINE))
            return [kit.say("❄ ") + frozen + kit.say(". What people are asked here waits for it.")]
        case e.CallThawed():
            return [_say("❄ No longer frozen: the card takes votes again.")]
        case e.ApprovalClosed(end=end, why=why) if end is not ApprovalEnd.DENIED:
            return [_say(f"Not countersigned: {end} ({why})")]
        case e.Paused(by=by, why=why):
            return [_say("⏸ Paused by ") + kit.who(by) + _say(f": {why}" if why else "")]
        case e.Resumed(by=by, why=why):
            return [_say("▶ Resumed by ") + kit.who(by) + _say(f": {why}" if why else "")]
        case e.TakenOver(by=by):
            return [_say("✋ Taken over by ") + kit.who(by)]
        case e.Redirected(by=by, task=task):
            return [_say("↪ Redirected by ") + kit.who(by) + _say(f": {task.goal}")]
        case e.StopRequested(by=by, why=why):
            return [_say("■ Stop asked by ") + kit.who(by) + _say(f": {why}" if why else "")]
        case e.PersonSpoke(by=by, text=text) if not by.startswith("user:"):
            return [kit.who(by) + _say(f": {text}")]
        case _:
            return []


def _returned(run: Run, call_id: str, seen: Observation, *, met: bool | None, problems: tuple[str, ...]) -> list[Row]:
    record = _record(run, call_id)
    good = seen.ok and met is not False and not problems
    took = f" ({seen.seconds:.1f} s)" if seen.seconds >= _LONG_S else ""
    rows = [_say(f"{'✓' if good else '✗'} {_call(run, call_id)}: {seen.summary}{took}")]
    if seen.error:
        rows.append(_say(f"  {seen.error_kind or 'error'}: {seen.error}"))
    if met is not None and record is not None and record.call.expect is not None:
        expected = record.call.expect.describe
        rows[0] += _say(f" As predicted: {expected}") if met else []
        rows += [] if met else [_say(f"  NOT as predicted: {expected}", bold=True)]
    rows += [_say(f"  {problem}") for problem in problems]
    if record is not None and record.call.effect is not Effect.READ and record.call.rollback and not good:
        rows.append(_say(f"  rollback: {record.call.rollback}"))
    return rows


def _record(run: Run, call_id: str) -> CallRecord | None:
    return next((record for record in run.records if record.call.call_id == call_id), None)


def _call(run: Run, call_id: str) -> str:
    record = _record(run, call_id)
    return f"{record.call.tool} {record.call.resource or ''}".strip() if record else call_id


def _moment(until: datetime, now: datetime) -> str:
    """`12:30 UTC`, with the day where it is another one."""
    return f"{until:%H:%M} UTC" if until.date() == now.date() else f"{until:%Y-%m-%d %H:%M} UTC"


def _noticed(topic: str, what: str) -> str:
    """`✓ acme/infra#1 at 79e581b: checks passed` for `checks:acme/infra#1@79e581b...`; other topics as they are."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        return f"{topic}: {what}"
    kind, subject, head = found.groups()
    sign = "✓ " if what in _GOOD else ""
    said = what if what[:4] == kind[:4] else f"{kind} {what}"
    return f"{sign}{subject}{f' at {head[:7]}' if head else ''}: {said}"


def _say(text: str, *, bold: bool = False) -> Row:
    return kit.say(brief(text, _LINE), bold=bold)

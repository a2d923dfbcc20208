"""How a run ended, and what it asks: the guaranteed posts in its thread."""

from domain.approvals import Ballot
from domain.outcomes import Outcome
from domain.runs import CallRecord, Question, Run
from domain.tiers import Effect
from handlers.slack.show import kit
from handlers.slack.show.card import headline, refusal, spent, summary
from handlers.slack.show.limits import BUTTON_TEXT
from handlers.slack.show.message import Message, banner
from handlers.slack.show.text import brief, clip, duration, one_line, size

_SUMMARY = 6_000
_OPTIONS = 5


def outcome(run: Run, *, unconfined: bool = False) -> Message:
    """The end: what came of it, what was done, who countersigned, what it cost."""
    decision = run.decision
    rows = [
        kit.say("✓ " if r.good else "✗ ") + kit.say(_done(r)) for r in run.past if r.call.effect is not Effect.READ
    ][-20:]
    signed = dict.fromkeys(vote.by for r in run.past for vote in r.votes if vote.ballot is Ballot.APPROVE)
    if signed:
        rows.append(kit.say("Countersigned by ") + kit.people(list(signed)[:20]))
    forced = [vote for r in run.past for vote in r.votes if vote.ballot is Ballot.BREAK_GLASS]
    rows += [kit.say("⚠ Glass broken by ") + kit.who(v.by) + kit.say(f": {brief(v.reason, 300)}") for v in forced[:5]]
    if run.outcome is Outcome.DENIED and decision is not None:
        rows += refusal(decision, said=run.summary)
    if run.outcome in (Outcome.ESCALATED, Outcome.FAILED) and run.received.requester:
        rows.append(kit.say("Over to ") + kit.who(run.received.requester))
    seconds = (run.updated_at - run.created_at).total_seconds() if run.updated_at and run.created_at else 0.0
    blocks = [
        *kit.header(headline(run)),
        *summary(run, _SUMMARY),
        *kit.lines(*rows),
        *banner(unconfined=unconfined),
        *kit.context(f"{spent(run)} · {duration(round(seconds, 1))} · {run.run_id}"),
    ]
    return Message(text=f"{headline(run)}: {run.summary}", blocks=blocks)


def question(run: Run, number: int, asked: Question, *, unconfined: bool = False) -> Message:
    """The card of question `number`; buttons while it is open."""
    blocks = [*kit.header("A question"), *kit.prose(clip(asked.question, _SUMMARY))]
    if asked.answer is not None:
        blocks += kit.lines(kit.who(asked.by) + kit.say(f": {clip(asked.answer, 1_500)}"))
    elif run.outcome is None:
        blocks += kit.actions(*_answers(run, number, asked))
    return Message(text=asked.question, blocks=[*blocks, *banner(unconfined=unconfined)])


def _answers(run: Run, number: int, asked: Question) -> list[kit.Element]:
    """A button for each answer where they fit; else one that opens a form."""
    options = asked.options
    if options and len(options) <= _OPTIONS and all(size(one_line(option)) <= BUTTON_TEXT for option in options):
        return [kit.button(text, f"answer_{i}", f"{run.run_id} {number} {i}") for i, text in enumerate(options)]
    return [kit.button("Answer", "answer", f"{run.run_id} {number}")]


def _done(record: CallRecord) -> str:
    call = record.call
    said = record.observation.summary if record.observation else f"{record.status}: {record.note}"
    return brief(f"{call.tool} {call.resource or ''}: {said}", 400)

"""The approval card, compiled from the call by the engine's own words; what a model wrote stands apart, labelled.

Nothing that is approved is ever shortened. What does not fit the card goes, whole, into a file that is delivered
first; the card then says so, and where the file could not be delivered it has no Approve.
"""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass

from domain.approvals import ApprovalRequest
from domain.calls import ToolCall
from domain.runs import CallRecord, CallStatus
from domain.tasks import Trust
from handlers.slack.show import kit, limits
from handlers.slack.show.card import reason_line
from handlers.slack.show.message import Message, banner
from handlers.slack.show.story import Story
from handlers.slack.show.text import brief, duration, person, plural, size, visible

_SHORT = 450  # of a part that is shown whole beside a file
_ROOM = 8_000  # characters that the parts may take; the rest is for votes, headline and how it ended
_BLOCKS = 38
_EVIDENCE = 5
SHORT_DIGEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A titled piece of what is approved. `words` are a model's or a runbook's own, not the engine's."""

    title: str
    text: str
    code: bool = False
    words: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What is approved, whole. `file` is set where the card cannot hold it."""

    card: Message
    without_approve: Message  # for when the file could not be delivered
    file: str | None
    name: str


def value_of(request: ApprovalRequest) -> str:
    """What a button carries: ids only, looked up again at the click."""
    return f"{request.approval_id} {request.digest}"


def approval(story: Story, record: CallRecord, *, unconfined: bool = False) -> Payload:
    """The card of an approval in its present state, with all of what it is about."""
    request = record.request
    if request is None:
        raise ValueError(f"nothing is asked about {record.call.call_id}")
    found = parts(story, record)
    frame = _Frame(story=story, record=record, request=request, unconfined=unconfined)
    inner = [block for part in found for block in _whole(part)]
    name = f"{request.approval_id}-{_bare(request.digest)[:SHORT_DIGEST]}.txt"
    title = _title(record, request)
    if len(inner) <= _BLOCKS and limits.weight(inner) <= _ROOM:
        message = Message(text=title, blocks=frame.around(inner, approve=True))
        return Payload(card=message, without_approve=message, file=None, name=name)
    inner = [block for part in found for block in _short(part, name)]
    return Payload(
        card=Message(text=title, blocks=frame.around(inner, approve=True)),
        without_approve=Message(text=title, blocks=frame.around(inner, approve=False)),
        file=as_file(story.run.run_id, request, found),
        name=name,
    )


def parts(story: Story, record: CallRecord) -> list[Part]:
    """Everything an approver should know, in order, unshortened."""
    call, run = record.call, story.run
    facts = [
        f"tool: {call.tool} (version {call.version})",
        f"target: {call.resource or 'unknown: nothing established it'}",
    ]
    facts += [f"labels: {_pairs(call.labels)}", f"effect: {call.effect}", f"call: {call.call_id} of run {run.run_id}"]
    facts += [f"{name}: {text}" for name, text in (call.preview.facts if call.preview else ())]
    found = [
        Part(title="What would be done", text="\n".join(facts), code=True),
        Part(title="Arguments", text=_arguments(call), code=True),
        Part(title="Taint", text=_taint(story, call)),
        Part(title="Effect, computed from the target", text=call.preview.summary if call.preview else ""),
        Part(title="Difference", text=(call.preview.diff or "") if call.preview else "", code=True),
        Part(title="Prediction", text=call.prediction, words=True),
        Part(title="Check that follows", text=_check(story, call)),
        Part(title="Rollback", text=call.rollback or "none was given", words=bool(call.rollback)),
        Part(title="Asked because", text=_rules(story, record)),
        Part(title="Seen before", text=_evidence(story, record)),
        Part(title="Why, in the operator's words", text=_why(story, record), words=True),
    ]
    return [part for part in found if part.text]


def as_file(run_id: str, request: ApprovalRequest, found: Sequence[Part]) -> str:
    """The whole, as plain text. What cannot be seen is written out here too."""
    head = f"{request.verb} {request.approval_id} of run {run_id}\ndigest {request.digest}\n"
    return head + "".join(f"\n=== {part.title}{_label(part)}\n{visible(part.text)}\n" for part in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What stands around the parts: headline, votes, buttons, digest."""

    story: Story
    record: CallRecord
    request: ApprovalRequest
    unconfined: bool

    def around(self, inner: list[kit.Block], *, approve: bool) -> list[kit.Block]:
        digest = f"Digest {_bare(self.request.digest)[:SHORT_DIGEST]} · {self.request.approval_id}"
        until = f" · open until {self.request.expires_at:%Y-%m-%d %H:%M} UTC" if self.open else ""
        return [
            *kit.header(_title(self.record, self.request)),
            *inner,
            *kit.lines(*self.standing()),
            *banner(unconfined=self.unconfined),
            *(kit.actions(*self.buttons(approve=approve)) if self.open else []),
            *kit.context(digest + until),
        ]

    @property
    def open(self) -> bool:
        return self.record.status is CallStatus.AWAITING and not self.story.run.stopping

    def standing(self) -> list[list[kit.Element]]:
        """Who may, who has, and how it ended."""
        rows = [kit.say(_asks(r.approvers.text, r.count, r.within_s)) for r in self.request.requirements[:10]]
        left = len(self.request.requirements) - len(rows)
        rows += [kit.say(f"and {plural(left, 'further requirement')}")] if left > 0 else []
        if self.request.excluded:
            rows.append(kit.say("Do not count: ") + kit.people(self.request.excluded[:10]))
        for vote in self.record.votes[-10:]:
            said = kit.say(f" {'approved' if vote.ballot == 'approve' else 'denied'}")
            rows.append(kit.who(vote.by) + said + kit.say(f": {brief(vote.reason, 100)}" if vote.reason else ""))
        return rows + [kit.say(end, bold=True) for end in [self.ended()] if end]

    def ended(self) -> str:
        """How it ended, in a line; empty while it is open."""
        closed = self.story.closed.get(self.request.approval_id)
        if closed is not None:
            by = f" by {person(closed.by)}" if closed.by and not closed.by.startswith("user:") else ""
            return f"{closed.end.capitalize()}{by}: {brief(closed.why, 500)}"
        seen = self.record.observation
        if seen is not None:
            return f"{'Done' if self.record.good else 'Did not go as predicted'}: {brief(seen.summary, 500)}"
        if self.record.status is CallStatus.AWAITING:
            return "The run is being stopped." if self.story.run.stopping else ""
        return {
            CallStatus.ALLOWED: "Countersigned; it starts now.",
            CallStatus.ACTING: "Countersigned; it is under way.",
            CallStatus.IN_DOUBT: "Countersigned and started; whether it happened is being found out.",
        }.get(self.record.status, brief(self.record.note, 500) or "It is over.")

    def buttons(self, *, approve: bool) -> list[kit.Element]:
        value, merge = value_of(self.request), self.request.verb == "merge"
        yes = kit.button("Merge" if merge else "Approve", "merge" if merge else "approve", value, style="primary")
        no = kit.button("Deny", "deny", value, style="danger")
        ask = kit.button("Ask", "ask", value)
        return [*([yes] if approve else []), no, ask, kit.button("Details", "details", value)]


def _whole(part: Part) -> list[kit.Block]:
    body = kit.pre(part.text) if part.code or part.words else kit.prose(part.text)
    return kit.lines(kit.say(part.title + _label(part), bold=True)) + body


def _short(part: Part, file: str) -> list[kit.Block]:
    """The part itself if it is small, else how large it is and where it stands whole."""
    if size(visible(part.text)) <= _SHORT:
        return _whole(part)
    count = f"{plural(part.text.count(chr(10)) + 1, 'line')}, {plural(len(part.text), 'character')}"
    return kit.lines(
        kit.say(part.title + _label(part), bold=True),
        kit.say(f"{count}: whole in the file {file} above, and in Details"),
    )


def _label(part: Part) -> str:
    return " (not checked)" if part.words else ""


def _title(record: CallRecord, request: ApprovalRequest) -> str:
    verb = "Merge" if request.verb == "merge" else "Countersign"
    return f"{verb}: {record.call.tool} on {record.call.resource or 'an unknown target'}"


def _asks(approvers: str, count: int, within_s: float) -> str:
    return brief(f"Asks for {count} of {approvers}, within {duration(within_s)}", 150)


def _arguments(call: ToolCall) -> str:
    return json.dumps(dict(call.arguments), indent=2, sort_keys=True, ensure_ascii=False, default=str)


def _pairs(labels: object) -> str:
    if labels is None:
        return "unknown: nothing established them"
    return json.dumps(labels, sort_keys=True, ensure_ascii=False, default=str) if labels else "none"


def _taint(story: Story, call: ToolCall) -> str:
    said = []
    if call.tainted:
        said.append(f"These arguments follow text that nobody vouches for: {', '.join(call.tainted)}.")
    if story.run.received.trust is Trust.UNTRUSTED:
        said.append(f"This follows from text in an {story.run.received.trigger.source} that nobody vouches for.")
    return "\n".join(said)


def _check(story: Story, call: ToolCall) -> str:
    """The call that verifies this one, or its own expectation."""
    said = [f"{call.tool} itself must show: {call.expect.describe}"] if call.expect else []
    for later in story.run.records:
        if later.call.verifies == call.call_id:
            expects = later.call.expect.describe if later.call.expect else "that it succeeds"
            said.append(f"{later.call.tool} {later.call.resource or ''} with {_arguments(later.call)}: {expects}")
    return "\n".join(said) or "none"


def _rules(story: Story, record: CallRecord) -> str:
    asked = story.asked.get(record.request.approval_id) if record.request else None
    reasons = [reason_line(reason) for reason in asked.reasons] if asked else []
    return "\n".join(reasons) or "a change always needs a person (built in)"


def _evidence(story: Story, record: CallRecord) -> str:
    """What the latest calls before it found; whole in the thread."""
    earlier = itertools.takewhile(lambda r: r.call.call_id != record.call.call_id, story.run.records)
    before = [r for r in earlier if r.observation is not None]
    return "\n".join(
        f"{r.call.tool}: {brief(r.observation.summary, 400)}" for r in before[-_EVIDENCE:] if r.observation
    )


def _why(story: Story, record: CallRecord) -> str:
    rationale = story.rationales.get(record.request.approval_id, "") if record.request else ""
    return "\n".join(text for text in dict.fromkeys([record.call.purpose, rationale]) if text)


def _bare(digest: str) -> str:
    return digest.rpartition(":")[2]

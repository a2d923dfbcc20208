"""The approval card, compiled from the call by the engine's own words; what a model wrote stands apart, labelled.

Nothing that is approved is ever shortened. What does not fit the card goes, whole, into a file that is delivered
first; the card then says so, and where the file could not be delivered it has no Approve. Once nobody is asked any
more the card says how it ended, and keeps the difference; the rest is behind its Details.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.approvals import ApprovalRequest, Ballot
from domain.runs import CallRecord, CallStatus
from handlers.slack.show import kit, limits
from handlers.slack.show.message import Message, banner
from handlers.slack.show.parts import DIFFERENCE, SUMMARY, Part, laid_out, parts
from handlers.slack.show.story import Story
from handlers.slack.show.text import asked, brief, duration, person, plural, visible

_ROOM = 8_000  # characters that the parts may take; the rest is for votes, headline and how it ended
_BLOCKS = 38
SHORT_DIGEST = 12
SAID = {
    Ballot.APPROVE: ("✓", "countersigned"),
    Ballot.DENY: ("✗", "denied"),
    Ballot.BREAK_GLASS: ("⚠", "broke the glass"),
}


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


def approval(story: Story, record: CallRecord, *, unconfined: bool = False, stopped: bool = False) -> Payload:
    """The card of an approval in its present state, with all of what it is about."""
    request = record.request
    if request is None:
        raise ValueError(f"nothing is asked about {record.call.call_id}")
    found = parts(story, record)
    frame = _Frame(story=story, record=record, request=request, unconfined=unconfined, stopped=stopped)
    whole = laid_out(found)
    name = f"{request.approval_id}-{_bare(request.digest)[:SHORT_DIGEST]}.txt"
    fits = len(whole) <= _BLOCKS and limits.weight(whole) <= _ROOM
    shown = found if frame.open else [part for part in found if part.title in (SUMMARY, DIFFERENCE)]
    inner = laid_out(shown, file="" if fits else name)
    return Payload(
        card=Message(text=frame.title(), blocks=frame.around(inner, approve=True)),
        without_approve=Message(text=frame.title(), blocks=frame.around(inner, approve=fits)),
        file=None if fits else as_file(story.run.run_id, request, found),
        name=name,
    )


def as_file(run_id: str, request: ApprovalRequest, found: Sequence[Part]) -> str:
    """The whole, as plain text. What cannot be seen is written out here too."""
    head = f"{request.verb} {request.approval_id} of run {run_id}\ndigest {request.digest}\n"
    return head + "".join(f"\n=== {part.heading}\n{visible(part.text)}\n" for part in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What stands around the parts: headline, votes, buttons, digest."""

    story: Story
    record: CallRecord
    request: ApprovalRequest
    unconfined: bool
    stopped: bool = False

    def around(self, inner: list[kit.Block], *, approve: bool) -> list[kit.Block]:
        digest = f"Digest {_bare(self.request.digest)[:SHORT_DIGEST]} · {self.request.approval_id}"
        until = f" · open until {self.request.expires_at:%Y-%m-%d %H:%M} UTC" if self.open else ""
        return [
            *kit.header(self.title()),
            *inner,
            *kit.lines(*self.standing()),
            *banner(unconfined=self.unconfined, stopped=self.stopped and self.open),
            *kit.actions(*self.buttons(approve=approve)),
            *kit.context(digest + until),
        ]

    @property
    def open(self) -> bool:
        return self.record.status is CallStatus.AWAITING and not self.story.run.stopping

    @property
    def merge(self) -> bool:
        return self.request.verb == "merge"

    def title(self) -> str:
        """What is asked and, once nobody is asked any more, what became of it."""
        call = self.record.call
        target = call.resource or "an unknown target"
        return f"{self._state()}: {target if self.merge else f'{call.tool} on {target}'}"

    def _state(self) -> str:
        if self.open:
            return "Ready to merge" if self.merge else "Countersignature asked"
        closed, status = self.story.closed.get(self.request.approval_id), self.record.status
        if closed is not None:
            return f"⊘ {closed.end.capitalize()}"
        if self.record.observation is not None:
            return ("✓ Merged" if self.merge else "✓ Done") if self.record.good else "✗ Not as predicted"
        if status in (CallStatus.ALLOWED, CallStatus.ACTING):
            return "✓ Countersigned"
        return "? In doubt" if status is CallStatus.IN_DOUBT else "Over"

    def standing(self) -> list[list[kit.Element]]:
        """Who may, who has, and how it ended."""
        rows = [*self._asked(), *self._frozen()] if self.open else []
        for vote in self.record.votes[-10:]:
            sign, word = SAID[vote.ballot]
            why = f": {brief(vote.reason, 100)}" if vote.reason else ""
            rows.append(kit.say(f"{sign} ") + kit.who(vote.by) + kit.say(f" {word}{why}"))
        return rows + [kit.say(end, bold=True) for end in [self.ended()] if end]

    def _frozen(self) -> list[list[kit.Element]]:
        """Why approving would start nothing now."""
        if not self.record.frozen:
            return []
        off = ". Approving now would not start it, so the card takes no votes until that is over."
        said = brief(self.record.frozen, 600)
        return [kit.say("❄ ") + kit.credited(said[:1].upper() + said[1:]) + kit.say(off)]

    def _asked(self) -> list[list[kit.Element]]:
        rows = []
        for need in self.request.requirements[:10]:
            one = need.approvers.kind == "user"
            who = kit.who(need.approvers.text) if one else kit.say(brief(asked(need.approvers, need.count), 150))
            rows.append(kit.say("Asked: ", bold=True) + who + kit.say(f", within {duration(need.within_s)}"))
        left = len(self.request.requirements) - len(rows)
        rows += [kit.say(f"and {plural(left, 'further requirement')}")] if left > 0 else []
        if self.request.excluded:
            rows.append(kit.say("Cannot sign: ", bold=True) + kit.people(self.request.excluded[:10]))
        return rows

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
        value = value_of(self.request)
        details = kit.button("Details", "details", value)
        if not self.open:
            return [details]
        yes = kit.button(*(("Merge", "merge") if self.merge else ("Approve", "approve")), value, style="primary")
        no = kit.button("Deny", "deny", value, style="danger")
        able = approve and not self.record.frozen
        alone = [_break_glass(value)] if able and all(one.break_glass for one in self.request.requirements) else []
        return [*([yes] if able else []), no, kit.button("Ask", "ask", value), details, *alone]


def _break_glass(value: str) -> kit.Element:
    sure = kit.confirm(
        "Break the glass?",
        "You alone countersign this, in place of everybody whom the rule asks. Administrators and auditors are told.",
        "Go on",
    )
    return kit.button("Break glass…", "break_glass", value, style="danger", confirm=sure)


def _bare(digest: str) -> str:
    return digest.rpartition(":")[2]

"""What a run's events mean for its thread: posts with deterministic keys. Pure.

    RUN:card            the live card           RUN:card:now, RUN:card:end       its updates
    RUN:SEQ:trace       a step, as a reply      RUN:APPROVAL:file, :card         what is to be countersigned
    RUN:APPROVAL:copy   a second clickable one  RUN:qN:card                      a question
    RUN:outcome         the end                 RUN:session                      Slack's own status line and Stop button
    RUN:lost:SEQ        what the run was decided with is lost

What ends in `:now` is coalesced: only the latest counts. Everything else is guaranteed, in order.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.thread.notices import of_glass, of_loss
from domain.canonical import Json
from domain.envelopes import Post
from domain.events import Recorded
from domain.runs import OVER, CallRecord, CallStatus, Run, Status
from handlers.slack.show.approval import Payload, approval
from handlers.slack.show.card import card
from handlers.slack.show.message import Message, metadata
from handlers.slack.show.outcome import outcome, question
from handlers.slack.show.story import Story
from handlers.slack.show.trace import due, trace

_WORKING = frozenset({Status.DECIDING, Status.REASONING, Status.PROPOSED, Status.APPROVED, Status.ACTING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where things are shown. `approvals`: a second copy of every approval; `default`: runs that no door placed."""

    approvals: str | None = None
    default: str | None = None
    unconfined: bool = False
    notices: tuple[str, ...] = ()  # channels for what everybody must hear of, of private runs too
    private: bool = False  # the run is: what it is about is shown nowhere but in its own thread
    stopped: bool = False  # the switch


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seat:
    """A run's conversation: the thread is known, or it is that of the run's own card."""

    run: Run
    channel: str
    thread: Mapping[str, Json] | None

    @property
    def below(self) -> Mapping[str, Json]:
        return self.thread or {"key": f"{self.run.run_id}:card"}


def step(story: Story, recorded: Recorded, places: Places) -> tuple[Story, list[Post]]:
    """The story after one event, and the guaranteed posts that follow from it. Raises IllegalEvent."""
    before, story = story, story.after(recorded)
    seat = _seat(story.run, places)
    told = trace(story) if due(story) else None
    found: list[Post] = []
    if seat is not None:
        if before.run.task is None and story.run.task is not None:
            found.append(_post(seat, "card", _card(story.run, places), thread=seat.thread))
        if told is not None:
            found.append(_post(seat, f"{recorded.seq}:trace", told, thread=seat.below))
        found += _approvals(before, story, seat, places)
        found += of_glass(story.run, recorded, places.notices, private=places.private)
        found += _questions(before.run, story.run, seat, places)
        if story.run.status is Status.FINISHED and before.run.status is not Status.FINISHED:
            end = outcome(story.run, unconfined=places.unconfined)
            found.append(_post(seat, "outcome", end, thread=seat.below))
            final = _card(story.run, places)
            found.append(_update(seat, "card", "card:end", final))
    return (story.told() if due(story) else story), found


def live(story: Story, places: Places) -> list[Post]:
    """The coalesced posts: the cards as they should look now. Slack's Stop button first: updates may have to wait."""
    seat = _seat(story.run, places)
    if seat is None or story.run.task is None:
        return []
    now = _card(story.run, places)
    found = [_session(seat), _update(seat, "card", "card:now", now, guaranteed=False)]
    for approval_id, record in _asked(story).items():
        if record.status not in OVER:
            found += _shown_again(story, seat, approval_id, record, places, suffix="now")
    return found


def loss(story: Story, recorded: Recorded, places: Places, now: datetime) -> list[Post]:
    """Tells the run's own thread that the tier which it was decided with is lost."""
    seat, message = _seat(story.run, places), of_loss(story.run, recorded, now)
    return [] if seat is None or message is None else [_post(seat, f"lost:{recorded.seq}", message, thread=seat.below)]


def settled(story: Story, places: Places, shown: Container[str] | None = None) -> list[Post]:
    """The cards of approvals that are over, as coalesced posts: to take the place of an older one still waiting.

    `shown` are the keys of coalesced posts that may wait; the others have no need. None: all.
    """
    seat = _seat(story.run, places)
    if seat is None:
        return []
    found: list[Post] = []
    for approval_id, record in _asked(story).items():
        wanted = shown is None or f"{seat.run.run_id}:{approval_id}:card:now" in shown
        if record.status in OVER and wanted:
            found += _shown_again(story, seat, approval_id, record, places, suffix="now")
    return found


def _approvals(before: Story, story: Story, seat: _Seat, places: Places) -> list[Post]:
    """Cards of what is asked now, and the last words on what is over now."""
    found: list[Post] = []
    earlier = _asked(before)
    for approval_id, record in _asked(story).items():
        if approval_id not in earlier:
            found += _new_cards(story, seat, approval_id, record, places)
        elif record.status in OVER and earlier[approval_id].status not in OVER:
            found += _shown_again(story, seat, approval_id, record, places, suffix="end")
    return found


def _card(run: Run, places: Places) -> Message:
    return card(run, unconfined=places.unconfined, stopped=places.stopped)


def _payload(story: Story, record: CallRecord, places: Places) -> Payload:
    return approval(story, record, unconfined=places.unconfined, stopped=places.stopped)


def _new_cards(story: Story, seat: _Seat, approval_id: str, record: CallRecord, places: Places) -> list[Post]:
    """The payload first where the card cannot hold it, then the card; the same again where approvers meet."""
    payload = _payload(story, record, places)
    found: list[Post] = []
    for name, channel, thread in _copies(seat, places):
        card_key, file_key = f"{approval_id}:{name}", f"{approval_id}:{name}:file"
        extra: dict[str, Json] = {}
        if payload.file is not None:
            body = {"do": "file", "channel": channel, "thread": thread, "name": payload.name, "text": payload.file}
            found.append(Post(key=f"{seat.run.run_id}:{file_key}", run_id=seat.run.run_id, body=body))
            needs = f"{seat.run.run_id}:{file_key}"
            extra = {"needs": needs, "otherwise": payload.without_approve.body()}
        found.append(
            _post(seat, card_key, payload.card, thread=thread, channel=channel, approval_id=approval_id, extra=extra)
        )
    return found


def _shown_again(
    story: Story, seat: _Seat, approval_id: str, record: CallRecord, places: Places, *, suffix: str
) -> list[Post]:
    payload = _payload(story, record, places)
    extra: dict[str, Json] = {}
    found = []
    for name, channel, _ in _copies(seat, places):
        if payload.file is not None and record.status is CallStatus.AWAITING:
            needs = f"{seat.run.run_id}:{approval_id}:{name}:file"
            extra = {"needs": needs, "otherwise": payload.without_approve.body()}
        found.append(
            _update(
                seat, f"{approval_id}:{name}", f"{approval_id}:{name}:{suffix}", payload.card,
                guaranteed=suffix == "end", channel=channel, approval_id=approval_id, extra=extra,
            )
        )  # fmt: skip
    return found


def _copies(seat: _Seat, places: Places) -> list[tuple[str, str, Mapping[str, Json] | None]]:
    """(name, channel, thread) of every place where an approval is shown."""
    found: list[tuple[str, str, Mapping[str, Json] | None]] = [("card", seat.channel, seat.below)]
    if places.approvals and places.approvals != seat.channel:
        found.append(("copy", places.approvals, None))
    return found


def _questions(before: Run, run: Run, seat: _Seat, places: Places) -> list[Post]:
    found: list[Post] = []
    finished = run.status is Status.FINISHED and before.status is not Status.FINISHED
    for number, asked in enumerate(run.questions):
        message = question(run, number, asked, unconfined=places.unconfined)
        if number >= len(before.questions):
            found.append(_post(seat, f"q{number}:card", message, thread=seat.below))
            continue
        answered = asked.answer is not None and before.questions[number].answer is None
        if answered or (finished and asked.answer is None):
            found.append(_update(seat, f"q{number}:card", f"q{number}:card:end", message))
    return found


def _session(seat: _Seat) -> Post:
    """Slack shows its own Stop button while a session is not closed."""
    run = seat.run
    status = "closed" if run.status is Status.FINISHED else "processing" if run.status in _WORKING else "active"
    if run.paused and status == "processing":
        status = "active"
    body = {"do": "status", "channel": seat.channel, "thread": seat.below, "status": status}
    return Post(key=f"{run.run_id}:session:now", run_id=run.run_id, body=body, guaranteed=False)


def _asked(story: Story) -> dict[str, CallRecord]:
    """Every call that people are or were asked about, by approval id. A call asked about anew has a newer id."""
    return {r.request.approval_id: r for r in story.run.records if r.request is not None}


def _post(
    seat: _Seat,
    name: str,
    message: Message,
    *,
    thread: Mapping[str, Json] | None,
    channel: str | None = None,
    approval_id: str | None = None,
    extra: Mapping[str, Json] | None = None,
) -> Post:
    key = f"{seat.run.run_id}:{name}"
    body = {
        "do": "post",
        "channel": channel or seat.channel,
        "thread": thread,
        "message": message.body(),
        "metadata": metadata(seat.run.run_id, key, approval_id),
        "requester": seat.run.received.requester,
        **(extra or {}),
    }
    return Post(key=key, run_id=seat.run.run_id, body=body)


def _update(
    seat: _Seat,
    target: str,
    name: str,
    message: Message,
    *,
    guaranteed: bool = True,
    channel: str | None = None,
    approval_id: str | None = None,
    extra: Mapping[str, Json] | None = None,
) -> Post:
    run_id = seat.run.run_id
    body = {
        "do": "update",
        "channel": channel or seat.channel,
        "thread": seat.thread if target == "card" else None if channel and channel != seat.channel else seat.below,
        "message": message.body(),
        "metadata": metadata(run_id, f"{run_id}:{target}", approval_id),
        "requester": seat.run.received.requester,
        **(extra or {}),
    }
    key, replaces = f"{run_id}:{name}", f"{run_id}:{target}"
    return Post(key=key, run_id=run_id, body=body, guaranteed=guaranteed, replaces=replaces)


def _seat(run: Run, places: Places) -> _Seat | None:
    """Where the run is shown; None for one without a place."""
    if run.task is None:
        return None
    place = run.task.place
    channel = place.channel if place else places.default
    if not channel:
        return None
    thread = {"ts": place.thread_ts} if place and place.thread_ts else None
    return _Seat(run=run, channel=channel, thread=thread)

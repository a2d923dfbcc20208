"""From an intent to the operator, and from its answer to the person. Decides nothing."""

from collections.abc import Mapping, Sequence
from typing import assert_never

import structlog

from domain.approvals import Ballot
from domain.canonical import Json
from domain.envelopes import Envelope
from domain.runs import CallStatus, Question, Run, Status
from domain.signals import Signal, SignalKind
from domain.tasks import Context, Source, Task, Trigger, Trust, run_id_of
from handlers.inbox import NotYet
from handlers.slack import commands, words
from handlers.slack.answers import Answers
from handlers.slack.freezes import Freezes
from handlers.slack.intents import read
from handlers.slack.opener import Opener
from handlers.slack.requests import Desk, Requests
from handlers.slack.show import kit
from handlers.slack.show.text import clip
from handlers.slack.wire import SlackSaid, SlackTrouble
from loop.doors import Click, Reply

_SETTLE_S = 1.5  # how long a reply waits for a thread's first message that may have been overtaken

_log = structlog.get_logger(__name__)


class SlackConsumer:
    """Handles what the inbox holds for Slack. Every step bears repetition: the operator knows what it has heard."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._operator = desk.operator
        self._answers = Answers(desk.gateway)
        self._requests = Requests(desk, self._answers)
        self._freezes = Freezes(desk.operator, desk.gateway, desk.clock.now)
        self._opener = Opener(desk.gateway, desk.shows, self._answers, self._run_of)

    async def handle(self, envelope: Envelope) -> None:
        """Do what the envelope says. Raises NotYet, and whatever the operator raises."""
        await self._do(read(envelope), envelope)

    async def regret(self, envelope: Envelope, why: str) -> None:
        """Tell whoever sent it that it was given up."""
        seat = getattr(read(envelope), "seat", None)
        _log.error("set aside", key=envelope.key, why=why)
        if isinstance(seat, words.Seat) and seat.user:
            text = "That did not work, though it was tried several times. It is kept, with the reason in the log, under"
            await self._answers.tell(seat, f"{text} `{envelope.key}`. Nothing else was lost; please try again.")

    async def _do(self, intent: words.Intent, envelope: Envelope) -> None:
        match intent:
            case words.Request():
                await self._requests.take(intent)
            case words.Spoken():
                await self._spoken(intent, envelope)
            case words.Steer():
                await self._steer(intent)
            case words.Voted():
                click = Click(
                    approval_id=intent.approval_id,
                    by=intent.seat.principal,
                    ballot=intent.ballot,
                    digest=intent.digest,
                    reason=intent.reason,
                    card=intent.card,
                )
                await self._answers.reply(intent.seat, await self._operator.vote(click))
            case words.Opened():
                fallback = await self._opener.open(intent)
                if fallback is not None:
                    await self._do(fallback, envelope)
            case words.Turned():
                await self._opener.turn(intent)
            case words.Told():
                message = await self._desk.shows.message(intent.seat.principal, intent.what, intent.run_id)
                await self._answers.show(intent.seat, message)
            case words.Again():
                await self._again(intent)
            case words.Switch():
                operator = self._operator
                switch = operator.stop_everything if intent.stop else operator.resume_everything
                await self._answers.reply(intent.seat, await switch(intent.seat.principal, intent.why))
            case words.Reload():
                await self._reload(intent)
            case words.Climb():
                await self._climb(intent)
            case words.Freeze():
                await self._answers.reply(intent.seat, await self._freezes.declare(intent))
            case words.Unfreeze():
                await self._answers.reply(intent.seat, await self._freezes.lift(intent))
            case words.Forced():
                await self._force(intent)
            case words.Misspoken():
                await self._answers.tell(intent.seat, intent.text)
            case words.HomeOpened():
                view = await self._desk.shows.home(intent.seat.principal)
                await self._published(intent.seat.user, view)
            case words.SessionStopped():
                await self._stopped(intent, envelope)
            case words.Edited():
                await self._edited(intent)
            case words.Deleted():
                await self._deleted(intent)
            case words.Ignored():
                return
            case _:
                assert_never(intent)

    async def _force(self, intent: words.Forced) -> None:
        """As a click on the card that shows what this run asks now; with several, the card must be clicked."""
        run = await self._desk.shows.run(intent.seat.principal, intent.run_id)
        asked = [r.request for r in (run.live if run else ()) if r.status is CallStatus.AWAITING and r.request]
        if run is None or len(asked) != 1:
            why = "asks about several calls; use the button on the card" if asked else "asks nobody that you can see"
            await self._answers.tell(intent.seat, f"`{intent.run_id}` {why}. Nothing was countersigned.")
            return
        key = f"{run.run_id}:{asked[0].approval_id}:card"
        click = Click(
            approval_id=asked[0].approval_id,
            by=intent.seat.principal,
            ballot=Ballot.BREAK_GLASS,
            digest=asked[0].digest,
            reason=intent.why,
            card=run.posted.get(key) or await self._desk.outbox.where(key),
            channel=intent.seat.channel,
        )
        await self._answers.reply(intent.seat, await self._operator.vote(click))

    async def _published(self, user: str, view: Mapping[str, Json]) -> None:
        """A home tab that Slack does not take is not worth a word to the person, who will open it again."""
        try:
            await self._desk.gateway.publish_home(user, view)
        except SlackSaid as error:
            _log.warning("the home tab was refused", user=user, error=str(error))

    async def _reload(self, intent: words.Reload) -> None:
        if self._desk.reload is None:
            await self._answers.tell(intent.seat, "There is no directory to read again here.")
            return
        await self._answers.reply(intent.seat, await self._desk.reload(intent.seat.principal))

    async def _climb(self, intent: words.Climb) -> None:
        who = intent.seat.principal
        match intent.move:
            case "promote":
                answer = await self._operator.promote(intent.agent, who, intent.occurrence)
                if isinstance(answer, Reply):
                    await self._answers.reply(intent.seat, answer)
                else:
                    text = f"Proposed as `{answer.run_id}`; others countersign it, not you."
                    await self._answers.tell(intent.seat, text)
            case "demote":
                await self._answers.reply(intent.seat, await self._operator.demote(intent.agent, who, intent.why))
            case _:
                message = await self._desk.shows.standings(intent.agent)
                await self._answers.show(intent.seat, message)

    async def _again(self, intent: words.Again) -> None:
        if await self._desk.shows.run(intent.seat.principal, intent.run_id) is None:
            await self._answers.tell(intent.seat, f"There is no run `{intent.run_id}` that you can see.")
            return
        answer = await self._operator.retry(intent.run_id, intent.seat.principal, intent.occurrence)
        if isinstance(answer, Reply):
            await self._answers.reply(intent.seat, answer)
        elif answer.created:
            await self._answers.tell(intent.seat, f"Again, as `{answer.run_id}`.")

    # ── Words to a run ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _spoken(self, intent: words.Spoken, envelope: Envelope) -> None:
        """Words in a thread: to its run; where there is none, a request if they name us, else nobody's business."""
        run = await self._run_here(intent.seat)
        if run is None:
            age = (self._desk.clock.now() - envelope.received_at).total_seconds()
            if age < _SETTLE_S and (intent.kind is not None or not intent.addressed):
                raise NotYet
            if intent.addressed:
                await self._parsed(intent, None, envelope)
            return
        if intent.kind is not None:
            await self._signal(intent.seat, run.run_id, intent.kind)
        elif intent.addressed and (commands.is_command(intent.text) or not intent.text):
            await self._parsed(intent, run.run_id, envelope)
        elif run.status is Status.FINISHED:
            if intent.addressed:
                await self._parsed(intent, None, envelope)
        else:
            await self._converse(intent, run)

    async def _parsed(self, intent: words.Spoken, here: str | None, envelope: Envelope) -> None:
        parsed = commands.parse(intent.text, intent.seat, occurrence=intent.occurrence, at=intent.at, here=here)
        await self._do(parsed, envelope)

    async def _converse(self, intent: words.Spoken, run: Run) -> None:
        """To the open question if it answers one, else just said. Those who only talk beside it are not answered."""
        kind, text = SignalKind.SAY, intent.text
        answer = _answer_to(run.open_question, text)
        if answer is not None:
            kind, text = SignalKind.ANSWER, answer
        reply = await self._operator.signal(run.run_id, Signal(kind=kind, by=intent.seat.principal, text=text))
        if intent.addressed or kind is SignalKind.ANSWER:
            await self._answers.reply(intent.seat, reply)

    async def _steer(self, intent: words.Steer) -> None:
        text = intent.text
        if intent.question is not None:
            run = await self._desk.shows.run(intent.seat.principal, intent.run_id)
            asked = run.open_question if run else None
            if run is None or asked is None or len(run.questions) - 1 != intent.question:
                await self._answers.tell(intent.seat, "That question is not open any more; nothing was changed.")
                return
            if intent.option is not None and intent.option < len(asked.options):
                text = asked.options[intent.option]
        await self._signal(intent.seat, intent.run_id, intent.kind, text)

    async def _signal(self, seat: words.Seat, run_id: str, kind: SignalKind, text: str = "") -> None:
        reply = await self._operator.signal(run_id, Signal(kind=kind, by=seat.principal, text=text))
        await self._answers.reply(seat, reply)

    async def _stopped(self, intent: words.SessionStopped, envelope: Envelope) -> None:
        """Slack has taken its Stop button away: the session must be moved on, whatever the run says."""
        run = await self._run_here(intent.seat)
        if run is None:
            if (self._desk.clock.now() - envelope.received_at).total_seconds() < _SETTLE_S:
                raise NotYet
            return
        await self._signal(intent.seat, run.run_id, SignalKind.STOP, "Slack's Stop button")
        try:
            await self._desk.gateway.session_status(intent.seat.channel, intent.seat.thread_ts or "", "active")
        except SlackTrouble as error:
            _log.info("session not moved on", error=str(error))

    # ── Messages that change ──────────────────────────────────────────────────────────────────────────────────────────

    async def _edited(self, intent: words.Edited) -> None:
        """An edited request is asked about, never run again."""
        run = await self._operator.run(self._run_id(intent.occurrence))
        if (
            run is None
            or run.task is None
            or run.status is Status.FINISHED
            or intent.seat.principal != run.task.requester
        ):
            return
        buttons = [kit.button("Redirect", "redirect", run.run_id), kit.button("Pause", "pause", run.run_id)]
        first = clip(run.task.goal, 500)
        text = f"You changed the words of `{run.run_id}`. It goes on with what you first asked: “{first}”."
        await self._answers.tell(intent.seat, f"{text} Should it do something else?", buttons=buttons)

    async def _deleted(self, intent: words.Deleted) -> None:
        """Our card is shown again; a deleted request pauses its run and asks."""
        seat = intent.seat
        ours = await self._desk.outbox.run_at(seat.channel, seat.ts or "")
        if ours is not None:
            if self._desk.lost is not None:
                await self._desk.lost(ours)
            return
        run = await self._operator.run(self._run_id(intent.occurrence))
        if run is None or run.task is None or run.status is Status.FINISHED or not run.task.requester:
            return
        by = run.task.requester
        await self._operator.signal(run.run_id, Signal(kind=SignalKind.PAUSE, by=by, text="the request was deleted"))
        buttons = [kit.button("Resume", "resume", run.run_id), kit.button("Stop", "stop", run.run_id, style="danger")]
        asker = words.Seat(user=by.partition(":")[2], channel=seat.channel, direct=seat.direct)
        text = f"The request of `{run.run_id}` was deleted, so it is paused. Should it go on?"
        await self._answers.tell(asker, text, buttons=buttons)

    # ── Which run ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _run_of(self, seat: words.Seat) -> Run | None:
        """The run of exactly this message, else of its thread."""
        ours = await self._desk.outbox.run_at(seat.channel, seat.ts or "")
        run = await self._operator.run(ours) if ours else None
        return run if run is not None and run.task is not None else await self._run_here(seat)

    async def _run_here(self, seat: words.Seat) -> Run | None:
        """The run of this thread: its first message is a card of ours, or the request itself."""
        root = seat.thread_ts or seat.ts
        if not root:
            return None
        ours = await self._desk.outbox.run_at(seat.channel, root)
        run = await self._operator.run(ours) if ours else None
        if run is None:
            run = await self._operator.run(self._run_id(f"{seat.team}:{seat.channel}:{root}"))
        return run if run is not None and run.task is not None else None

    def _run_id(self, occurrence: str) -> str:
        """The run that a message began, if it began one: its id follows from the occurrence."""
        trigger = Trigger(source=Source.USER, source_id=occurrence, timestamp=self._desk.clock.now())
        context = Context(organization_id=self._desk.organization)
        return run_id_of(Task(type="chat", trigger=trigger, context=context, trust=Trust.PERSON))


def _answer_to(question: Question | None, text: str) -> str | None:
    """The words as an answer to the open question; None where they are just words."""
    if question is None or not text:
        return None
    options: Sequence[str] = question.options
    if not options:
        return text
    return next((option for option in options if option.casefold() == text.strip().casefold()), None)

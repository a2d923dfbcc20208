"""Requests: from words to a task, from the operator's answer to the person."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from domain.tasks import Context, Place, Principal, Source, Task, Trigger
from handlers.ports import Outbox
from handlers.slack import commands, words
from handlers.slack.answers import Answers
from handlers.slack.gateway import Gateway
from handlers.slack.show.message import metadata, note
from handlers.slack.shows import Shows
from handlers.slack.wire import SlackSaid, SlackUncertain
from loop.doors import Clash, Operator, Reply, Submitted
from loop.ports import Clock, Unrouted

Lost = Callable[[str], Awaitable[None]]  # a card of this run is gone: show it again
Reload = Callable[[Principal], Awaitable[Reply]]  # read the configuration again, if this person may ask for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything the consumer works with. `helpers` are named where nothing fits and a person must be found."""

    operator: Operator
    outbox: Outbox
    gateway: Gateway
    clock: Clock
    shows: Shows
    organization: str
    helpers: Callable[[], tuple[str, ...]] = tuple
    lost: Lost | None = None
    reload: Reload | None = None
    known: set[str] = field(default_factory=set)  # channels that we are in, as far as we have seen


class Requests:
    """Takes requests in."""

    def __init__(self, desk: Desk, answers: Answers) -> None:
        self._desk = desk
        self._answers = answers

    async def take(self, intent: words.Request) -> None:
        """Submit it, and say what became of it."""
        seat = intent.seat
        if not intent.goal:
            await self._answers.tell(seat, commands.HELP)
            return
        barred = await self._barred(seat)
        if barred is not None:
            await self._answers.tell(seat, barred)
            return
        answer = await self._desk.operator.submit(self._task(intent))
        match answer:
            case Submitted(run_id=run_id, created=True):
                if not seat.spoken:
                    await self._answers.tell(seat, f"On it, as `{run_id}`; its card is here in a moment.")
            case Submitted(run_id=run_id, joined=True):
                await self._answers.tell(seat, f"`{run_id}` is at this already and has been told.")
            case Submitted():
                return  # the same occurrence again
            case Clash(run_id=run_id):
                await self._answers.tell(
                    seat, f"That was asked before in other words, as `{run_id}`; nothing was started."
                )
            case Unrouted():
                await self._unrouted(intent, answer)
            case Reply():
                await self._answers.reply(seat, answer)

    def _task(self, intent: words.Request) -> Task:
        seat = intent.seat
        thread = (seat.thread_ts or seat.ts) if seat.spoken else seat.thread_ts
        place = Place(channel=seat.channel, thread_ts=thread, message_ts=seat.ts if seat.spoken else None)
        return Task(
            type="chat",
            goal=intent.goal,
            trigger=Trigger(source=Source.USER, source_id=intent.occurrence, timestamp=intent.at),
            context=Context(organization_id=self._desk.organization),
            requester=seat.principal,
            payload=intent.payload,
            trust=intent.trust,
            place=place,
        )

    async def _barred(self, seat: words.Seat) -> str | None:
        """Why a run asked for here could not be shown here; None if it can."""
        if (seat.direct and seat.spoken) or seat.channel in self._desk.known:
            return None
        try:
            info = await self._desk.gateway.channel(seat.channel)
        except SlackSaid as error:
            info = {"why": error.error}
        if info.get("is_archived"):
            return "This channel is archived, so I could not show what I do. Nothing was started."
        if not info.get("is_im") and not info.get("is_member"):
            return "I am not in this channel, so I could not show what I do. Invite me and ask again."
        self._desk.known.add(seat.channel)
        return None

    async def _unrouted(self, intent: words.Request, answer: Unrouted) -> None:
        """Nothing fits: said where it was asked, with the nearest, and with people who could."""
        near = (
            "\nThe nearest that I know:\n" + "\n".join(f"• {each}" for each in answer.nearest) if answer.nearest else ""
        )
        text = f"{answer.why}{near}\nNothing was started. A person can take it."
        seat = intent.seat
        if not seat.spoken or seat.direct:
            await self._answers.tell(seat, text, helpers=self._desk.helpers())
            return
        message, key = note(text, helpers=self._desk.helpers()), f"unrouted:{intent.occurrence}"
        body = message.body() | {"metadata": metadata("", key)}
        thread = seat.thread_ts or seat.ts
        try:
            await self._desk.gateway.post(seat.channel, body, thread_ts=thread)
        except SlackUncertain:
            if await self._desk.gateway.find(seat.channel, key, thread_ts=thread) is None:
                raise
        except SlackSaid:
            await self._answers.tell(seat, text, helpers=self._desk.helpers())

"""Forms and Details: opened at once, filled in right after, for a trigger lives three seconds."""

from collections.abc import Awaitable, Callable, Mapping

from domain.approvals import Ballot
from domain.canonical import Json
from domain.runs import Question, Run
from handlers.slack.answers import Answers
from handlers.slack.envelopes import text_of
from handlers.slack.gateway import Gateway
from handlers.slack.show import forms
from handlers.slack.shows import Shows
from handlers.slack.wire import SlackTrouble
from handlers.slack.words import Opened, Seat, Turned, Voted

_NO_RUN = "This message belongs to no run, so there is no decision to explain. /ops status lists the runs."
_UNKNOWN = "There is nothing here that you can see."


RunOf = Callable[[Seat], Awaitable[Run | None]]  # the run that a message belongs to


class Opener:
    """Opens views for clicks."""

    def __init__(self, gateway: Gateway, shows: Shows, answers: Answers, run_of: RunOf) -> None:
        self._gateway = gateway
        self._run_of = run_of
        self._shows = shows
        self._answers = answers

    async def open(self, intent: Opened) -> Voted | None:
        """Show the form. A Deny whose form cannot be shown counts at once, without a reason: it is the safe way."""
        try:
            view = await self._gateway.open_view(intent.seat.trigger_id or "", _first(intent))
        except SlackTrouble as error:
            if intent.form == "deny":
                return _denied(intent)
            text = "Slack did not let me open that in time; please press it again."
            await self._answers.tell(intent.seat, f"{text} ({error})")
            return None
        view_id = text_of(view, "id")
        if intent.form == "details":
            await self._details(view_id, intent)
        elif intent.form == "answer":
            await self._ask(view_id, intent)
        return None

    async def turn(self, intent: Turned) -> None:
        """Another page."""
        await self._fill(intent.view_id, intent.seat.principal, intent.about, intent.page)

    async def _details(self, view_id: str, intent: Opened) -> None:
        """Of the run that is named, else of the run that the message belongs to."""
        about = intent.about
        if not text_of(about, "run"):
            run = await self._run_of(intent.seat)
            if run is None:
                await self._gateway.update_view(view_id, forms.problem(_NO_RUN))
                return
            about = {**about, "run": run.run_id}
        await self._fill(view_id, intent.seat.principal, about, 0)

    async def _fill(self, view_id: str, who: str, about: Mapping[str, Json], page: int) -> None:
        found = await self._shows.details(who, about)
        view = forms.details(about, found, page) if found else forms.problem(_UNKNOWN)
        await self._gateway.update_view(view_id, view)

    async def _ask(self, view_id: str, intent: Opened) -> None:
        run = await self._shows.run(intent.seat.principal, text_of(intent.about, "run"))
        question: Question | None = run.open_question if run else None
        if run is None or question is None or len(run.questions) - 1 != intent.about.get("question"):
            await self._gateway.update_view(view_id, forms.problem("That question is not open any more."))
            return
        await self._gateway.update_view(view_id, forms.answer(intent.about, question))


def _first(intent: Opened) -> forms.View:
    """What can be shown without looking anything up."""
    match intent.form:
        case "deny":
            return forms.deny(intent.about)
        case "break_glass":
            return forms.break_glass(intent.about)
        case "redirect":
            return forms.redirect(intent.about)
        case "ask":
            return forms.ask(intent.about)
        case "task":
            return forms.task(intent.about, intent.text)
        case _:
            return forms.loading(intent.about)


def _denied(intent: Opened) -> Voted:
    channel, ts = text_of(intent.about, "channel"), text_of(intent.about, "ts")
    return Voted(
        seat=intent.seat,
        approval_id=text_of(intent.about, "approval"),
        digest=text_of(intent.about, "digest"),
        ballot=Ballot.DENY,
        card=(channel, ts) if channel and ts else None,
    )

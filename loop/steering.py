"""What people may say to a run, and who may say it. Every refusal says why, and who could.

Pause and stop: any full member who can see the run, even while nobody can look them up. Resume, answer, take over,
hand back, redirect: the requester, the agent's owners, or an approver.
"""

from domain import events as e
from domain.calls import Doubt
from domain.decisions import Approvers
from domain.events import RunEvent
from domain.people import Snapshot
from domain.runs import Run, Status
from domain.signals import Signal, SignalKind
from domain.tasks import Principal, Trust
from domain.tiers import Effect
from loop.doors import Reply
from loop.engine import Engine
from loop.intake import redirected
from loop.judgement import DOUBT_OPTIONS, close_requests, put_to_person
from loop.ledger import Book
from loop.ports import DirectoryUnavailable, Unrouted
from loop.reading import asked_of, may_read

RECEIPT_S, LOOKS = 1.0, 20  # how long, and how often, a click waits for the receipt of the card it was made on
_ANYBODY = frozenset({SignalKind.PAUSE, SignalKind.STOP, SignalKind.SAY})


class Steering:
    """Signals."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def signal(self, run_id: str, signal: Signal) -> Reply:
        """A person's word to a run, recorded if they may say it and it means something now."""
        return await self._engine.ledger.change(run_id, lambda book: self._signal(book, signal))

    async def _signal(self, book: Book, signal: Signal) -> Reply:
        run = book.run
        if run.seq == 0:
            return Reply(ok=False, text=f"There is no run {run.run_id}. `/ops status` lists them.")
        refusal = await self._may(run, signal)
        if refusal is not None:
            return refusal
        if run.status is Status.FINISHED:
            again = f"`/ops retry {run.run_id}` starts it anew."
            return Reply(ok=False, text=f"{run.run_id} has finished: {run.outcome}. {again}")
        reply = self._say(book, signal)
        await self._engine.advance(book)
        return reply

    async def _may(self, run: Run, signal: Signal) -> Reply | None:
        """None if this principal may say this to this run; else why not, and who may."""
        if signal.by.startswith("source:"):
            return None if signal.kind is SignalKind.SAY else Reply(ok=False, text="Sources may only report.")
        if not await may_read(self._engine, signal.by, run):
            return Reply(ok=False, text=f"There is no run {run.run_id} that you can see.")
        if signal.by.startswith("token:"):
            return self._token_may(run, signal)
        try:
            people = await self._engine.people()
        except DirectoryUnavailable:
            stops = signal.kind in (SignalKind.PAUSE, SignalKind.STOP)
            return None if stops else Reply(ok=False, text="The directory cannot be read now; nothing was changed.")
        person = people.people.get(signal.by)
        if person is None or not person.counts:
            return Reply(ok=False, text="Only full, active members of this team steer runs.")
        if signal.kind in _ANYBODY or self._steers(run, signal.by, people):
            return None
        return Reply(ok=False, text=f"You may not {signal.kind} this run.", help=self._steerers(run))

    def _token_may(self, run: Run, signal: Signal) -> Reply | None:
        """A token steers what it asked for, or what it is an owner of; never is it an approver."""
        owners = [owner.text for owner in self._owners(run)]
        if signal.kind not in _ANYBODY and signal.by not in (*run.standing, *owners):
            return Reply(ok=False, text=f"This token may not {signal.kind} this run.", help=self._steerers(run))
        question = run.open_question
        if signal.kind is SignalKind.ANSWER and question is not None and question.about is not None:
            return Reply(ok=False, text="Whether an action happened is for a person to say, never for a token.")
        return None

    def _steers(self, run: Run, principal: Principal, people: Snapshot) -> bool:
        if principal in run.standing:
            return True
        book = self._engine.rulebook()
        return book.includes(principal, (*self._owners(run), *asked_of(run), *book.approvers), people)

    def _owners(self, run: Run) -> tuple[Approvers, ...]:
        agent = self._engine.rulebook().agents.get(run.agent)
        return tuple(named(owner) for owner in agent.owners) if agent else ()

    def _steerers(self, run: Run) -> tuple[str, ...]:
        who = [
            *run.standing,
            *(a.text for a in self._owners(run)),
            *(a.text for a in self._engine.rulebook().approvers),
        ]
        return tuple(dict.fromkeys(who))

    def _say(self, book: Book, signal: Signal) -> Reply:
        run, by, text = book.run, signal.by, signal.text
        match signal.kind:
            case SignalKind.PAUSE:
                if run.paused:
                    return Reply(ok=True, text=f"{run.run_id} is paused already.")
                book.note(e.Paused(by=by, why=text))
                return Reply(ok=True, text=f"{run.run_id} is paused; what is under way ends, nothing new starts.")
            case SignalKind.RESUME | SignalKind.HAND_BACK:
                if not run.paused:
                    return Reply(ok=False, text=f"{run.run_id} is not paused.")
                book.note(e.Resumed(by=by, why=text))
                return Reply(ok=True, text=f"{run.run_id} goes on.")
            case SignalKind.TAKE_OVER:
                book.note(e.TakenOver(by=by, why=text))
                return Reply(ok=True, text=f"{run.run_id} is yours; `/ops handback {run.run_id}` gives it back.")
            case SignalKind.STOP:
                return self._stop(book, by, text)
            case SignalKind.SAY:
                book.note(e.PersonSpoke(by=by, text=text))
                if run.status is Status.REASONING:
                    self._engine.end_lease(run.run_id)
                return Reply(ok=True, text="Noted; it hears you at its next step.")
            case SignalKind.ANSWER:
                return self._answer(book, by, text)
            case SignalKind.REDIRECT:
                return self._redirect(book, by, text)

    def _stop(self, book: Book, by: Principal, why: str) -> Reply:
        run = book.run
        if run.stopping:
            return Reply(ok=True, text=f"{run.run_id} is stopping already.")
        book.note(e.StopRequested(by=by, why=why))
        book.note(*_no_repeats(run, "The run was stopped meanwhile."))
        if run.in_flight or run.in_doubt:
            return Reply(
                ok=True, text=f"{run.run_id} stops as soon as what is under way has ended; its result is kept."
            )
        return Reply(ok=True, text=f"{run.run_id} is stopped.")

    def _answer(self, book: Book, by: Principal, text: str) -> Reply:
        question = book.run.open_question
        if question is None:
            return Reply(ok=False, text=f"{book.run.run_id} has no open question.")
        if question.options and text not in question.options:
            return Reply(ok=False, text=f"The answers are: {' | '.join(question.options)}.")
        if question.about is None:
            book.note(e.Answered(by=by, text=text))
            return Reply(ok=True, text="Thank you; it goes on with that.")
        if text == DOUBT_OPTIONS[2]:
            book.note(e.TakenOver(by=by, why=text))
            return Reply(ok=True, text="It is yours. Answer the question when you know, then hand it back.")
        finding = Doubt.HAPPENED if text == DOUBT_OPTIONS[0] else Doubt.NOT_HAPPENED
        book.note(e.Answered(by=by, text=text), e.DoubtResolved(call_id=question.about, finding=finding, by=by))
        return Reply(ok=True, text="Thank you; that is on record as your word.")

    def _redirect(self, book: Book, by: Principal, goal: str) -> Reply:
        run = book.run
        if not goal.strip():
            return Reply(ok=False, text=f"Say what to do instead: `/ops redirect {run.run_id} <request>`.")
        trust = Trust.PERSON if by.startswith("user:") else Trust.UNTRUSTED
        routed = self._engine.world.router.route(redirected(run.received, goal, trust))
        if isinstance(routed, Unrouted):
            return Reply(ok=False, text=f"{routed.why} Nothing was changed.", help=routed.nearest)
        book.note(*close_requests(run, f"redirected by {by}"))
        book.note(e.Redirected(by=by, task=routed.task, agent=routed.agent))
        book.note(*_no_repeats(run, "The run was redirected meanwhile."))
        self._engine.end_lease(run.run_id)
        return Reply(ok=True, text=f"{run.run_id} is redirected; policy is asked about the new goal.")


def named(principal: str) -> Approvers:
    """`user:U1`, `group:sre` and the like, as approvers."""
    kind, _, name = principal.partition(":")
    return Approvers(kind=kind, name=name or None)


def _no_repeats(run: Run, why: str) -> list[RunEvent]:
    """What was about to be repeated under its old key is not wanted any more: a person says whether it happened."""
    doubts = [r for r in run.in_doubt if r.remedy == "repeat" and r.call.effect is not Effect.READ]
    return [put_to_person(record.call, why) for record in doubts]

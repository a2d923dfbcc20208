"""Votes: a click on a card, checked against the rule at that moment, recorded, and counted. Refusals are kept too."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from changes.votes import Electorate, Tally, breakable, counts, may_break, may_serve, tally
from domain import events as e
from domain.approvals import SHORTEST_REASON, ApprovalEnd, ApprovalRequest, Ballot, Vote, seen_of
from domain.events import RunEvent
from domain.people import Snapshot
from domain.runs import CallRecord, CallStatus, Run
from domain.tasks import Principal
from loop.doors import Click, Reply
from loop.engine import Engine
from loop.freezing import in_short
from loop.judgement import dropped, open_calls, verdict_on
from loop.ledger import Book
from loop.ports import DirectoryUnavailable
from loop.starts import electorate

MOST_TOLD = 50  # people, one by one, of one that broke the glass
RECEIPT_S, LOOKS = 1.0, 20  # how long, and how often, a click waits for the receipt of the card it was made on


class Voting:
    """Votes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def vote(self, click: Click) -> Reply:
        """A click on a card: checked against the rule now, recorded, and counted."""
        run_id = click.approval_id.rpartition(".")[0]
        await self._receipt(run_id, click)
        return await self._engine.ledger.change(run_id, lambda book: self._vote(book, click))

    async def _receipt(self, run_id: str, click: Click) -> None:
        """People are quick: a card may be clicked before its receipt is in the log. Give it a moment to arrive."""
        for _ in range(LOOKS):
            run = await self._engine.ledger.read(run_id)
            if run is None or _shown_on(run, click):
                return
            await asyncio.sleep(RECEIPT_S / LOOKS)

    async def _vote(self, book: Book, click: Click) -> Reply:
        record = book.run.approval(click.approval_id) if book.run.seq else None
        if record is None or record.request is None:
            return Reply(ok=False, text="Nothing is asked under that card any more.")
        voters = await self._why_not(book.run, record, record.request, click)
        if isinstance(voters, Reply):
            if record.status is CallStatus.AWAITING:
                refused = e.VoteRefused(approval_id=click.approval_id, by=click.by, why=voters.text)
                if (refused.approval_id, refused.by, refused.why) not in book.run.refusals:
                    book.note(refused)
                    await book.commit()
            return voters
        reply = self._count(book, record, record.request, click, voters)
        await self._engine.advance(book)
        return reply

    async def _why_not(
        self, run: Run, record: CallRecord, request: ApprovalRequest, click: Click
    ) -> Electorate | Reply:
        """The electorate, if this click may count; else the refusal."""
        if record.status is not CallStatus.AWAITING:
            return Reply(ok=False, text=f"This was decided already: {_how(record)}.")
        if request.expires_at <= self._engine.now():
            return Reply(ok=False, text="The time to decide about this is over.")
        if click.digest != request.digest or not _shown_on(run, click):
            return Reply(ok=False, text="That card shows another version of this call; please use the newest card.")
        for room in {click.card[0] if click.card else "", click.channel} - {""}:
            if not await self._engine.world.rooms.takes_approvals(room):
                shared = "Votes are not taken in channels that are shared with another organization."
                return Reply(ok=False, text=shared)
        try:
            people = await self._engine.people()
        except DirectoryUnavailable as error:
            return Reply(
                ok=False, text=f"Nobody can say now who may approve ({error}). Nothing was counted; try again."
            )
        voters = electorate(run, self._engine.rulebook(), people, request.excluded)
        unfit = voters.why_not(click.by)
        if unfit is not None:
            return Reply(ok=False, text=f"Your vote does not count: {unfit}.", help=_who(request))
        frozen = None if click.ballot is Ballot.DENY else self._frozen(run, record, people)
        return frozen or self._fits(run, record, request, click, voters)

    def _frozen(self, run: Run, record: CallRecord, people: Snapshot) -> Reply | None:
        """The refusal of a vote that could not start anything now. The card stays: it takes votes afterwards."""
        book = self._engine.rulebook()
        verdict = verdict_on(run, record.call, book, people, self._engine.now())
        freezes = book.rules.frozen_by(verdict)
        if not freezes:
            return None
        why = in_short(freezes)
        text = f"This is frozen now: {why}. Nothing was counted. The card takes votes again once that is over."
        return Reply(ok=False, text=text, help=getattr(verdict, "help", ()))

    def _fits(
        self, run: Run, record: CallRecord, request: ApprovalRequest, click: Click, voters: Electorate
    ) -> Electorate | Reply:
        if any(vote.by == click.by and vote.ballot is click.ballot for vote in record.votes):
            return Reply(ok=False, text="You have said so already; one person counts once.")
        serves = may_serve(click.by, request.requirements, voters)
        if click.ballot is Ballot.DENY:
            if serves or click.by in run.standing:
                return voters
            return Reply(
                ok=False, text="Only those who could approve, and the requester, may deny.", help=_who(request)
            )
        if click.by in request.excluded and not serves:
            return Reply(
                ok=False, text="Whoever asked for it, or shaped it, cannot countersign it.", help=_who(request)
            )
        if not serves:
            return Reply(ok=False, text="The rule asks somebody else to countersign this.", help=_who(request))
        if click.ballot is Ballot.BREAK_GLASS:
            refusal = _no_glass(request, click, voters)
            if refusal is not None:
                return refusal
        if not counts(click.by, request.requirements, record.votes, voters, click.ballot):
            return Reply(ok=False, text="Your part is covered already; others are still missing.", help=_who(request))
        return voters

    def _count(
        self, book: Book, record: CallRecord, request: ApprovalRequest, click: Click, voters: Electorate
    ) -> Reply:
        vote = Vote(
            approval_id=click.approval_id,
            by=click.by,
            ballot=click.ballot,
            digest=request.digest,
            reason=click.reason,
            card=click.card,
            directory=voters.people.version,
        )
        book.note(e.VoteCast(vote=vote))
        if click.ballot is Ballot.DENY:
            book.note(*_denied(book.run, record, request, click))
            return Reply(ok=True, text="Denied; it is told why, and will not ask for the same again.")
        if click.ballot is Ballot.BREAK_GLASS:
            told = self._told(click.by, voters)
            book.note(e.GlassBroken(approval_id=request.approval_id, by=click.by, why=vote.reason, told=told))
        state = tally(request.requirements, [*record.votes, vote], voters)
        if not state.met:
            return Reply(ok=True, text=f"Counted. Still missing: {_lacking(state)}.")
        use = min(requirement.use_within_s for requirement in request.requirements)
        until = self._engine.now() + timedelta(seconds=use)
        book.note(e.ApprovalGranted(approval_id=request.approval_id, use_until=until, voters=state.serving))
        return Reply(ok=True, text="Countersigned; it starts now.")

    def _told(self, by: Principal, voters: Electorate) -> tuple[Principal, ...]:
        """Administrators and auditors, one by one."""
        book = self._engine.rulebook()
        asked = (*book.admins, *book.auditors)
        anybody = replace(voters, requester=None, excluded=())
        people = sorted(one for one in voters.people.people if any(anybody.eligible(one, who) for who in asked))
        return tuple(one for one in people if one != by)[:MOST_TOLD]


def _no_glass(request: ApprovalRequest, click: Click, voters: Electorate) -> Reply | None:
    """Why this person cannot break this glass; None if they can."""
    if not breakable(request.requirements):
        strict = [one.approvers.text for one in request.requirements if not one.break_glass]
        return Reply(ok=False, text="A rule about this call does not permit it to be forced.", help=tuple(strict))
    if seen_of(click.reason) < SHORTEST_REASON:
        return Reply(ok=False, text=f"Breaking the glass needs a reason, of at least {SHORTEST_REASON} characters.")
    if may_break(click.by, request.requirements, voters):
        return None
    return Reply(ok=False, text="Whoever asked for it, or shaped it, cannot force it.", help=_who(request))


def _denied(run: Run, record: CallRecord, request: ApprovalRequest, click: Click) -> Sequence[RunEvent]:
    why = click.reason or "no reason was given"
    closed = e.ApprovalClosed(approval_id=request.approval_id, end=ApprovalEnd.DENIED, why=why, by=click.by)
    rest = [r.call.call_id for r in open_calls(run) if r.call.call_id != record.call.call_id]
    return [
        closed,
        *(dropped(rest, f"{record.call.tool} was denied: {why}") if record.request and run.offer is None else []),
    ]


def _shown_on(run: Run, click: Click) -> bool:
    """Whether the click came from where this approval is shown. A denial may come from anywhere: it is the safe way."""
    if click.ballot is Ballot.DENY:
        return True
    posted = f"{run.run_id}:{click.approval_id}:"
    shown = [where for key, where in run.posted.items() if key.startswith(posted)]
    return click.card is not None and (not shown or click.card in shown)


def _how(record: CallRecord) -> str:
    if record.approval_end is not None:
        return f"{record.approval_end} ({record.note})"
    return {CallStatus.ALLOWED: "approved, about to start"}.get(record.status, f"approved, and {record.status}")


def _who(request: ApprovalRequest) -> tuple[str, ...]:
    return tuple(dict.fromkeys(requirement.approvers.text for requirement in request.requirements))


def _lacking(state: Tally) -> str:
    return ", ".join(f"{m.count} of {m.approvers.text}" for m in state.missing)

"""Freezes that people declare, and what every freeze does to calls that wait for people.

Any full member may declare one, for it only narrows; whoever declared it lifts it, or one of `admins:`, never a token.
A card that is frozen keeps its votes and takes no others; it takes them again once the freeze is over.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from domain import events as e
from domain.decisions import Reason
from domain.freezes import Frozen, Target, Unclear, spell_until
from domain.organization import Organization
from domain.people import Snapshot
from domain.runs import CallRecord, CallStatus
from domain.tasks import Principal
from loop.doors import Reply
from loop.engine import Engine
from loop.judgement import verdict_on
from loop.ledger import Book
from loop.organization import answer_organization
from loop.ports import DirectoryUnavailable, Journal
from loop.soundness import printable

log = structlog.get_logger(__name__)

LONGEST = timedelta(days=366)
MOST = 100  # declared freezes at a time: each is asked about each call, and told on each card
LONGEST_WHY = 500  # characters: they are told wherever the freeze stops something
_MOST_REASONS = 3
_MOST_NAMED = 8

May = Callable[..., Awaitable[Reply | None]]  # (by, admin=): None for whoever may


class Freezing:
    """Declares and lifts freezes, ends them when their time has come, and marks the cards that they freeze."""

    def __init__(self, engine: Engine, may: May) -> None:
        self._engine, self._may = engine, may
        self._swept: object = None  # the freezes that held when cards were last looked at

    async def declare(self, by: Principal, said: str, until: datetime, why: str, zone: str) -> Reply:
        """Freeze what `said` means, until then. What is unclear, past or too long freezes nothing."""
        refusal = await self._may(by, admin=False)
        if refusal is not None:
            return refusal
        target = self._engine.rulebook().rules.find(said)
        problem = unfit(target, until, self._engine.now())
        if problem is not None or isinstance(target, Unclear):
            return Reply(ok=False, text=f"{problem} Nothing was frozen.")
        frozen = declaration(target, by=by, until=until, why=why, zone=zone)
        event = await self._engine.headquarters.answer(frozen)
        return Reply(ok=event is not None, text=told(target, event, await self.look()))

    async def lift(self, by: Principal, name: str, why: str) -> Reply:
        """End a freeze before its time."""
        if by.startswith("token:"):
            return Reply(ok=False, text="Only a person may lift a freeze.")
        try:
            await self._engine.people()
        except DirectoryUnavailable:
            return Reply(ok=False, text="The directory cannot be read now; nothing was lifted.")
        declared = (await self._engine.headquarters.refresh()).freezes.get(name)
        if declared is None:
            return Reply(ok=False, text=not_there(name, self.standing()))
        refusal = await self._may(by, admin=declared.by != by)
        if refusal is not None:
            return refusal
        event = await self._engine.headquarters.answer(lifting(name, by=by, why=why))
        await self.look()
        if event is None:
            return Reply(ok=False, text=f"`{name}` was over already.")
        return Reply(ok=True, text=f"`{name}` is lifted.")

    def standing(self) -> tuple[Frozen, ...]:
        """Every freeze that holds or will hold again."""
        return self._engine.rulebook().rules.frozen(self._engine.now())

    async def look(self) -> int:
        """End what is over, and mark the cards whose state the calendar has changed; how many are frozen now."""
        now = self._engine.now()
        for name, freeze in self._engine.headquarters.now.freezes.items():
            if freeze.until <= now:
                await self._engine.headquarters.answer(_ended(name, now))
        book = self._engine.rulebook()
        holding = (book.rules.holding(now), book.rules.hash)
        if holding == self._swept:
            return 0
        try:
            people = await self._engine.people()
        except DirectoryUnavailable as error:
            log.warning("directory_unavailable", error=str(error))
            return 0  # no start without another look; the cards are looked at again
        frozen = 0
        for run_id in await self._engine.world.journal.open_runs():
            run = await self._engine.ledger.read(run_id)
            if run is not None and any(record.status is CallStatus.AWAITING for record in run.live):
                frozen += await self._engine.ledger.change(run_id, lambda open_: self._mark(open_, people))
        self._swept = holding
        return frozen

    async def _mark(self, open_: Book, people: Snapshot) -> int:
        """Note what has changed about this run's cards; how many are frozen."""
        waiting = [r for r in open_.run.live if r.status is CallStatus.AWAITING and r.request is not None]
        texts = [(record, self._why_frozen(open_, record, people)) for record in waiting]
        for record, text in texts:
            if record.request is not None and text != record.frozen:
                approval_id = record.request.approval_id
                frozen = e.CallFrozen(approval_id=approval_id, text=text)
                open_.note(frozen if text else e.CallThawed(approval_id=approval_id))
        await open_.commit()
        return sum(bool(text) for _, text in texts)

    def _why_frozen(self, open_: Book, record: CallRecord, people: Snapshot) -> str:
        book = self._engine.rulebook()
        verdict = verdict_on(open_.run, record.call, book, people, self._engine.now())
        return in_short(book.rules.frozen_by(verdict))


def in_short(freezes: Sequence[Reason]) -> str:
    """The first few, in words: the same ones, however many come after them."""
    others = ["others too"] if len(freezes) > _MOST_REASONS else []
    return "; ".join([*(reason.to for reason in freezes[:_MOST_REASONS]), *others])


Answer = Callable[[Organization], e.OrganizationEvent | None]


async def freeze_directly(
    journal: Journal, target: Target, *, by: Principal, until: datetime, why: str, zone: str
) -> Reply:
    """Declare a freeze beside whoever runs, straight in the organization's stream."""
    event = await answer_organization(journal, declaration(target, by=by, until=until, why=why, zone=zone))
    return Reply(ok=event is not None, text=told(target, event, 0))


def unfit(target: Target | Unclear, until: datetime, now: datetime) -> str | None:
    """Why this cannot be frozen until then; None if it can."""
    if isinstance(target, Unclear):
        choices = f" Say {', '.join(target.choices[:_MOST_NAMED])}." if target.choices else ""
        return f"{target.why}.{choices}"
    if until <= now:
        return f"{until:%Y-%m-%d %H:%M %Z} is over already."
    if until > now + LONGEST:
        return f"{until:%Y-%m-%d} is more than a year away; put what is to hold for longer into the policy files."
    return None


def declaration(target: Target, *, by: Principal, until: datetime, why: str, zone: str) -> Answer:
    """The freeze, under the next free name, unless there are too many; a long reason is cut, and shows it."""
    said = printable(why if len(why) <= LONGEST_WHY else f"{why[:LONGEST_WHY]}…")

    def make(organization: Organization) -> e.FreezeDeclared | None:
        if len(organization.freezes) >= MOST:
            return None
        name = f"freeze-{organization.declared + 1}"
        moment = until.astimezone(UTC)
        return e.FreezeDeclared(id=name, by=by, until=moment, where=target.where, why=said, zone=zone)

    return make


def lifting(name: str, *, by: Principal, why: str) -> Answer:
    """The end of a freeze, where it holds still."""

    def make(organization: Organization) -> e.FreezeLifted | None:
        said = printable(why, LONGEST_WHY)
        return e.FreezeLifted(id=name, by=by, why=said) if name in organization.freezes else None

    return make


def _ended(name: str, now: datetime) -> Answer:
    def make(organization: Organization) -> e.FreezeEnded | None:
        freeze = organization.freezes.get(name)
        return e.FreezeEnded(id=name) if freeze is not None and freeze.until <= now else None

    return make


def told(target: Target, event: e.OrganizationEvent | None, waiting: int) -> str:
    """What whoever declared it is told: exactly what is frozen, until when, and how to lift it."""
    if not isinstance(event, e.FreezeDeclared):
        most = f"{MOST} freezes are declared already. Nothing was frozen"
        return f"{most}; `/ops freezes` lists them, `/ops stop-all` stops everything."
    named = ", ".join(target.fits[:_MOST_NAMED])
    more = f" and {len(target.fits) - _MOST_NAMED} more" if len(target.fits) > _MOST_NAMED else ""
    fits = f" In the catalogue that is {named}{more}." if target.fits else " The catalogue lists nothing of that kind."
    cards = {0: "", 1: " One card that waits for people is frozen with it."}
    held = cards.get(waiting, f" {waiting} cards that wait for people are frozen.")
    return (
        f"Frozen: {target.words}, {spell_until(event.until, event.zone)}, as `{event.id}`.{fits}{held}"
        f" Changes are denied until then; `/ops unfreeze {event.id}` lifts it."
    )


def not_there(name: str, standing: tuple[Frozen, ...]) -> str:
    """There is no such freeze that could be lifted here: what there is."""
    laid = next((one for one in standing if one.id == name and one.place), None)
    if laid is not None:
        return f"`{name}` stands in {laid.place}: it is lifted there, by an `unless:` or by taking it out."
    known = ", ".join(f"`{one.id}` ({one.covers})" for one in standing if not one.place)
    return f"There is no freeze `{name}`. {f'Declared are {known}.' if known else 'None is declared.'}"

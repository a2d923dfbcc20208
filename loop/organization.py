"""The organization, as the controller holds it: folded from its own stream, which other processes may write as well."""

from collections.abc import Callable
from dataclasses import replace

from domain.events import ORGANIZATION_STREAM, OrganizationEvent, PolicyLoaded
from domain.organization import Organization, evolve_organization
from loop.ports import Conflict, Journal
from loop.rulebook import Rulebook


class Headquarters:
    """The organization now, and the rulebook that follows from it and from the files together."""

    def __init__(self, journal: Journal, laid: Callable[[], Rulebook]) -> None:
        self._journal, self._laid = journal, laid
        self._base: Rulebook | None = None
        self._book: Rulebook | None = None
        self._due: tuple[PolicyLoaded, Callable[[], None]] | None = None
        self.now = Organization()

    async def refresh(self) -> Organization:
        """Read on: what this or another process has written since."""
        for recorded in await self._journal.read(ORGANIZATION_STREAM, self.now.seq):
            if recorded.seq == self.now.seq + 1:  # another refresh may have been here meanwhile
                self.now = evolve_organization(self.now, recorded)
                if self._due is not None and recorded.event == self._due[0]:
                    _, swap = self._due
                    self._due = None
                    swap()
        return self.now

    async def tell(self, event: OrganizationEvent) -> None:
        """Append `event`, whoever else writes there meanwhile."""
        await tell_organization(self._journal, event)
        await self.refresh()

    async def answer(self, make: Callable[[Organization], OrganizationEvent | None]) -> OrganizationEvent | None:
        """Append what follows from the organization as it is at that moment; None where nothing does."""
        event = await answer_organization(self._journal, make, await self.refresh())
        await self.refresh()
        return event

    async def load(self, event: PolicyLoaded, swap: Callable[[], None]) -> None:
        """Record another version of the rules; `swap` puts it in force in the very step that reads the record.

        Not earlier, or what it allows would start before the log says so; not later, or the old version would start
        something after the log says that it is over.
        """
        self._due = (event, swap)
        try:
            await self.tell(event)
        finally:
            self._due = None

    def rulebook(self) -> Rulebook:
        """What the files say, under what people have declared. The same value until either changes."""
        base = self._laid()
        if self._book is None or base is not self._base or self._book.organization_seq != self.now.seq:
            self._base = base
            self._book = replace(base, rules=base.rules.under(self.now), organization_seq=self.now.seq)
        return self._book


async def tell_organization(journal: Journal, event: OrganizationEvent) -> None:
    """Append `event` to the organization's stream, whoever else writes there meanwhile."""
    seq = 0
    while True:
        seq += len(await journal.read(ORGANIZATION_STREAM, seq))
        try:
            await journal.append(ORGANIZATION_STREAM, seq, [event])
        except Conflict:
            continue
        return


async def answer_organization(
    journal: Journal,
    make: Callable[[Organization], OrganizationEvent | None],
    known: Organization | None = None,
) -> OrganizationEvent | None:
    """Append what `make` says of the organization as it is in that very append; None where it says nothing.

    `known` is the organization as far as it was read already.
    """
    organization = known or Organization()
    while True:
        for recorded in await journal.read(ORGANIZATION_STREAM, organization.seq):
            organization = evolve_organization(organization, recorded)
        event = make(organization)
        if event is None:
            return None
        try:
            await journal.append(ORGANIZATION_STREAM, organization.seq, [event])
        except Conflict:
            continue
        return event

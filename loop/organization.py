"""The organization's own stream: the switch, and which process runs on what."""

from domain.events import ORGANIZATION_STREAM, OrganizationEvent
from loop.ports import Conflict, Journal


async def tell_organization(journal: Journal, event: OrganizationEvent) -> None:
    """Append `event`, whoever else writes there meanwhile."""
    while True:
        recorded = await journal.read(ORGANIZATION_STREAM)
        try:
            await journal.append(ORGANIZATION_STREAM, len(recorded), [event])
        except Conflict:
            continue
        return

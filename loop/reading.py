"""Who may read a run: whoever sees its thread; its requester, approvers and `auditors:` besides."""

from domain.decisions import Approvers
from domain.runs import Run
from domain.tasks import Principal
from loop.engine import Engine
from loop.ports import DirectoryUnavailable


async def may_read(engine: Engine, principal: Principal, run: Run) -> bool:
    """Whether this principal may see the run, now; in doubt not."""
    place = run.received.place
    if place is None or principal in run.standing or await engine.world.rooms.sees(principal, place.channel):
        return True
    try:
        people = await engine.people()
    except DirectoryUnavailable:
        return False
    book = engine.rulebook()
    return book.includes(principal, (*asked_of(run), *book.auditors), people)


def asked_of(run: Run) -> list[Approvers]:
    """Whoever a request of this run asks, or asked, to countersign."""
    requests = [r.request for r in run.records if r.request is not None]
    return [requirement.approvers for request in requests for requirement in request.requirements]

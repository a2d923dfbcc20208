"""How work begins: one occurrence is one run, whichever way and however often it comes."""

from dataclasses import replace

from domain import events as e
from domain.runs import Status
from domain.tasks import Context, Principal, Task, Trigger, Trust, run_id_of
from loop.doors import Clash, Reply, Submitted
from loop.engine import Engine
from loop.ledger import Book
from loop.ports import Unrouted
from loop.reading import may_read


class Intake:
    """Accepts tasks. Durable when it returns."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def submit(self, task: Task, shaped_by: tuple[Principal, ...] = ()) -> Submitted | Clash | Unrouted | Reply:
        """Route the task and begin its run, or find the one it began before, or the open one it belongs to.

        `shaped_by`: whose words it also is; they never countersign what follows.
        """
        run_id = run_id_of(task)
        known = await self._known(run_id, task.body_digest)
        if known is not None:
            return known
        routed = self._engine.world.router.route(task)
        if isinstance(routed, Unrouted):
            return routed
        joined, linked = await self._correlated(routed.task)
        if joined is not None:
            return joined
        received = e.TaskReceived(
            task=routed.task, agent=routed.agent, body=task.body_digest, linked=linked, shaped_by=shaped_by
        )
        return await self._begin(run_id, received)

    async def retry(self, run_id: str, by: Principal, occurrence: str) -> Submitted | Reply:
        """The finished run's task again, asked by `by`, as a new occurrence."""
        run = await self._engine.ledger.read(run_id)
        if run is None or not await may_read(self._engine, by, run):
            return Reply(ok=False, text=f"There is no run {run_id} that you can see.")
        if run.status is not Status.FINISHED:
            return Reply(ok=False, text=f"{run_id} has not finished; there is nothing to retry.")
        old = run.received
        trigger = Trigger(
            source=old.trigger.source,
            source_id=f"{old.trigger.source_id}~{occurrence}",
            timestamp=self._engine.now(),
            correlation=old.trigger.correlation,
        )
        answer = await self.submit(replace(old, trigger=trigger, requester=by), run.excluded)
        return (
            answer if isinstance(answer, Submitted) else Reply(ok=False, text=f"{run_id} cannot be retried: {answer}")
        )

    async def _known(self, run_id: str, body: str) -> Submitted | Clash | None:
        """The run that this occurrence began before, if it has the same body; None if it began none."""
        log = await self._engine.world.journal.read(run_id)
        if not log:
            return None
        same = isinstance(log[0].event, e.TaskReceived) and log[0].event.body == body
        return Submitted(run_id=run_id, created=False) if same else Clash(run_id=run_id)

    async def _correlated(self, task: Task) -> tuple[Submitted | None, str | None]:
        """An open run with the same correlation takes the signal; a finished one is what the new run is linked to."""
        correlation = task.trigger.correlation
        if correlation is None:
            return None, None
        found = await self._engine.world.journal.correlated(task.context.organization_id, correlation)
        earlier = [run_id for run_id in found if await self._known_to(task.requester, run_id)]
        for run_id in earlier:
            if await self._engine.ledger.change(run_id, lambda book: _join(book, task)):
                return Submitted(run_id=run_id, created=False, joined=True), None
        return None, earlier[0] if earlier else None

    async def _known_to(self, requester: Principal | None, run_id: str) -> bool:
        """Whether a task may hear of that run and speak to it. What nobody asked for came by a configured door."""
        run = await self._engine.ledger.read(run_id)
        return run is not None and (requester is None or await may_read(self._engine, requester, run))

    async def _begin(self, run_id: str, received: e.TaskReceived) -> Submitted | Clash:
        async def begin(book: Book) -> bool:
            if book.run.seq:
                return False  # the same occurrence was accepted a moment ago
            book.note(received)
            await self._engine.advance(book)
            return True

        if await self._engine.ledger.change(run_id, begin):
            return Submitted(run_id=run_id, created=True)
        return await self._known(run_id, received.body) or Submitted(run_id=run_id, created=False)


async def _join(book: Book, task: Task) -> bool:
    """The open run hears of the signal, once; False if it has finished meanwhile and never heard of it."""
    occurrence = run_id_of(task)
    if occurrence in book.run.joined:
        return True
    if not book.run.seq or book.run.status is Status.FINISHED:
        return False
    who = task.requester or f"source:{task.trigger.source}"
    text = task.goal or f"signalled again: {task.trigger.source_id}"
    tainted = task.trust is Trust.UNTRUSTED
    book.note(e.PersonSpoke(by=who, text=text, occurrence=occurrence, tainted=tainted))
    await book.commit()
    return True


def redirected(task: Task, goal: str, trust: Trust) -> Task:
    """The task with a goal that a person typed instead; routing reads agent and inputs out of it anew."""
    context = Context(organization_id=task.context.organization_id, priority=task.context.priority)
    return replace(task, type="chat", goal=goal, payload={}, inputs={}, context=context, trust=trust)

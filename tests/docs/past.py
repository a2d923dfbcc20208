"""A recorded past for docs/policy.md: the real loop and store under the page's own rules. The mind proposes what it is
told to, and the hands touch nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bot.clock import SystemClock
from bot.configuration import Configuration, load
from bot.rulebook import lay_down
from bot.systems import catalog_for
from bot.version import VERSION
from domain.approvals import Ballot
from domain.calls import Doubt, Observation, Preview, ToolCall
from domain.canonical import Json
from domain.events import InstanceStarted
from domain.people import Snapshot
from domain.runs import Run, Status
from domain.tasks import Context, Place, Source, Task, Trigger, Trust
from loop.controller import Controller
from loop.doors import Click, Submitted
from loop.engine import World
from loop.organization import tell_organization
from loop.ports import Conclude, DraftCall, Permit, Prepared, Proposal, Propose, Routed
from loop.worker import Worker
from state.memory import MemoryQueue
from state.store import Store
from tests.loop.house import FakeRooms, FakeWatch

WEB: dict[str, Json] = {"service": "web"}
# Who asked, for what, and who countersigned it.
STORY: tuple[tuple[str, DraftCall, str | None], ...] = (
    ("U0REQUESTER", DraftCall(tool="service.restart", arguments=WEB), "U0SRE"),
    ("U0SRE", DraftCall(tool="service.restart", arguments=WEB), "U0SRE2"),
    ("U0CONTRACT", DraftCall(tool="service.logs", arguments={**WEB, "lines": 400}), None),
    ("U0CONTRACT", DraftCall(tool="service.restart", arguments=WEB), None),
)


def record(directory: Path) -> None:
    """Live the story under the rules of this directory, into the store that they name."""
    asyncio.run(_live(load(directory, {})))


async def _live(configuration: Configuration) -> None:
    configuration.storage.parent.mkdir(parents=True, exist_ok=True)
    store = await Store.open(configuration.storage, clock=SystemClock())
    book = lay_down(configuration, catalog_for(configuration)).rulebook
    queue, people = MemoryQueue(boot=store.boot), _People(configuration)
    world = World(
        journal=store.journal, queue=queue, directory=people, rooms=FakeRooms(), router=_Router(), watch=FakeWatch(),
        clock=SystemClock(), next_epoch=queue.next_epoch,
    )  # fmt: skip
    controller = Controller(world, lambda: book)
    worker = Worker(
        queue=queue, reports=controller.desk, permits=controller.desk, reasoner=_Mind(), hands=_Hands(),
        catalog=book.catalog,
    )  # fmt: skip
    begun = InstanceStarted(boot=store.boot, version=VERSION, sandbox="none", policy_hash=book.rules.hash)
    await tell_organization(store.journal, begun)
    await controller.recover()
    working = asyncio.ensure_future(worker.run())
    try:
        for number, (who, _, sre) in enumerate(STORY):
            await _ask(controller, _task(number, who), sre)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await store.close()


async def _ask(controller: Controller, task: Task, sre: str | None) -> None:
    answer = await controller.submit(task)
    assert isinstance(answer, Submitted), answer
    if sre is not None:
        run = await _until(controller, answer.run_id, lambda run: run.status is Status.AWAITING_APPROVAL)
        [request] = [each.request for each in run.records if each.request is not None]
        click = Click(
            approval_id=request.approval_id, by=f"user:{sre}", ballot=Ballot.APPROVE, digest=request.digest,
            card=("C1", "1.1"),
        )  # fmt: skip
        await controller.vote(click)
    await _until(controller, answer.run_id, lambda run: run.status is Status.FINISHED)


async def _until(controller: Controller, run_id: str, there: Callable[[Run], bool]) -> Run:
    async with asyncio.timeout(20):
        while True:
            run = await controller.run(run_id)
            if run is not None and there(run):
                return run
            await asyncio.sleep(0.01)


def _task(number: int, who: str) -> Task:
    return Task(
        type="chat", goal=str(number), requester=f"user:{who}", trust=Trust.PERSON, place=Place(channel="C1"),
        trigger=Trigger(source=Source.USER, source_id=f"asked-{number}", timestamp=SystemClock().now()),
        context=Context(organization_id="acme"),
    )  # fmt: skip


class _Mind:
    """Proposes what its task is about, then concludes."""

    async def reason(self, run: Run, rules: str) -> Proposal:
        if run.iterations:
            return Conclude(summary="done", by="script")
        return Propose(calls=(STORY[int(run.task.goal)][1],), rationale="It was asked for.", by="script")


class _Hands:
    """Touches nothing."""

    async def prepare(self, run: Run, draft: DraftCall) -> Prepared:
        return Prepared(fingerprint="as it was", preview=Preview(summary=f"would do {draft.tool}"))

    async def perform(self, run: Run, call: ToolCall, permit: Permit) -> Observation:
        return Observation(ok=True, summary=f"did {call.tool}")

    async def check(self, run: Run, call: ToolCall, key: str) -> Doubt:
        return Doubt.HAPPENED

    async def close(self, run_id: str) -> None:
        """Nothing to close."""


class _Router:
    def route(self, task: Task) -> Routed:
        return Routed(task=replace(task, context=replace(task.context, agent_slug="helper")), agent="helper")


class _People:
    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    async def snapshot(self, max_age_s: float = 60.0) -> Snapshot:
        return self._configuration.snapshot(SystemClock().now())

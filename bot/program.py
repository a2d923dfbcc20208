"""The running program: everything is made here, once, and handed to whoever needs it. Read it to see the house."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
import structlog
from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.announcements import Announcer
from bot.backtesting import latest, shown_to_all
from bot.clock import SystemClock
from bot.collector import calm
from bot.configuration import Configuration
from bot.doors import http_doors
from bot.hands import Equipment, equip
from bot.housekeeping import Housekeeper
from bot.ladder import LadderRungs
from bot.policy_checks import Past, PolicyChecks
from bot.reload import Means, Reloader, Rereading
from bot.rulebook import InForce, Laid, lay_down
from bot.slack import Workspace, groups_of, places_of, reach, socket_of, way_in
from bot.thread.courier import Courier
from bot.thread.follower import Follower
from bot.version import VERSION
from domain.events import InstanceStarted
from domain.tasks import Principal
from handlers.inbox import Consumer
from handlers.slack.app import SocketMode
from handlers.slack.consumer import SlackConsumer
from handlers.slack.requests import Desk
from handlers.slack.shows import Shows
from loop.controller import Controller
from loop.doors import Reply
from loop.engine import World
from loop.organization import tell_organization
from loop.ports import Watch
from loop.worker import Worker
from state.memory import MemoryQueue
from state.store import Store

log = structlog.get_logger(__name__)

WORKERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Everything that runs, made and not yet started."""

    configuration: Configuration
    store: Store
    equipment: Equipment
    reloader: Reloader
    policy_checks: PolicyChecks | None
    workspace: Workspace
    controller: Controller
    workers: tuple[Worker, ...]
    consumer: Consumer
    follower: Follower
    courier: Courier
    housekeeper: Housekeeper
    app: AsyncApp
    socket: SocketMode | None
    doors: web.AppRunner
    clock: SystemClock

    async def run(self, stop: asyncio.Event, ready: Callable[[], Awaitable[None]]) -> None:
        """Serve until `stop` is set. `ready` is called when every door is open and every run is taken up."""
        async with asyncio.TaskGroup() as group:
            running = [
                self.controller.run_until_cancelled(),
                *(worker.run() for worker in self.workers),
                self.consumer.run(stop),
                self.follower.run(stop),
                self.courier.run(stop),
                self.housekeeper.run(),
                self.reloader.run(stop),
                self._fatal(),
            ]
            if self.equipment.pipeline is not None:
                running.append(self.equipment.pipeline.run(stop))
            if self.policy_checks is not None:
                running.append(self.policy_checks.run(stop))
            tasks = [group.create_task(each) for each in running]
            taken_up = await self.controller.recover()
            log.info("taken up", runs=taken_up, sandbox=self.equipment.sandbox.kind)
            await self._open_doors()
            await ready()
            await stop.wait()
            await self._close_doors()
            for task in tasks:
                task.cancel()

    async def _open_doors(self) -> None:
        http = self.configuration.http
        await self.doors.setup()
        await web.TCPSite(self.doors, http.host, http.port).start()
        if self.socket is not None:
            await self.socket.start()

    async def _close_doors(self) -> None:
        if self.socket is not None:
            await self.socket.stop()
        await self.doors.cleanup()

    async def _fatal(self) -> None:
        """The disk has failed: nothing may be acknowledged any more, so the program ends."""
        why = await asyncio.shield(self.store.fatal)
        raise SystemExit(f"the store has failed: {why}")


@asynccontextmanager
async def assembled(configuration: Configuration, rereading: Rereading) -> AsyncIterator[Program]:
    """The program over this configuration, and everything closed again afterwards."""
    clock = SystemClock()
    calm()
    async with AsyncExitStack() as stack:
        topics = _Topics()
        rungs = LadderRungs()
        equipment = await equip(configuration, topics.settled, rungs)
        laid = lay_down(configuration, equipment.catalog)  # raises Invalid: before anything is opened or reached
        await asyncio.to_thread(configuration.storage.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
        store = await Store.open(configuration.storage, clock=clock)
        stack.push_async_callback(store.close)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        workspace = await reach(configuration, session, clock)
        await _begin(store, equipment, laid)
        in_force = InForce(laid, clock.now())
        queue = MemoryQueue(boot=store.boot)
        world = World(
            journal=store.journal,
            queue=queue,
            directory=workspace.directory,
            rooms=workspace.rooms,
            router=in_force,
            watch=equipment.watch or _NothingToWaitFor(),
            clock=clock,
            next_epoch=queue.next_epoch,
        )
        controller = Controller(world, in_force.rulebook)
        topics.notice, rungs.ladder = controller.notice, controller.ladder
        consumer = Consumer(store.inbox)
        shows = Shows(
            operator=controller,
            views=store.views,
            log=store.journal,
            outbox=store.outbox,
            gateway=workspace.gateway,
            unconfined=equipment.unconfined,
            rules=lambda: reloader.edition.text,
        )
        courier = Courier(store.outbox, workspace.gateway, store.journal, controller, clock)
        places = places_of(configuration, unconfined=equipment.unconfined)
        follower = Follower(store.journal, store.outbox, places, wake=courier.wake, public=workspace.rooms.public)
        announcer = Announcer(store.outbox, places.approvals or places.default, courier.wake)
        means = Means(
            rereading=rereading,
            catalog=equipment.catalog,
            record=controller.load_rules,
            adopted=lambda now: workspace.directory.regroup(groups_of(now.groups)),
            tell=announcer.tell,
            clock=clock,
        )
        reloader = Reloader(in_force, means)

        async def reload(by: Principal) -> Reply:
            return await controller.administrates(by) or await reloader.now(by)

        slack = SlackConsumer(
            Desk(
                operator=controller,
                outbox=store.outbox,
                gateway=workspace.gateway,
                clock=clock,
                shows=shows,
                organization=configuration.organization,
                helpers=lambda: tuple(who.text for who in in_force.rulebook().approvers),
                lost=follower.refresh,
                reload=reload,
            )
        )
        consumer.register("slack", slack.handle, slack.regret)
        app = way_in(configuration, workspace, consumer, clock)
        socket = socket_of(configuration, app, workspace)
        doors = http_doors(
            configuration, store, controller, consumer, workspace, app, socket, clock, lambda: reloader.edition
        )
        yield Program(
            configuration=configuration,
            store=store,
            equipment=equipment,
            reloader=reloader,
            policy_checks=_policy_checks(
                equipment, store, in_force, controller, announcer, workspace.rooms.public, clock
            ),
            workspace=workspace,
            controller=controller,
            workers=tuple(
                Worker(
                    queue=queue,
                    reports=controller.desk,
                    permits=controller.desk,
                    reasoner=in_force,
                    hands=equipment.toolbox,
                    catalog=equipment.catalog,
                )
                for _ in range(WORKERS)
            ),
            consumer=consumer,
            follower=follower,
            courier=courier,
            housekeeper=Housekeeper(store.journal, equipment.toolbox),
            app=app,
            socket=socket,
            doors=doors,
            clock=clock,
        )


class _Topics:
    """The pipeline is made before the controller that it tells."""

    notice: Callable[[str], Awaitable[None]] | None = None

    async def settled(self, topic: str) -> None:
        if self.notice is not None:
            await self.notice(topic)


class _NothingToWaitFor(Watch):
    """Where there is no forge, nothing ever settles."""

    async def settled(self, topic: str) -> str | None:
        return None


def _policy_checks(
    equipment: Equipment,
    store: Store,
    in_force: InForce,
    controller: Controller,
    announcer: Announcer,
    public: Callable[[str], Awaitable[bool]],
    clock: SystemClock,
) -> PolicyChecks | None:
    """What looks after change requests to the policy repository, where there is one. What it finds is told to all."""
    repository = in_force.laid.configuration.systems.policy_repository
    if equipment.pipeline is None or repository is None:
        return None

    async def runs(limit: int) -> list[str]:
        return await shown_to_all(store.journal, await latest(store.views, limit), public)

    past = Past(
        current=lambda: in_force.laid.configuration,
        catalog=equipment.catalog,
        runs=runs,
        events=store.past.events,
    )
    return PolicyChecks(
        repository=repository,
        forge=equipment.pipeline.forge,
        past=past,
        tell=announcer.tell,
        settled=controller.notice,
        clock=clock,
    )


async def _begin(store: Store, equipment: Equipment, laid: Laid) -> None:
    """Write into the organization's log what this process runs on."""
    begun = InstanceStarted(
        boot=store.boot,
        version=VERSION,
        sandbox=f"{equipment.sandbox.kind} {equipment.sandbox.version}: {equipment.sandbox.details}",
        policy_hash=laid.rulebook.rules.hash,
    )
    await tell_organization(store.journal, begun)

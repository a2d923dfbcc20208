"""Another version of the rules without a restart: looked for, read, checked as at a start, put in force in one step.

The directory is looked at; what has changed is read once nothing has been written for a moment, in a thread, with every
check that `serve` makes. At fault: the version in force stays, and people are told once. Sound: rules, agents, routing,
runbooks and groups change together, in the step in which `PolicyLoaded` is read back from the log.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from bot import watched
from bot.configuration import Configuration, Fault, Invalid
from bot.editions import Edition, held_back, left_behind, short, told, what_changed
from bot.rulebook import InForce, Laid, lay_down
from domain.events import PolicyLoaded
from loop.doors import Reply
from loop.ports import Catalog, Clock

log = structlog.get_logger(__name__)

EVERY_S = 1.0
SETTLE_S = 1.0  # nothing is read while somebody is still writing
_SHOWN = 5

Load = Callable[[PolicyLoaded, Callable[[], None]], Awaitable[int]]
Tell = Callable[[str, str], Awaitable[None]]  # (what it is about, text): the same subject again changes the message


@dataclass(frozen=True, slots=True, kw_only=True)
class Rereading:
    """How the directory is read again: as the start did; and `asked`, which is set to have that done now."""

    read: Callable[[], Configuration]
    asked: asyncio.Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What reloading works with. `record` puts a version in force, and says how many cards that made pointless;
    `adopted` is told in that same step.
    """

    rereading: Rereading
    catalog: Catalog
    record: Load
    adopted: Callable[[Configuration], None]
    tell: Tell
    clock: Clock


class Reloader:
    """Keeps the version in force at what is on disk, as long as that is sound."""

    def __init__(self, in_force: InForce, means: Means) -> None:
        self._in_force, self._means = in_force, means
        configuration = in_force.laid.configuration
        self._directory, self._folders = configuration.directory, tuple(configuration.folders)
        self._digests = watched.said_by(configuration)  # of the version in force
        self._done: watched.Marks | None = None  # what was on disk when it was last read
        self._seen: tuple[watched.Marks, float] | None = None  # what is there now, and since when
        self._trouble: str | None = None  # under which subject people were told that what is on disk is at fault
        self._one_at_a_time = asyncio.Lock()
        self.edition = Edition(policy_hash=configuration.policies.hash, since=in_force.since)

    async def run(self, stop: asyncio.Event) -> None:
        """Look every second until `stop`; whenever asked, at once, waiting for nobody who may still be writing."""
        asked = self._means.rereading.asked
        while not stop.is_set():
            if asked.is_set():
                asked.clear()
                await self.now("a hangup signal")
            else:
                await self.look()
            await self._pause(stop)

    async def now(self, by: str) -> Reply:
        """Read the directory now; what came of it. `by` is who asked, for the log."""
        async with self._one_at_a_time:
            marks = await self._marks()
            return await self._read(marks, by)

    async def look(self) -> None:
        """Read the directory if it has changed and has been left alone since."""
        async with self._one_at_a_time:
            marks, at = await self._marks(), time.monotonic()
            if self._seen is None or self._seen[0] != marks:
                self._seen = marks, at
            if marks != self._done and at - self._seen[1] >= SETTLE_S:
                await self._read(marks, "the watch on the directory")

    async def _pause(self, stop: asyncio.Event) -> None:
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(self._means.rereading.asked.wait())]
        try:
            await asyncio.wait(waits, timeout=EVERY_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _marks(self) -> watched.Marks:
        return await asyncio.to_thread(watched.marks, self._directory, self._folders)

    async def _read(self, marks: watched.Marks, by: str) -> Reply:
        disk = await asyncio.to_thread(watched.on_disk, self._directory, self._folders)
        if not watched.changed(self._digests, disk):
            self._done = marks
            await self._mended()
            return Reply(ok=True, text=f"Nothing has changed: {self.edition.text}.")
        found = await asyncio.to_thread(self._checked)
        if await self._marks() != marks:
            return Reply(ok=False, text="Somebody is writing there just now; nothing was changed. It is read soon.")
        self._done = marks
        match found:
            case Sound():
                return await self._put_in_force(found, by)
            case _:
                return await self._at_fault(found)

    def _checked(self) -> "Sound | tuple[Fault, ...]":
        """What is on disk, with every check of a start; or all that is wrong with it. Runs in a thread."""
        running = self._in_force.laid.configuration
        try:
            read = self._means.rereading.read()
            found, waiting = held_back(running, read)
            faults = (*read.missing_secrets(), *left_behind(running, found), *watched.gone(running))
            laid = lay_down(found, self._means.catalog)
        except Invalid as invalid:
            return tuple(invalid.faults)
        except Exception as error:  # a mistake of ours in reading is no reason to let go of what holds
            log.exception("the configuration could not be read")
            problem = f"could not be read: {type(error).__name__}: {error}"
            return (Fault(file="countersign.yaml", line=1, column=1, key="", problem=problem),)
        return faults or Sound(laid=laid, digests=watched.said_by(read), waiting=waiting)

    # ── What comes of it ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _put_in_force(self, sound: "Sound", by: str) -> Reply:
        old, new, now = self._in_force.laid, sound.laid, self._means.clock.now()
        files = watched.changed(self._digests, sound.digests)
        found, mended = what_changed(old, new), self._trouble is not None
        policy_hash = new.configuration.policies.hash

        def swap() -> None:
            self._in_force.replace(new, now)
            self._digests, self._trouble = sound.digests, None
            self.edition = Edition(policy_hash=policy_hash, since=now, waiting=sound.waiting)
            self._means.adopted(new.configuration)

        why = f"{', '.join(files[:_SHOWN])}{f' and {len(files) - _SHOWN} more' if len(files) > _SHOWN else ''}: {by}"
        asked_anew = await self._means.record(PolicyLoaded(policy_hash=policy_hash, why=why), swap)
        log.info("rules loaded", policy_hash=policy_hash, files=files, why=by)
        before = short(old.configuration.policies.hash)
        pieces = told(found) or "no rule says otherwise"
        said = f"Rules reloaded: `{before}` → `{short(policy_hash)}` ({why}); {pieces}."
        if asked_anew:
            said += f" Cards closed because of it, to be asked anew or not at all: {asked_anew}."
        if sound.waiting:
            said += f" This holds from the next start on: {', '.join(sound.waiting)}."
        if found or mended or sound.waiting:
            await self._means.tell(f"rules:loaded:{now.isoformat()}", ("Mended. " if mended else "") + said)
        return Reply(ok=True, text=said)

    async def _at_fault(self, faults: tuple[Fault, ...]) -> Reply:
        """The version in force stays. People are told once; the message follows what is wrong until it is mended."""
        self.edition = replace(self.edition, faults=faults)
        for fault in faults:
            log.error("rules at fault", fault=str(fault))
        self._trouble = self._trouble or f"rules:fault:{self._means.clock.now().isoformat()}"
        listed = "\n".join(f"• {fault}" for fault in faults[:_SHOWN])
        more = f"\nand {len(faults) - _SHOWN} more: `countersign policy check`" if len(faults) > _SHOWN else ""
        said = (
            f"What is on disk is at fault and was not loaded; the {self.edition.brief} stay in force.\n{listed}{more}"
        )
        await self._means.tell(self._trouble, said)
        return Reply(ok=False, text=said)

    async def _mended(self) -> None:
        """What is on disk is again what holds."""
        if self._trouble is not None:
            self._trouble = None
            self.edition = replace(self.edition, faults=())
            said = f"Mended: what is on disk is what holds, the {self.edition.brief}."
            await self._means.tell(f"rules:mended:{self._means.clock.now().isoformat()}", said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A version that may be put in force, what its files say, and what of them waits for the next start."""

    laid: Laid
    digests: watched.Digests
    waiting: tuple[str, ...]

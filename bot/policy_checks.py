"""The check `policy` on change requests to the policy repository: does it load, do its cases pass, what does it flip?

It runs here, in the trusted half, because the past is here; the candidate is only parsed. It finds work by looking, on
the exact head of every open change request, and says what it found twice: to the forge, which holds the merge for it,
and to people, in one message per change request that follows its head. Merging puts nothing in force.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from bot.backtesting import Judged, Scope, backtest
from bot.candidates import Candidate, read_candidate, refused
from bot.configuration import Configuration, Fault
from bot.configuration.sections import PolicyRepository
from bot.flips import grouped, lines, summary
from domain.events import Recorded
from loop.backtest import Unfoldable
from loop.ports import Catalog, Clock
from policy.analysis.backtest import Direction
from state.errors import StoreError
from tools.forge.local import LocalForge
from tools.forge.port import Change, ChangeState, Check, Checks, CheckState, ForgeError
from tools.git.runner import GitError
from tools.pipeline.checkout import checkout
from tools.pipeline.topics import checks_topic
from tools.sandbox.port import SandboxError, plain

log = structlog.get_logger(__name__)

POLICY = "policy"  # the reporter's name, and the check's
EVERY_S = 1.0
LEFT_OUT = "note: runs that not everybody may see are left out; `countersign policy backtest` has them"
MOST_RUNS = 2_000  # of the past: a bot that serves has other work as well
_READ_S = 120.0
_MAX_LOG = 32 << 10
_SHOWN = 6  # flips in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a candidate is held against: the configuration in force, and the log."""

    current: Callable[[], Configuration]
    catalog: Catalog
    runs: Callable[[int], Awaitable[list[str]]]
    events: Callable[[], AsyncIterator[Recorded | str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What there is to say about one head."""

    passed: bool
    summary: str
    log: str
    flips: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class PolicyChecks:
    """Checks the change requests of one repository. `tell` is given a subject and words; `settled` a topic."""

    repository: PolicyRepository
    forge: LocalForge
    past: Past
    tell: Callable[[str, str], Awaitable[None]]
    settled: Callable[[str], Awaitable[None]]
    clock: Clock
    trouble: str = ""  # what went wrong last, so that it is said once
    _told: set[str] = field(default_factory=set)

    async def run(self, stop: asyncio.Event) -> None:
        """Look every second until `stop`. A check under way is abandoned; the next start takes it up."""
        while not stop.is_set():
            try:
                await self.run_once()
                self.trouble = ""
            except (ForgeError, GitError, SandboxError, OSError, ValueError) as error:
                if str(error) != self.trouble:
                    log.warning("the policy repository cannot be checked", why=str(error))
                self.trouble = str(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await stop.wait()

    async def run_once(self) -> None:
        """Check every open head that has not been checked."""
        for change in await self.forge.list_changes(self.repository.name, ChangeState.OPEN):
            known = await self.forge.checks(change.repository, change.head, POLICY)
            if known is None or not known.complete:
                await self._record(change, Check(name=POLICY, state=CheckState.RUNNING))
                finding = await self._finding(change)
                state = CheckState.PASSED if finding.passed else CheckState.FAILED
                said = Check(name=POLICY, state=state, summary=finding.summary, log=finding.log[:_MAX_LOG])
                await self.tell(f"policy:{change.reference}", await self._words(change, finding))
                await self._record(change, said)  # last: until it is there, a crash has it all done again
            whole = await self.forge.checks(change.repository, change.head)
            if whole is not None and whole.complete:
                await self._settle(checks_topic(change.repository, change.number, change.head))

    async def _settle(self, topic: str) -> None:
        if topic not in self._told:
            self._told.add(topic)
            await self.settled(topic)

    async def _record(self, change: Change, check: Check) -> None:
        said = Checks(repository=change.repository, head=change.head, state=check.state, checks=(check,))
        await self.forge.set_checks(said, POLICY)

    # ── Finding out ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _finding(self, change: Change) -> Finding:
        bare, now = self.forge.bare(change.repository), self.clock.now()
        odd = await refused(self.forge.git, bare, change.head)
        if odd is not None:
            return Finding(passed=False, summary=odd, log=odd)
        try:
            async with checkout(self.forge.git, bare, change.head) as tree, asyncio.timeout(_READ_S):
                found = await asyncio.to_thread(read_candidate, tree / self.repository.directory, now)
            return await self._judged(found, now) if isinstance(found, Candidate) else _faulty(found, tree)
        except TimeoutError:
            why = f"it could not be read within {_READ_S:g} s"
        except (GitError, SandboxError):
            raise
        except Exception as error:  # strangers write these files: what breaks on them fails the check, not the bot
            log.exception("a candidate broke its check", change=change.reference, head=change.head)
            why = f"it could not be checked: {type(error).__name__}: {error}"
        return Finding(passed=False, summary=why[:500], log=why)

    async def _judged(self, found: Candidate, now: datetime) -> Finding:
        failed = [f"{case.file}:{case.line}: {case.rule}: {wrong}" for case in found.failed for wrong in case.wrong]
        cases = f"{len(found.cases) - len(found.failed)} cases passed, {len(found.failed)} failed"
        past = self.past
        try:
            judged = await backtest(
                past.events(),
                past.current(),
                found.configuration,
                past.catalog,
                now,
                Scope(only=frozenset(await past.runs(MOST_RUNS))),
            )
        except (StoreError, Unfoldable) as error:
            why = f"the recorded past cannot be judged again: {error}"
            return Finding(passed=False, summary=why, log="\n".join([*failed, why]))
        said = f"{cases}; {summary(judged)}"
        return Finding(
            passed=not failed,
            summary=said,
            log="\n".join([*failed, cases, *lines(judged), LEFT_OUT]),
            flips=_flips(judged),
        )

    async def _words(self, change: Change, finding: Finding) -> str:
        asked = ("--git-dir=.", "log", "-1", "--format=%an", change.head)
        done = await self.forge.git.attempt(*asked, workspace=self.forge.bare(change.repository))
        by = plain(done.stdout).strip()[:80] or "somebody"
        mark = "✓" if finding.passed else "✗"
        where = f" {change.url}" if change.url else ""
        head = f"{mark} {change.reference} “{change.title[:120]}”, {change.head[:12]} by {by}{where}"
        merged = "Merging puts nothing in force: the configuration directory does, once it has the merged tree."
        listed = [f"• {flip}" for flip in finding.flips]
        return "\n".join([head, finding.summary[:1500], *listed, *([merged] if finding.passed else [])])


def _faulty(faults: tuple[Fault, ...], tree: Path) -> Finding:
    said = [str(fault).replace(str(tree), "").strip() for fault in faults]
    more = f" and {len(said) - 1} more" if len(said) > 1 else ""
    return Finding(passed=False, summary=f"at fault: {said[0]}{more}", log="\n".join(said))


def _flips(judged: Judged) -> tuple[str, ...]:
    """One line each, the looser first."""
    found = [
        (flip.turn.direction is Direction.STRICTER, f"{flip.turn.direction}: {flip.turn.kind}: {flip.of} ({because})")
        for because, flips in grouped(judged)
        for flip in flips
    ]
    told = list(dict.fromkeys(text for _, text in sorted(found, key=lambda entry: entry[0])))
    more = [f"and {len(told) - _SHOWN} more kinds"] if len(told) > _SHOWN else []
    return (*told[:_SHOWN], *more)

"""The CI runner of this machine. It finds work by looking, so it may be killed anywhere and simply looks again.

Validation runs on the exact head of every open change request, with the pipeline of its *base*: a change cannot relax
the checks that judge it. After a merge the merged commit is applied, once, in order.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tools.forge.local import LocalForge
from tools.forge.port import PIPELINE, Change, ChangeState, Check, Checks, CheckState
from tools.git.runner import Git, GitError
from tools.pipeline.applied import Applied, load_applied, save_applied
from tools.pipeline.checkout import checkout, show
from tools.pipeline.definition import Pipeline, PipelineError, parse_pipeline
from tools.pipeline.steps import Planned, resources_of, run_step
from tools.pipeline.topics import apply_topic, checks_topic, merge_topic
from tools.sandbox.port import Sandbox, SandboxError

Settled = Callable[[str], Awaitable[None]]


async def _nobody(_topic: str) -> None:
    """Nobody listens; who waits may look."""


def _utc() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class LocalPipeline:
    """CI for `repositories` of a local forge. `settled` is told each topic once per process, when it has settled."""

    forge: LocalForge
    git: Git
    sandbox: Sandbox
    repositories: tuple[str, ...]
    checked_elsewhere: frozenset[str] = frozenset()  # these may do without a pipeline of their own
    settled: Settled = _nobody
    now: Callable[[], datetime] = _utc
    every_s: float = 0.5
    troubles: dict[str, str] = field(default_factory=dict)  # repository -> what went wrong last, for `doctor`
    _told: set[str] = field(default_factory=set)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Something was pushed or merged: look now."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. A step under way is abandoned; the next start takes it up."""
        while not stop.is_set():
            await self.run_once()
            self._woken.clear()
            waits = {asyncio.create_task(stop.wait()), asyncio.create_task(self._woken.wait())}
            try:
                await asyncio.wait(waits, timeout=self.every_s, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in waits:
                    task.cancel()
                await asyncio.gather(*waits, return_exceptions=True)

    async def run_once(self) -> None:
        """Do all that is due now, in every repository; trouble in one does not hold up the others."""
        for repository in self.repositories:
            try:
                changes = await self.forge.list_changes(repository)
                await self._apply_merged(repository, changes)
                for change in changes:
                    await self._validate(change)
                self.troubles.pop(repository, None)
            except (GitError, SandboxError, PipelineError, OSError, ValueError) as error:
                self.troubles[repository] = str(error)

    async def _validate(self, change: Change) -> None:
        if change.state is not ChangeState.OPEN:
            return
        known = await self.forge.checks(change.repository, change.head, PIPELINE)
        if known is None or not known.complete:
            await self._checked(change)
        known = await self.forge.checks(change.repository, change.head)
        if known is not None and known.complete:  # others may have a word to say
            await self._tell(checks_topic(change.repository, change.number, change.head))

    async def _checked(self, change: Change) -> Checks:
        bare = self.forge.bare(change.repository)
        text = await show(self.git, bare, change.base_head, "pipeline.yaml")
        if text is None and change.repository in self.checked_elsewhere:
            said = Checks(repository=change.repository, head=change.head, state=CheckState.PASSED)
            await self.forge.set_checks(said)
            return said
        try:
            pipeline = parse_pipeline(text or "", f"{change.base}:pipeline.yaml")
        except PipelineError as error:
            failed = Check(name="pipeline", state=CheckState.FAILED, summary=str(error), log=str(error))
            return await self._record(change, (failed,), None)
        return await self._steps(change, pipeline)

    async def _steps(self, change: Change, pipeline: Pipeline) -> Checks:
        bare = self.forge.bare(change.repository)
        applied = load_applied(applied_path(self.forge, change.repository))
        checks = {step.name: Check(name=step.name, state=CheckState.QUEUED) for step in pipeline.validate_}
        planned: Planned | None = None
        async with checkout(self.git, bare, change.head) as tree:
            for step in pipeline.validate_:
                checks[step.name] = Check(name=step.name, state=CheckState.RUNNING)
                await self._record(change, checks.values(), planned)
                checks[step.name], found = await run_step(self.sandbox, step, tree, applied.resources or {})
                planned = found or planned
        return await self._record(change, checks.values(), planned)

    async def _record(self, change: Change, found: Iterable[Check], planned: Planned | None) -> Checks:
        checks = Checks(
            repository=change.repository,
            head=change.head,
            state=_overall(tuple(found)),
            checks=tuple(found),
            plan=planned.lines if planned else (),
        )
        await self.forge.set_checks(checks)
        return checks

    async def _apply_merged(self, repository: str, changes: tuple[Change, ...]) -> None:
        """Apply what was merged; of several merges at once only the last is applied, the others are overtaken."""
        path = applied_path(self.forge, repository)
        applied = load_applied(path)
        merged = [change for change in changes if change.merged_as is not None]
        due = [change.merged_as for change in merged if change.merged_as and change.merged_as not in applied.history]
        for base in {change.base for change in merged if change.merged_as in due}:
            head = await self.forge.branch_head(repository, base)
            if head is not None and head not in applied.history:
                applied = await self._applied(repository, head, applied)
            for commit in due:
                applied = applied if commit in applied.history else applied.overtaking(commit)
            save_applied(path, applied)
        for change in changes:
            if change.state is not ChangeState.OPEN:
                await self._tell(merge_topic(repository, change.number))
            if change.merged_as is not None and change.merged_as in applied.history:
                await self._tell(apply_topic(repository, change.merged_as))

    async def _applied(self, repository: str, head: str, before: Applied) -> Applied:
        async with checkout(self.git, self.forge.bare(repository), head) as tree:
            return before.after(head, await resources_of(self.sandbox, tree), self.now())

    async def _tell(self, topic: str) -> None:
        if topic not in self._told:
            self._told.add(topic)
            with contextlib.suppress(TimeoutError):
                await self.settled(topic)


def _overall(checks: tuple[Check, ...]) -> CheckState:
    states = {check.state for check in checks}
    if states & {CheckState.QUEUED, CheckState.RUNNING}:
        return CheckState.RUNNING
    return CheckState.FAILED if CheckState.FAILED in states or not states else CheckState.PASSED


def applied_path(forge: LocalForge, repository: str) -> Path:
    """Where the applied state of a repository is recorded."""
    return forge.bare(repository).with_suffix(".forge") / "applied.json"

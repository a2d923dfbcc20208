"""The one effect path: nothing else in the house makes a tool do anything.

In order: the arguments fit the schema; the permit is for exactly this call and has not been used; what the call needs
is lent for its length; the target is what was approved; the tool runs within its time; what comes back is bounded,
redacted and labelled untrusted. A failure is a value; only `OutcomeUnknown` is raised, and it is never swallowed.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from changes.digest import call_digest, idempotency_key
from domain.calls import Doubt, ErrorKind, Observation, ToolCall
from domain.canonical import canonical_json
from domain.runs import Run
from domain.tasks import Trust
from domain.tiers import Effect
from loop.ports import DraftCall, OutcomeUnknown, Permit, Prepared
from tools.broker import Broker, NotLentError
from tools.catalog import ToolCatalog, catalog_of
from tools.durable import DamagedFileError
from tools.forge.port import ForgeError
from tools.git.runner import GitError
from tools.port import Arguments, Done, Tool, ToolFailure, Workplace
from tools.redaction import Redaction
from tools.sandbox.port import SandboxError
from tools.services.port import ServiceError
from tools.workspace import Workspaces

MAX_RESULT = 256 << 10  # bytes of a result's canonical JSON
_KINDS: tuple[tuple[type[Exception], ErrorKind], ...] = (
    (NotLentError, ErrorKind.REFUSED),
    (SandboxError, ErrorKind.REFUSED),
    (ForgeError, ErrorKind.PERMANENT),
    (GitError, ErrorKind.PERMANENT),
    (ServiceError, ErrorKind.PERMANENT),
    (DamagedFileError, ErrorKind.PERMANENT),
    (ValueError, ErrorKind.ARGUMENTS),
    (TimeoutError, ErrorKind.TIMEOUT),
    (OSError, ErrorKind.TRANSPORT),
)
_KNOWN: tuple[type[Exception], ...] = (ToolFailure, *(kind for kind, _ in _KINDS))


@dataclass(slots=True, kw_only=True)
class Toolbox:
    """`Hands` of the loop: the installed tools, the broker, and a workspace for each run."""

    tools: dict[str, Tool]
    broker: Broker
    workspaces: Workspaces
    catalog: ToolCatalog
    _used: set[tuple[str, str, int, int]] = field(default_factory=set)
    _turns: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def prepare(self, run: Run, draft: DraftCall) -> Prepared:
        tool = self.tools.get(draft.tool)
        problems = self.catalog.problems(draft.tool, draft.arguments)
        if tool is None or problems:
            return Prepared(problem="; ".join(problems))
        if tool.spec.effect is Effect.READ:
            return Prepared()
        redaction = Redaction()
        try:
            async with self._at(run, tool, draft.arguments, redaction) as at, asyncio.timeout(tool.spec.timeout_s):
                look = await tool.look(draft.arguments, at)
        except _KNOWN as error:
            return Prepared(problem=redaction.text(str(error)) or f"{draft.tool}: the target did not answer in time")
        return Prepared(fingerprint=look.fingerprint, preview=look.preview)

    async def perform(self, run: Run, call: ToolCall, permit: Permit) -> Observation:
        started, redaction = time.monotonic(), Redaction()
        refused = self._refusal(run, call, permit)
        if refused is not None:
            return _failure(*refused, started, redaction)
        self._used.add((run.run_id, call.call_id, permit.epoch, permit.attempt))
        tool = self.tools[call.tool]
        try:
            async with self._at(run, tool, call.arguments, redaction, permit) as at:
                async with asyncio.timeout(tool.spec.timeout_s):
                    await _require_same_target(tool, call, permit, at)
                done = await _effect(tool, call.arguments, at)
                if tool.spec.writes_workspace:
                    await asyncio.to_thread(self.workspaces.require_room, run.run_id)
        except OutcomeUnknown as error:
            raise OutcomeUnknown(redaction.text(str(error))) from None
        except _KNOWN as error:
            return _failure(_kind_of(error), str(error), started, redaction)
        return _observation(done, started, redaction)

    async def check(self, run: Run, call: ToolCall, key: str) -> Doubt:
        tool = self.tools.get(call.tool)
        if tool is None or not tool.spec.checkable or self.catalog.problems(call.tool, call.arguments):
            return Doubt.UNKNOWN
        try:
            async with (
                self._at(run, tool, call.arguments, Redaction(), key=key) as at,
                asyncio.timeout(tool.spec.timeout_s),
            ):
                return await tool.check(call.arguments, at)
        except _KNOWN:
            return Doubt.UNKNOWN

    async def close(self, run_id: str) -> None:
        async with self._turns[run_id]:
            await asyncio.to_thread(self.workspaces.remove, run_id)
        self._turns.pop(run_id, None)
        self._used = {used for used in self._used if used[0] != run_id}

    @asynccontextmanager
    async def _at(
        self,
        run: Run,
        tool: Tool,
        arguments: Arguments,
        redaction: Redaction,
        permit: Permit | None = None,
        key: str = "",
    ) -> AsyncIterator[Workplace]:
        """The run's workspace, one call at a time and in order, with what is lent for this one."""
        async with (
            self._turns[run.run_id],
            self.broker.lend(tool.needs, arguments, holder=f"{run.run_id}/{tool.spec.name}") as lent,
        ):
            workspace = await asyncio.to_thread(self.workspaces.of, run.run_id)
            redaction.learn(lent.secrets, (*lent.places, (str(workspace), "[workspace]")))
            yield Workplace(
                run_id=run.run_id,
                workspace=workspace,
                lent=lent,
                key=permit.key if permit else key,
                requester=permit.subject if permit else run.received.requester,
                voters=permit.voters if permit else (),
            )

    def _refusal(self, run: Run, call: ToolCall, permit: Permit) -> tuple[ErrorKind, str] | None:
        spec = self.catalog.spec(call.tool)
        problems = self.catalog.problems(call.tool, call.arguments)
        if spec is None or problems:
            return ErrorKind.ARGUMENTS, "; ".join(problems)
        if (spec.version, spec.effect) != (call.version, call.effect):
            why = f"{call.tool} is version {spec.version} ({spec.effect}) here, the call is for {call.version}"
            return ErrorKind.REFUSED, why
        why_not = permit_problem(run, call, permit)
        if why_not is None and (run.run_id, call.call_id, permit.epoch, permit.attempt) in self._used:
            why_not = "the permit has been used"
        return (ErrorKind.REFUSED, why_not) if why_not else None


def toolbox_of(tools: Iterable[Tool], *, broker: Broker, workspaces: Workspaces) -> Toolbox:
    """The toolbox over these tools. Raises ValueError when two share a name."""
    listed = tuple(tools)
    catalog = catalog_of(tool.spec for tool in listed)
    return Toolbox(
        tools={tool.spec.name: tool for tool in listed}, broker=broker, workspaces=workspaces, catalog=catalog
    )


def permit_problem(run: Run, call: ToolCall, permit: Permit) -> str | None:
    """Why the permit is not for exactly this call; None when it is."""
    if (permit.run_id, permit.call_id) != (run.run_id, call.call_id):
        return "the permit is for another call"
    if permit.key != idempotency_key(run.run_id, call):
        return "the permit's key does not follow from the call"
    try:
        record = run.record(call.call_id)
    except KeyError:
        return "the run knows no such call"
    if record.call != call:
        return "the call is not the one that was proposed"
    own = call_digest(
        call,
        organization=permit.organization,
        run_id=permit.run_id,
        subject=permit.subject,
        verdict_hash=permit.verdict_hash,
    )
    if permit.digest != own or (record.request is not None and record.request.digest != own):
        return "the permit names another content than was approved"
    return None


async def _require_same_target(tool: Tool, call: ToolCall, permit: Permit, at: Workplace) -> None:
    """The target must be what it was when people looked, unless an earlier attempt of this call has changed it."""
    if call.fingerprint is None or tool.spec.effect is Effect.READ:
        return
    if permit.attempt > 1 and tool.spec.checkable and await tool.check(call.arguments, at) is not Doubt.NOT_HAPPENED:
        return
    now = (await tool.look(call.arguments, at)).fingerprint
    if now != call.fingerprint:
        why = f"the target has changed since this was proposed: it was {call.fingerprint}, it is {now}"
        raise ToolFailure(ErrorKind.PRECONDITION, why)


async def _effect(tool: Tool, arguments: Arguments, at: Workplace) -> Done:
    """Perform. Above READ, only what is certain to have had no effect is a failure; all else is unknown."""
    reads = tool.spec.effect is Effect.READ
    try:
        async with asyncio.timeout(tool.spec.timeout_s):
            return await tool.perform(arguments, at)
    except (ToolFailure, OutcomeUnknown, NotLentError, ForgeError, GitError, ServiceError):
        raise
    except TimeoutError as error:
        why = f"{tool.spec.name} was not done within {tool.spec.timeout_s:.0f} s"
        raise (ToolFailure(ErrorKind.TIMEOUT, why) if reads else OutcomeUnknown(why)) from error
    except (SandboxError, DamagedFileError, OSError) as error:
        if reads:
            raise
        raise OutcomeUnknown(f"{tool.spec.name} was cut off: {error}") from error
    except Exception as error:  # the tool itself is wrong: recorded as such, never taken for an answer
        why = f"{tool.spec.name} broke: {type(error).__name__}: {error}"
        raise (ToolFailure(ErrorKind.CRASH, why) if reads else OutcomeUnknown(why)) from error


def _kind_of(error: Exception) -> ErrorKind:
    if isinstance(error, ToolFailure):
        return error.kind
    return next(kind for type_, kind in _KINDS if isinstance(error, type_))


def _failure(kind: ErrorKind, why: str, started: float, redaction: Redaction) -> Observation:
    said = redaction.text(why) or str(kind)
    return Observation(
        ok=False,
        summary=said.splitlines()[0][:300],
        error=said,
        error_kind=kind,
        trust=Trust.UNTRUSTED,
        seconds=round(time.monotonic() - started, 3),
        redactions=redaction.count,
    )


def _observation(done: Done, started: float, redaction: Redaction) -> Observation:
    data = redaction.json(dict(done.data))
    size = len(canonical_json(data))
    if size > MAX_RESULT:
        why = f"the result is {size} bytes, more than {MAX_RESULT}: ask for less"
        return _failure(ErrorKind.PERMANENT, why, started, redaction)
    return Observation(
        ok=done.ok,
        summary=redaction.text(done.summary)[:500],
        data=data,
        trust=Trust.UNTRUSTED,
        seconds=round(time.monotonic() - started, 3),
        redactions=redaction.count,
    )

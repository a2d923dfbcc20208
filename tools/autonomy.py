"""An agent's rung on the ladder: look at its record, raise it, lower it. People countersign a raise like any change.

The tools hold nothing: the trusted half keeps the ladder, and looks at the record once more when it raises.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.calls import Doubt, ErrorKind, Preview, ToolSpec
from domain.canonical import Json
from domain.tasks import Principal
from domain.tiers import Effect, Tier
from tools.port import Arguments, Done, Look, Reading, ToolFailure, Workplace
from tools.schema import NAME, record, text

RECORD, RAISE, LOWER = "autonomy.record", "autonomy.raise", "autonomy.lower"

_SUMMED = ("record", "next rung", "still lacking")  # of the facts, besides where the agent starts

_AGENT = text("the agent's slug", at_most=63, pattern=NAME)
_TIER = text("the tier that it starts from: recommend, draft, sandbox or production", at_most=20, pattern=NAME)


class Refused(Exception):
    """The ladder says no, and nothing has changed; the message says why."""


class Rungs(Protocol):
    """Where agents stand. `facts` are for people, in order; `state` changes when a raise would mean another thing."""

    async def facts(self, agent: str) -> tuple[tuple[str, str], ...]:
        """The record and what it lacks. Raises Refused where there is no such agent."""
        ...

    async def state(self, agent: str) -> str:
        """In a word, what a raise starts from."""
        ...

    async def raise_(self, agent: str, tier: Tier, *, run_id: str, by: tuple[Principal, ...]) -> None:
        """Let the agent start from `tier`; once for each run. Raises Refused."""
        ...

    async def raised(self, agent: str, run_id: str) -> bool:
        """Whether that run has raised it."""
        ...

    async def lower(self, agent: str, *, by: Principal, why: str) -> None:
        """Take back what it has earned, if it has earned anything."""
        ...

    async def earned(self, agent: str) -> bool:
        """Whether it has earned anything now."""
        ...


def record_spec() -> ToolSpec:
    describe = "What an agent's calls have come to, and what its next rung still asks for."
    return ToolSpec(
        name=RECORD,
        version=1,
        effect=Effect.READ,
        describe=describe,
        arguments=record(required=["agent"], agent=_AGENT),
        selectors=("agent",),
        resource="agent/{agent}",
        idempotent=True,
    )


def raise_spec() -> ToolSpec:
    return _moving(RAISE, "Let an agent start from the tier that its record has earned.", undo=LOWER)


def lower_spec() -> ToolSpec:
    return _moving(LOWER, "Take back what an agent has earned: it starts from the tier of its file again.", undo=None)


def _moving(name: str, describe: str, *, undo: str | None) -> ToolSpec:
    return ToolSpec(
        name=name,
        version=1,
        effect=Effect.CHANGE,
        describe=describe,
        arguments=record(required=["agent", "tier"], agent=_AGENT, tier=_TIER),
        selectors=("agent", "tier"),
        resource="agent/{agent}/{tier}",
        labels={"kind": "autonomy"},
        idempotent=True,
        checkable=True,
        undo=undo,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Reading):
    rungs: Rungs
    spec: ToolSpec

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        facts = dict(await _facts(self.rungs, arguments["agent"]))
        said = [f"{name}: {facts[name]}" for name in _SUMMED if name in facts]
        summary = f"{arguments['agent']} starts from {facts['starts from']}; {'; '.join(said)}"
        data: Mapping[str, Json] = {"agent": arguments["agent"], **facts}
        return Done(summary=summary, data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise(Reading):
    rungs: Rungs
    spec: ToolSpec

    async def look(self, arguments: Arguments, at: Workplace) -> Look:
        agent, tier = arguments["agent"], _tier(arguments)
        facts = tuple(fact for fact in await _facts(self.rungs, agent) if fact[0] != "agent")
        start = dict(facts)["starts from"]
        preview = Preview(summary=f"New runs of {agent} would start from {tier.label}; now: {start}.", facts=facts)
        return Look(fingerprint=await self.rungs.state(agent), preview=preview)

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        agent, tier = arguments["agent"], _tier(arguments)
        try:
            await self.rungs.raise_(agent, tier, run_id=at.run_id, by=at.voters)
        except Refused as refused:
            raise ToolFailure(ErrorKind.PRECONDITION, str(refused)) from refused
        return Done(summary=f"{agent} starts from {tier.label}.", data={"agent": agent, "starts": tier.label})

    async def check(self, arguments: Arguments, at: Workplace) -> Doubt:
        return Doubt.HAPPENED if await self.rungs.raised(arguments["agent"], at.run_id) else Doubt.NOT_HAPPENED


@dataclass(frozen=True, slots=True, kw_only=True)
class Lower(Reading):
    rungs: Rungs
    spec: ToolSpec

    async def look(self, arguments: Arguments, at: Workplace) -> Look:
        agent = arguments["agent"]
        facts = await _facts(self.rungs, agent)
        preview = Preview(summary=f"{agent} starts from the tier of its file again.", facts=facts)
        return Look(fingerprint=await self.rungs.state(agent), preview=preview)

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        agent = arguments["agent"]
        by = at.voters[0] if at.voters else at.requester or at.run_id
        await self.rungs.lower(agent, by=by, why=f"taken back by {at.run_id}")
        return Done(summary=f"{agent} starts from the tier of its file again.", data={"agent": agent})

    async def check(self, arguments: Arguments, at: Workplace) -> Doubt:
        return Doubt.NOT_HAPPENED if await self.rungs.earned(arguments["agent"]) else Doubt.HAPPENED


def _tier(arguments: Arguments) -> Tier:
    said = arguments["tier"]
    found = next((tier for tier in Tier if tier.label == said), None)
    if found is None:
        raise ToolFailure(ErrorKind.ARGUMENTS, f"there is no tier {said}")
    return found


async def _facts(rungs: Rungs, agent: str) -> tuple[tuple[str, str], ...]:
    try:
        return await rungs.facts(agent)
    except Refused as refused:
        raise ToolFailure(ErrorKind.ARGUMENTS, str(refused)) from refused

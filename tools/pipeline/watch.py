"""Whether what a run waits for has settled: the loop's `Watch` over a forge and its pipeline."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.forge.port import ChangeState, Forge, ForgeError
from tools.pipeline.applied import load_applied
from tools.pipeline.topics import parse_apply, parse_checks, parse_merge


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeWatch:
    """`applied` says where a repository's applied state is recorded."""

    forge: Forge
    applied: Callable[[str], Path]

    async def settled(self, topic: str) -> str | None:
        """passed | failed | stale | merged | closed | applied | gone; None: not yet, or not a topic of a forge."""
        try:
            if found := parse_checks(topic):
                return await self._checks(*found)
            if merge := parse_merge(topic):
                change = await self.forge.get_change(*merge)
                return None if change.state is ChangeState.OPEN else str(change.state)
            if apply := parse_apply(topic):
                return "applied" if apply[1] in load_applied(self.applied(apply[0])).history else None
        except ForgeError:
            return "gone"
        return None

    async def _checks(self, repository: str, number: int, head: str) -> str | None:
        checks = await self.forge.checks(repository, head)
        if checks is not None and checks.complete:
            return str(checks.state)
        change = await self.forge.get_change(repository, number)
        if change.head != head:
            return "stale"  # the branch has moved on: nobody will check this head any more
        return None if change.state is ChangeState.OPEN else str(change.state)

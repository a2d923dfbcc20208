"""The ladder as its tools see it. They are made before the controller that keeps it: `ladder` is set then."""

from domain.tasks import Principal
from domain.tiers import Tier
from loop.autonomy import Ladder, NotEarned
from policy.sources.autonomy import Standing, described
from tools.autonomy import Refused, Rungs


class LadderRungs(Rungs):
    """Implements `tools.autonomy.Rungs` over the trusted half's ladder."""

    ladder: Ladder | None = None

    async def facts(self, agent: str) -> tuple[tuple[str, str], ...]:
        return described(await self._standing(agent))

    async def state(self, agent: str) -> str:
        return f"starts from {(await self._standing(agent)).starts.label}"

    async def raise_(self, agent: str, tier: Tier, *, run_id: str, by: tuple[Principal, ...]) -> None:
        try:
            await self._kept().raise_(agent, tier, run_id=run_id, by=by)
        except NotEarned as why:
            raise Refused(str(why)) from why

    async def raised(self, agent: str, run_id: str) -> bool:
        return await self._kept().raised(agent, run_id)

    async def lower(self, agent: str, *, by: Principal, why: str) -> None:
        await self._kept().lower(agent, by=by, why=why)

    async def earned(self, agent: str) -> bool:
        return (await self._standing(agent)).earned is not None

    async def _standing(self, agent: str) -> Standing:
        standing = await self._kept().standing(agent)
        if standing is None:
            raise Refused(f"there is no agent {agent}")
        return standing

    def _kept(self) -> Ladder:
        if self.ladder is None:
            raise Refused("nobody keeps the ladder here")
        return self.ladder

"""A rulebook of many rules, as a large organization would have: one a service, each with a person to ask."""

from collections.abc import Mapping

from domain.agents import Agent
from domain.calls import ToolSpec
from domain.canonical import Json
from domain.tiers import Effect, Tier
from loop.rulebook import Rulebook
from policy.check import Sources, load
from policy.engine import PolicySet
from policy.reading.files import Faults

_RULE = """
  - id: service-{n}
    level: resource
    describe: Changes of service {n} need its owners.
    match: {{effect: [change], resource: ["prod/service-{n}", "prod/service-{n}/*"]}}
    approve: [{{from: "group:owners-{n}"}}]
"""
_AGENT = "slug: bench\ndescribe: Does nothing, durably.\nhandles: [bench]\ntier: production\ntools: ['*']\n"


class OneTool:
    """A catalogue of one read."""

    _spec = ToolSpec(name="bench.look", version=1, effect=Effect.READ, describe="looks", arguments={})

    def spec(self, name: str) -> ToolSpec | None:
        return self._spec if name == self._spec.name else None

    def names(self) -> tuple[str, ...]:
        return (self._spec.name,)

    def problems(self, name: str, arguments: Mapping[str, Json]) -> tuple[str, ...]:
        return ()


def policies(count: int, more: str = "") -> PolicySet:
    """So many rules, loaded from YAML like any others."""
    text = "version: 1\npolicies:" + "".join(_RULE.format(n=n) for n in range(count)) + more
    groups = {f"owners-{n}": frozenset({f"user:U{n}"}) for n in range(count)}
    faults = Faults()
    found = load(
        Sources(agents=[("agents/bench.yaml", _AGENT)], policies=[("policies/many.yaml", text)]), faults, groups=groups
    )
    faults.check()
    return found


def rulebook(count: int) -> Rulebook:
    """The loop's view of it."""
    rules = policies(count)
    agent = Agent(slug="bench", describe="", handles=("bench",), tier=Tier.PRODUCTION, tools=("*",))
    return Rulebook(organization="acme", rules=rules, agents={"bench": agent}, catalog=OneTool())

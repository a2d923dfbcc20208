"""The rules and the questions of the policy benchmark, as plain data that every contender translates for itself.

Ten rules a service, of which one carries a condition; all but the first three speak of a call. A question is a task
and a call of one service: four or five rules match it, half of the time one with a condition, whatever their number.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

PRODUCTION, DRAFT, RECOMMEND = "production", "draft", "recommend"
CONTRACTORS = "group:contractors"
CONTRACTOR, REQUESTER = "user:U5", "user:U1"
START = "start"  # what a task does, beside the effects of calls

Decision = Callable[[], bool]


class Contender(Protocol):
    """An engine, built of the rules."""

    def question(self, asked: "Asked", *, at_door: bool) -> Decision:
        """The question, ready to be asked: whether the task may start, or the call be made."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One rule. What is empty is anything; a resource that ends in `*` is a prefix; `above` bounds an argument."""

    id: str
    outcome: Literal["tier", "approve", "deny"]
    tier: str = ""
    asks: str = ""
    source: str = ""
    repository: str = ""
    requester: str = ""
    effects: tuple[str, ...] = ()
    tool: str = ""
    resources: tuple[str, ...] = ()
    service: str = ""  # a label
    above: int | None = None

    @property
    def of_calls(self) -> bool:
        """Whether it speaks of a call."""
        return bool(self.effects or self.tool or self.resources or self.service)

    @property
    def rule(self) -> dict[str, Any]:
        """As a policy file writes it."""
        given = {
            "source": self.source,
            "repository": self.repository,
            "requester": self.requester,
            "tool": self.tool,
            "effect": self.effects,
            "resource": self.resources,
        }
        attributes: dict[str, Any] = {
            key: [value] if isinstance(value, str) else list(value) for key, value in given.items() if value
        }
        if self.service:
            attributes["labels"] = {"service": self.service}
        said: dict[str, Any] = {
            "id": self.id,
            "level": "resource",
            "describe": f"What {self.id} says.",
            "match": attributes,
        }
        if self.above is not None:
            said["when"] = when(self.above)
        match self.outcome:
            case "tier":
                return {**said, "limit": {"tier": self.tier}}
            case "approve":
                return {**said, "approve": [{"from": self.asks}]}
            case "deny":
                return {**said, "deny": f"Refused by {self.id}."}

    @property
    def forbids(self) -> tuple[str, ...]:
        """What it forbids where it matches: all that an engine of yes and no can make of it."""
        if self.outcome == "deny":
            return self.effects or (("read", "change") if self.of_calls else (START, "read", "change"))
        return ("change",) if self.outcome == "tier" and self.tier != PRODUCTION else ()

    @property
    def speaks_of(self) -> tuple[str, ...]:
        """The actions that it has a word about."""
        return self.forbids or self.effects or (("read", "change") if self.of_calls else (START, "read", "change"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question: a task, and a call of it."""

    number: int
    source: str
    repository: str
    requester: str
    effect: str
    tool: str
    resource: str
    service: str
    count: int

    def action(self, *, at_door: bool) -> str:
        """What is asked for, in one word."""
        return START if at_door else self.effect

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of the requester."""
        return (CONTRACTORS.removeprefix("group:"),) if self.requester == CONTRACTOR else ()


def entries(count: int) -> list[Entry]:
    """So many rules."""
    return [entry for n in range(count // 10) for entry in _service(f"{n:04d}")]


def _service(n: str) -> tuple[Entry, ...]:
    repository, resource, service = f"acme/repo-{n}", f"prod/service-{n}", f"service-{n}"
    below = f"{resource}/*"
    change = ("change",)
    return (
        Entry(id=f"run-{n}", outcome="tier", tier=PRODUCTION, repository=repository),
        Entry(id=f"alerts-{n}", outcome="tier", tier=DRAFT, repository=repository, source="alert"),
        Entry(id=f"contractors-{n}", outcome="deny", repository=repository, requester=CONTRACTORS),
        Entry(id=f"change-{n}", outcome="approve", asks="group:sre", effects=change, resources=(resource, below)),
        Entry(id=f"owner-{n}", outcome="approve", asks="user:U2", effects=change, service=service),
        Entry(id=f"prefix-{n}", outcome="tier", tier=PRODUCTION, tool="service.*", resources=(f"{resource}*",)),
        Entry(id=f"dns-{n}", outcome="deny", tool="dns.set", resources=(resource, below)),
        Entry(id=f"parts-{n}", outcome="tier", tier=RECOMMEND, source="webhook", effects=change, resources=(below,)),
        Entry(id=f"ci-{n}", outcome="deny", requester=f"token:ci-{n}", effects=change, resources=(resource,)),
        Entry(id=f"bulk-{n}", outcome="deny", tool="service.scale", resources=(resource,), above=3),
    )


def when(above: int) -> str:
    """The condition of one rule in ten."""
    return f"has(call.arguments.count) && call.arguments.count > {above}"


def written(entries: Sequence[Entry]) -> str:
    """The policies file: seven lines a rule or so."""
    lines = ["version: 1", "policies:"]
    for entry in entries:
        marker = "- "
        for key, value in entry.rule.items():
            lines.append(f"  {marker}{key}:" + ("" if key == "match" else f" {json.dumps(value)}"))
            if key == "match":
                lines += [f"      {name}: {json.dumps(patterns)}" for name, patterns in value.items()]
            marker = "  "
    return "\n".join([*lines, ""])


def questions(rules: int, count: int, seed: int = 7) -> list[Asked]:
    """So many different questions about the services that the rules speak of; about one in five is refused."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        n = f"{chance.randrange(rules // 10):04d}"
        tool = chance.choice(["service.scale"] * 10 + ["service.restart"] * 8 + ["service.status", "dns.set"])
        found.append(
            Asked(
                number=number,
                source=chance.choice(["user"] * 16 + ["webhook", "schedule", "api", "alert"]),
                repository=f"acme/repo-{n}",
                requester=chance.choice([REQUESTER] * 18 + [CONTRACTOR, f"token:ci-{n}"]),
                effect="read" if tool == "service.status" else "change",
                tool=tool,
                resource=f"prod/service-{n}" + chance.choice(["", "", "", "", "", "", "", "/db"]),
                service=f"service-{n}",
                count=chance.choice([1, 2, 3, 3, 4]) if tool == "service.scale" else 0,
            )
        )
    return found

"""Rules and freezes whose match can fit nothing. What is unknown fits everything, so that much is always left open."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from domain.tiers import Effect
from policy.analysis.containment import overlaps, within
from policy.analysis.ground import Diagnostic, Ground, Kind
from policy.conditions.condition import Condition, ConditionFailed
from policy.globs import exact, matches
from policy.matching import LABEL, Match
from policy.reading.files import nearest
from policy.sources.catalogue import Resource
from policy.sources.freezes import Freeze
from policy.sources.rules import Rule

Said = tuple[Kind, str, str]
_SEVERITY = tuple(Effect)


@dataclass(slots=True)
class Reach:
    """Asks of one match after another whether anything can fit it, and remembers what it found out on the way."""

    ground: Ground
    _labelled: dict[str, tuple[Resource, ...]] = field(default_factory=dict)  # the entries that set a label
    _values: dict[tuple[str, str], tuple[str, ...] | None] = field(default_factory=dict)

    def of_rule(self, rule: Rule) -> Iterator[Diagnostic]:
        """What is strange about when the rule applies."""
        for kind, problem, suggestion in (*self._match(rule.match), *_constant(rule.when)):
            yield Diagnostic(
                kind=kind, policy=rule.id, file=rule.file, line=rule.line, problem=problem, suggestion=suggestion
            )

    def of_freeze(self, freeze: Freeze) -> Iterator[Diagnostic]:
        """What is strange about when the freeze applies, and whom it spares."""
        said = [*self._match(freeze.match), *self._requesters("spares", freeze.excepted)]
        now = self.ground.now
        if not freeze.holds(now) and freeze.next(now) is None:
            said.append((Kind.OVER, "is over: it never holds again", "remove it"))
        for kind, problem, suggestion in said:
            yield Diagnostic(
                kind=kind, policy=freeze.id, file=freeze.file, line=freeze.line, problem=problem, suggestion=suggestion
            )

    def _match(self, match: Match) -> Iterator[Said]:
        tested = dict(match.tests)
        yield from self._tools(tested.get("tool", ()), tested.get("effect"))
        yield from self._requesters("matches", tested.get("requester", ()))
        yield from self._agents(tested.get("type"), tested.get("agent"))
        for attribute, patterns in match.tests:
            if attribute.startswith(LABEL):
                yield from self._label(attribute.removeprefix(LABEL), patterns, tested.get("resource", ()))

    # ── Tools ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _tools(self, tools: tuple[str, ...], effects: tuple[str, ...] | None) -> Iterator[Said]:
        names = self.ground.tools.names()
        if tools and not any(matches(pattern, name) for pattern in tools for name in names):
            yield Kind.ABSENT, f"speaks of tools that are not installed here: {', '.join(tools)}", ""
        specs = [self.ground.tools.spec(name) for name in tools]
        least = [spec.effect for spec in specs if spec is not None]
        if effects is None or not tools or len(least) < len(tools) or not all(exact(name) for name in tools):
            return  # a pattern also fits tools that are not installed here
        possible = {effect for one in least for effect in _SEVERITY[_SEVERITY.index(one) :]}
        if not any(matches(pattern, effect) for pattern in effects for effect in possible):
            known = ", ".join(sorted(f"{name} is at least {one}" for name, one in zip(tools, least, strict=True)))
            yield Kind.NEVER, f"never matches: {known}, and it wants {_either(effects)}", "leave the effect out"

    # ── People and agents ─────────────────────────────────────────────────────────────────────────────────────────────

    def _requesters(self, does: str, patterns: tuple[str, ...]) -> Iterator[Said]:
        empty = [pattern for pattern in patterns if self._empty(pattern)]
        if empty and len(empty) == len(patterns):
            how = "never matches: " if does == "matches" else "spares nobody: "
            yield Kind.NEVER, f"{how}there is nobody in {_either(empty)}", "add members, or remove it"
        if self.ground.people:
            for pattern in patterns:
                if pattern.startswith("user:") and exact(pattern) and not self._known(pattern):
                    hint = nearest(pattern, self.ground.people)
                    yield Kind.STRANGER, f"speaks of {pattern}, who is not among people", hint

    def _empty(self, pattern: str) -> bool:
        """Whether it names groups, and all of them are known to have no members."""
        kind, _, name = pattern.partition(":")
        fitting = [members for group, members in self.ground.groups.items() if matches(name, group)]
        return kind == "group" and bool(fitting) and all(members is not None and not members for members in fitting)

    def _known(self, principal: str) -> bool:
        return principal in self.ground.people or principal in self.ground.policies.groups.groups_of

    def _agents(self, types: tuple[str, ...] | None, slugs: tuple[str, ...] | None) -> Iterator[Said]:
        agents = self.ground.policies.agents
        if not agents or types is None:
            return
        able = [agent for slug, agent in agents.items() if slugs is None or any(matches(p, slug) for p in slugs)]
        handled = {kind for agent in able for kind in agent.handles}
        if able and not any(matches(pattern, kind) for pattern in types for kind in handled):
            who = "no agent handles" if slugs is None else f"{_either(slugs)} does not handle"
            hint = nearest(types[0], handled) if exact(types[0]) else ""
            yield Kind.NEVER, f"never matches: {who} tasks of type {_either(types)}", hint

    # ── Labels ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _label(self, name: str, wanted: tuple[str, ...], resources: tuple[str, ...]) -> Iterator[Said]:
        if not self.ground.policies.catalogue.entries or any(
            matches(pattern, labels[name])
            for labels in self.ground.labels_of_tools
            if name in labels
            for pattern in wanted
        ):
            return
        rest = "so it matches only calls of which nobody knows that"
        held = {entry.labels[name] for entry in self._setting(name)}
        if not any(matches(pattern, value) for pattern in wanted for value in held):
            hint = nearest(wanted[0], held) if exact(wanted[0]) else ""
            yield Kind.NEVER, f"no resource in the catalogue has {name}: {_either(wanted)}, {rest}", hint
            return
        said = {pattern: self._possible(name, pattern) for pattern in resources}
        if said and all(values is not None and not _fits(wanted, values) for values in said.values()):
            facts = ", ".join(f"{pattern} is {name}: {_either(values or ())}" for pattern, values in said.items())
            yield Kind.NEVER, f"in the catalogue {facts}, never {_either(wanted)}, {rest}", ""

    def _setting(self, name: str) -> tuple[Resource, ...]:
        if name not in self._labelled:
            entries = self.ground.policies.catalogue.entries
            self._labelled[name] = tuple(entry for entry in entries if name in entry.labels)
        return self._labelled[name]

    def _possible(self, name: str, pattern: str) -> tuple[str, ...] | None:
        """The values that the label may have on resources that fit; None where one may have none, or be unknown."""
        if (name, pattern) not in self._values:
            self._values[name, pattern] = self._look(name, pattern)
        return self._values[name, pattern]

    def _look(self, name: str, pattern: str) -> tuple[str, ...] | None:
        if exact(pattern):
            labels: Mapping[str, str] = self.ground.policies.catalogue.labels(pattern) or {}
            return (labels[name],) if name in labels else None
        near = [entry for entry in self._setting(name) if overlaps(entry.pattern, pattern)]
        if not any(within(pattern, entry.pattern) for entry in near):
            return None
        return tuple(sorted({entry.labels[name] for entry in near}))


def _constant(condition: Condition | None) -> Iterator[Said]:
    if condition is None or condition.roots:
        return
    try:
        always = condition.holds({})
    except ConditionFailed:
        return  # it denies, always: that is seen soon enough
    if always:
        yield Kind.IDLE, "has a condition that is always true", "leave the condition out"
    else:
        yield Kind.NEVER, "never matches: its condition is always false", "read something of task, run, call or now"


def _fits(patterns: tuple[str, ...], values: tuple[str, ...]) -> bool:
    return any(matches(pattern, value) for pattern in patterns for value in values)


def _either(names: tuple[str, ...] | list[str]) -> str:
    return " or ".join(names)

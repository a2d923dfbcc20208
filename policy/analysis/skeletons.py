"""A case to begin with, for a rule or freeze that no case exercises: what it matches, and what it asks."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from domain.decisions import Approvers
from domain.tiers import Effect
from policy.analysis.ground import Ground
from policy.globs import matches
from policy.lattice import Bounds
from policy.matching import LABEL, Match
from policy.reading.files import spell_duration
from policy.sources.freezes import Freeze
from policy.sources.rules import Rule

_UNKNOWN = frozenset({"anyone", "nobody"})


def skeleton(one: Rule | Freeze, ground: Ground) -> str:
    """The lines of one entry of `tests:`. A condition is a comment: what makes it hold is the writer's to say."""
    tests = dict(one.match.tests)
    given: dict[str, Any] = {"task": _task(tests, ground)}
    lines = []
    if isinstance(one, Freeze):
        given |= {"at": (one.next(ground.now) or one.start).isoformat(), "call": _call(one.match, ground)}
        expect: Mapping[str, Any] = {"verdict": "deny"}
    else:
        if one.at_boundary:
            given["call"] = _call(one.match, ground)
        expect = _expected(one.bounds, at_boundary=one.at_boundary)
        if one.when is not None:
            lines.append(f"# so that: {' '.join(one.when.text.split())}")
    return "\n".join([*lines, f"- given: {_flow(given)}", f"  expect: {_flow(expect)}"])


def _task(tests: Mapping[str, tuple[str, ...]], ground: Ground) -> dict[str, Any]:
    task: dict[str, Any] = {}
    slug = _first(tests, "agent", ground.policies.agents)
    kind = _first(tests, "type", ground.policies.agents[slug].handles if slug in ground.policies.agents else ())
    if kind or slug in ground.policies.agents:
        task["type"] = kind or ground.policies.agents[slug].handles[0]
    requester = _requester(tests.get("requester", ()), ground)
    if requester:
        task["requester"] = requester
    if "source" in tests:
        task["trigger"] = {"source": _first(tests, "source", ("user",))}
    context = {"agent_slug": slug, "repository_id": _first(tests, "repository", ())}
    if any(context.values()):
        task["context"] = {name: value for name, value in context.items() if value}
    return task


def _call(match: Match, ground: Ground) -> dict[str, Any]:
    tests = dict(match.tests)
    call: dict[str, Any] = {"tool": _first(tests, "tool", ground.tools.names()) or "some.tool", "arguments": {}}
    effect = _first(tests, "effect", [one.value for one in Effect])
    if effect:
        call["effect"] = effect
    if "resource" in tests:
        call["resource"] = _first(tests, "resource", ())
    labels = {name.removeprefix(LABEL): _plain(ps[0]) for name, ps in match.tests if name.startswith(LABEL)}
    return call | ({"labels": labels} if labels else {})


def _first(tests: Mapping[str, tuple[str, ...]], name: str, known: Any) -> str:
    """A value that fits: a known one, else one made up from the first pattern; empty where nothing is tested."""
    patterns = tests.get(name, ())
    fitting = [value for pattern in patterns for value in known if matches(pattern, value)]
    return fitting[0] if fitting else _plain(patterns[0]) if patterns else ""


def _plain(pattern: str) -> str:
    return pattern.replace("*", "x")


def _requester(patterns: tuple[str, ...], ground: Ground) -> str:
    people = sorted(ground.people) or ["user:U1"]
    for pattern in patterns:
        kind, _, name = pattern.partition(":")
        members = [sorted(who) for group, who in ground.groups.items() if who and matches(name, group)]
        if kind == "group" and members:
            return members[0][0]
        if kind == "anyone":
            return people[0]
        if kind not in {"group", *_UNKNOWN}:
            return next((one for one in people if matches(pattern, one)), _plain(pattern))
    return ""


def _expected(bounds: Bounds, *, at_boundary: bool) -> Mapping[str, Any]:
    if not bounds.allowed:
        return {"verdict": "deny"} if at_boundary else {"allowed": False}
    return dict(_limits(bounds, at_boundary=at_boundary)) or {"allowed": True}


def _limits(bounds: Bounds, *, at_boundary: bool) -> Iterator[tuple[str, Any]]:
    if bounds.approvals:
        if at_boundary:
            yield "verdict", "require_approval"
        asked = [{"from": _written(one.approvers), "count": one.count} for one in bounds.approvals]
        yield (
            "approvals",
            [
                {**entry, "within": spell_duration(one.within_s)}
                for entry, one in zip(asked, bounds.approvals, strict=True)
            ],
        )
    if any(claim.reason.sets == "tier" for claim in bounds.claims):
        yield "tier", bounds.tier.label
    numbers = ("max_iterations", "timeout_s", "deadline_s", "budget_usd")
    held = {name: getattr(bounds, name) for name in numbers if getattr(bounds, name) is not None}
    held |= {name: True for name in ("requires_pr", "requires_validation") if getattr(bounds, name)}
    if bounds.denied_tools:
        held["denied_tools"] = sorted(bounds.denied_tools)
    if held:
        yield "constraints", held


def _written(who: Approvers) -> Any:
    return {who.kind: [_written(part) for part in who.of]} if who.of else who.text


def _flow(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

"""The policy workload without an engine of policies: a CEL program a rule, a loop over tuples, a bare index of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import cel

from benchmarks.workload import START, Asked, Decision, Entry


class CelLoop:
    """One compiled condition a rule, every one asked, over values converted beforehand."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._programs = [(cel.compile(_cel(entry)), bool(entry.forbids)) for entry in entries]

    def question(self, asked: Asked, *, at_door: bool) -> Decision:
        context = cel.Context({"q": _values(asked, at_door=at_door)})

        def decide() -> bool:
            matching = [forbids for program, forbids in self._programs if program.execute(context)]
            return not any(matching)

        return decide


def _values(asked: Asked, *, at_door: bool) -> Mapping[str, Any]:
    return {
        "action": asked.action(at_door=at_door),
        "source": asked.source,
        "repository": asked.repository,
        "names": [asked.requester, *(f"group:{name}" for name in asked.groups)],
        "tool": "" if at_door else asked.tool,
        "resource": "" if at_door else asked.resource,
        "service": "" if at_door else asked.service,
        "count": 0 if at_door else asked.count,
    }


def _cel(entry: Entry) -> str:
    said = []
    if entry.repository:
        said.append(f"q.repository == '{entry.repository}'")
    if entry.service:
        said.append(f"q.service == '{entry.service}'")
    if entry.resources:
        said.append("(" + " || ".join(_like("q.resource", pattern) for pattern in entry.resources) + ")")
    if entry.source:
        said.append(f"q.source == '{entry.source}'")
    if entry.requester:
        said.append(f"'{entry.requester}' in q.names")
    if entry.tool:
        said.append(_like("q.tool", entry.tool))
    said.append(f"q.action in {list(entry.speaks_of)}")
    if entry.above is not None:
        said.append(f"q.count > {entry.above}")
    return " && ".join(said)


def _like(value: str, pattern: str) -> str:
    return f"{value}.startsWith('{pattern[:-1]}')" if pattern.endswith("*") else f"{value} == '{pattern}'"


_Row = tuple[str, str, str, str, tuple[str, ...], str, tuple[str, ...], int | None, bool]


class PythonLoop:
    """Tuples in a list, compared one by one."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._rows = [_row(entry) for entry in entries]

    def question(self, asked: Asked, *, at_door: bool) -> Decision:
        return lambda: not any(_matching(self._rows, asked, at_door))


class BareIndex:
    """The same tuples in dictionaries, by repository, by label and by what stands before the first star."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._rows: dict[str, list[_Row]] = {}
        for entry in entries:
            for key in {
                entry.repository or entry.service or one.rstrip("*").rstrip("/") for one in entry.resources or ("",)
            }:
                self._rows.setdefault(key, []).append(_row(entry))

    def question(self, asked: Asked, *, at_door: bool) -> Decision:
        keys = (asked.repository,) if at_door else (asked.repository, asked.service, asked.resource.removesuffix("/db"))
        return lambda: not any(any(_matching(self._rows.get(key, ()), asked, at_door)) for key in keys)


def _row(entry: Entry) -> _Row:
    return (
        entry.repository,
        entry.service,
        entry.source,
        entry.requester,
        entry.resources,
        entry.tool.rstrip("*"),
        entry.speaks_of,
        entry.above,
        bool(entry.forbids),
    )


def _matching(rows: Sequence[_Row], asked: Asked, at_door: bool) -> list[bool]:  # noqa: FBT001 - positional for speed
    """Whether each rule that matches forbids."""
    act = START if at_door else asked.effect
    found = []
    for repository, service, source, requester, resources, tool, actions, above, forbids in rows:
        if (
            (not repository or repository == asked.repository)
            and (not service or service == asked.service)
            and (not source or source == asked.source)
            and (not requester or requester == asked.requester or requester[6:] in asked.groups)
            and act in actions
            and (not resources or any(_named(one, asked.resource) for one in resources))
            and (not tool or asked.tool.startswith(tool))
            and (above is None or asked.count > above)
        ):
            found.append(forbids)
    return found


def _named(pattern: str, resource: str) -> bool:
    return resource.startswith(pattern[:-1]) if pattern[-1] == "*" else resource == pattern

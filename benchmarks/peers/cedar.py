"""The policy workload for cedarpy: policies and entities parsed once, requests prepared beforehand."""

import json
from collections.abc import Sequence
from typing import Any

import cedarpy

from benchmarks.workload import CONTRACTOR, CONTRACTORS, Asked, Decision, Entry


class Cedar:
    """A `forbid` for each rule that can refuse and a `permit` for each other; scopes wherever a scope can say it."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._policies = cedarpy.PolicySet.from_str(
            "permit(principal, action, resource);\n" + "\n".join(map(_cedar, entries))
        )
        group = {"type": "Group", "id": CONTRACTORS}
        self._entities = cedarpy.Entities.from_json_str(
            json.dumps(
                [
                    {"uid": group, "attrs": {}, "parents": []},
                    {"uid": {"type": "User", "id": CONTRACTOR}, "attrs": {}, "parents": [group]},
                ]
            )
        )

    def question(self, asked: Asked, *, at_door: bool) -> Decision:
        context: dict[str, Any] = {"source": asked.source, "repository": asked.repository}
        if not at_door:
            context |= {"tool": asked.tool, "name": asked.resource, "service": asked.service, "count": asked.count}
        request = {
            "principal": {"type": "User", "id": asked.requester},
            "action": {"type": "Action", "id": asked.action(at_door=at_door)},
            "resource": {"type": "Resource", "id": "none" if at_door else asked.resource},
            "context": context,
        }
        return lambda: cedarpy.is_authorized(request, self._policies, self._entities).allowed


def _cedar(entry: Entry) -> str:
    who, when = "principal", []
    if entry.requester:
        who += f' in Group::"{CONTRACTORS}"' if entry.requester == CONTRACTORS else f' == User::"{entry.requester}"'
    actions = ", ".join(f'Action::"{name}"' for name in entry.speaks_of)
    resource = "resource"
    if len(entry.resources) == 1 and "*" not in entry.resources[0]:
        resource += f' == Resource::"{entry.resources[0]}"'
    elif entry.resources:
        when.append("(" + " || ".join(f'context.name like "{pattern}"' for pattern in entry.resources) + ")")
    if entry.repository:
        when.append(f'context.repository == "{entry.repository}"')
    if entry.source:
        when.append(f'context.source == "{entry.source}"')
    if entry.service:
        when.append(f'context.service == "{entry.service}"')
    if entry.tool:
        when.append(f'context.tool like "{entry.tool}"')
    if entry.above is not None:
        when.append(f"context has count && context.count > {entry.above}")
    effect = "forbid" if entry.forbids else "permit"
    conditions = f" when {{ {' && '.join(when)} }}" if when else ""
    return f'@id("{entry.id}") {effect}({who}, action in [{actions}], {resource}){conditions};'

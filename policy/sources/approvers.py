"""`from:` of an approval: who is asked. The text form is the merge key, so each way of writing has one reading."""

import re
from collections.abc import Collection, Mapping

from domain.decisions import Approvers, Requirement
from policy.reading.files import Fields, boolean, duration, integer, nearest
from policy.reading.nodes import Faults, Node

_NAMED = re.compile(r"(user|group|oncall):([A-Za-z0-9][A-Za-z0-9_.@-]{0,79})")
_FORMS = "self, peer, user:ID, group:NAME, oncall:NAME, {any: [...]} or {all: [...]}"
KEYS = ("from", "count", "within", "use_within", "break_glass", "stage")  # of one entry of `approve:`
PEER = Approvers(kind="peer")
MOST_PARTS = 50


def approvers(groups: Collection[str] | None = None, *, people_only: bool = False) -> "ReadApprovers":
    """A reader of approvers. `groups` are the known groups, None where any may be; `people_only` refuses self, peer."""
    return ReadApprovers(groups, people_only=people_only)


class ReadApprovers:
    """Reads `group:sre`, `{any: [user:U1, group:sre]}` and the like."""

    def __init__(self, groups: Collection[str] | None, *, people_only: bool) -> None:
        self._groups, self._people_only = groups, people_only

    def __call__(self, node: Node, faults: Faults) -> Approvers | None:
        if isinstance(node.value, Mapping) and not self._people_only:
            return self._composed(node, faults)
        if not isinstance(node.value, str):
            faults.at(node, f"must name approvers, not {node.kind}", _FORMS)
            return None
        if node.value in {"self", "peer"} and not self._people_only:
            return Approvers(kind=node.value)
        found = _NAMED.fullmatch(node.value)
        if found is None:
            forms = "user:ID or group:NAME" if self._people_only else _FORMS
            faults.at(node, f"{node.value!r} names no approvers", forms)
            return None
        kind, name = found.groups()
        if kind == "group" and self._groups is not None and name not in self._groups:
            faults.at(node, f'there is no group "{name}"', nearest(name, self._groups))
            return None
        return Approvers(kind=kind, name=name)

    def _composed(self, node: Node, faults: Faults) -> Approvers | None:
        fields = Fields(node, faults, "any", "all")
        given = [kind for kind in ("any", "all") if kind in fields]
        if len(given) != 1:
            faults.at(node, "must have one of any and all")
            return None
        listed = fields.child(given[0])
        if listed is None or not isinstance(listed.value, tuple) or not 0 < len(listed.value) <= MOST_PARTS:
            faults.at(listed or node, f"must be a list of 1 to {MOST_PARTS} approvers")
            return None
        parts = [self(item, faults) for item in listed.value]
        known = {part.text: part for part in parts if part is not None}
        if len(known) < len(parts):
            if None not in parts:
                faults.at(listed, "names the same approvers twice")
            return None
        return Approvers(kind=given[0], of=tuple(known[text] for text in sorted(known)))


def requirement(groups: Collection[str] | None, rule: str) -> "ReadRequirement":
    """A reader of one entry of `approve:`, for the rule of that id."""
    return ReadRequirement(groups, rule)


class ReadRequirement:
    """Reads `{from: "group:sre", count: 2, within: 4h, use_within: 15m, break_glass: true, stage: 1}`."""

    def __init__(self, groups: Collection[str] | None, rule: str) -> None:
        self._from, self._rule = approvers(groups), rule

    def __call__(self, node: Node, faults: Faults) -> Requirement | None:
        fields = Fields(node, faults, *KEYS)
        who = fields.need("from", self._from)
        count = fields.get("count", integer(1, 50), 1)
        if who is not None and count > 1 and who.kind in {"self", "user"}:
            faults.at(fields.child("count") or node, f"{who.text} is one person: {count} of it can never be")
        read = Requirement(
            approvers=who or PEER,
            count=count,
            within_s=fields.get("within", duration, 86_400.0),
            use_within_s=fields.get("use_within", duration, 900.0),
            break_glass=fields.get("break_glass", boolean, False),
            stage=fields.get("stage", integer(0, 20), 0),
            policies=(self._rule,),
        )
        return read if who is not None else None


def independent(who: Approvers) -> bool:
    """Whether satisfying this always takes somebody other than the requester."""
    match who.kind:
        case "self":
            return False
        case "any":
            return all(independent(part) for part in who.of)
        case "all":
            return any(independent(part) for part in who.of)
        case _:
            return True

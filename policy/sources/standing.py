"""`standing:` of countersign.yaml: what people may do themselves. Whoever acts for them never exceeds it.

Each entry is a rule about the requester, and about everybody who redirects: it narrows the run at the door and is
judged again with every call, so that who has lost a standing since has lost it at once.
"""

from dataclasses import replace

from policy.matching import Match, Names, ReadPattern
from policy.reading.files import Fields, several, text
from policy.reading.nodes import Faults, Node
from policy.sources.headers import Header, Origin
from policy.sources.limits import KEYS as LIMITS
from policy.sources.limits import claims_of, read_limits
from policy.sources.rules import Rule, finished, unique

NAME = "standing"
_HEADER = Header(origin=Origin.STANDING)


def read_standing(node: Node | None, names: Names, taken: dict[str, str], faults: Faults) -> tuple[Rule, ...]:
    """The entries as rules, named by whom they are about: `standing:group:contractors`."""
    if node is None:
        return ()
    return several(_ReadEntry(names, taken))(node, faults) or ()


class _ReadEntry:
    """Reads `{who: ["group:contractors"], tier: recommend, denied_tools: ["shell.run"]}`."""

    def __init__(self, names: Names, taken: dict[str, str]) -> None:
        self._names, self._taken = names, taken

    def __call__(self, node: Node, faults: Faults) -> Rule | None:
        before = len(faults)
        fields = Fields(node, faults, "who", "describe", *LIMITS)
        who = fields.need("who", several(ReadPattern("requester", self._names.groups), lone=True))
        at = fields.child("who") or node
        if at.value == ():
            faults.at(at, "names nobody", "user:ID, group:NAME, token:NAME, anyone or nobody")
        bounds = read_limits(fields, ReadPattern("tool", self._names.tools), faults)
        if not any(key in fields for key in LIMITS):
            faults.at(node, "limits nothing", f"any of {', '.join(LIMITS)}")
        if not who or len(faults) > before:
            return None
        name = f"{NAME}:{','.join(who)}"
        unique(name, at.file, at.line, self._taken, faults)
        claims = claims_of(bounds, policy=name, file=at.file, line=at.line, tier="tier" in fields)
        return finished(
            Rule(
                id=name,
                level="organization",
                describe=fields.get("describe", text, ""),
                match=Match((("requester", who),)),
                when=None,
                bounds=replace(bounds, claims=claims),
                file=at.file,
                line=at.line,
                contents="",
                header=_HEADER,
            )
        )

"""`policy test`: the cases that rules carry, each asked of the whole set."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.canonical import Json
from domain.people import Snapshot
from domain.tiers import Tier
from policy.engine import PolicySet
from policy.explaining.explain import Explanation, Tools, as_json, explain
from policy.reading.files import duration
from policy.reading.nodes import Faults, from_plain
from policy.sources.approvers import approvers
from policy.sources.subjects import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What came of one case. `wrong` says what was expected and what was answered; () where all was as expected."""

    rule: str
    file: str
    line: int
    wrong: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.wrong


def run_cases(policies: PolicySet, *, people: Snapshot, catalog: Tools, now: datetime) -> list[CaseResult]:
    """Every case of every rule, in file order."""
    found = []
    for rule in policies.rules:
        for case in rule.cases:
            said = explain(policies, case.given, people=people, catalog=catalog, now=now)
            wrong = tuple(_wrong(case, said))
            found.append(CaseResult(rule=rule.id, file=case.file, line=case.line, wrong=wrong))
    return sorted(found, key=lambda result: (result.file, result.line))


def _wrong(case: Case, said: Explanation) -> Iterator[str]:
    got = as_json(said)
    for key, expected in case.expect.items():
        match key:
            case "tier":
                wanted = Tier[expected.upper()].value if _is_tier(expected) else expected
                yield from _differs("tier", wanted, got["tier"])
            case "approvals":
                yield from _approvals(expected, said)
            case "reason":
                if expected not in got["reason"]:
                    yield f"reason: expected it to say {expected!r}, got {got['reason']!r}"
            case "constraints":
                for name, value in expected.items():
                    yield from _differs(f"constraints.{name}", value, got["constraints"].get(name))
            case _:
                yield from _differs(key, expected, got.get(key))


def _approvals(expected: list[Mapping[str, Any]], said: Explanation) -> Iterator[str]:
    """The same approvers, no more and no fewer; of each, every key that the case names."""
    got = {one.approvers.text: one for one in said.approvals}
    wanted = {_text(entry["from"]): entry for entry in expected if "from" in entry}
    if set(got) != set(wanted):
        yield f"approvals: expected {_listed(wanted)}, got {_listed(got)}"
        return
    for text, entry in wanted.items():
        one = got[text]
        held: dict[str, Any] = {
            "count": one.count,
            "within": one.within_s,
            "use_within": one.use_within_s,
            "break_glass": one.break_glass,
            "stage": one.stage,
            "policies": list(one.policies),
        }
        for key, value in entry.items():
            if key in held:
                wanted_value = _seconds(value) if key in {"within", "use_within"} else value
                yield from _differs(f"approvals.{text}.{key}", wanted_value, held[key])


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(sorted(names)) or "nobody"


def _differs(what: str, expected: Json, got: Json) -> Iterator[str]:
    if expected != got:
        yield f"{what}: expected {expected!r}, got {got!r}"


def _text(written: Json) -> str:
    """The canonical spelling of `from:`; what is not one stays as it is, and differs."""
    read = approvers()(from_plain("", written), Faults())
    return str(written) if read is None else read.text


def _seconds(written: Json) -> Json:
    read = duration(from_plain("", written), Faults())
    return written if read is None else read


def _is_tier(value: Json) -> bool:
    return isinstance(value, str) and value.upper() in Tier.__members__

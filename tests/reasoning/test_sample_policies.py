"""The sample organization's rules say what the stories need."""

import pytest

from domain.people import Person, Snapshot
from policy.cases import CaseResult, run_cases
from policy.check import Sources, load
from policy.files import Faults
from tests.reasoning.drive import CATALOG, CONFIG, NOON

GROUPS = {
    "sre": frozenset({"user:U0SRE0001", "user:U0SRE0002"}),
    "security": frozenset({"user:U0SECURITY"}),
    "contractors": frozenset({"user:U0CONTRACT"}),
}


def texts(pattern: str) -> list[tuple[str, str]]:
    return [(str(file.relative_to(CONFIG)), file.read_text()) for file in sorted(CONFIG.glob(pattern))]


def results() -> list[CaseResult]:
    faults = Faults()
    sources = Sources(
        agents=texts("agents/*.yaml"), policies=texts("policies/*.yaml"), resources=texts("resources.yaml")[0]
    )
    policies = load(sources, faults, groups=GROUPS, tools=CATALOG.names())
    assert list(faults) == []
    principals = ["user:U0REQUESTER", *sorted(p for members in GROUPS.values() for p in members)]
    people = {p: Person(principal=p, name=p, groups=frozenset(g for g in GROUPS if p in GROUPS[g])) for p in principals}
    return run_cases(policies, people=Snapshot(version="1", at=NOON, people=people), catalog=CATALOG, now=NOON)


@pytest.mark.parametrize("result", results(), ids=lambda result: f"{result.rule}:{result.line}")
def test_each_case_of_the_rules(result: CaseResult) -> None:
    assert result.wrong == ()

"""The sample organization's rules say what the stories need."""

import pytest

from domain.people import Person, Snapshot
from policy.analysis.cases import CaseResult, run_cases
from tests.reasoning.drive import CATALOG, GROUPS, NOON, policies


def results() -> list[CaseResult]:
    principals = ["user:U0REQUESTER", *sorted(p for members in GROUPS.values() for p in members)]
    people = {p: Person(principal=p, name=p, groups=frozenset(g for g in GROUPS if p in GROUPS[g])) for p in principals}
    return run_cases(policies(), people=Snapshot(version="1", at=NOON, people=people), catalog=CATALOG, now=NOON)


@pytest.mark.parametrize("result", results(), ids=lambda result: f"{result.rule}:{result.line}")
def test_each_case_of_the_rules(result: CaseResult) -> None:
    assert result.wrong == ()

"""docs/sources.md: each example loads, does what the page says of it, and what is printed there is what is answered."""

import re
from pathlib import Path

from domain.decisions import Approvers, Deny, RequireApproval
from policy import check
from policy.engine import PolicySet
from policy.explaining.digest import in_words
from policy.explaining.explain import Explanation, explain
from policy.explaining.remedies import remedies, spell_remedy
from policy.reading.files import Faults, read
from policy.reading.nodes import from_plain
from policy.sources.subjects import Subject, read_subject
from tests.policy.world import CATALOG, GROUPS, NOW, PEOPLE, SPECS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")


def examples() -> dict[str, str]:
    """What stands in a fenced block below a comment that names it."""
    return dict(re.findall(r"<!-- (?:file|asked): (.+?) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL))


def organization() -> PolicySet:
    faults, said = Faults(), examples()
    main = read("countersign.yaml", said["standing of countersign.yaml"], faults)
    assert main is not None
    sources = check.Sources(
        agents=[(name, text) for name, text in said.items() if name.startswith("agents/")],
        policies=[(name, text) for name, text in said.items() if name.startswith("policies/")],
        standing=main.value["standing"],  # type: ignore[call-overload, index]
    )
    approvers = (Approvers(kind="group", name="sre"),)
    found = check.load(sources, faults, groups=GROUPS, approvers=approvers, tools=tuple(SPECS))
    faults.check()
    return found


def subject(**given: object) -> Subject:
    faults = Faults()
    found = read_subject(from_plain("page", given), faults)
    faults.check()
    assert found is not None
    return found


def ask(**given: object) -> Explanation:
    return explain(organization(), subject(**given), people=PEOPLE, catalog=CATALOG, now=NOW)


def test_the_page_has_an_example_of_every_source() -> None:
    assert set(examples()) == {
        "agents/operator.yaml",
        "policies/soc2.yaml",
        "policies/infra.yaml",
        "standing of countersign.yaml",
        "a contractor, service.restart",
    }


def test_each_source_does_what_the_page_says() -> None:
    asked = {"requester": "user:U1", "context": {"agent_slug": "operator", "repository_id": "acme/infra"}}
    said = ask(task=asked, call={"tool": "service.restart", "arguments": {"count": 2}})
    assert isinstance(said.verdict, Deny)
    assert "one-at-a-time, agents/operator.yaml:8" in said.sentence
    merged = ask(task=asked, call={"tool": "forge.merge", "arguments": {}})
    assert isinstance(merged.verdict, Deny), "the operator is not granted that"
    merged = ask(task={"requester": "user:U1"}, call={"tool": "forge.merge", "arguments": {}})
    assert isinstance(merged.verdict, RequireApproval)
    assert [(r.policy, r.control) for r in merged.verdict.reasons] == [("two-read-a-merge", "soc2 CC8.1")]
    assert ask(task=asked).decision.constraints.requires_pr
    assert ask(task={**asked, "requester": "user:U5"}).decision.tier.label == "recommend"
    assert ask(task={**asked, "requester": None}).decision.constraints.denied_tools == ("git.push",)


def test_what_would_have_to_change_is_what_is_answered() -> None:
    asked = subject(
        task={"requester": "user:U5", "context": {"agent_slug": "operator"}}, call={"tool": "service.restart"}
    )
    found = remedies(organization(), asked, people=PEOPLE, catalog=CATALOG, now=NOW)
    assert [spell_remedy(one) for one in found] == examples()["a contractor, service.restart"].splitlines()


def test_the_digest_has_the_sections_of_the_page() -> None:
    task = subject(
        task={"requester": "user:U1", "context": {"agent_slug": "operator", "repository_id": "acme/infra"}}
    ).task
    decided = ask(task={"requester": "user:U1", "context": {"agent_slug": "operator"}}).decision
    text = in_words(organization(), task, decided, standing=("user:U1",), people=PEOPLE).text
    for part in ("one-at-a-time", "Shared code lives in modules/.", "infra-by-request"):
        assert part in text

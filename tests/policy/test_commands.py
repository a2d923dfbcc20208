"""`policy check|test|explain` as people and scripts use them: output, JSON, exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from bot.commands.policy import app
from tests.bot.test_configuration import AGENT, LEAST, write

POLICIES = """version: 1
policies:
  - id: no-push
    match: {tool: [git.push], requester: ["user:U1"]}
    deny: Nobody pushes today
    tests:
      - {given: {task: {requester: "user:U1"}, call: {tool: git.push}}, expect: {verdict: deny}}
      - {given: {task: {requester: "user:U2"}, call: {tool: git.push}}, expect: {verdict: allow}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    agent = AGENT.replace('reasoner: {runbooks: ["*"]}\n', "")
    main = LEAST + "forge: {root: forge}\n"
    return write(tmp_path, {"countersign.yaml": main, "agents/remediation.yaml": agent, "policies/org.yaml": POLICIES})


def run(home: Path, *words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, [*words, "--config", str(home)], input=given)


def test_check(home: Path) -> None:
    said = run(home, "check")
    assert (said.exit_code, said.stdout) == (0, "ok: 1 policy, 2 tests, 1 agent\n")
    said = run(home, "check", "--json")
    found = json.loads(said.stdout)
    assert (found["ok"], found["faults"], found["policies"], found["tests"]) == (True, [], 1, 2)


def test_check_says_every_fault_on_a_line_of_its_own(home: Path) -> None:
    write(home, {"policies/org.yaml": POLICIES.replace("git.push", "git.psh").replace("deny:", "denny:")})
    said = run(home, "check")
    assert said.exit_code == 2
    assert 'policies/org.yaml:4: policies[0].match.tool[0]: there is no tool "git.psh" (did you mean "git.push"?)' in (
        said.stderr
    )
    assert 'policies/org.yaml:5: policies[0].denny: is not a key here (did you mean "deny"?)' in said.stderr
    assert said.stdout == ""
    found = json.loads(run(home, "check", "--json").stdout)
    assert found["ok"] is False
    assert {fault["line"] for fault in found["faults"]} == {3, 4, 5}


def test_cases(home: Path) -> None:
    said = run(home, "test")
    assert (said.exit_code, said.stdout) == (0, "2 passed, 0 failed\ncoverage: 1 of 1 rules exercised\n")
    write(home, {"policies/org.yaml": POLICIES.replace("verdict: deny", "verdict: allow")})
    said = run(home, "test")
    assert said.exit_code == 1
    assert "policies/org.yaml:7: no-push: verdict: expected 'allow', got 'deny'" in said.stdout
    found = json.loads(run(home, "test", "--json").stdout)
    assert (found["passed"], found["failed"], found["results"][0]["passed"]) == (1, 1, False)


def test_explain(home: Path, tmp_path: Path) -> None:
    task, call = tmp_path / "task.json", tmp_path / "call.json"
    task.write_text('{"type": "compliance-remediation", "requester": "user:U1"}', encoding="utf-8")
    said = run(home, "explain", "--task", str(task), "--json")
    found = json.loads(said.stdout)
    assert said.exit_code == 0
    assert (found["allowed"], found["tier"], "verdict" in found) == (True, 2, False)
    assert "git.push" in found["constraints"]["allowed_tools"]
    call.write_text('{"tool": "git.push", "arguments": {}}', encoding="utf-8")
    said = run(home, "explain", "--task", str(task), "--call", str(call), "--json")
    found = json.loads(said.stdout)
    assert said.exit_code == 1
    assert (found["allowed"], found["verdict"], found["required_approvals"]) == (False, "deny", [])
    assert {
        "policy": "no-push",
        "file": "policies/org.yaml",
        "line": 3,
        "sets": "deny",
        "to": "Nobody pushes today",
    } in (found["reasons"])
    said = run(home, "explain", "--task", str(task), "--call", str(call))
    assert said.stdout.startswith("denied\nNobody pushes today (no-push, policies/org.yaml:3)\n")


def test_explain_at_a_time_and_from_standard_input(home: Path) -> None:
    freeze = "freezes:\n  - {id: f, from: 2026-12-20T00:00, until: 2027-01-04T08:00, zone: Europe/Berlin}\n"
    write(home, {"policies/org.yaml": "version: 1\n" + freeze, "call.json": '{"tool": "pager.page"}'})
    call = str(home / "call.json")
    words = ("explain", "--task", "-", "--call", call, "--json", "--at")
    assert json.loads(run(home, *words, "2026-12-24T00:00:00Z", given="{}").stdout)["verdict"] == "deny"
    assert json.loads(run(home, *words, "2026-12-19T00:00:00Z", given="{}").stdout)["verdict"] == "require_approval"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("explain", "--task", "nowhere.json"), "nowhere.json:1: cannot be read"),
        (("explain", "--task", "-", "--at", "noon"), "--at:1: must be a time"),
        *(
            (("explain", "--task", "-", "--at", at), "--at:1: must be a time")
            for at in (
                "0001-01-01T00:00:00",
                "0001-01-01T00:00:00+14:00",
                "9999-12-31T23:59:59-14:00",
            )
        ),
        (("explain",), "Missing option"),
        (("explain", "--task", "-", "--what"), "No such option"),
    ],
)
def test_bad_usage(home: Path, words: tuple[str, ...], why: str) -> None:
    said = run(home, *words, given="{}")
    assert said.exit_code == 2
    assert why in said.stderr
    assert said.stdout == ""


def test_bad_files_and_configuration(home: Path) -> None:
    assert "did you mean" in run(home, "explain", "--task", "-", given='{"tpye": "x"}').stderr
    (home / "countersign.yaml").unlink()
    for words in (("check",), ("test",), ("explain", "--task", "-")):
        said = run(home, *words, given="{}")
        assert (said.exit_code, said.stdout) == (2, "")
        assert said.stderr.startswith("countersign.yaml:1: there is none in")


def test_the_sample_organization_passes() -> None:
    sample = Path(__file__).parents[2] / "examples" / "acme" / "config"
    checked = run(sample, "check", "--strict", "--json")
    assert checked.exit_code == 0
    assert (json.loads(checked.stdout)["warnings"], json.loads(checked.stdout)["notes"]) == ([], [])
    tested = run(sample, "test", "--require-coverage", "--json")
    assert tested.exit_code == 0
    covered = json.loads(tested.stdout)["coverage"]
    assert (covered["exercised"], covered["missing"]) == (covered["rules"], [])


GAPS = """version: 1
policies:
  - {id: never, match: {tool: [forge.merge], effect: [read]}, deny: "No"}
  - {id: wide, match: {effect: [draft]}, limit: {tier: recommend}}
  - {id: narrow, match: {effect: [draft], tool: [git.push]}, limit: {tier: draft}}
  - id: half
    match: {tool: [git.push], requester: ["group:sre"]}
    when: task.type == 'chat'
    deny: Not by chat.
    tests:
      - {given: {task: {type: chat, requester: "user:U2"}, call: {tool: git.push}}, expect: {verdict: deny}}
"""


def test_check_warns_and_strict_minds(home: Path) -> None:
    write(home, {"policies/org.yaml": GAPS})
    said = run(home, "check")
    assert said.exit_code == 0
    *warnings, ok = said.stdout.splitlines()
    assert [line.split(": ")[:3] for line in warnings] == [
        ["warning", "policies/org.yaml:3", "never"],
        ["warning", "policies/org.yaml:5", "narrow"],
    ]
    assert ok == "ok: 4 policies, 1 test, 1 agent, 2 warnings"
    assert run(home, "check", "--strict").exit_code == 1
    found = json.loads(run(home, "check", "--json").stdout)
    assert [(one["kind"], one["policy"], one["line"]) for one in found["warnings"]] == [
        ("never-matches", "never", 3),
        ("shadowed", "narrow", 5),
    ]


def test_coverage(home: Path) -> None:
    write(home, {"policies/org.yaml": GAPS})
    said = run(home, "test")
    assert said.exit_code == 0
    assert said.stdout.splitlines() == [
        "1 passed, 0 failed",
        "coverage: 0 of 4 rules exercised",
        "policies/org.yaml:3: never: no case exercises it",
        "policies/org.yaml:4: wide: it applies in cases, and changes the answer to none of them",
        "policies/org.yaml:5: narrow: it applies in cases, and changes the answer to none of them",
        "policies/org.yaml:6: half: in no case does its condition not hold",
    ]
    assert run(home, "test", "--require-coverage").exit_code == 1
    found = json.loads(run(home, "test", "--json").stdout)["coverage"]
    assert (found["rules"], found["exercised"], len(found["missing"])) == (4, 0, 4)
    assert found["missing"][3]["why"] == "in no case does its condition not hold"


def test_a_suggested_case_exercises_its_rule(home: Path) -> None:
    """Pasted beside the rules, what `--suggest` prints makes the coverage whole."""
    rules = """version: 1
policies:
  - {id: sre-push, match: {tool: ["git.p*"], requester: ["group:sre"]}, approve: [{from: "group:sre", within: 2h}]}
  - {id: fixes, match: {agent: [remediation]}, limit: {max_iterations: 7, requires_pr: true}}
  - {id: prod, match: {effect: [change], labels: {env: "pr*"}, resource: ["prod/*"]}, deny: "No"}
  - id: other
    match: {source: [email], repository: ["acme/*"]}
    limit: {tier: observe}
"""
    write(home, {"policies/org.yaml": rules})
    lines = run(home, "test", "--suggest").stdout.partition("\n\n")[2]
    write(
        home, {"policies/org.yaml": rules + "    tests:\n" + "".join(f"      {line}\n" for line in lines.splitlines())}
    )
    said = run(home, "test", "--require-coverage")
    assert (said.exit_code, said.stdout.splitlines()[:2]) == (
        0,
        ["4 passed, 0 failed", "coverage: 4 of 4 rules exercised"],
    )


def test_nobody_to_countersign_is_warned_of_at_its_line(home: Path) -> None:
    main = LEAST.replace('approvers: ["group:sre"]', "approvers: []") + "forge: {root: forge}\n"
    write(home, {"countersign.yaml": main})
    said = run(home, "check")
    assert said.stdout.startswith("warning: countersign.yaml:5: approvers: names nobody")
    assert "forge.merge can never start" in said.stdout

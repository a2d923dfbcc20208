"""Every case of the files beside this one, asked of the command line. README.md says how they are written."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from bot.commands.policy import app
from bot.configuration import load
from bot.systems import catalog_for

HERE = Path(__file__).parent
ORGANIZATIONS = HERE / "organizations"
RULES = "policies/org.yaml"
KEYS = {"name", "organization", "rules", "freezes", "budgets", "spent", "files", "task", "call", "at", "expect"}
EXPECTS = {
    "allowed",
    "tier",
    "reason",
    "verdict",
    "required_approvals",
    "constraints",
    "reasons",
    "overruled",
    "remedies",
    "notes",
}
LEAST = 80
LIMITS: Mapping[str, Any] = {
    "max_iterations": None,
    "timeout_s": None,
    "deadline_s": None,
    "budget_usd": None,
    "max_actions": None,
    "max_tokens": None,
    "allowed_tools": "installed",
    "denied_tools": [],
    "requires_pr": False,
    "requires_validation": False,
}


@dataclass(frozen=True)
class Case:
    file: str
    said: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.file}: {self.said['name']}"


def cases() -> Iterator[Case]:
    for path in sorted(HERE.glob("*.yaml")):
        for said in yaml.safe_load(path.read_text(encoding="utf-8")):
            yield Case(path.name, said)


CASES = list(cases())


def lay_out(case: Case, directory: Path) -> Path:
    """The case's organization with its own rules and files in it; and its task and call beside them."""
    said = case.said
    shutil.copytree(ORGANIZATIONS / said.get("organization", "small"), directory, dirs_exist_ok=True)
    files = dict(said.get("files", {}))
    if "rules" in said:
        files[RULES] = f"version: 1\npolicies:\n{said['rules']}"
    if "freezes" in said:
        files["policies/freezes.yaml"] = f"version: 1\nfreezes:\n{said['freezes']}"
    if "budgets" in said:
        files["policies/budgets.yaml"] = f"version: 1\nbudgets:\n{said['budgets']}"
    for name in ("task", "call", "spent"):
        if name in said:
            files[f"{name}.json"] = json.dumps(said[name])
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, encoding="utf-8")
    return directory


def words(case: Case, directory: Path) -> list[str]:
    call = ["--call", str(directory / "call.json")] if "call" in case.said else []
    at = ["--at", case.said["at"]] if "at" in case.said else []
    spent = ["--spent", str(directory / "spent.json")] if "spent" in case.said else []
    given = ["--task", str(directory / "task.json"), *call, *at, *spent]
    return ["explain", *given, "--config", str(directory), "--json"]


def expected(case: Case, directory: Path) -> dict[str, Any]:
    """The whole answer that the case expects, written out."""
    said = dict(case.said["expect"])
    limits = {**LIMITS, **said.get("constraints", {})}
    if limits["allowed_tools"] == "installed":
        limits["allowed_tools"] = list(catalog_for(load(directory, {})).names())
    whole = {"required_approvals": [], **said, "constraints": limits}
    whole["reasons"] = [_reason(one) for one in said["reasons"]]
    if "overruled" in said:
        whole["overruled"] = [_reason(one) for one in said["overruled"]]
    return whole


def _reason(entry: list[Any]) -> dict[str, Any]:
    policy, place, sets, to, *control = entry
    file, _, line = place.rpartition(":")
    said = {"policy": policy, "file": file or place, "line": int(line) if file else 0, "sets": sets, "to": str(to)}
    return {**said, "control": control[0]} if control else said


def differences(case: Case, said: Mapping[str, Any], directory: Path) -> list[str]:
    """What the answer says otherwise; a text that begins with `…` need only be part of what is said."""
    wanted = expected(case, directory)
    found = []
    for key, value in wanted.items():
        if key == "required_approvals":
            asked = [{name: one[name] for name in entry} for one, entry in zip(said[key], value, strict=False)]
            same = len(said[key]) == len(value) and asked == value
        elif key in {"reasons", "overruled"}:
            same = len(said[key]) == len(value) and all(map(_alike, value, said[key]))
        elif key == "remedies":
            same = [way["text"] for way in said[key]] == value
        else:
            same = value in said[key] if key == "reason" else said.get(key) == value
        if not same:
            found.append(f"{key}:\n  expected {json.dumps(value)}\n  answered {json.dumps(said.get(key))}")
    if ("verdict" in said) != ("call" in case.said):
        found.append("the verdict is there with a call, and only then")
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", said["policy_hash"]):
        found.append(f"policy_hash: {said['policy_hash']}")
    return found


def _alike(wanted: Mapping[str, Any], got: Mapping[str, Any]) -> bool:
    part = str(wanted["to"]).removeprefix("…")
    to = part in got["to"] if str(wanted["to"]).startswith("…") else wanted["to"] == got["to"]
    return to and all(wanted[key] == got.get(key) for key in wanted if key != "to")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_answer_is_as_the_contract_says(case: Case, tmp_path: Path) -> None:
    directory = lay_out(case, tmp_path)
    answered = CliRunner().invoke(app, words(case, directory))
    assert answered.exit_code in {0, 1}, answered.output
    said = json.loads(answered.stdout)
    assert answered.exit_code == (0 if said["allowed"] else 1)
    wrong = differences(case, said, directory)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("case", CASES[:: len(CASES) // 3], ids=str)
def test_a_shell_is_answered_the_same(case: Case, tmp_path: Path) -> None:
    directory = lay_out(case, tmp_path)
    command = [sys.executable, "-m", "bot", "policy", *words(case, directory)]
    answered = subprocess.run(
        command, capture_output=True, text=True, timeout=50, check=False, cwd=HERE.parents[2], env=dict(os.environ)
    )
    assert answered.stderr == ""
    assert differences(case, json.loads(answered.stdout), directory) == []


def test_there_are_enough_cases_and_each_is_complete() -> None:
    assert len(CASES) >= LEAST
    assert len({str(case) for case in CASES}) == len(CASES)
    for case in CASES:
        assert set(case.said) <= KEYS, case
        assert {"name", "task", "expect"} <= set(case.said), case
        assert {"allowed", "tier", "reason", "reasons"} <= set(case.said["expect"]) <= EXPECTS, case
        assert ("call" in case.said) == ("verdict" in case.said["expect"]), case
        for one in case.said["expect"].get("required_approvals", []):
            assert {"from", "count", "within", "policies"} <= set(one), case

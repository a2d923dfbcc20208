"""Scanning a clone for findings: our own scanner by default, checkov through the same tool where it is installed."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.calls import ErrorKind, ToolSpec
from domain.canonical import Json
from domain.tiers import Effect
from tools.git.runner import Git
from tools.port import Arguments, Done, Reading, ToolFailure, Workplace
from tools.sandbox.port import Command, Completed, Sandbox, plain
from tools.scanner.command import scanner_command
from tools.schema import REPOSITORY, record, text
from tools.workspace import require_clone

_MAX_FINDINGS = 500

SCAN = ToolSpec(
    name="scan.repository",
    version=1,
    effect=Effect.READ,
    describe="Scan the workspace's clone for findings. `rules` lists the rules that are broken, each once.",
    arguments=record(
        required=["repository"],
        repository=text("OWNER/NAME of a cloned repository", at_most=127, pattern=REPOSITORY),
        rule=text("only this rule, such as S3-7", at_most=60, pattern=r"^[A-Za-z0-9_-]+$"),
        scanner={"type": "string", "enum": ["terraform", "checkov"], "description": "terraform when left out"},
    ),
    selectors=("repository",),
    resource="{repository}",
    idempotent=True,
    timeout_s=180,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan(Reading):
    """`checkov` is the installed program, None where there is none."""

    sandbox: Sandbox
    git: Git
    checkov: Path | None = None
    spec: ToolSpec = SCAN

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        clone = require_clone(at.workspace, arguments["repository"])
        scanner = arguments.get("scanner", "terraform")
        done = await self.sandbox.run(self._command(scanner, clone))
        report = _sarif(done, scanner)
        _require_rule(report, scanner, arguments.get("rule"))
        findings = [finding for finding in _findings(report) if _wanted(finding, arguments.get("rule"))]
        head = await self.git.attempt("rev-parse", "HEAD", workspace=clone)
        changed = await self.git.attempt("status", "--porcelain", "-z", workspace=clone)
        rules = sorted({str(finding["rule"]) for finding in findings})
        data: Mapping[str, Json] = {
            "scanner": scanner,
            "head": head.stdout.strip(),
            "edited": bool(changed.stdout),
            "findings": findings[:_MAX_FINDINGS],
            "count": len(findings),
            "rules": rules,
        }
        return Done(summary=_summary(findings, rules, arguments.get("rule")), data=data)

    def _command(self, scanner: str, clone: Path) -> Command:
        if scanner == "terraform":
            return scanner_command(clone, ".", timeout_s=120)
        if self.checkov is None:
            why = "checkov is not installed here: install it in its own environment and name it in the configuration"
            raise ToolFailure(ErrorKind.PERMANENT, why)
        options = ("-d", ".", "-o", "sarif", "--output-file-path", "/tmp/out", "--quiet", "--skip-download")  # noqa: S108
        root = self.checkov.resolve().parent.parent
        shell = ("/bin/sh", "-c", '"$@" >/dev/null; code=$?; cat /tmp/out/results_sarif.sarif; exit $code', "sh")
        argv = (*shell, str(self.checkov), *options)
        return Command(argv=argv, workspace=clone, read_only=(root,), max_output=8 << 20, timeout_s=170)


def find_checkov() -> Path | None:
    """The checkov on the search path, if any."""
    found = shutil.which("checkov")
    return Path(found) if found else None


def _sarif(done: Completed, scanner: str) -> dict[str, Any]:
    said = plain(done.stderr).strip()[-1000:]
    if done.timed_out:
        raise ToolFailure(ErrorKind.TIMEOUT, f"the {scanner} scanner was still working when its time was over")
    if done.exit_code == 2 and scanner == "terraform":
        raise ToolFailure(ErrorKind.PERMANENT, f"not valid Terraform: {said}")
    if done.exit_code not in (0, 1) or done.truncated:
        raise ToolFailure(
            ErrorKind.PERMANENT, f"the {scanner} scanner ended with {done.exit_code}: {said or 'no message'}"
        )
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise ToolFailure(ErrorKind.PERMANENT, f"the {scanner} scanner did not print SARIF: {error}") from error
    return report


def _require_rule(report: dict[str, Any], scanner: str, rule: str | None) -> None:
    """A rule that our scanner does not know is a mistake, not a clean bill of health."""
    known = {str(r["id"]) for run in report.get("runs", []) for r in run["tool"]["driver"].get("rules", [])}
    if rule is not None and scanner == "terraform" and rule not in known:
        why = f"no rule is called {rule}: the scanner knows {', '.join(sorted(known))}"
        raise ToolFailure(ErrorKind.ARGUMENTS, why)


def _findings(report: dict[str, Any]) -> list[dict[str, Json]]:
    found = []
    for run in report.get("runs", []):
        for result in run.get("results", []):
            places = result.get("locations") or [{}]
            place = places[0].get("physicalLocation", {})
            prints = result.get("partialFingerprints") or {"": ""}
            found.append(
                {
                    "rule": result.get("ruleId", ""),
                    "level": result.get("level", "warning"),
                    "message": result.get("message", {}).get("text", ""),
                    "resource": (result.get("properties") or {}).get("resource", ""),
                    "file": place.get("artifactLocation", {}).get("uri", ""),
                    "line": place.get("region", {}).get("startLine", 0),
                    "fingerprint": next(iter(prints.values())),
                }
            )
    return found


def _wanted(finding: Mapping[str, Json], rule: str | None) -> bool:
    return rule is None or finding["rule"] == rule


def _summary(findings: list[dict[str, Json]], rules: list[str], rule: str | None) -> str:
    if not findings:
        return "No findings." if rule is None else f"No finding of {rule}."
    first = findings[0]
    count = f"{len(findings)} finding{'' if len(findings) == 1 else 's'}"
    return f"{count} ({', '.join(rules[:8])}); the first in {first['file']}:{first['line']}."

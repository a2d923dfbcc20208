"""The validation steps, each run in the sandbox on a checkout of the exact head."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.forge.port import Check, CheckState
from tools.pipeline.definition import Step
from tools.sandbox.port import Completed, Sandbox, SandboxError, plain
from tools.scanner.command import scanner_command

_MAX_LOG = 16 << 10
Resources = Mapping[str, Mapping[str, Any]]  # address -> attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What applying would change, by address."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        return f"{len(self.added)} to add, {len(self.changed)} to change, {len(self.removed)} to remove"

    @property
    def lines(self) -> tuple[str, ...]:
        signs = (("+", self.added), ("~", self.changed), ("-", self.removed))
        return tuple(f"{sign} {address}" for sign, addresses in signs for address in addresses)


def plan_between(applied: Resources, wanted: Resources) -> Planned:
    """Compare by meaning: order, layout and line numbers do not count."""
    return Planned(
        added=tuple(sorted(set(wanted) - set(applied))),
        changed=tuple(sorted(name for name in set(wanted) & set(applied) if wanted[name] != applied[name])),
        removed=tuple(sorted(set(applied) - set(wanted))),
    )


async def run_step(sandbox: Sandbox, step: Step, tree: Path, applied: Resources) -> tuple[Check, Planned | None]:
    """The step's check and, for a plan, what it found."""
    started = time.monotonic()
    try:
        check, planned = await _run(sandbox, step, tree, applied)
    except (SandboxError, ValueError) as error:
        check, planned = Check(name=step.name, state=CheckState.FAILED, summary=str(error), log=str(error)), None
    seconds = round(time.monotonic() - started, 3)
    return Check(name=check.name, state=check.state, summary=check.summary, log=check.log, seconds=seconds), planned


async def resources_of(sandbox: Sandbox, tree: Path) -> Resources:
    """The tree's resources. Raises ValueError with the parser's words when it is not Terraform."""
    done = await sandbox.run(scanner_command(tree, "--list", "."))
    if done.exit_code != 0 or done.truncated:
        raise ValueError(_said(done) or f"the scanner ended with {done.exit_code}")
    return {address: found["attributes"] for address, found in json.loads(done.stdout)["resources"].items()}


async def _run(sandbox: Sandbox, step: Step, tree: Path, applied: Resources) -> tuple[Check, Planned | None]:
    match step.run:
        case "format":
            done = await sandbox.run(scanner_command(tree, "--format", "."))
            return _check(step, passed=done.ok, summary="" if done.ok else _first(done), log=_said(done)), None
        case "parse":
            done = await sandbox.run(scanner_command(tree, "--list", "."))
            return _check(step, passed=done.ok, summary="" if done.ok else _first(done), log=_said(done)), None
        case "scan":
            done = await sandbox.run(scanner_command(tree, "."))
            messages = _messages(done)
            summary = f"{len(messages)} findings" if messages else "no findings"
            log = "\n".join(messages) or _said(done)
            return _check(step, passed=done.ok, summary=summary if not done.timed_out else "timed out", log=log), None
        case "plan":
            planned = plan_between(applied, await resources_of(sandbox, tree))
            return _check(step, passed=True, summary=planned.summary, log="\n".join(planned.lines)), planned


def _check(step: Step, *, passed: bool, summary: str, log: str) -> Check:
    state = CheckState.PASSED if passed else CheckState.FAILED
    return Check(name=step.name, state=state, summary=summary, log=log[:_MAX_LOG])


def _messages(done: Completed) -> list[str]:
    if done.truncated or done.exit_code not in (0, 1, 2):
        return [f"the scanner ended with {done.exit_code}: {_said(done)}"]
    results = json.loads(done.stdout)["runs"][0]["results"]
    return [f"{result['level']}: {result['ruleId']}: {result['message']['text']}" for result in results]


def _said(done: Completed) -> str:
    return plain("timed out" if done.timed_out else done.stderr).strip()


def _first(done: Completed) -> str:
    return (_said(done).splitlines() or [f"exit {done.exit_code}"])[0]

"""`countersign policy test`: the cases that the rules carry, and which rules they do not exercise."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from bot.commands.policy.loaded import HERE, NO, OK, AsJson, Config, Loaded, loaded_or_exit, print_json
from policy.analysis.cases import CaseResult, run_cases
from policy.analysis.coverage import Coverage, coverage
from policy.analysis.skeletons import skeleton
from policy.explaining.unknowns import notes_on
from policy.sources.freezes import Freeze
from policy.sources.rules import Rule

Required = Annotated[bool, typer.Option("--require-coverage", help="Exit 1 if a rule is not exercised.")]
Suggest = Annotated[bool, typer.Option("--suggest", help="Print a case to begin with for each such rule.")]


def run_tests(
    config: Config = HERE, *, require_coverage: Required = False, suggest: Suggest = False, as_json_: AsJson = False
) -> None:
    """Run the cases that the rules carry, and say which rules they do not exercise."""
    found = loaded_or_exit(config)
    now = datetime.now(UTC)
    policies, people = found.configuration.policies, found.configuration.snapshot(now)
    results = run_cases(policies, people=people, catalog=found.catalog, now=now)
    covered = coverage(policies, people=people, catalog=found.catalog, now=now)
    given = [case.given for rule in policies.rules for case in rule.cases]
    notes = notes_on(policies, given, people)
    failed = [result for result in results if not result.passed]
    if as_json_:
        counts = {"passed": len(results) - len(failed), "failed": len(failed)}
        listed = [_result_json(result) for result in results]
        said = {"results": listed, "coverage": _coverage_json(covered), "notes": list(notes)}
        print_json({**counts, **said})
    else:
        _print(results, failed, covered)
        if suggest:
            _suggest(found, covered)
        for note in notes:
            typer.echo(f"note: {note}")
    raise typer.Exit(NO if failed or (require_coverage and covered.gaps) else OK)


def _print(results: list[CaseResult], failed: list[CaseResult], covered: Coverage) -> None:
    for result in failed:
        for line in result.wrong:
            typer.echo(f"{result.file}:{result.line}: {result.rule}: {line}")
    typer.echo(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    typer.echo(f"coverage: {covered.exercised} of {covered.rules} rules exercised")
    for gap in covered.gaps:
        typer.echo(str(gap))


def _suggest(found: Loaded, covered: Coverage) -> None:
    policies, ground = found.configuration.policies, found.ground
    entries: dict[str, Rule | Freeze] = {rule.id: rule for rule in policies.rules}
    entries |= {freeze.id: freeze for freeze in policies.freezes}
    for gap in covered.gaps:
        typer.echo(f"\n# {gap.policy}, {gap.file}:{gap.line}\n{skeleton(entries[gap.policy], ground)}")


def _coverage_json(covered: Coverage) -> dict[str, Any]:
    gaps = [{"policy": gap.policy, "file": gap.file, "line": gap.line, "why": gap.why} for gap in covered.gaps]
    return {"rules": covered.rules, "exercised": covered.exercised, "missing": gaps}


def _result_json(result: CaseResult) -> dict[str, Any]:
    return {
        "policy": result.rule,
        "file": result.file,
        "line": result.line,
        "passed": result.passed,
        "wrong": list(result.wrong),
    }

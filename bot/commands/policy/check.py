"""`countersign policy check`: every fault, then everything that is strange about rules that load."""

from typing import Annotated, Any

import typer

from bot.commands.policy.loaded import HERE, NO, OK, AsJson, Config, Loaded, bad, loaded, print_json
from policy.analysis.diagnosis import diagnose
from policy.analysis.ground import Diagnostic
from policy.reading.files import Fault, Invalid

Strict = Annotated[bool, typer.Option("--strict", help="Exit 1 if there is any warning.")]


def check(config: Config = HERE, *, strict: Strict = False, as_json_: AsJson = False) -> None:
    """Load everything; print each fault with file, line and a suggestion, then what is strange about the rules."""
    try:
        found = loaded(config)
    except Invalid as invalid:
        if as_json_:
            print_json({"ok": False, "faults": [_fault_json(fault) for fault in invalid.faults], "warnings": []})
        bad(invalid.faults)
    diagnostics = diagnose(found.ground)
    warnings = [one for one in diagnostics if not one.kind.note]
    if as_json_:
        notes = [_diagnostic_json(one) for one in diagnostics if one.kind.note]
        said = {"warnings": [_diagnostic_json(one) for one in warnings], "notes": notes}
        print_json({"ok": True, "faults": [], **_counts(found), **said})
    else:
        for one in diagnostics:
            typer.echo(f"{'note' if one.kind.note else 'warning'}: {one}")
        typer.echo(_sentence(found, len(warnings)))
    raise typer.Exit(NO if strict and warnings else OK)


def _counts(found: Loaded) -> dict[str, Any]:
    policies = found.configuration.policies
    cases = sum(len(rule.cases) for rule in policies.rules)
    counts = {"policies": len(policies.rules), "freezes": len(policies.freezes), "tests": cases}
    return {**counts, "policy_hash": policies.hash}


def _sentence(found: Loaded, warnings: int) -> str:
    counts = _counts(found)
    parts = [_many(counts["policies"], "policy", "policies"), _many(counts["tests"], "test", "tests")]
    parts.append(_many(len(found.configuration.agents), "agent", "agents"))
    parts += [_many(warnings, "warning", "warnings")] if warnings else []
    return f"ok: {', '.join(parts)}"


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _diagnostic_json(one: Diagnostic) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "policy": one.policy,
        "file": one.file,
        "line": one.line,
        "problem": one.problem,
        "suggestion": one.suggestion,
    }


def _fault_json(fault: Fault) -> dict[str, Any]:
    return {
        "file": fault.file,
        "line": fault.line,
        "column": fault.column,
        "key": fault.key,
        "problem": fault.problem,
        "suggestion": fault.suggestion,
    }

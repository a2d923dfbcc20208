"""What was found, as SARIF 2.1.0: the format that every code-scanning tool and forge reads."""

import hashlib
from typing import Any

from tools.scanner.rules import RULES, Rule
from tools.scanner.terraform import Fault, Resource, Tree

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_BROKEN = "HCL-1"


def report(tree: Tree) -> dict[str, Any]:
    """One SARIF run over the tree; the same tree gives the same report, in the same order."""
    findings = [(rule, resource) for rule in RULES for resource in rule.check(tree)]
    findings.sort(key=lambda pair: (pair[1].file, pair[1].line, pair[0].id))
    results = [*map(_fault, tree.faults), *(_result(rule, resource) for rule, resource in findings)]
    invocation = {
        "executionSuccessful": not tree.faults,
        "toolExecutionNotifications": [_notification(fault) for fault in tree.faults],
    }
    driver = {"name": "countersign-scanner", "version": "1", "rules": [_described(rule) for rule in RULES]}
    run = {"tool": {"driver": driver}, "invocations": [invocation], "results": results, "columnKind": "utf16CodeUnits"}
    run["properties"] = {"files": len(tree.files), "resources": len(tree.resources)}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def fingerprint(rule: str, file: str, address: str) -> str:
    """The finding's lasting name: it survives moved lines and changed attributes, not a renamed resource."""
    return hashlib.sha256(f"{rule}\n{file}\n{address}".encode()).hexdigest()[:32]


def _described(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.describe},
        "help": {"text": rule.mend},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(rule: Rule, resource: Resource) -> dict[str, Any]:
    return {
        "ruleId": rule.id,
        "level": rule.severity,
        "message": {"text": f"{resource.address}: {rule.describe} {rule.mend}"},
        "locations": [_location(resource.file, resource.line, resource.address)],
        "partialFingerprints": {"resource/v1": fingerprint(rule.id, resource.file, resource.address)},
        "properties": {"resource": resource.address},
    }


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "ruleId": _BROKEN,
        "level": "error",
        "message": {"text": f"{fault.file}:{fault.line}: {fault.message}"},
        "locations": [_location(fault.file, fault.line, None)],
        "partialFingerprints": {"resource/v1": fingerprint(_BROKEN, fault.file, "")},
    }


def _notification(fault: Fault) -> dict[str, Any]:
    text = f"{fault.file}:{fault.line}: {fault.message}"
    return {"level": "error", "message": {"text": text}, "locations": [_location(fault.file, fault.line, None)]}


def _location(file: str, line: int, address: str | None) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": file}, "region": {"startLine": line}}}
    if address is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": address, "kind": "resource"}]
    return location

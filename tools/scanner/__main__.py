"""`python -m tools.scanner PATH`: SARIF on standard output.

Exit codes: 0 nothing of severity error, 1 findings, 2 a file that cannot be read as Terraform or bad usage.
`--list` prints the resources instead of findings: {"resources": {ADDRESS: {"file", "line", "attributes"}}}.
`--format` prints nothing but complaints about layout, one a line on standard error; 1 when there are any.
"""

import argparse
import json
import sys
from pathlib import Path

from tools.scanner.layout import complaints
from tools.scanner.sarif import report
from tools.scanner.terraform import Tree, read_tree


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.scanner", description="Scan Terraform; print SARIF 2.1.0.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--list", action="store_true", help="print the resources instead of findings")
    parser.add_argument("--format", action="store_true", help="check the layout of the files only")
    chosen = parser.parse_args(arguments)
    if not chosen.path.exists():
        sys.stderr.write(f"{chosen.path}: no such file or directory\n")
        return 2
    if chosen.format:
        return _format(chosen.path)
    tree = read_tree(chosen.path)
    json.dump(_listed(tree) if chosen.list else report(tree), sys.stdout, indent=1, ensure_ascii=True)
    sys.stdout.write("\n")
    for fault in tree.faults:
        sys.stderr.write(f"{fault.file}:{fault.line}: {fault.message}\n")
    if tree.faults:
        return 2
    return 0 if chosen.list else _verdict(tree)


def _format(path: Path) -> int:
    found = list(complaints(path))
    sys.stderr.writelines(f"{complaint}\n" for complaint in found)
    return 1 if found else 0


def _verdict(tree: Tree) -> int:
    results = report(tree)["runs"][0]["results"]
    return 1 if any(result["level"] == "error" for result in results) else 0


def _listed(tree: Tree) -> dict[str, object]:
    resources = {
        found.address: {"file": found.file, "line": found.line, "attributes": found.attributes}
        for found in tree.resources
    }
    return {"resources": resources}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The layout that every Terraform file should have: spaces, no trailing blanks, one newline at the end."""

from collections.abc import Iterator
from pathlib import Path

from tools.scanner.terraform import Fault, read_text, terraform_files


def complaints(root: Path) -> Iterator[str]:
    """`FILE:LINE: what is wrong`, in a stable order."""
    for path, name in terraform_files(root):
        match read_text(path, name):
            case Fault() as fault:
                yield f"{name}:{fault.line}: {fault.message}"
            case text:
                for number, line in enumerate(text.split("\n"), start=1):
                    if complaint := _of_line(line):
                        yield f"{name}:{number}: {complaint}"
                if text and (not text.endswith("\n") or text.endswith("\n\n")):
                    yield f"{name}:{text.count(chr(10)) + 1}: end the file with one newline"


def _of_line(line: str) -> str | None:
    if line.endswith("\r"):
        return "end lines with a newline only"
    if "\t" in line:
        return "indent with spaces, not tabs"
    return "remove the blanks at the end of the line" if line != line.rstrip() else None

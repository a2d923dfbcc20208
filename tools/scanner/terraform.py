"""Reads a tree of Terraform into resources with plain keys, each with its file and line.

Hostile trees are expected: links are not followed, files and their number and depth are bounded, and what cannot be
parsed becomes a `Fault` with file and line instead of an exception.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hcl2
from lark.exceptions import LarkError, UnexpectedInput

MAX_FILE = 1 << 20  # bytes
MAX_FILES = 2000
MAX_DEPTH = 20
_OPTIONS = hcl2.SerializationOptions(strip_string_quotes=True, with_comments=False)
_REFERENCE = re.compile(r"^\$\{\s*([a-z0-9_]+)\.([A-Za-z0-9_-]+)(?:\[[^\]]*\])?\.[a-z_]+\s*\}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One `resource` block; attribute values are Python's, nested blocks are lists of mappings."""

    type: str
    name: str
    attributes: dict[str, Any]
    file: str  # relative to the tree's root
    line: int

    @property
    def address(self) -> str:
        return f"{self.type}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A file that could not be read as Terraform."""

    file: str
    line: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    resources: tuple[Resource, ...] = ()
    faults: tuple[Fault, ...] = ()
    files: tuple[str, ...] = field(default=())


def read_tree(root: Path) -> Tree:
    """Every `*.tf` file beneath `root` (or `root` itself, when it is a file), in a stable order."""
    resources: list[Resource] = []
    faults: list[Fault] = []
    files: list[str] = []
    for path, name in terraform_files(root):
        if len(files) == MAX_FILES:
            faults.append(Fault(file=name, line=1, message=f"more than {MAX_FILES} files: scan a smaller tree"))
            break
        files.append(name)
        match read_text(path, name):
            case Fault() as fault:
                faults.append(fault)
            case text:
                found = _parse(text, name)
                resources += found if isinstance(found, list) else []
                faults += [found] if isinstance(found, Fault) else []
    return Tree(resources=tuple(resources), faults=tuple(faults), files=tuple(files))


def blocks(attributes: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The nested blocks called `name`; also when they were written as one object or under `dynamic`."""
    found = attributes.get(name, [])
    found = found if isinstance(found, list) else [found]
    dynamic = [entry[name] for entry in attributes.get("dynamic", []) if isinstance(entry, dict) and name in entry]
    inner = [body for entry in dynamic if isinstance(entry, dict) for body in blocks(entry, "content")]
    return [block for block in (*found, *inner) if isinstance(block, dict)]


def referred(value: object) -> str | None:
    """`aws_s3_bucket.data` for `${aws_s3_bucket.data.id}`; None for anything else."""
    match = _REFERENCE.match(value) if isinstance(value, str) else None
    return f"{match[1]}.{match[2]}" if match else None


def terraform_files(root: Path) -> Iterator[tuple[Path, str]]:
    """Each `*.tf` file beneath `root` with its relative name; no links, no hidden files, bounded depth."""
    if root.is_file():
        yield root, root.name
        return
    for directory, names, files in os.walk(root, followlinks=False):
        here = Path(directory)
        depth = len(here.relative_to(root).parts)
        names[:] = sorted(name for name in names if not name.startswith(".")) if depth < MAX_DEPTH else []
        for name in sorted(files):
            path = here / name
            if name.endswith(".tf") and not name.startswith(".") and not path.is_symlink():
                yield path, path.relative_to(root).as_posix()


def read_text(path: Path, name: str) -> str | Fault:
    """The file's text, if it is small enough and UTF-8."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        return Fault(file=name, line=1, message=f"cannot be read: {error.strerror}")
    if len(content) > MAX_FILE:
        return Fault(file=name, line=1, message=f"larger than {MAX_FILE} bytes: split the file")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return Fault(file=name, line=line, message="not UTF-8: save the file as UTF-8")


def _parse(text: str, name: str) -> list[Resource] | Fault:
    try:
        document = hcl2.loads(text if text.endswith("\n") else text + "\n", serialization_options=_OPTIONS)
    except UnexpectedInput as error:
        last = text.count("\n") + 1
        line = min(error.line, last) if error.line > 0 else last
        return Fault(file=name, line=line, message=f"not valid Terraform at column {max(error.column, 1)}")
    except (LarkError, ValueError, RecursionError) as error:
        return Fault(file=name, line=1, message=f"not valid Terraform: {type(error).__name__}")
    return list(_resources(document, text, name))


def _resources(document: dict[str, Any], text: str, file: str) -> Iterator[Resource]:
    for block in document.get("resource", []):
        for type_, named in block.items():
            if not isinstance(named, dict):
                continue  # a marker of the parser, such as __is_block__
            for name, attributes in named.items():
                if isinstance(attributes, dict):
                    kind, own = _unquoted(type_), _unquoted(name)
                    line = _line_of(text, kind, own)
                    yield Resource(type=kind, name=own, attributes=_plain(attributes), file=file, line=line)


def _plain(value: Any) -> Any:
    """The parser's values with unquoted keys and without its markers."""
    if isinstance(value, dict):
        return {_unquoted(key): _plain(item) for key, item in value.items() if not str(key).startswith("__")}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _unquoted(key: object) -> str:
    return str(key).strip('"')


def _line_of(text: str, type_: str, name: str) -> int:
    found = re.search(rf'^\s*resource\s+"?{re.escape(type_)}"?\s+"?{re.escape(name)}"?\s*\{{', text, re.MULTILINE)
    return text.count("\n", 0, text.index("resource", found.start())) + 1 if found else 1

"""The texts of a configuration directory, bounded. Nothing is read but the files that have a meaning."""

import os
from collections.abc import Iterator
from pathlib import Path

from policy.files import Faults
from policy.nodes import LARGEST_FILE

MAIN = "countersign.yaml"
MOST_FILES = 2_000
Texts = tuple[tuple[str, str], ...]


def main_file(directory: Path, faults: Faults) -> str | None:
    """The text of countersign.yaml."""
    if not (directory / MAIN).is_file():
        faults.add(MAIN, 1, 1, "", f"there is none in {directory}", "`countersign init DIR` writes a commented one")
        return None
    return _text(directory, MAIN, faults)


def optional(directory: Path, name: str, faults: Faults) -> tuple[str, str] | None:
    """A file that may be absent, with its name."""
    if not (directory / name).exists():
        return None
    said = _text(directory, name, faults)
    return None if said is None else (name, said)


def folder(directory: Path, name: str, faults: Faults) -> Texts:
    """The YAML files of a folder, by name; () where there is no such folder."""
    return tuple(_folder(directory, name, faults))


def _folder(directory: Path, name: str, faults: Faults) -> Iterator[tuple[str, str]]:
    if not (directory / name).is_dir():
        return
    with os.scandir(directory / name) as entries:
        found = sorted(entry.name for entry in entries if entry.name.endswith((".yaml", ".yml")) and entry.is_file())
    if len(found) > MOST_FILES:
        faults.add(f"{name}/", 1, 1, "", f"holds more than {MOST_FILES} files")
    for one in found[:MOST_FILES]:
        said = _text(directory, f"{name}/{one}", faults)
        if said is not None:
            yield f"{name}/{one}", said


def _text(directory: Path, name: str, faults: Faults) -> str | None:
    try:
        with (directory / name).open("rb") as opened:
            content = opened.read(4 * LARGEST_FILE + 1)
        if len(content) <= 4 * LARGEST_FILE:
            return content.decode("utf-8")
        faults.add(name, 1, 1, "", "is too large")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        faults.add(name, line, 1, "", "is not UTF-8")
    except OSError as error:
        faults.add(name, 1, 1, "", f"cannot be read: {error.strerror}")
    return None

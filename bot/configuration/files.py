"""The texts of a configuration directory, bounded. Nothing is read but the files that have a meaning.

What has a meaning and cannot be read is a fault, never skipped: a rule that nobody reads would not narrow anything.
"""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from policy.reading.files import Faults
from policy.reading.nodes import LARGEST_FILE

MAIN = "countersign.yaml"
RESOURCES = "resources.yaml"
MOST_FILES = 2_000
LARGEST_FOLDER = 16 * 1024 * 1024  # bytes
LONGEST_NAME = 100
_ENDINGS = (".yaml", ".yml")
_LOCK = ".#"  # how an editor's lock begins: a link to nowhere
Texts = tuple[tuple[str, str], ...]


def main_file(directory: Path, faults: Faults) -> str | None:
    """The text of countersign.yaml."""
    if not os.path.lexists(directory / MAIN):
        faults.add(MAIN, 1, 1, "", f"there is none in {directory}", "`countersign init DIR` writes a commented one")
        return None
    return _text(directory, MAIN, faults)


def optional(directory: Path, name: str, faults: Faults) -> tuple[str, str] | None:
    """A file that may be absent, with its name."""
    if not os.path.lexists(directory / name):
        return None
    said = _text(directory, name, faults)
    return None if said is None else (name, said)


def folder(directory: Path, name: str, faults: Faults) -> Texts:
    """The YAML files of a folder, by name; () where there is no such folder."""
    return tuple(_folder(directory, name, faults))


def decoded(name: str, content: bytes, faults: Faults) -> str | None:
    """The text of a file; None, and a fault, for what is too large or no text."""
    if len(content) > 4 * LARGEST_FILE:
        faults.add(name, 1, 1, "", "is too large", "split it: every file of the folder is read")
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = len(before.rpartition(b"\n")[2]) + 1
        faults.add(name, before.count(b"\n") + 1, column, "", "is not UTF-8", "save it as UTF-8")
        return None


def _folder(directory: Path, name: str, faults: Faults) -> Iterator[tuple[str, str]]:
    left = LARGEST_FOLDER
    for one in _names(directory, name, faults):
        said = _text(directory, f"{name}/{one}", faults)
        if said is None:
            continue
        left -= len(said)
        if left < 0:
            problem = f"holds more than {LARGEST_FOLDER >> 20} MB: this file and those after it are not read"
            faults.add(f"{name}/{one}", 1, 1, "", problem)
            return
        yield f"{name}/{one}", said


def _names(directory: Path, name: str, faults: Faults) -> list[str]:
    """The names of the folder's YAML files, sorted. A name that could not be shown is a fault."""
    try:
        with os.scandir(directory / name) as entries:
            listed = sorted(entry.name for entry in entries if entry.name.lower().endswith(_ENDINGS))
    except OSError as error:
        if error.errno != errno.ENOENT or os.path.lexists(directory / name):
            faults.add(name, 1, 1, "", f"cannot be read: {error.strerror}", "it must be a folder")
        return []
    found = [one for one in listed if not one.startswith(_LOCK)]
    if len(found) > MOST_FILES:
        faults.add(name, 1, 1, "", f"holds more than {MOST_FILES} files")
        return []
    for one in found:
        if not one.endswith(_ENDINGS):
            faults.add(f"{name}/{ascii(one)[1:-1]}", 1, 1, "", "would not be read", "end its name with .yaml")
        elif len(one) > LONGEST_NAME or not one.isascii() or not one.isprintable():
            problem = f"must have a name of at most {LONGEST_NAME} ASCII characters"
            faults.add(f"{name}/{ascii(one)[1:-1][:LONGEST_NAME]}", 1, 1, "", problem, "rename it")
    sound = len(found) == sum(one.endswith(_ENDINGS) and one.isascii() and one.isprintable() for one in found)
    return [one for one in found if len(one) <= LONGEST_NAME] if sound else []


def _text(directory: Path, name: str, faults: Faults) -> str | None:
    """What the file says. Opening waits for nobody: a pipe without a writer is refused like a folder."""
    try:
        content = _content(directory / name)
    except OSError as error:
        faults.add(name, 1, 1, "", f"cannot be read: {error.strerror}")
        return None
    if content is None:
        faults.add(name, 1, 1, "", "is not a file")
        return None
    return decoded(name, content, faults)


def _content(path: Path) -> bytes | None:
    """The bytes, of a file; None for what is none."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as opened:
            return opened.read(4 * LARGEST_FILE + 1)
    finally:
        os.close(descriptor)

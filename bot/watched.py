"""The files of a configuration directory that are read again while the bot runs: have they changed, and which."""

import codecs
import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.configuration import Configuration, Fault
from bot.configuration.files import MAIN, RESOURCES
from policy.reading.nodes import LARGEST_FILE

_ENDINGS = (".yaml", ".yml")
Marks = Mapping[str, tuple[int, int, int]]  # file -> when it was written, how long it is, which file it is
Digests = Mapping[str, str]  # file -> digest of what it says


def marks(directory: Path, folders: tuple[str, ...]) -> Marks:
    """What a glance shows: quick, and different after every save."""
    found = {}
    for name in names(directory, folders):
        try:
            at = (directory / name).stat()
        except OSError:  # it went while we looked; the next glance shows that
            continue
        found[name] = (at.st_mtime_ns, at.st_size, at.st_ino)
    return found


def on_disk(directory: Path, folders: tuple[str, ...]) -> Digests:
    """What the files say now, without reading it as rules."""
    found = {}
    for name in names(directory, folders):
        try:
            found[name] = _digest(_content(directory / name))
        except OSError as error:
            found[name] = f"unreadable: {error.strerror}"
    return found


def said_by(configuration: Configuration) -> Digests:
    """What the files said when this configuration was read from them."""
    texts = [*configuration.root, *(text for folder in configuration.folders.values() for text in folder)]
    return {name: _digest(text.encode()) for name, text in texts}


def changed(old: Digests, new: Digests) -> tuple[str, ...]:
    """The files that are new, gone, or say something else."""
    return tuple(sorted(name for name in {*old, *new} if old.get(name) != new.get(name)))


def names(directory: Path, folders: tuple[str, ...]) -> Iterator[str]:
    """The files that have a meaning, whether or not they can be read."""
    for name in (MAIN, RESOURCES):
        if (directory / name).exists():
            yield name
    for folder in folders:
        try:
            with os.scandir(directory / folder) as entries:
                listed = sorted(one.name for one in entries if one.name.lower().endswith(_ENDINGS))
        except OSError:
            continue
        yield from (f"{folder}/{name}" for name in listed)


def gone(running: Configuration) -> tuple[Fault, ...]:
    """Folders that were read, and are not there: moved away or not mounted, they do not say that no rule holds."""
    return tuple(
        Fault(
            file=name,
            line=1,
            column=1,
            key="",
            problem="is gone, with all that stands in it",
            suggestion="put it back; an empty folder says that nothing is meant",
        )
        for name, texts in running.folders.items()
        if texts and not (running.directory / name).is_dir()
    )


def _content(path: Path) -> bytes:
    """As much of a file as would be read; opening waits for nobody, whatever it is."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a file")
        return opened.read(4 * LARGEST_FILE + 1).removeprefix(codecs.BOM_UTF8)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

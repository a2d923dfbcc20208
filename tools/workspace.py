"""A directory for each run, bounded in size, and paths that cannot leave it.

A path argument is walked component by component; a symbolic link anywhere on the way is refused, and so is git's own
directory. Nobody else writes there meanwhile: the toolbox does the calls of one run that use it one at a time.
"""

import os
import re
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from domain.calls import ErrorKind
from tools.port import ToolFailure

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,80}")
MAX_FILE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspaces:
    """Beneath `root`, one directory a run; together at most `max_bytes` each."""

    root: Path
    max_bytes: int = 512 << 20

    def of(self, run_id: str) -> Path:
        """The run's directory, made when it is not there."""
        path = self._path(run_id)
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path.resolve()

    def remove(self, run_id: str) -> None:
        shutil.rmtree(self._path(run_id), ignore_errors=True)

    def require_room(self, run_id: str) -> None:
        """Raises ToolFailure when the run's files together are too large."""
        total = 0
        for directory, _, files in os.walk(self._path(run_id)):
            total += sum(_size(Path(directory, name)) for name in files)
            if total > self.max_bytes:
                why = f"the run's workspace holds more than {self.max_bytes} bytes: work on less at a time"
                raise ToolFailure(ErrorKind.PERMANENT, why)

    def _path(self, run_id: str) -> Path:
        if not _RUN.fullmatch(run_id):
            raise ToolFailure(ErrorKind.ARGUMENTS, f"{run_id!r} is not a run id")
        return self.root / run_id


def clone_of(workspace: Path, repository: str) -> Path:
    """Where a repository is cloned to within a workspace; it need not exist. No two repositories share a place."""
    return workspace / repository.replace("/", "@")  # which no name may hold; `a__b/c` and `a/b__c` may both be there


def require_clone(workspace: Path, repository: str) -> Path:
    """The clone. Raises ToolFailure when the repository has not been cloned."""
    path = clone_of(workspace, repository)
    if not (path / ".git").is_dir() or path.is_symlink():
        why = f"{repository} is not in the workspace: clone it first (git.clone)"
        raise ToolFailure(ErrorKind.PRECONDITION, why)
    return path


def within(root: Path, relative: str) -> Path:
    """The path beneath `root`, no link on the way. Raises ToolFailure; the last component need not exist."""
    parts = relative.split("/")
    refused = any(part in ("", ".", "..") or part.casefold() in (".git", "git~1") for part in parts)
    if refused or "\\" in relative or not relative.isprintable():
        why = f"{relative!r} is not a path within the repository: write it relative, without . and .., outside .git"
        raise ToolFailure(ErrorKind.ARGUMENTS, why)
    path = root
    for part in parts:
        path = path / part
        if path.is_symlink():
            raise ToolFailure(ErrorKind.ARGUMENTS, f"{relative!r} leads through a symbolic link, which is not followed")
    return path


def read_text(path: Path, name: str) -> str:
    """The file's text. Raises ToolFailure when it is missing, not a plain file, too large or not UTF-8."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ToolFailure(ErrorKind.ARGUMENTS, f"{name}: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ToolFailure(ErrorKind.ARGUMENTS, f"{name}: not a plain file")
        content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise ToolFailure(ErrorKind.ARGUMENTS, f"{name}: larger than {MAX_FILE} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ToolFailure(ErrorKind.ARGUMENTS, f"{name}: not text in UTF-8") from error


def write_text(path: Path, content: str) -> None:
    """Write the file in one step, never through a link; its directories are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.lstat().st_mode) if path.is_file() else 0o644
    draft = path.with_name(f".{path.name}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(content)
    draft.replace(path)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0

"""Where the branches of a bare repository stand, read from its files: cheap enough to look often, and runs nothing."""

import re
from pathlib import Path

from tools.git.runner import require_branch_name

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def branch_head(bare: Path, branch: str) -> str | None:
    """The commit of a branch; None when there is no such branch."""
    name = f"refs/heads/{require_branch_name(branch)}"
    try:
        found = (bare / name).read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        found = _packed(bare, name)
    return found if _COMMIT.fullmatch(found) else None


def _packed(bare: Path, name: str) -> str:
    try:
        lines = (bare / "packed-refs").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return next((line.split(" ", 1)[0] for line in lines if line.endswith(f" {name}")), "")

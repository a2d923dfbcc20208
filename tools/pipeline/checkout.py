"""The files of exactly one commit, laid out in a directory that goes away afterwards."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tools.git.runner import Git


@asynccontextmanager
async def checkout(git: Git, bare: Path, head: str) -> AsyncIterator[Path]:
    """The tree of `head`; links are written as plain files that name their target, so that none leads outside."""
    with tempfile.TemporaryDirectory(prefix="checkout-", ignore_cleanup_errors=True) as scratch:
        tree = Path(scratch, "tree")
        await asyncio.to_thread(tree.mkdir)
        env = {"GIT_INDEX_FILE": f"{scratch}/index"}
        options = (f"--git-dir={bare}", f"--work-tree={tree}")
        for arguments in (("read-tree", head), ("checkout-index", "-a", "-f")):
            await git.run(*options, *arguments, workspace=Path(scratch), read_only=(bare,), env=env)
        yield tree


async def show(git: Git, bare: Path, head: str, path: str) -> str | None:
    """One file of a commit; None when it has none of that name."""
    done = await git.attempt("--git-dir=.", "show", f"{head}:{path}", workspace=bare)
    return done.stdout if done.exit_code == 0 else None

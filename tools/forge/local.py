"""A forge on this machine: bare git repositories, with change requests as JSON files beside them.

A merge is a compare-and-swap: the merge commit is made from exactly the head that was asked for and the base as it
stands, and the branch moves only if nobody moved it meanwhile. What was about to happen is written down first.
"""

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tools.durable import held
from tools.forge.port import (
    PIPELINE,
    Change,
    ChangeState,
    Checks,
    ForgeError,
    Merged,
    Refused,
    UnknownBranchError,
    UnknownChangeError,
    together,
)
from tools.forge.records import Entry, Merging, Place, place
from tools.git.refs import branch_head
from tools.git.runner import Git, Identity, authored, require_branch_name

_MAX_DIFF = 8 << 20
_MERGER = Identity(name="Forge", email="forge@localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalForge:
    """`root/OWNER/NAME.git` are the repositories; `page` makes a change's address where there is a page for it."""

    root: Path
    git: Git
    page: Callable[[str, int], str] | None = None
    merger: Identity = _MERGER
    reporters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # repository -> who checks besides CI

    def bare(self, repository: str) -> Path:
        """Where the repository lies, for those who are lent its path. Raises UnknownRepositoryError."""
        return place(self.root, repository).bare

    async def open_change(
        self, repository: str, *, branch: str, base: str, title: str, body: str, key: str
    ) -> tuple[Change, bool]:
        at = place(self.root, repository)
        for name in (branch, base):
            require_branch_name(name)
        async with held(at.lock):
            entries = at.entries()
            for entry in entries:
                same_branch = entry.change.branch == branch and entry.change.state is ChangeState.OPEN
                if entry.change.key == key or same_branch:
                    return await self._refreshed(at, entry), False
            head, base_head = await self._required(at, branch), await self._required(at, base)
            number = max((entry.change.number for entry in entries), default=0) + 1
            change = Change(
                repository=repository,
                number=number,
                branch=branch,
                base=base,
                title=title,
                body=body,
                head=head,
                base_head=base_head,
                state=ChangeState.OPEN,
                key=key,
                url=self.page(repository, number) if self.page else None,
            )
            at.save(Entry(change=change))
            return change, True

    async def get_change(self, repository: str, number: int) -> Change:
        at = place(self.root, repository)
        return await self._refreshed(at, _entry(at, number))

    async def list_changes(self, repository: str, state: ChangeState | None = None) -> tuple[Change, ...]:
        at = place(self.root, repository)
        changes = [await self._refreshed(at, entry) for entry in at.entries()]
        return tuple(change for change in changes if state is None or change.state is state)

    async def find_by_key(self, repository: str, key: str) -> Change | None:
        at = place(self.root, repository)
        found = [entry for entry in at.entries() if entry.change.key == key]
        return await self._refreshed(at, found[0]) if found else None

    async def checks(self, repository: str, head: str, by: str | None = None) -> Checks | None:
        at = place(self.root, repository)
        if by is not None:
            return at.checks(head, by)
        reporters = (PIPELINE, *self.reporters.get(repository, ()))
        return together(repository, head, {each: at.checks(head, each) for each in reporters})

    async def set_checks(self, checks: Checks, by: str = PIPELINE) -> None:
        at = place(self.root, checks.repository)
        async with held(at.lock):
            at.save_checks(checks, by)

    async def merge(self, repository: str, number: int, head: str, by: str) -> Merged | Refused:
        at = place(self.root, repository)
        async with held(at.lock):
            change = await self._refreshed(at, _entry(at, number))
            if change.state is ChangeState.MERGED and change.head == head and change.merged_as:
                return Merged(commit=change.merged_as, by=change.merged_by or by, repeated=True)
            if change.state is not ChangeState.OPEN:
                return Refused(
                    kind="closed", why=f"{change.reference} is {change.state} already, at {change.head[:12]}"
                )
            if change.head != head:
                moved = f"{change.reference} stands at {change.head[:12]} now, not at {head[:12]}: look at it again"
                return Refused(kind="stale", why=moved)
            tree = await self._merged_tree(at, change)
            if tree is None:
                return Refused(kind="conflict", why=f"{change.branch} conflicts with {change.base}: merge it by hand")
            return await self._move(at, change, tree, by)

    async def close_change(self, repository: str, number: int, by: str) -> Change:
        at = place(self.root, repository)
        async with held(at.lock):
            change = await self._refreshed(at, _entry(at, number))
            if change.state is ChangeState.OPEN:
                change = replace(change, state=ChangeState.CLOSED, merged_by=by)
                at.save(Entry(change=change))
            return change

    async def diff(self, repository: str, number: int) -> str:
        change = await self.get_change(repository, number)
        base = f"{change.merged_as}^1" if change.merged_as else change.base_head
        options = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", f"{base}...{change.head}")
        completed = await self.git.attempt(
            "--git-dir=.", *options, workspace=self.bare(repository), max_output=_MAX_DIFF
        )
        if not completed.ok or completed.truncated:
            why = "it is larger than a card may show" if completed.truncated else completed.stderr.strip()[-300:]
            raise ForgeError(f"the diff of {change.reference} cannot be shown whole: {why}")
        return completed.stdout

    async def branch_head(self, repository: str, branch: str) -> str | None:
        return await self._head(place(self.root, repository), branch)

    async def contains(self, repository: str, commit: str, ancestor: str) -> bool:
        """Whether `ancestor` is in the history of `commit`."""
        arguments = ("merge-base", "--is-ancestor", ancestor, commit)
        completed = await self.git.attempt("--git-dir=.", *arguments, workspace=self.bare(repository))
        return completed.exit_code == 0

    async def _refreshed(self, at: Place, entry: Entry) -> Change:
        """The change as the branches stand now; a merge that a crash cut off between branch and record is finished."""
        change, merging = entry.change, entry.merging
        if change.state is not ChangeState.OPEN:
            return change
        base_head = await self._head(at, change.base) or change.base_head
        if merging is not None and await self.contains(at.repository, base_head, merging.commit):
            change = _merged(change, merging)
            at.save(Entry(change=change))
            return change
        return replace(change, head=await self._head(at, change.branch) or change.head, base_head=base_head)

    async def _merged_tree(self, at: Place, change: Change) -> str | None:
        """The tree of base and head merged, made in a passing work tree; None when they conflict."""
        with tempfile.TemporaryDirectory(prefix="merge-", ignore_cleanup_errors=True) as scratch:
            await asyncio.to_thread(Path(scratch, "tree").mkdir)

            async def git(*arguments: str) -> tuple[int, str]:
                done = await self.git.attempt(
                    *(f"--git-dir={at.bare}", f"--work-tree={scratch}/tree", *arguments),
                    workspace=Path(scratch),
                    writable=(at.bare,),
                    env={"GIT_INDEX_FILE": f"{scratch}/index", **authored(self.merger)},
                )
                return done.exit_code, done.stdout.strip() or done.stderr.strip()[-500:]

            code, ancestor = await git("merge-base", change.base_head, change.head)
            if code != 0:
                return None
            for arguments in (("read-tree", change.base_head), ("checkout-index", "-a", "-f", "-u")):
                code, said = await git(*arguments)
                if code != 0:
                    raise ForgeError(f"{change.reference} cannot be merged: {said}")
            code, said = await git("merge-recursive", ancestor, "--", change.base_head, change.head)
            if code == 1:
                return None
            if code != 0:
                raise ForgeError(f"{change.reference} cannot be merged: {said}")
            code, tree = await git("write-tree")
            return tree if code == 0 else None

    async def _move(self, at: Place, change: Change, tree: str, by: str) -> Merged | Refused:
        message = f"Merge {change.reference}: {change.title}\n\nMerged-by: {' '.join(by.split())}\n"
        parents = ("-p", change.base_head, "-p", change.head)
        made = await self.git.run(
            *("--git-dir=.", "commit-tree", tree, *parents, "-F", "-"),
            workspace=at.bare,
            stdin=message.encode(),
            env=authored(self.merger),
        )
        merging = Merging(commit=made.strip(), by=by, head=change.head, base_head=change.base_head)
        at.save(Entry(change=change, merging=merging))
        update = (f"update refs/heads/{change.base} {merging.commit} {change.base_head}\n").encode()
        verify = (f"verify refs/heads/{change.branch} {change.head}\n").encode()
        moved = await self.git.attempt(
            "--git-dir=.", "update-ref", "--stdin", workspace=at.bare, stdin=b"start\n" + verify + update + b"commit\n"
        )
        if moved.exit_code != 0 and await self._head(at, change.base) != merging.commit:  # cut off is not undone: look
            at.save(Entry(change=change))
            return Refused(kind="stale", why=f"a branch of {change.reference} moved meanwhile: look at it again")
        at.save(Entry(change=_merged(change, merging)))
        return Merged(commit=merging.commit, by=by)

    async def _head(self, at: Place, branch: str) -> str | None:
        return await asyncio.to_thread(branch_head, at.bare, branch)

    async def _required(self, at: Place, branch: str) -> str:
        head = await self._head(at, branch)
        if head is None:
            raise UnknownBranchError(f"{at.repository} has no branch {branch!r}: push it first")
        return head


def _entry(at: Place, number: int) -> Entry:
    entry = at.entry(number)
    if entry is None:
        raise UnknownChangeError(f"there is no change request {at.repository}#{number}")
    return entry


def _merged(change: Change, merging: Merging) -> Change:
    return replace(
        change,
        state=ChangeState.MERGED,
        head=merging.head,
        base_head=merging.base_head,
        merged_as=merging.commit,
        merged_by=merging.by,
    )

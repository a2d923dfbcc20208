"""Git for runs: clone into the workspace, commit there, push a branch. Only the push is seen outside.

The default branch is never pushed to: what should be there gets there by a change request.
"""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from domain.calls import Doubt, ErrorKind, Preview, ToolSpec
from domain.tiers import Effect
from loop.ports import OutcomeUnknown
from tools.broker import Need
from tools.git.runner import Git, GitError, Identity, authored, require_branch_name
from tools.port import Arguments, Done, Look, Reading, ToolFailure, Workplace
from tools.schema import BRANCH, COMMIT, REPOSITORY, record, text
from tools.workspace import clone_of, require_clone

_MAX_DIFF = 4 << 20
_REPOSITORY = text("OWNER/NAME of the repository", at_most=127, pattern=REPOSITORY)
_BRANCH = text("the branch", at_most=201, pattern=BRANCH)

CLONE = ToolSpec(
    name="git.clone",
    version=1,
    effect=Effect.READ,
    describe="Clone a repository into the workspace, at a branch or an exact commit; replaces an earlier clone.",
    arguments=record(
        required=["repository"],
        repository=_REPOSITORY,
        branch=_BRANCH,
        commit=text("the exact commit", at_most=40, pattern=COMMIT),
    ),
    selectors=("repository", "branch", "commit"),
    resource="{repository}",
    idempotent=True,
    writes_workspace=True,
    timeout_s=120,
)
COMMIT_SPEC = ToolSpec(
    name="git.commit",
    version=1,
    effect=Effect.READ,
    describe="Commit every change of the workspace's clone to a branch of it. Nothing leaves the workspace.",
    arguments=record(
        required=["repository", "branch", "message"],
        repository=_REPOSITORY,
        branch=_BRANCH,
        message=text("subject, an empty line, the reason", at_most=4000, at_least=3),
    ),
    selectors=("repository", "branch"),
    resource="{repository}",
    idempotent=True,
    writes_workspace=True,
)
PUSH = ToolSpec(
    name="git.push",
    version=1,
    effect=Effect.DRAFT,
    describe="Push a branch of the workspace's clone to its repository. Never the default branch, never by force.",
    arguments=record(required=["repository", "branch"], repository=_REPOSITORY, branch=_BRANCH),
    selectors=("repository", "branch"),
    resource="{repository}",
    idempotent=True,
    checkable=True,
    timeout_s=120,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clone(Reading):
    git: Git
    spec: ToolSpec = CLONE

    @property
    def needs(self) -> tuple[Need, ...]:
        return (Need(system="repository", argument="repository"),)

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        repository, source = arguments["repository"], at.lent.path("repository")
        target = clone_of(at.workspace, repository)
        await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
        options = (
            "--quiet",
            "--no-tags",
            "--single-branch",
            "--no-recurse-submodules",
            "--no-hardlinks",
            "--template=",
        )
        wanted, commit = arguments.get("branch"), arguments.get("commit")
        branch = ("--branch", require_branch_name(wanted)) if wanted else ()
        await _git(
            self.git, "clone", *options, *branch, "--", str(source), target.name, at=at.workspace, read_only=(source,)
        )
        if commit:
            await _git(self.git, "checkout", "--quiet", "--detach", commit, at=target)
        head = (await _git(self.git, "rev-parse", "HEAD", at=target)).strip()
        files = (await _git(self.git, "ls-files", "-z", at=target)).split("\0")
        data = {"repository": repository, "head": head, "branch": wanted, "files": len(files) - 1}
        return Done(summary=f"Cloned {repository} at {head[:12]}, {len(files) - 1} files.", data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit(Reading):
    """`people` says under which name a requester is named in a commit; unknown ones are named by their id only."""

    git: Git
    author: Identity
    people: Callable[[str], Identity | None]
    spec: ToolSpec = COMMIT_SPEC

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        clone, branch = require_clone(at.workspace, arguments["repository"]), require_branch_name(arguments["branch"])
        await _git(self.git, "checkout", "--quiet", "-B", branch, at=clone)
        await _git(self.git, "add", "--all", at=clone)
        mark = f"Call: {at.run_id}/{at.key}"
        staged = await _git(self.git, "diff", "--cached", "--name-only", "-z", at=clone)
        repeated = False
        if not staged:
            last = await _git(self.git, "log", "-1", "--format=%B", at=clone)
            if not at.key or mark not in last.splitlines():
                raise ToolFailure(ErrorKind.PRECONDITION, "nothing to commit: the files are as they were")
            repeated = True
        else:
            message = "\n".join((arguments["message"].strip(), "", *self._trailers(at), mark))
            options = ("commit", "--quiet", "--cleanup=whitespace", "--no-verify", "-F", "-")
            await _git(self.git, *options, at=clone, stdin=message.encode(), env=authored(self.author))
        head = (await _git(self.git, "rev-parse", "HEAD", at=clone)).strip()
        diff = await _git(self.git, "show", "--format=", "--no-ext-diff", "--no-textconv", "--no-color", head, at=clone)
        names = sorted(name for name in staged.split("\0") if name)
        data = {"head": head, "branch": branch, "files": names, "diff": diff, "repeated": repeated}
        return Done(summary=f"Committed {head[:12]} on {branch}.", data=data)

    def _trailers(self, at: Workplace) -> list[str]:
        lines = []
        for principal in dict.fromkeys(p for p in (at.requester, *at.voters) if p):
            person = self.people(principal)
            named = f"Co-authored-by: {person.name} <{person.email}>" if person else f"Requested-by: {principal}"
            lines.append(named)
        return [*lines, f"Run: {at.run_id}"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Push(Reading):
    git: Git
    spec: ToolSpec = PUSH

    @property
    def needs(self) -> tuple[Need, ...]:
        return (Need(system="repository", argument="repository", mode="write"),)

    async def look(self, arguments: Arguments, at: Workplace) -> Look:
        clone, branch = self._checked(arguments, at)
        ours, theirs = await self._heads(clone, branch, at)
        if ours is None:
            raise ToolFailure(ErrorKind.PRECONDITION, f"the clone has no branch {branch}: commit to it first")
        await self._refuse_default(clone, branch, at)
        base = theirs or (await _git(self.git, "merge-base", "refs/remotes/origin/HEAD", ours, at=clone)).strip()
        diff = await _git(
            *(self.git, "diff", "--no-ext-diff", "--no-textconv", "--no-color", base, ours),
            at=clone,
            max_output=_MAX_DIFF,
        )
        subjects = (await _git(self.git, "log", "--format=%h %s", f"{base}..{ours}", at=clone)).splitlines()
        preview = Preview(
            summary=f"Push {branch} of {arguments['repository']} at {ours[:12]}.",
            diff=diff,
            facts=(("branch", f"{branch} ({'exists' if theirs else 'new'})"), ("commits", "\n".join(subjects))),
        )
        return Look(fingerprint=f"{ours} {theirs or 'none'}", preview=preview)

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        clone, branch = self._checked(arguments, at)
        ours, theirs = await self._heads(clone, branch, at)
        if ours is None:
            raise ToolFailure(ErrorKind.PRECONDITION, f"the clone has no branch {branch}: commit to it first")
        await self._refuse_default(clone, branch, at)
        if ours != theirs:
            remote = at.lent.path("repository", write=True)
            refspec = f"{ours}:refs/heads/{branch}"
            options = ("push", "--quiet", "--porcelain", "--no-verify", "--no-recurse-submodules")
            lease = f"--force-with-lease=refs/heads/{branch}:{theirs or ''}"
            await self._require_forward(clone, theirs, ours)
            arguments_ = (*options, lease, "--", str(remote), refspec)
            pushed = await self.git.attempt(*arguments_, workspace=clone, writable=(remote,))
            if not pushed.ok:
                await self._explain(GitError("push", pushed), clone, branch, ours, at)
        data = {"repository": arguments["repository"], "branch": branch, "head": ours, "repeated": ours == theirs}
        return Done(summary=f"Pushed {branch} at {ours[:12]}.", data=data)

    async def check(self, arguments: Arguments, at: Workplace) -> Doubt:
        clone, branch = self._checked(arguments, at)
        ours, theirs = await self._heads(clone, branch, at)
        return Doubt.HAPPENED if ours is not None and ours == theirs else Doubt.NOT_HAPPENED

    async def _explain(self, error: GitError, clone: Path, branch: str, ours: str, at: Workplace) -> None:
        """A push that failed may still have moved the branch: look, and say only what is known."""
        _, theirs = await self._heads(clone, branch, at)
        if theirs == ours:
            return
        if error.completed.timed_out:
            raise OutcomeUnknown(str(error)) from error
        raise ToolFailure(ErrorKind.PERMANENT, str(error)) from error

    def _checked(self, arguments: Arguments, at: Workplace) -> tuple[Path, str]:
        return require_clone(at.workspace, arguments["repository"]), require_branch_name(arguments["branch"])

    async def _heads(self, clone: Path, branch: str, at: Workplace) -> tuple[str | None, str | None]:
        """The branch's head here and there."""
        here = await self.git.attempt("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", workspace=clone)
        remote = at.lent.path("repository")
        listed = await _git(
            self.git, "ls-remote", "--", str(remote), f"refs/heads/{branch}", at=clone, read_only=(remote,)
        )
        return (here.stdout.strip() or None) if here.ok else None, listed.split()[0] if listed.strip() else None

    async def _refuse_default(self, clone: Path, branch: str, at: Workplace) -> None:
        remote = at.lent.path("repository")
        said = await _git(self.git, "ls-remote", "--symref", "--", str(remote), "HEAD", at=clone, read_only=(remote,))
        default = said.partition("ref: refs/heads/")[2].partition("\t")[0]
        if not default or branch == default:
            why = f"{branch} may be the default branch: push another branch and open a change request"
            raise ToolFailure(ErrorKind.REFUSED, why)

    async def _require_forward(self, clone: Path, theirs: str | None, ours: str) -> None:
        if theirs is None:
            return
        done = await self.git.attempt("merge-base", "--is-ancestor", theirs, ours, workspace=clone)
        if done.exit_code != 0:
            why = f"the branch stands at {theirs[:12]} there, which is not part of what would be pushed: clone it again"
            raise ToolFailure(ErrorKind.PRECONDITION, why)


async def _git(
    git: Git,
    *arguments: str,
    at: Path,
    read_only: tuple[Path, ...] = (),
    writable: tuple[Path, ...] = (),
    stdin: bytes | None = None,
    env: dict[str, str] | None = None,
    max_output: int = 1 << 20,
) -> str:
    """Git in the clone, its failure as the tool's."""
    try:
        return await git.run(
            *arguments,
            workspace=at,
            read_only=read_only,
            writable=writable,
            stdin=stdin,
            env=env,
            max_output=max_output,
        )
    except GitError as error:
        kind = ErrorKind.TIMEOUT if error.completed.timed_out else ErrorKind.PERMANENT
        raise ToolFailure(kind, str(error)) from error

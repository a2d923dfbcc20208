"""One way to run git: arguments in a list, inside the sandbox, nobody's configuration, no hooks, no prompts.

A repository is hostile until shown otherwise: its hooks, its `core.fsmonitor`, its external diff and merge drivers, its
submodules and its symbolic links are all ways to make git run or write something. Options given on the command line win
over the repository's own configuration; those in `gitconfig` reach the processes that git starts by itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.sandbox.port import Command, Completed, Limits, Sandbox, plain

_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,200}")
_CONFIG = Path(__file__).with_name("gitconfig")
_OPTIONS = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.symlinks=false"),
    *("-c", "protocol.ext.allow=never", "-c", "protocol.file.allow=user", "-c", "core.pager=cat"),
    *("-c", "diff.external=", "-c", "core.sshCommand=/bin/false", "-c", "core.gitProxy=", "-c", "credential.helper="),
    *("-c", "core.attributesFile=/dev/null", "-c", "core.excludesFile=/dev/null", "-c", "commit.gpgSign=false"),
    *("-c", "tag.gpgSign=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "submodule.recurse=false"),
    *("-c", "safe.bareRepository=explicit", "-c", "uploadpack.packObjectsHook="),
)
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": str(_CONFIG),
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
    "GIT_PROTOCOL_FROM_USER": "1",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "/bin/false",
}


class GitError(Exception):
    """Git said no. The message is git's own, bounded and without control characters."""

    def __init__(self, command: str, completed: Completed) -> None:
        said = plain(completed.stderr or completed.stdout).strip()[-1500:]
        why = "timed out" if completed.timed_out else f"exit {completed.exit_code}"
        super().__init__(f"git {command}: {why}: {said or 'no message'}")
        self.completed = completed


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a commit is by; given with each call, never taken from a machine's configuration."""

    name: str
    email: str

    def __post_init__(self) -> None:
        for text in (self.name, self.email):
            if not text.strip() or set(text) & set("<>\n\r\0"):
                raise ValueError(f"{text!r} cannot stand in a commit: no angle brackets, no line breaks, not empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    sandbox: Sandbox
    timeout_s: float = 60.0
    limits: Limits = field(default_factory=Limits)

    async def attempt(
        self,
        *arguments: str,
        workspace: Path,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        read_only: tuple[Path, ...] = (),
        writable: tuple[Path, ...] = (),
        max_output: int = 1 << 20,
    ) -> Completed:
        """Run git in `workspace`; failing is an answer."""
        command = Command(
            argv=("git", *_OPTIONS, *arguments),
            workspace=workspace,
            env={**_ENVIRONMENT, **(env or {})},
            stdin=stdin,
            timeout_s=self.timeout_s,
            max_output=max_output,
            read_only=(_CONFIG, *read_only),
            writable=writable,
            limits=self.limits,
        )
        return await self.sandbox.run(command)

    async def run(
        self,
        *arguments: str,
        workspace: Path,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        read_only: tuple[Path, ...] = (),
        writable: tuple[Path, ...] = (),
        max_output: int = 1 << 20,
    ) -> str:
        """What git printed, whole. Raises GitError when it failed or printed more than `max_output`."""
        completed = await self.attempt(
            *arguments,
            workspace=workspace,
            env=env,
            stdin=stdin,
            read_only=read_only,
            writable=writable,
            max_output=max_output,
        )
        if not completed.ok or completed.truncated:
            raise GitError(next((a for a in arguments if not a.startswith("-")), "?"), completed)
        return completed.stdout


def require_branch_name(name: str) -> str:
    """The name itself. Raises ValueError for what git or a shell could read as something else than a branch."""
    if not _BRANCH.fullmatch(name) or ".." in name or "//" in name or name.endswith((".lock", "/", ".")):
        raise ValueError(
            f"{name!r} is not a branch name: letters, digits and . _ - / only, starting with a letter or digit"
        )
    return name


def authored(by: Identity, date: str | None = None) -> dict[str, str]:
    """The environment that makes `by` author and committer, at `date` (git's own notation) where given."""
    who = {"GIT_AUTHOR_NAME": by.name, "GIT_AUTHOR_EMAIL": by.email}
    who |= {"GIT_COMMITTER_NAME": by.name, "GIT_COMMITTER_EMAIL": by.email}
    return who if date is None else {**who, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}

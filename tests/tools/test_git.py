"""Git against hostile repositories: nothing that a repository carries is executed."""

import os
from pathlib import Path

import pytest

from tools.git.refs import branch_head
from tools.git.runner import Git, GitError, Identity, authored, require_branch_name
from tools.sandbox.port import Sandbox

WHO = Identity(name="Tester", email="tester@acme.example")


async def repository(git: Git, room: Path) -> Path:
    path = room / "repo"
    path.mkdir()
    await git.run("init", "--quiet", "--initial-branch=main", ".", workspace=path)
    (path / "a.txt").write_text("one\n")
    await git.run("add", "--all", workspace=path)
    await git.run("commit", "--quiet", "-m", "First", workspace=path, env=authored(WHO))
    return path


def script(path: Path, marker: Path) -> Path:
    path.write_text(f"#!/bin/sh\ntouch {marker}\n")
    path.chmod(0o755)
    return path


async def test_hooks_and_programs_of_a_repository_do_not_run(sandbox: Sandbox, room: Path):
    git = Git(sandbox=sandbox)
    path, marker = await repository(git, room), room / "repo" / "ran"
    hooks = path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-commit", "commit-msg", "post-checkout", "post-commit", "pre-push", "post-index-change"):
        script(hooks / name, marker)
    evil = script(path / "evil.sh", marker)
    with (path / ".git" / "config").open("a") as config:
        config.write(f"[core]\n\tfsmonitor = {evil}\n\thooksPath = {hooks}\n\tpager = {evil}\n\tsshCommand = {evil}\n")
        config.write(f"[diff]\n\texternal = {evil}\n[credential]\n\thelper = {evil}\n[gpg]\n\tprogram = {evil}\n")
        config.write("[commit]\n\tgpgSign = true\n")
    (path / "a.txt").write_text("two\n")
    await git.run("status", workspace=path)
    await git.run("diff", "--no-ext-diff", workspace=path)
    await git.run("add", "a.txt", workspace=path)
    await git.run("commit", "--quiet", "-m", "Second", workspace=path, env=authored(WHO))
    await git.run("checkout", "--quiet", "-b", "other", workspace=path)
    await git.run("log", "-1", workspace=path)
    assert not marker.exists()


async def test_hooks_of_the_other_side_do_not_run(sandbox: Sandbox, room: Path):
    git = Git(sandbox=sandbox)
    path, bare = await repository(git, room), room / "bare.git"
    bare.mkdir()
    await git.run("init", "--quiet", "--bare", ".", workspace=bare)
    (bare / "hooks").mkdir(exist_ok=True)
    for name in ("pre-receive", "update", "post-receive", "post-update"):
        script(bare / "hooks" / name, bare / "ran")
    await git.run("push", "--quiet", str(bare), "HEAD:refs/heads/x", workspace=path, writable=(bare,))
    assert not (bare / "ran").exists()


async def test_links_are_written_as_files(sandbox: Sandbox, room: Path):
    git = Git(sandbox=sandbox)
    path = await repository(git, room)
    (path / "link").symlink_to("/etc/passwd")
    await git.run("-c", "core.symlinks=true", "add", "link", workspace=path)
    await git.run("commit", "--quiet", "-m", "Link", workspace=path, env=authored(WHO))
    work = room / "work"
    work.mkdir()
    await git.run("clone", "--quiet", str(path), "clone", workspace=work, read_only=(path,))
    assert not (work / "clone" / "link").is_symlink()


@pytest.mark.parametrize(
    "url", ["ext::sh -c touch% ran", "ssh://-oProxyCommand=touch${IFS}ran/x", "http://127.0.0.1:9/x"]
)
async def test_other_transports_are_refused(sandbox: Sandbox, room: Path, url: str):
    work = room / "work"
    work.mkdir()
    with pytest.raises(GitError):
        await Git(sandbox=sandbox).run("clone", "--quiet", "--", url, "x", workspace=work)
    assert os.listdir(work) == []  # noqa: PTH208


async def test_nobodys_configuration_is_read(sandbox: Sandbox, room: Path, monkeypatch: pytest.MonkeyPatch):
    (room / ".gitconfig").write_text("[user]\n\tname = Somebody\n")
    monkeypatch.setenv("HOME", str(room))
    work = room / "work"
    work.mkdir()
    done = await Git(sandbox=sandbox).attempt("config", "--get", "user.name", workspace=work)
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["-x", "a..b", "a b", "a\nb", "refs@{1}", "a.lock", "a/", "/a", "ä", ""])
def test_names_that_are_no_branches(name: str):
    with pytest.raises(ValueError, match="branch name"):
        require_branch_name(name)


def test_names_that_are_branches():
    assert require_branch_name("fix/S3-7_encrypt.exports") == "fix/S3-7_encrypt.exports"


@pytest.mark.parametrize("name", ["", "a <b>", "a\nb"])
def test_identities_cannot_break_a_commit(name: str):
    with pytest.raises(ValueError, match="commit"):
        Identity(name=name, email="a@b")


async def test_branches_are_found_loose_and_packed(best: Sandbox, room: Path):
    git = Git(sandbox=best)
    path = await repository(git, room)
    head = (await git.run("rev-parse", "HEAD", workspace=path)).strip()
    assert branch_head(path / ".git", "main") == head
    await git.run("pack-refs", "--all", workspace=path)
    assert not (path / ".git" / "refs" / "heads" / "main").exists()
    assert branch_head(path / ".git", "main") == head
    assert branch_head(path / ".git", "mai") is None
    assert branch_head(path / ".git", "main/x") is None

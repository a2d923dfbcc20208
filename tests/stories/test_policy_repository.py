"""A change request to the policy repository: checked on its exact head against the recorded past, told where approvals
are, in one message that follows the head. What it holds is strangers' work, and is only parsed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stories.demo import Demo, laid_out
from tests.stories.page import APPROVALS, SRE, Page, until, words
from tools.forge.local import LocalForge
from tools.forge.port import Check, Checks
from tools.git.runner import Git
from tools.sandbox.unconfined import Unconfined

POLICIES = "acme/policies"
TREE = ("countersign.yaml", "resources.yaml", "agents", "policies", "runbooks")
_GIT = {
    "GIT_AUTHOR_NAME": "Platform",
    "GIT_AUTHOR_EMAIL": "platform@acme.example",
    "GIT_COMMITTER_NAME": "Platform",
    "GIT_COMMITTER_EMAIL": "platform@acme.example",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


def git(where: Path, *words_: str) -> str:
    done = subprocess.run(
        ["git", *words_], cwd=where, env={**os.environ, **_GIT}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo whose configuration is kept in a repository of its own forge."""
    directory = laid_out(tmp_path_factory.mktemp("policies") / "demo")
    main = directory / "countersign.yaml"
    said = yaml.safe_load(main.read_text()) | {"policy_repository": {"name": POLICIES, "directory": "operator"}}
    main.write_text(yaml.safe_dump(said, sort_keys=False))
    bare = directory / "forge" / f"{POLICIES}.git"
    bare.mkdir(parents=True)
    git(bare, "init", "--quiet", "--bare", "--initial-branch=main", ".")
    demo = Demo(directory)
    work = clone(demo)
    (work / "operator").mkdir()
    for name in TREE:
        source = directory / name
        shutil.copytree(source, work / "operator" / name) if source.is_dir() else shutil.copy(source, work / "operator")
    push(work, "Begin", "main")
    try:
        yield demo.start()
    finally:
        demo.close()


def clone(demo: Demo) -> Path:
    """A work tree of the policy repository."""
    bare, work = demo.directory / "forge" / f"{POLICIES}.git", demo.directory.parent / "work"
    shutil.rmtree(work, ignore_errors=True)
    git(bare.parent, "clone", "--quiet", str(bare), str(work))
    return work


def push(work: Path, message: str, branch: str) -> str:
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "-m", message)
    git(work, "push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{branch}")
    return git(work, "rev-parse", "HEAD")


def forge_of(demo: Demo) -> LocalForge:
    forge = LocalForge(root=demo.directory / "forge", git=Git(sandbox=Unconfined()))
    return LocalForge(root=forge.root, git=forge.git, reporters={POLICIES: ("policy",)})


async def proposed(demo: Demo, work: Path, branch: str) -> int:
    """A change request of what stands in the work tree."""
    push(work, branch, branch)
    change, _ = await forge_of(demo).open_change(
        POLICIES, branch=branch, base="main", title=f"Change {branch}", body="Because.", key=branch
    )
    return change.number


async def checked(demo: Demo, number: int) -> Checks:
    forge = forge_of(demo)

    async def look() -> Checks | None:
        change = await forge.get_change(POLICIES, number)
        found = await forge.checks(POLICIES, change.head)
        return found if found is not None and found.complete else None

    return await until(look, 30, f"the checks of #{number}")


def ours(found: Checks) -> Check:
    """The check `policy`; a pipeline of the repository's own may stand beside it."""
    return next(check for check in found.checks if check.name == "policy")


async def announced(page: Page, reference: str, *texts: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        said = await page.messages(APPROVALS)
        return next((m for m in said if reference in words(m) and all(t in words(m) for t in texts)), None)

    return await until(look, 15, f"{reference} to be told with {texts}")


async def test_a_change_is_checked_against_the_past_and_told_and_follows_its_head(
    demo: Demo, page: Page, room: str
) -> None:
    run, card = await page.parked(room)
    await page.click(SRE, card, "approve")
    assert await page.ended(run) == "succeeded"
    work = clone(demo)
    rules = work / "operator/policies/production.yaml"
    rules.write_text(rules.read_text().replace("count: 1", "count: 2"))
    number = await proposed(demo, work, "two")
    found = await checked(demo, number)
    assert ours(found).state.value == "passed"
    assert "0 failed" in ours(found).summary
    assert "2 stricter, 0 looser" in ours(found).summary
    assert "rule no-direct-production (changed, policies/production.yaml" in ours(found).log
    first = await announced(
        page, f"{POLICIES}#{number}", "2 stricter", "stricter approvals: service.restart on prod/web"
    )

    asks = 'approve:\n      - {from: "group:sre", count: 2, within: 4h, use_within: 15m}'
    rules.write_text(rules.read_text().replace(asks, "deny: Never."))
    push(work, "no more", "two")
    found = await checked(demo, number)
    assert found.state.value == "failed", "its own cases expect otherwise"
    assert any("no-direct-production: verdict: expected" in line for line in ours(found).log.splitlines())
    second = await announced(page, f"{POLICIES}#{number}", "✗", "now denied")
    assert second["ts"] == first["ts"], "one message, which follows the head"
    assert len([m for m in await page.messages(APPROVALS) if f"{POLICIES}#{number}" in words(m)]) == 1


async def test_what_would_not_load_fails_with_its_place(demo: Demo, page: Page) -> None:
    work = clone(demo)
    rules = work / "operator/policies/production.yaml"
    rules.write_text(rules.read_text().replace("level: resource", "level: planet"))
    found = await checked(demo, await proposed(demo, work, "planet"))
    assert found.state.value == "failed"
    assert ours(found).summary.startswith("at fault: policies/production.yaml:4")
    assert "countersign_policy_faults 0.0" in await metrics(page), "what holds is not touched"


async def metrics(page: Page) -> str:
    async with page.session.get(f"{page.demo.http}/metrics") as answer:
        return await answer.text()


@pytest.mark.parametrize("attack", ["link", "secret", "pipe", "many", "missing", "huge", "bytes"])
async def test_hostile_trees_fail_their_check_and_nothing_else(demo: Demo, page: Page, attack: str) -> None:
    work = clone(demo)
    there = work / "operator"
    match attack:
        case "link":
            (there / "policies/evil.yaml").symlink_to("/etc/passwd")
        case "secret":
            main = there / "countersign.yaml"
            main.write_text(main.read_text().replace("${env:SLACK_BOT_TOKEN}", "${file:/dev/stdin}"))
            (there / "policies/bad.yaml").write_text("version: 2\n")
        case "pipe":
            (there / "policies/deep.yaml").write_text("[" * 100_000)
        case "many":
            (there / "policies/more").mkdir()
            for n in range(4_001):
                (there / f"policies/more/{n}").write_text("")
        case "missing":
            shutil.rmtree(there)
            (work / "readme").write_text("nothing here")
        case "huge":
            (there / "policies/huge.yaml").write_bytes(b"#" * (33 << 20))
        case "bytes":
            (there / "policies/bytes.yaml").write_bytes(b"\xff\xfe\x00version: 1")
        case other:
            raise AssertionError(other)
    found = await checked(demo, await proposed(demo, work, f"attack-{attack}"))
    assert found.state.value == "failed"
    assert "root:" not in ours(found).log
    assert demo.alive


async def test_a_repository_with_a_pipeline_of_its_own_is_held_by_both(demo: Demo, page: Page) -> None:
    work = clone(demo)
    (work / "pipeline.yaml").write_text("version: 1\nvalidate: [{name: parse, run: parse}]\n")
    push(work, "a pipeline", "main")
    rules = work / "operator/policies/production.yaml"
    rules.write_text(rules.read_text() + "# a word\n")
    found = await checked(demo, await proposed(demo, work, "both"))
    assert {(check.name, check.state.value) for check in found.checks} == {("parse", "passed"), ("policy", "passed")}

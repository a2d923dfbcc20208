"""The local forge and its pipeline, with real git: merges are compare-and-swap, and CI picks up where it was killed."""

import asyncio
import json
from pathlib import Path

import pytest

from examples.acme.setup import AUTHOR, REPOSITORY, create_repository
from tests.tools.conftest import Acme
from tools.forge.local import LocalForge
from tools.forge.port import (
    Change,
    ChangeState,
    CheckState,
    Merged,
    Refused,
    UnknownBranchError,
    UnknownChangeError,
    UnknownRepositoryError,
)
from tools.forge.records import Entry, Merging, place
from tools.git.runner import authored
from tools.pipeline.applied import load_applied
from tools.pipeline.definition import PipelineError, parse_pipeline
from tools.pipeline.local import LocalPipeline, applied_path
from tools.pipeline.steps import plan_between

FIX = """
resource "aws_s3_bucket_server_side_encryption_configuration" "exports" {
  bucket = aws_s3_bucket.exports.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}
"""


async def push(acme: Acme, branch: str, files: dict[str, str], base: str = "main") -> str:
    """A branch with one commit on top of `base`; an existing branch is continued."""
    bare = acme.forge.bare(REPOSITORY)
    work = acme.root / f"work-{branch.replace('/', '-')}-{len(list(acme.root.iterdir()))}"
    work.mkdir()
    start = branch if await acme.forge.branch_head(REPOSITORY, branch) else base
    git, clone = acme.git, work / "c"
    await git.run("clone", "--quiet", "--branch", start, str(bare), "c", workspace=work, read_only=(bare,))
    for name, content in files.items():
        (clone / name).write_text(content)
    await git.run("add", "--all", workspace=clone)
    await git.run("commit", "--quiet", "-m", f"Change {branch}", workspace=clone, env=authored(AUTHOR))
    await git.run("push", "--quiet", str(bare), f"HEAD:refs/heads/{branch}", workspace=clone, writable=(bare,))
    return (await git.run("rev-parse", "HEAD", workspace=clone)).strip()


async def opened(acme: Acme, branch: str, files: dict[str, str], key: str | None = None) -> Change:
    await push(acme, branch, files)
    change, _ = await acme.forge.open_change(
        REPOSITORY, branch=branch, base="main", title=f"Do {branch}", body="Why", key=key or branch
    )
    return change


def fixed(acme: Acme) -> dict[str, str]:
    root = Path(__file__).parents[2] / "examples" / "acme" / "infra"
    return {"storage.tf": (root / "storage.tf").read_text() + FIX}


async def test_the_repository_is_the_same_wherever_it_is_made(acme: Acme):
    elsewhere = LocalForge(root=acme.root / "elsewhere", git=acme.git)
    assert await create_repository(elsewhere) == acme.head
    assert await create_repository(acme.forge) == acme.head, "what is there is adopted"
    assert acme.head == await acme.forge.branch_head(REPOSITORY, "main")
    log = await acme.git.run("--git-dir=.", "log", "--format=%an <%ae> %aI %H", workspace=acme.forge.bare(REPOSITORY))
    assert log.strip() == f"Platform Team <platform@acme.example> 2026-10-05T08:00:00+00:00 {acme.head}"
    assert load_applied(applied_path(acme.forge, REPOSITORY)).head == acme.head


async def test_a_change_goes_from_branch_to_applied(acme: Acme):
    change = await opened(acme, "fix/s3-7", fixed(acme))
    assert change.state is ChangeState.OPEN
    assert "+resource" in await acme.forge.diff(REPOSITORY, change.number)
    await acme.pipeline.run_once()
    checks = await acme.forge.checks(REPOSITORY, change.head)
    assert checks is not None
    assert checks.state is CheckState.PASSED
    assert [check.name for check in checks.checks] == ["fmt", "validate", "scan", "plan"]
    assert checks.plan == ("+ aws_s3_bucket_server_side_encryption_configuration.exports",)
    topic = f"checks:{REPOSITORY}#1@{change.head}"
    assert acme.told == [topic]
    assert await acme.watch.settled(topic) == "passed"
    assert await acme.watch.settled(f"merge:{REPOSITORY}#1") is None
    merged = await acme.forge.merge(REPOSITORY, 1, change.head, "user:U2")
    assert isinstance(merged, Merged)
    assert await acme.watch.settled(f"merge:{REPOSITORY}#1") == "merged"
    assert await acme.watch.settled(f"apply:{REPOSITORY}@{merged.commit}") is None
    await acme.pipeline.run_once()
    assert await acme.watch.settled(f"apply:{REPOSITORY}@{merged.commit}") == "applied"
    applied = load_applied(applied_path(acme.forge, REPOSITORY))
    assert applied.head == merged.commit
    await acme.pipeline.run_once()
    assert load_applied(applied_path(acme.forge, REPOSITORY)) == applied
    assert acme.pipeline.troubles == {}
    assert "+resource" in await acme.forge.diff(REPOSITORY, 1)


async def test_a_change_that_does_not_fix_it_fails_the_scan(acme: Acme):
    change = await opened(acme, "fix/other", {"extra.tf": 'resource "aws_s3_bucket" "more" {\n}\n'})
    await acme.pipeline.run_once()
    checks = await acme.forge.checks(REPOSITORY, change.head)
    assert checks is not None
    assert checks.state is CheckState.FAILED
    assert {check.name: check.state for check in checks.checks}["scan"] is CheckState.FAILED
    assert await acme.watch.settled(f"checks:{REPOSITORY}#1@{change.head}") == "failed"


async def test_broken_terraform_fails_with_file_and_line(acme: Acme):
    change = await opened(acme, "break", {"storage.tf": 'resource "a" "b" {\n  x =\n}\n'})
    await acme.pipeline.run_once()
    checks = await acme.forge.checks(REPOSITORY, change.head)
    assert checks is not None
    logs = {check.name: check.log for check in checks.checks}
    assert logs["validate"].startswith("storage.tf:2:")


async def test_a_change_cannot_relax_the_pipeline_that_judges_it(acme: Acme):
    easy = "version: 1\nvalidate:\n  - {name: fmt, run: format}\n"
    change = await opened(acme, "easy", {"pipeline.yaml": easy})
    await acme.pipeline.run_once()
    checks = await acme.forge.checks(REPOSITORY, change.head)
    assert checks is not None
    assert len(checks.checks) == 4


async def test_opening_again_is_the_same_change(acme: Acme):
    change = await opened(acme, "one", fixed(acme), key="k1")
    for key in ("k1", "k2"):
        again, created = await acme.forge.open_change(
            REPOSITORY, branch="one", base="main", title="Other", body="", key=key
        )
        assert (again.number, created) == (change.number, False)
    assert await acme.forge.find_by_key(REPOSITORY, "k1") == change
    assert len(await acme.forge.list_changes(REPOSITORY)) == 1


async def test_opening_at_the_same_time_is_one_change(acme: Acme):
    await push(acme, "one", fixed(acme))
    opening = [
        acme.forge.open_change(REPOSITORY, branch="one", base="main", title="T", body="", key=f"k{i}") for i in range(5)
    ]
    assert sorted(created for _, created in await asyncio.gather(*opening)) == [False] * 4 + [True]


async def test_a_stale_head_is_refused(acme: Acme):
    change = await opened(acme, "one", fixed(acme))
    await push(acme, "one", {"more.tf": "# more\n"})
    refused = await acme.forge.merge(REPOSITORY, 1, change.head, "user:U2")
    assert isinstance(refused, Refused)
    assert refused.kind == "stale"
    assert await acme.forge.branch_head(REPOSITORY, "main") == acme.head
    assert await acme.watch.settled(f"checks:{REPOSITORY}#1@{change.head}") == "stale"


async def test_a_conflict_is_refused(acme: Acme):
    one = await opened(acme, "one", {"storage.tf": "# one\n"})
    two = await opened(acme, "two", {"storage.tf": "# two\n"})
    assert isinstance(await acme.forge.merge(REPOSITORY, 1, one.head, "user:U2"), Merged)
    refused = await acme.forge.merge(REPOSITORY, 2, two.head, "user:U2")
    assert isinstance(refused, Refused)
    assert refused.kind == "conflict"


async def test_changes_beside_each_other_both_merge_and_are_applied_once(acme: Acme):
    one = await opened(acme, "one", fixed(acme))
    two = await opened(acme, "two", {"more.tf": "# more\n"})
    merges = await asyncio.gather(
        acme.forge.merge(REPOSITORY, 1, one.head, "user:U1"), acme.forge.merge(REPOSITORY, 2, two.head, "user:U2")
    )
    assert all(isinstance(merge, Merged) for merge in merges)
    await acme.pipeline.run_once()
    applied = load_applied(applied_path(acme.forge, REPOSITORY))
    assert applied.head == await acme.forge.branch_head(REPOSITORY, "main")
    for merge in merges:
        assert isinstance(merge, Merged)
        assert await acme.watch.settled(f"apply:{REPOSITORY}@{merge.commit}") == "applied"


async def test_merging_twice_gives_the_same_answer(acme: Acme):
    change = await opened(acme, "one", fixed(acme))
    answers = await asyncio.gather(*(acme.forge.merge(REPOSITORY, 1, change.head, "user:U2") for _ in range(4)))
    assert {answer.commit for answer in answers if isinstance(answer, Merged)} == {
        await acme.forge.branch_head(REPOSITORY, "main")
    }
    assert sorted(answer.repeated for answer in answers if isinstance(answer, Merged)) == [False, True, True, True]


async def test_a_merge_cut_off_between_branch_and_record_is_understood(acme: Acme):
    change = await opened(acme, "one", fixed(acme))
    merged = await acme.forge.merge(REPOSITORY, 1, change.head, "user:U2")
    assert isinstance(merged, Merged)
    merging = Merging(commit=merged.commit, by="user:U2", head=change.head, base_head=acme.head)
    place(acme.forge.root, REPOSITORY).save(Entry(change=change, merging=merging))
    found = await acme.forge.get_change(REPOSITORY, 1)
    assert (found.state, found.merged_as, found.merged_by) == (ChangeState.MERGED, merged.commit, "user:U2")


async def test_a_merge_cut_off_before_the_branch_moved_did_not_happen(acme: Acme):
    change = await opened(acme, "one", fixed(acme))
    merging = Merging(commit="1" * 40, by="user:U2", head=change.head, base_head=acme.head)
    place(acme.forge.root, REPOSITORY).save(Entry(change=change, merging=merging))
    assert (await acme.forge.get_change(REPOSITORY, 1)).state is ChangeState.OPEN
    assert isinstance(await acme.forge.merge(REPOSITORY, 1, change.head, "user:U2"), Merged)


async def test_a_closed_change_is_not_merged(acme: Acme):
    change = await opened(acme, "one", fixed(acme))
    await acme.forge.close_change(REPOSITORY, 1, "user:U1")
    refused = await acme.forge.merge(REPOSITORY, 1, change.head, "user:U2")
    assert isinstance(refused, Refused)
    assert await acme.watch.settled(f"merge:{REPOSITORY}#1") == "closed"


async def test_a_pipeline_killed_half_way_starts_over(acme: Acme):
    change = await opened(acme, "one", fixed(acme))
    task = asyncio.create_task(acme.pipeline.run_once())
    while (await acme.forge.checks(REPOSITORY, change.head)) is None:  # noqa: ASYNC110 - watched from outside
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await acme.watch.settled(f"checks:{REPOSITORY}#1@{change.head}") is None
    another = LocalPipeline(forge=acme.forge, git=acme.git, sandbox=acme.sandbox, repositories=(REPOSITORY,))
    await another.run_once()
    assert await acme.watch.settled(f"checks:{REPOSITORY}#1@{change.head}") == "passed"


async def test_the_runner_stops_when_asked(acme: Acme):
    stop = asyncio.Event()
    change = await opened(acme, "one", fixed(acme))
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(acme.pipeline.run(stop))
        while not acme.told:  # noqa: ASYNC110 - watched from outside
            await asyncio.sleep(0.02)
        stop.set()
    assert acme.told == [f"checks:{REPOSITORY}#1@{change.head}"]


async def test_what_does_not_exist_is_named(acme: Acme):
    with pytest.raises(UnknownRepositoryError):
        await acme.forge.get_change("acme/none", 1)
    for name in ("../infra", "acme/../infra", "acme", "acme/infra.git/..", "/etc/passwd"):
        with pytest.raises(UnknownRepositoryError):
            acme.forge.bare(name)
    with pytest.raises(UnknownChangeError, match="acme/infra#9"):
        await acme.forge.get_change(REPOSITORY, 9)
    with pytest.raises(UnknownBranchError):
        await acme.forge.open_change(REPOSITORY, branch="none", base="main", title="T", body="", key="k")
    assert await acme.watch.settled("merge:acme/infra#9") == "gone"
    assert await acme.watch.settled("child:r-1") is None


def test_plans_compare_by_meaning():
    before = {"a.x": {"n": 1, "m": 2}, "a.y": {}}
    planned = plan_between(before, {"a.x": {"m": 2, "n": 1}, "a.z": {}})
    assert planned.lines == ("+ a.z", "- a.y")
    assert plan_between(before, {**before, "a.x": {"n": 2}}).summary == "0 to add, 1 to change, 0 to remove"


@pytest.mark.parametrize(
    "text", ["", "version: 2", "version: 1\nvalidate: []", "a: [", "version: 1\nvalidate: [{name: x, run: rm}]"]
)
def test_bad_pipelines_say_where(text: str):
    with pytest.raises(PipelineError, match=r"pipeline\.yaml: "):
        parse_pipeline(text)


async def test_records_are_plain_json_beside_the_repository(acme: Acme):
    await opened(acme, "one", fixed(acme))
    record = json.loads((acme.root / "forge" / "acme" / "infra.forge" / "changes" / "1.json").read_text())
    assert record["change"]["branch"] == "one"

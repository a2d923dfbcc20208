"""Story 1, step by step: a finding becomes a change request, a person merges, the scan of what was applied is clean."""

import pytest

from domain import events as e
from domain.approvals import ApprovalEnd
from domain.calls import Doubt, ErrorKind, Observation
from domain.outcomes import Outcome
from domain.runs import Status
from loop.ports import AwaitTopic, Conclude, GiveUp, Propose
from tests.reasoning.drive import ALLOWED, Story, chat

HEAD, MERGED = "a" * 40, "b" * 40
FINDING = {
    "rule": "S3-7",
    "level": "error",
    "message": "aws_s3_bucket.exports: no encryption",
    "resource": "aws_s3_bucket.exports",
    "file": "storage.tf",
    "line": 27,
    "fingerprint": "f" * 32,
}
CLONED = {"repository": "acme/infra", "head": HEAD, "branch": None, "files": 8}
OPENED = {
    "repository": "acme/infra",
    "number": 1,
    "reference": "acme/infra#1",
    "head": HEAD,
    "state": "open",
    "checks_topic": f"checks:acme/infra#1@{HEAD}",
    "merge_topic": "merge:acme/infra#1",
    "apply_topic": None,
}
MERGE_SEEN = {**OPENED, "state": "merged", "merged_as": MERGED, "apply_topic": f"apply:acme/infra@{MERGED}"}


def scanned(*findings: dict[str, object], head: str = HEAD, edited: bool = False) -> dict[str, object]:
    return {"findings": list(findings), "count": len(findings), "rules": [], "head": head, "edited": edited}


def story() -> Story:
    return Story(chat("fix finding S3-7 in acme/infra"))


def until_edited(key_hits: int = 1) -> Story:
    told = story().bring(CLONED).bring(scanned(FINDING))
    return told.bring({"text": "..."}, {"count": key_hits, "hits": []})


def until_open() -> Story:
    told = until_edited().bring({"changed": True, "diff": "+"}).bring(scanned(edited=True))
    return told.bring({"head": HEAD}).bring({"head": HEAD}).bring(OPENED)


def test_every_step_of_the_way() -> None:
    told = story()
    clone = told.next()
    assert isinstance(clone, Propose)
    assert [(c.tool, c.arguments, c.step) for c in clone.calls] == [
        ("git.clone", {"repository": "acme/infra"}, "encrypt-bucket/clone")
    ]
    assert clone.by == "runbook:encrypt-bucket"
    told.bring(CLONED)
    scan = told.next()
    assert isinstance(scan, Propose)
    assert scan.calls[0].arguments == {"repository": "acme/infra", "rule": "S3-7"}
    told.bring(scanned(FINDING))
    read = told.next()
    assert isinstance(read, Propose)
    assert [c.step for c in read.calls] == ["encrypt-bucket/read/file", "encrypt-bucket/read/key"]
    assert read.calls[0].arguments["path"] == "storage.tf"
    assert read.calls[0].tainted == ("path",)
    told.bring({"text": "..."}, {"count": 1, "hits": []})
    edit = told.next()
    assert isinstance(edit, Propose)
    written = edit.calls[0].arguments["edits"][0]["replace"]
    assert 'resource "aws_s3_bucket_server_side_encryption_configuration" "exports" {\n' in written
    assert "  bucket = aws_s3_bucket.exports.id\n" in written
    assert edit.calls[0].tainted == ("edits", "path")
    told.bring({"changed": True, "diff": "+"})
    rescan = told.next()
    assert isinstance(rescan, Propose)
    assert rescan.calls[0].expect is not None
    assert rescan.calls[0].expect.condition == "result.count < 1"
    told.bring(scanned(edited=True))
    commit = told.next()
    assert isinstance(commit, Propose)
    assert commit.calls[0].arguments["branch"] == "countersign/r-abc"
    assert "aws_s3_bucket.exports: no encryption" in commit.calls[0].arguments["message"]
    told.bring({"head": HEAD})
    push = told.next()
    assert isinstance(push, Propose)
    assert push.calls[0].tool == "git.push"
    assert push.calls[0].tainted == ()
    assert push.calls[0].rollback
    told.bring({"head": HEAD})
    change = told.next()
    assert isinstance(change, Propose)
    assert change.calls[0].arguments["title"] == "Encrypt buckets at rest (S3-7)"
    told.bring(OPENED)
    checks = told.next()
    assert isinstance(checks, AwaitTopic)
    assert (checks.topic, checks.offer, checks.within_s) == (f"checks:acme/infra#1@{HEAD}", None, 1800)
    told.noticed("passed")
    merge = told.next()
    assert isinstance(merge, AwaitTopic)
    assert merge.topic == "merge:acme/infra#1"
    assert merge.offer is not None
    assert merge.offer.tool == "forge.merge"
    assert merge.offer.arguments == {"repository": "acme/infra", "number": 1, "head": HEAD}
    assert merge.offer.tainted == ("head", "number")
    told.noticed("merged").bring(MERGE_SEEN)
    applied = told.next()
    assert isinstance(applied, AwaitTopic)
    assert applied.topic == f"apply:acme/infra@{MERGED}"
    told.noticed("applied")
    fetch = told.next()
    assert isinstance(fetch, Propose)
    assert fetch.calls[0].arguments == {"repository": "acme/infra", "commit": MERGED}
    told.bring({**CLONED, "head": MERGED})
    done = told.next()
    assert isinstance(done, Conclude)
    assert done.checks[0].expect is not None
    assert done.checks[0].expect.condition == f'result.count == 0 && !result.edited && result.head == "{MERGED}"'
    told.take()
    call = told.run.batch[0].call.call_id
    told.start(call).returned(call, scanned(head=MERGED), met=True)
    assert told.run.ending is not None
    assert told.run.ending.outcome is Outcome.SUCCEEDED


def test_a_change_request_whose_answer_was_lost_is_opened_again_under_the_same_branch() -> None:
    told = until_edited().bring({"changed": True}).bring(scanned(edited=True)).bring({"head": HEAD}).bring({}).take()
    call = told.run.batch[0].call
    told.start(call.call_id).add(e.ActionInDoubt(call_id=call.call_id, why="lost", remedy="check"))
    told.add(e.DoubtResolved(call_id=call.call_id, finding=Doubt.HAPPENED, by="forge.open_change"))
    again = told.next()
    assert isinstance(again, Propose)
    assert again.calls[0].arguments == call.arguments
    assert isinstance(told.bring(OPENED).next(), AwaitTopic)


def test_a_merge_by_the_button_goes_on_just_so() -> None:
    told = until_open().noticed("passed").take()
    offer = told.run.offer
    assert offer is not None
    approval = told.ask()
    told.add(e.ApprovalGranted(approval_id=approval, use_until=told.run.updated_at, voters=("user:U0SRE0001",)))
    told.add(e.ActionStarted(call_id=offer.call.call_id, epoch=1, key="k", digest="d"))
    told.returned(offer.call.call_id, {"commit": MERGED})
    assert told.run.waits[-1].what == "done"
    seen = told.next()
    assert isinstance(seen, Propose)
    assert seen.calls[0].step == "encrypt-bucket/merged"


def test_nothing_to_do_is_said_so() -> None:
    told = story().bring(CLONED).bring(scanned())
    done = told.next()
    assert isinstance(done, Conclude)
    assert done.summary.startswith("Nothing to fix")
    assert done.checks == ()


def test_several_buckets_are_mended_one_after_the_other() -> None:
    other = {**FINDING, "resource": "aws_s3_bucket.raw", "line": 60}
    told = story().bring(CLONED).bring(scanned(FINDING, other)).bring({"text": ""}, {"count": 1})
    told.bring({"changed": True}).bring(scanned(other, edited=True))
    again = told.next()
    assert isinstance(again, Propose)
    assert again.calls[0].step == "encrypt-bucket/scan"
    told.bring(scanned(other, edited=True)).bring({"text": ""}, {"count": 1})
    edit = told.next()
    assert isinstance(edit, Propose)
    assert "aws_s3_bucket.raw.id" in edit.calls[0].arguments["edits"][0]["replace"]
    told.bring({"changed": True}).bring(scanned(edited=True))
    commit = told.next()
    assert isinstance(commit, Propose)
    assert commit.calls[0].tool == "git.commit"


def test_without_a_key_a_person_has_to_choose() -> None:
    told = until_edited(key_hits=0)
    gone = told.next()
    assert isinstance(gone, GiveUp)
    assert "no `aws_kms_key.data`" in gone.why
    assert "• scan (`scan.repository`)" in gone.why


def test_an_edit_that_does_not_help_is_not_pushed() -> None:
    told = until_edited().bring({"changed": True}).take()
    call = told.run.batch[0].call.call_id
    told.start(call).returned(call, scanned(FINDING, edited=True), met=False)
    gone = told.next()
    assert isinstance(gone, GiveUp)
    assert "does not show that aws_s3_bucket.exports is encrypted now" in gone.why


def test_a_clone_that_fails_is_tried_three_times() -> None:
    broken = Observation(ok=False, summary="", error="no such repository", error_kind=ErrorKind.PERMANENT)
    told = story().bring(broken).bring(broken)
    assert isinstance(told.next(), Propose)
    gone = told.bring(broken).next()
    assert isinstance(gone, GiveUp)
    assert "tried 3 times" in gone.why
    assert "`git.clone` failed [permanent]: no such repository" in gone.why


def test_a_pipeline_that_fails_is_escalated_with_its_log() -> None:
    told = until_open().noticed("failed")
    log = {"name": "scan", "state": "failed", "summary": "1 error", "log": "storage.tf:27 S3-7"}
    told.bring({**OPENED, "checks": "failed", "pipeline": {"state": "failed", "checks": [log], "plan": []}})
    gone = told.next()
    assert isinstance(gone, GiveUp)
    assert gone.outcome is Outcome.ESCALATED
    assert "The check that failed: scan, 1 error." in gone.why
    assert "storage.tf:27 S3-7" in gone.why


@pytest.mark.parametrize(
    ("end", "says"),
    [
        (ApprovalEnd.DENIED, "user:U0SRE0001 denied `forge.merge`: not today"),
        (ApprovalEnd.EXPIRED, "nobody denied `forge.merge`, but it was not countersigned and started in time"),
    ],
)
def test_a_denied_merge_is_not_an_expired_one(end: ApprovalEnd, says: str) -> None:
    told = until_open().noticed("passed").take()
    told.close(told.ask(), end, "not today")
    gone = told.next()
    assert isinstance(gone, GiveUp)
    assert says in gone.why


def test_a_change_request_that_somebody_closed_ends_the_run() -> None:
    gone = until_open().noticed("passed").noticed("closed").next()
    assert isinstance(gone, GiveUp)
    assert "merge:acme/infra#1 ended as `closed`, not as merged" in gone.why


def test_what_policy_refuses_is_said_with_the_reason() -> None:
    told = until_edited().bring({"changed": True}).bring(scanned(edited=True)).bring({"head": HEAD}).take()
    told.refuse("tier recommend does not admit draft")
    gone = told.next()
    assert isinstance(gone, GiveUp)
    assert "policy refused `git.push`: tier recommend does not admit draft" in gone.why
    assert told.run.status is Status.REASONING


def test_a_redirect_starts_the_new_goal_afresh_even_when_it_is_the_same() -> None:
    told = until_edited()
    task = told.run.received
    told.add(e.Redirected(by="user:U0SRE0001", task=task, agent="remediation"))
    told.add(e.PolicyDecided(decision=ALLOWED))
    first = told.next()
    assert isinstance(first, Propose)
    assert first.calls[0].step == "encrypt-bucket/clone"
    assert "A runbook does not understand" not in first.rationale


def test_what_people_say_is_shown_and_not_pretended_to_be_understood() -> None:
    told = story().bring(CLONED).add(e.PersonSpoke(by="user:U0SRE0001", text="use the other key"))
    scan = told.next()
    assert isinstance(scan, Propose)
    assert "user:U0SRE0001: “use the other key”" in scan.rationale
    assert "does not understand free text" in scan.rationale
    later = told.bring(scanned(FINDING)).next()
    assert isinstance(later, Propose)
    assert "free text" not in later.rationale

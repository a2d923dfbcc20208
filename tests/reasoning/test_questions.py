"""Story 3: a question is answered with evidence, and nothing above a read is ever proposed."""

from domain.tiers import Effect
from loop.ports import Conclude, Propose
from reasoning.runbooks.check import calls_of
from tests.reasoning.drive import CATALOG, RUNBOOKS, Story, chat
from tests.reasoning.test_encrypt_bucket import CLONED, FINDING, scanned
from tests.reasoning.test_service_down import DOWN, LOG, PROBED, UP


def test_why_is_web_down() -> None:
    told = Story(chat("Why is web down?"))
    look = told.next()
    assert isinstance(look, Propose)
    assert [c.tool for c in look.calls] == ["service.status", "service.logs", "service.logs"]
    told.bring(DOWN, LOG, {"text": "ERROR pool exhausted"}).bring(PROBED)
    done = told.next()
    assert isinstance(done, Conclude)
    assert "web is not healthy" in done.summary
    assert "ERROR pool exhausted" in done.summary
    assert "Recommendation: a restart" in done.summary


def test_what_is_the_status_of_web() -> None:
    told = Story(chat("what is the status of web")).bring({**UP, "uptime_s": 12.5}, LOG, LOG).bring(PROBED)
    done = told.next()
    assert isinstance(done, Conclude)
    assert "generation 4, for 12.5 seconds" in done.summary


def test_is_a_finding_still_open() -> None:
    told = Story(chat("Is finding S3-7 still open in acme/infra?")).bring(CLONED).bring(scanned(FINDING))
    source = told.next()
    assert isinstance(source, Propose)
    assert source.calls[0].arguments == {"repository": "acme/infra", "path": "storage.tf", "first": 27, "lines": 8}
    done = told.bring({"text": 'resource "aws_s3_bucket" "exports" {'}).next()
    assert isinstance(done, Conclude)
    assert done.summary.startswith("Yes: S3-7 is open in acme/infra")
    assert 'resource "aws_s3_bucket" "exports" {' in done.summary
    assert "• aws_s3_bucket.exports: no encryption" in done.summary


def test_a_finding_that_is_gone() -> None:
    done = Story(chat("is NET-22 open in acme/infra")).bring(CLONED).bring(scanned()).next()
    assert isinstance(done, Conclude)
    assert done.summary.startswith("No:")


def test_which_findings_are_open() -> None:
    done = Story(chat("what findings are open in acme/infra?")).bring(CLONED).bring(scanned(FINDING)).next()
    assert isinstance(done, Conclude)
    assert "Open findings in acme/infra at aaaaaaaaaa: 1." in done.summary


def test_questions_only_read() -> None:
    for book in (book for name, book in RUNBOOKS.items() if name.startswith("question-")):
        for call in (call for step in book.steps for call in calls_of(step)):
            spec = CATALOG.spec(call.tool)
            assert spec is not None
            assert spec.effect is Effect.READ, call.tool

"""Story 2: look, ask to restart, compare with what was predicted; from an alert and from a person."""

import pytest

from domain import events as e
from domain.approvals import ApprovalEnd
from domain.calls import Doubt, Observation
from loop.ports import Conclude, GiveUp, Propose
from tests.reasoning.drive import Story, alert, chat

URL = "http://127.0.0.1:8080/"
DOWN = {"service": "web", "running": True, "healthy": False, "generation": 3, "url": URL, "detail": "503", "pid": 7}
UP = {**DOWN, "healthy": True, "generation": 4}
LOG = {"service": "web", "lines": 2, "errors": 1, "text": "INFO fine\nERROR pool exhausted"}
PROBED = {"url": URL, "status": 503, "reachable": True, "good": False, "ms": 4, "body": ""}


def asked() -> Story:
    return Story(chat("restart web"))


def until_restart(story: Story | None = None) -> Story:
    return (story or asked()).bring(DOWN, LOG).bring(PROBED)


def test_it_looks_before_it_touches() -> None:
    told = asked()
    look = told.next()
    assert isinstance(look, Propose)
    assert [(c.tool, c.arguments) for c in look.calls] == [
        ("service.status", {"service": "web"}),
        ("service.logs", {"service": "web", "lines": 30}),
    ]
    probe = told.bring(DOWN, LOG).next()
    assert isinstance(probe, Propose)
    assert probe.calls[0].arguments == {"url": URL}
    assert probe.calls[0].tainted == ("url",)


def test_the_restart_comes_with_prediction_check_and_rollback() -> None:
    restart = until_restart().next()
    assert isinstance(restart, Propose)
    call, check = restart.calls
    assert (call.tool, call.arguments) == ("service.restart", {"service": "web"})
    assert call.expect is not None
    assert call.expect.condition == "result.healthy && result.generation > 3"
    assert "Within 30 seconds" in call.prediction
    assert "cannot be taken back" in call.rollback
    assert "ERROR pool exhausted" in call.purpose
    assert (check.tool, check.verifies_previous, check.step) == (
        "service.status",
        True,
        "service-down/restart/verify",
    )
    assert not call.verifies_previous


@pytest.mark.parametrize("name", ["ServiceDown", "ProbeFailed", "HighErrorRate"])
def test_an_alert_leads_the_same_way_and_the_service_is_clean(name: str) -> None:
    told = until_restart(Story(alert({"alertname": name, "service": "WEB"})))
    restart = told.next()
    assert isinstance(restart, Propose)
    assert restart.calls[0].arguments == {"service": "web"}
    assert restart.calls[0].tainted == ()  # the runbook's own word, whatever the alert's letters


def test_after_the_restart_the_job_is_done_if_the_check_holds() -> None:
    told = until_restart().bring({"service": "web", "generation": 4, "healthy": True}, UP)
    done = told.next()
    assert isinstance(done, Conclude)
    assert "generation 3 became 4" in done.summary
    assert [c.tool for c in done.checks] == ["service.status"]


def test_what_is_healthy_is_left_alone_with_the_evidence() -> None:
    told = asked().bring(UP, LOG).bring({**PROBED, "status": 200, "good": True})
    done = told.next()
    assert isinstance(done, Conclude)
    assert "healthy now; nothing was changed" in done.summary
    assert done.checks == ()


def test_a_log_that_cannot_be_read_does_not_stop_it() -> None:
    told = asked().bring(DOWN, Observation(ok=False, summary="", error="no log"))
    assert isinstance(told.next(), Propose)
    restart = told.bring(Observation(ok=False, summary="", error="refused")).next()
    assert isinstance(restart, Propose)
    assert "(nothing could be read)" in restart.calls[0].purpose


@pytest.mark.parametrize(
    ("end", "says"),
    [
        (ApprovalEnd.DENIED, "user:U0SRE0001 denied `service.restart`: wait for the deploy"),
        (
            ApprovalEnd.EXPIRED,
            "nobody denied `service.restart`, but it was not countersigned and started in time (asked: 1 of group:sre)",
        ),
    ],
)
def test_a_no_and_a_silence_end_it_each_with_its_own_words(end: ApprovalEnd, says: str) -> None:
    told = until_restart().take()
    gone = told.close(told.ask(), end, "wait for the deploy").next()
    assert isinstance(gone, GiveUp)
    assert says in gone.why
    assert "What is known:" in gone.why


def test_an_approval_that_lost_its_object_makes_it_look_again() -> None:
    told = until_restart().take()
    look = told.close(told.ask(), ApprovalEnd.VOIDED, "generation 4 now").next()
    assert isinstance(look, Propose)
    assert look.calls[0].step == "service-down/look/status"
    done = told.bring(UP, LOG).bring(PROBED).next()
    assert isinstance(done, Conclude)


def test_a_restart_that_does_not_help_calls_the_owners_and_tries_nothing_twice() -> None:
    told = until_restart().take()
    restart, check = (record.call.call_id for record in told.run.batch)
    told.start(restart).returned(restart, {"generation": 4, "healthy": False}, met=False)
    told.add(e.CallsDropped(call_ids=(check,), why="not as predicted"))
    again = told.next()
    assert isinstance(again, Propose)
    assert [c.step for c in again.calls] == ["service-down/look_again/status", "service-down/look_again/logs"]
    gone = told.bring(DOWN, LOG).next()
    assert isinstance(gone, GiveUp)
    assert "did not show what was predicted" in gone.why
    assert "web runs as a new generation and is healthy" in gone.why
    assert "ERROR pool exhausted" in gone.why


def in_doubt(remedy: str) -> Story:
    told = until_restart().take()
    restart, check = (record.call.call_id for record in told.run.batch)
    told.start(restart).add(e.ActionInDoubt(call_id=restart, why="the worker was lost", remedy=remedy))
    return told.add(e.CallsDropped(call_ids=(check,), why="whether service.restart happened is in doubt"))


def test_a_restart_that_did_not_happen_after_all_is_given_to_people() -> None:
    told = in_doubt("ask")
    restart = told.run.batch[0].call.call_id
    told.add(e.DoubtPutToPerson(call_id=restart, question="Did it happen?", options=("yes", "no")))
    told.add(e.Answered(by="user:U0SRE0001", text="no"))
    told.add(e.DoubtResolved(call_id=restart, finding=Doubt.NOT_HAPPENED, by="user:U0SRE0001"))
    gone = told.next()
    assert isinstance(gone, GiveUp)
    assert "`service.restart` was not done: It did not happen, says user:U0SRE0001." in gone.why


def test_a_restart_that_did_happen_is_not_repeated_but_checked() -> None:
    told = in_doubt("check")
    told.add(e.DoubtResolved(call_id=told.run.batch[0].call.call_id, finding=Doubt.HAPPENED, by="service.restart"))
    check = told.next()
    assert isinstance(check, Propose)
    assert [(c.tool, c.step) for c in check.calls] == [("service.status", "service-down/restart/verify")]
    done = told.bring(UP).next()
    assert isinstance(done, Conclude)
    assert "generation 3 became 4" in done.summary


def test_a_final_check_that_fails_is_not_a_success() -> None:
    told = until_restart().bring({"generation": 4, "healthy": True}, UP).take()
    call = told.run.batch[0].call.call_id
    told.start(call).returned(call, DOWN, met=False)
    assert told.run.ending is None
    gone = told.next()
    assert isinstance(gone, GiveUp)
    assert "does not show that web is healthy" in gone.why

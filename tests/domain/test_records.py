"""Deeds: what an agent's calls came to, by the run's events alone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.approvals import ApprovalEnd, ApprovalRequest
from domain.calls import ToolCall
from domain.records import Deed, deed_of, touched, track_record
from domain.runs import CallRecord, Run
from domain.tiers import Effect

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
REQUEST = ApprovalRequest(approval_id="r.c1", call_id="c1", digest="d", requirements=(), expires_at=NOW)
CALL = ToolCall(call_id="c1", tool="service.restart", version=1, effect=Effect.CHANGE, arguments={})
CHECK = replace(CALL, call_id="c2", tool="service.status", effect=Effect.READ, verifies="c1")
DONE = CallRecord(call=CALL, request=REQUEST, key="k1")


def deed(*records: CallRecord) -> Deed:
    run = Run(run_id="r", agent="incident", past=records, updated_at=NOW)
    found = deed_of(run, records[0])
    assert found is not None
    return found


def test_what_started_under_its_own_countersignature_was_approved_as_proposed() -> None:
    assert deed(DONE) == Deed(run_id="r", call_id="c1", agent="incident", tool="service.restart", approved=True, at=NOW)
    assert deed(DONE).good


def test_what_ran_without_being_asked_about_was_approved_by_nobody() -> None:
    assert not deed(replace(DONE, request=None)).approved


def test_what_somebody_edited_was_not_approved_as_proposed() -> None:
    edited = deed(replace(DONE, call=replace(CALL, proposer="user:U2")))
    assert (edited.edited, edited.approved, edited.good) == (True, False, False)


def test_a_denial_is_one_and_an_expiry_is_none() -> None:
    asked = replace(DONE, key="")
    assert deed(replace(asked, approval_end=ApprovalEnd.DENIED)).denied
    assert not deed(replace(asked, approval_end=ApprovalEnd.EXPIRED)).denied


def test_a_prediction_holds_if_every_check_of_it_does() -> None:
    held, failed = CallRecord(call=CHECK, met=True), CallRecord(call=replace(CHECK, call_id="c3"), met=False)
    assert deed(DONE).held is None
    assert deed(DONE, held).held is True
    assert deed(DONE, held, failed).held is False
    assert deed(replace(DONE, met=False), held).held is False
    assert not deed(DONE, failed).good


def test_it_was_rolled_back_once_a_call_that_takes_it_back_has_started() -> None:
    back = CallRecord(call=replace(CALL, call_id="c4", undoes="c1"))
    assert not deed(DONE, back).rolled_back
    assert deed(DONE, replace(back, key="k4")).rolled_back


def test_reads_and_what_nobody_met_are_no_deeds() -> None:
    run = Run(run_id="r", agent="incident")
    assert deed_of(run, CallRecord(call=CHECK, key="k")) is None
    assert deed_of(run, CallRecord(call=CALL)) is None


def test_a_check_touches_what_it_checks() -> None:
    check = CallRecord(call=CHECK)
    run = Run(run_id="r", past=(DONE, check))
    assert touched(run, "c2") == (check, DONE)
    assert touched(run, "c1") == (DONE,)
    assert touched(run, "c9") == ()


def test_the_record_counts() -> None:
    bad = replace(deed(DONE), held=False)
    counted = track_record([deed(DONE), bad, replace(bad, approved=False, denied=True, held=None)])
    assert (counted.proposed, counted.approved, counted.denied, counted.failed, counted.broken) == (3, 2, 1, 1, True)


def test_what_was_rolled_back_is_not_good_and_breaks_the_record() -> None:
    back = deed(DONE, CallRecord(call=replace(CALL, call_id="c4", undoes="c1"), key="k4"))
    assert not back.good
    assert (track_record([back]).broken, track_record([deed(DONE)]).broken) == (True, False)


def test_what_was_asked_about_and_never_started_was_not_approved() -> None:
    assert not deed(replace(DONE, key="")).approved


def test_predictions_that_held_are_counted_apart_from_those_that_nobody_checked() -> None:
    held = replace(deed(DONE), held=True)
    assert (track_record([held, deed(DONE)]).held, track_record([deed(DONE)]).held) == (1, 0)


def test_a_call_touches_what_it_takes_back_and_nothing_else() -> None:
    other = replace(DONE, call=replace(CALL, call_id="c9"))
    back = CallRecord(call=replace(CALL, call_id="c4", undoes="c1"))
    run = Run(run_id="r", past=(DONE, other, back))
    assert touched(run, "c4") == (back, DONE)


@pytest.mark.parametrize(("checks", "held"), [((True, True), True), ((True, False), False), ((None, True), True)])
def test_a_check_that_has_not_come_back_says_nothing(checks: tuple[bool | None, ...], held: bool) -> None:
    listed = [CallRecord(call=replace(CHECK, call_id=f"v{n}"), met=met) for n, met in enumerate(checks)]
    other = CallRecord(call=replace(CHECK, call_id="x", verifies="c9"), met=False)
    assert deed(DONE, *listed, other).held is held

"""Values of the house as JSON."""

import dataclasses
import json
from typing import get_args

import pytest

from domain.approvals import ApprovalEnd, ApprovalRequest
from domain.calls import ToolCall
from domain.decisions import Approvers
from domain.events import Event, Recorded
from domain.runs import CallRecord, CallStatus
from domain.tiers import Effect, Tier
from handlers.http import shapes
from tests.http.fakes import DECISION, NOW, REQUIREMENT, parked
from tests.http.test_api import task


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (90, "90s"), (900, "15m"), (14_400, "4h"), (86_400, "24h"), (0.5, "0.5s")]
)
def test_durations_are_spelled_as_rules_spell_them(seconds, text):
    assert shapes.duration(seconds) == text


@pytest.mark.parametrize(
    ("record", "status"),
    [
        ({"status": CallStatus.AWAITING}, "open"),
        ({"status": CallStatus.ALLOWED}, "granted"),
        ({"status": CallStatus.ACTING, "key": "k"}, "used"),
        ({"status": CallStatus.RETURNED, "key": "k"}, "used"),
        ({"status": CallStatus.IN_DOUBT, "key": "k"}, "used"),
        ({"status": CallStatus.DROPPED}, "voided"),
        ({"status": CallStatus.DROPPED, "key": "k"}, "used"),
        ({"status": CallStatus.DROPPED, "approval_end": ApprovalEnd.EXPIRED}, "expired"),
        ({"status": CallStatus.DROPPED, "approval_end": ApprovalEnd.DENIED}, "denied"),
    ],
)
def test_an_approval_says_how_it_stands(record, status):
    call = ToolCall(call_id="c1", tool="t", version=1, effect=Effect.CHANGE, arguments={})
    request = ApprovalRequest(approval_id="a1", call_id="c1", digest="d", requirements=(REQUIREMENT,), expires_at=NOW)
    assert shapes.approval_json(CallRecord(call=call, request=request, **record))["status"] == status


def test_a_refusal_asks_nobody():
    refused = dataclasses.replace(DECISION, allowed=False)
    assert shapes.decision_json(refused)["required_approvals"] == []


def test_events_are_plain_json_with_nothing_left_out():
    for event in parked(task()):
        shown = shapes.event_json(Recorded(stream="r-1", seq=1, at=NOW, event=event))
        assert json.loads(json.dumps(shown)) == shown
        assert set(shown["data"]) == {f.name for f in dataclasses.fields(event)}
    assert {kind.__name__ for kind in get_args(Event)} > {"TaskReceived", "RunFinished"}


def test_what_has_no_json_form_is_an_error():
    with pytest.raises(TypeError, match="object"):
        shapes.plain(object())
    assert shapes.plain(frozenset({"b", "a"})) == ["a", "b"]
    assert shapes.plain(Tier.DRAFT) == 2
    assert shapes.plain(Approvers(kind="group", name="sre")) == {"kind": "group", "name": "sre", "of": []}

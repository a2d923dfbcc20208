"""Deliveries: who may make them, what is taken, and that they are durable before they are acknowledged."""

import asyncio
import copy
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.events import PersonSpoke, RunFinished, TaskReceived
from domain.outcomes import Outcome
from domain.signals import SignalKind
from domain.tasks import Source, Trust
from handlers.http import alertmanager, examples
from handlers.http.ports import SourceConfig
from tests.http.conftest import SENDER, SETTINGS, SOURCES
from tests.http.fakes import NOW
from tests.http.test_edge import is_problem


def notification(**changes):
    """The example's delivery, with its one alert changed."""
    document = copy.deepcopy(examples.NOTIFICATION)
    document["alerts"][0] |= changes
    return document


async def settled(doors):
    await asyncio.sleep(0)
    async with asyncio.timeout(2):
        await doors.consumer.idle()


# ── At the door ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_delivery_becomes_a_task_in_its_channel(doors):
    answer = await doors.post("/webhooks/prom", notification(), SENDER)
    assert answer.status == 202
    assert answer.json == {"accepted": 1}
    await settled(doors)
    (task,) = doors.operator.tasks
    assert task.type == "service-alert"
    assert task.goal == "web is down"
    assert task.requester is None
    assert task.trust is Trust.UNTRUSTED
    assert task.place.channel == "C9"
    assert task.context.agent_slug == "incident"
    assert task.trigger.source is Source.ALERT
    assert task.trigger.source_id == "2f9a1c0d3b4e5f60@2026-11-21T08:00:00Z"
    assert task.trigger.correlation == "service:web"
    assert task.payload == {
        "labels": {"alertname": "ServiceDown", "service": "web"},
        "annotations": {"summary": "web is down"},
        "generatorURL": "http://prometheus.acme.example:9090/graph",
        "startsAt": "2026-11-21T08:00:00Z",
        "group": {"alertname": "ServiceDown"},
    }
    assert doors.told == []
    assert doors.inbox.waiting == {}


async def test_either_active_secret_opens_the_door(doors):
    for secret in ("am-new", "am-old"):
        answer = await doors.post("/webhooks/prom", notification(), {"Authorization": f"bearer {secret}"})
        assert answer.status == 202


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer am-ne"},
        {"Authorization": "Bearer am-new2"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer \u00e9\u0661"},
        {"Authorization": "am-new"},
        [("Authorization", "Bearer am-new"), ("Authorization", "Bearer am-new")],
    ],
)
async def test_a_wrong_secret_is_refused_before_anything_is_parsed(doors, headers):
    given = list(headers.items()) if isinstance(headers, dict) else headers
    given.append(("Content-Type", "application/json"))
    answer = await doors.call("POST", "/webhooks/prom", data=b"{not json", headers=given)
    assert is_problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert doors.inbox.known == set()


async def test_an_unknown_source_is_like_any_unknown_address(doors):
    for name in ("other", "PROM", "prom%00", "%ff", "x" * 500):
        answer = await doors.post(f"/webhooks/{name}", notification(), SENDER)
        assert is_problem(answer, 404, "not-found")
        assert b"prom" not in answer.body


async def test_what_is_not_json_is_told_where(doors):
    answer = await doors.post("/webhooks/lab", b'{\n "version": "4",\n "alerts": [}', {})
    assert is_problem(answer, 400, "malformed-json")
    assert (answer.json["line"], answer.json["column"]) == (3, 13)
    assert "line 3, column 13" in answer.json["detail"]


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00\xff\xfe", b"<xml/>", b'{"a": 1, "a": 2}', b"[" * 100_000, b'{"a": NaN}', b'["\\ud800"]'],
)
async def test_garbage_is_refused(doors, body):
    assert is_problem(await doors.post("/webhooks/lab", body, {}), 400, "malformed-json")
    assert doors.inbox.known == set()


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (None, "document"),
        ([], "document"),
        ({}, "version"),
        ({**notification(), "version": "3"}, "version"),
        ({**notification(), "alerts": {}}, "alerts"),
        (notification(status="odd"), "alerts.0.status"),
        (notification(labels={"a": 1}), "alerts.0.labels.a"),
        (notification(startsAt="yesterday"), "alerts.0.startsAt"),
        (notification(startsAt="0001-01-01T00:00:00+14:00"), "alerts.0.startsAt"),
        (notification(startsAt="2026-13-41T08:00:00Z"), "alerts.0.startsAt"),
        (notification(startsAt="٢٠٢٦-11-21T08:00:00Z"), "alerts.0.startsAt"),
        (notification(fingerprint="a@b"), "alerts.0.fingerprint"),
    ],
)
async def test_what_is_not_a_notification_is_told_where(doors, document, place):
    answer = await doors.post("/webhooks/lab", document, {})
    assert is_problem(answer, 422, "invalid")
    assert place in answer.json["detail"]


async def test_nothing_is_acknowledged_that_is_not_durable(doors):
    doors.inbox.broken = True
    assert is_problem(await doors.post("/webhooks/lab", notification(), {}), 500, "internal")
    doors.inbox.broken = False
    assert (await doors.post("/webhooks/lab", notification(), {})).status == 202


# ── Behind it ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_same_delivery_twice_is_looked_at_once(doors):
    for _ in range(3):
        assert (await doors.post("/webhooks/prom", notification(), SENDER)).json == {"accepted": 1}
    await settled(doors)
    assert len(doors.operator.tasks) == 1


async def test_a_repetition_an_hour_later_is_the_same_run(doors):
    await doors.post("/webhooks/prom", notification(), SENDER)
    doors.clock.at = NOW + timedelta(hours=1)
    await doors.post("/webhooks/prom", notification(), SENDER)
    await settled(doors)
    assert len(doors.operator.tasks) == 2
    assert len(doors.operator.logs) == 1
    assert doors.told == []


async def test_the_same_alert_with_other_words_is_known(doors):
    await doors.post("/webhooks/prom", notification(), SENDER)
    await doors.post("/webhooks/prom", notification(annotations={"summary": "web is down, 7 errors/s"}), SENDER)
    await settled(doors)
    assert len(doors.operator.logs) == 1
    assert doors.told == []


async def test_alerts_that_nothing_handles_are_told_once_in_the_channel(doors):
    document = notification()
    document["alerts"] = [
        {**document["alerts"][0], "labels": {"alertname": f"Odd{i}"}, "fingerprint": f"f{i}"} for i in range(8)
    ]
    assert (await doors.post("/webhooks/lab", document, {})).json == {"accepted": 8}
    await settled(doors)
    ((channel, text),) = doors.told
    assert channel == "C8"
    assert "Odd0, Odd1, Odd2, Odd3, Odd4 and 3 more" in text
    assert "Nothing here handles it." in text
    assert "restart web" in text


async def test_alerts_that_cannot_be_taken_now_are_told(doors):
    await doors.post("/webhooks/later", notification(), {})
    await settled(doors)
    assert doors.told == [("C7", "Not taken from later: ServiceDown. Everything is stopped.")]


async def test_a_delivery_that_is_given_up_is_told_without_insides(doors):
    doors.operator.broken = True
    await doors.post("/webhooks/prom", notification(), SENDER)
    await settled(doors)
    ((channel, text),) = doors.told
    assert channel == "C9"
    assert "2026-11-21T08:00:00Z could not be handled" in text
    assert "hunter2" not in text
    assert len(doors.inbox.aside) == 1


async def test_a_resolved_alert_is_told_to_its_open_run_once(doors):
    await doors.post("/webhooks/prom", notification(), SENDER)
    await settled(doors)
    over = notification(status="resolved", endsAt="2026-11-21T09:00:00Z")
    await doors.post("/webhooks/prom", over, SENDER)
    await settled(doors)
    ((run_id, signal),) = doors.operator.signals
    assert run_id in doors.operator.logs
    assert signal.kind is SignalKind.SAY
    assert signal.by == "source:prom"
    assert signal.text.startswith("Alertmanager says it is resolved: ServiceDown")
    assert len(doors.operator.tasks) == 1
    doors.operator.add(run_id, PersonSpoke(by=signal.by, text=signal.text))
    doors.clock.at = NOW + timedelta(hours=1)
    await doors.post("/webhooks/prom", over, SENDER)
    await settled(doors)
    assert len(doors.operator.signals) == 1


async def test_a_resolved_alert_without_an_open_run_is_nobodys_news(doors):
    over = notification(status="resolved")
    await doors.post("/webhooks/prom", over, SENDER)
    await settled(doors)
    task = alertmanager.tasks(alertmanager.read(notification()), SOURCES[0], "acme")[0]
    doors.operator.add(
        "r-1", TaskReceived(task=task, agent="incident"), RunFinished(outcome=Outcome.FAILED, summary="")
    )
    later = replace(task, trigger=replace(task.trigger, timestamp=NOW + timedelta(hours=2)))
    doors.operator.add("r-2", TaskReceived(task=later, agent="incident"))
    doors.clock.at = NOW + timedelta(hours=3)
    await doors.post("/webhooks/prom", over, SENDER)
    await settled(doors)
    assert doors.operator.signals == []


# ── The pure part ─────────────────────────────────────────────────────────────────────────────────────────────────────


def tasks_of(document):
    return alertmanager.tasks(alertmanager.read(document), SOURCES[0], "acme")


def test_foreign_text_is_bounded_and_kept_on_its_line():
    nasty = "<!channel> *Approve*\n\u202e\x1b[31m" + "x" * 5_000
    (task,) = tasks_of(
        notification(
            annotations={"summary": nasty, "runbook": nasty},
            labels={f"l{i:03}": "v" * 9_000 for i in range(200)},
            generatorURL="javascript:alert(1)",
        )
    )
    assert len(task.goal) == 300
    assert task.goal.startswith("<!channel> *Approve* [31mxxx")
    assert task.goal.endswith("…")
    assert len(task.payload["labels"]) == 64
    assert all(len(v) == 2_000 and v.endswith("…") for v in task.payload["labels"].values())
    assert task.payload["generatorURL"] == ""


def test_without_words_the_goal_names_the_alert():
    (task,) = tasks_of(notification(annotations={}))
    assert task.goal == "ServiceDown is firing"


def test_without_a_fingerprint_the_labels_identify_the_alert():
    (one,) = tasks_of(notification(fingerprint=""))
    (other,) = tasks_of(notification(fingerprint="", labels={"service": "web", "alertname": "ServiceDown"}))
    (different,) = tasks_of(notification(fingerprint="", labels={"service": "db", "alertname": "ServiceDown"}))
    assert one.trigger.correlation == other.trigger.correlation != different.trigger.correlation


def test_alerts_about_one_service_belong_to_one_incident():
    (one,) = tasks_of(notification(fingerprint="aaaa"))
    (other,) = tasks_of(notification(fingerprint="bbbb", labels={"service": "web", "alertname": "HighErrorRate"}))
    (lonely,) = tasks_of(notification(fingerprint="cccc", labels={"alertname": "DiskFull"}))
    assert one.trigger.correlation == other.trigger.correlation == "service:web"
    assert one.trigger.source_id != other.trigger.source_id
    assert lonely.trigger.correlation == "cccc"


def test_moments_with_nanoseconds_and_zones_are_read():
    (task,) = tasks_of(notification(startsAt="2026-11-21T09:00:00.123456789+01:00"))
    assert task.trigger.timestamp == NOW.replace(microsecond=123_456)


async def test_a_storm_is_shed_visibly(doors):
    document = {**notification(), "truncatedAlerts": 7}
    document["alerts"] = [{**document["alerts"][0], "fingerprint": f"f{i}"} for i in range(503)]
    assert (await doors.post("/webhooks/prom", document, SENDER)).json == {"accepted": 500}
    await settled(doors)
    assert len(doors.operator.tasks) == 500
    assert doors.told == [("C9", "10 more alerts of this group from prom were left out; look at the sender.")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Prom"},
        {"name": ""},
        {"channel": ""},
        {"task_type": ""},
        {"secrets": ()},
        {"secrets": ("",)},
        {"secrets": ("a", "b", "c")},
        {"auth": "none"},
    ],
)
def test_a_source_is_configured_whole_or_not_at_all(wrong):
    right = {"name": "prom", "channel": "C9", "task_type": "service-alert", "secrets": ("s",)}
    SourceConfig(**right)
    with pytest.raises(ValueError, match="source"):
        SourceConfig(**{**right, **wrong})


def test_secrets_do_not_show():
    assert "am-new" not in repr(SETTINGS)


def test_two_sources_of_one_name_are_refused():
    with pytest.raises(ValueError, match="twice: prom"):
        replace(SETTINGS, sources=(SOURCES[0], SOURCES[0]))

"""The document is valid, complete, and true."""

import asyncio
import json

import jsonschema
import pytest
from openapi_spec_validator import validate

from domain.events import RunFinished, TaskReceived
from domain.outcomes import Outcome
from handlers.http import alertmanager, examples, models
from handlers.http.addresses import ADDRESSES
from handlers.http.app import build
from loop.doors import Reply
from tests.http.conftest import AUTH, SENDER, Doors
from tests.http.fakes import parked
from tests.http.test_api import TASK, task
from tests.http.test_streams import STREAM

GZIP = {"Content-Encoding": "gzip"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BIG = b" " * ((1 << 20) + 1)


@pytest.fixture
async def document(doors):
    return (await doors.get("/v1/openapi.json", {})).json


async def test_the_document_is_openapi(document):
    validate(document)
    assert document["openapi"].startswith("3.1")


async def test_every_route_is_in_the_document_and_nothing_else(document):
    app = build(Doors().ports(), Doors().settings)
    routes = {(route.method.lower(), route.resource.canonical) for route in app.router.routes()}
    assert routes == {(method, path) for path, item in document["paths"].items() for method in item}


def test_nothing_that_the_document_offers_approves():
    assert not [a for a in ADDRESSES if a.method != "GET" and "approv" in a.path]
    assert "approve" not in str(models.SignalIn.model_json_schema())


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (models.TaskIn, examples.TASK),
        (models.SignalIn, examples.SIGNAL),
        (alertmanager.Notification, examples.NOTIFICATION),
        (models.Accepted, examples.ACCEPTED),
        (models.Signalled, examples.SIGNALLED),
        (models.Run, examples.RUN),
        (models.OpenApproval, examples.OPEN_APPROVAL),
        (models.Events, examples.EVENTS),
        (models.Ready, examples.READY),
    ],
)
def test_every_example_fits_its_model(model, example):
    model.model_validate_json(json.dumps(example))


class Ask:
    """One request and what must come back for it, by the document."""

    def __init__(self, name, status, path, body=None, headers=AUTH, prepare=None):
        self.name, self.status, self.path, self.body = name, status, path, body
        self.headers, self.prepare = headers, prepare

    async def send(self, doors, method):
        if self.prepare is not None:
            self.prepare(doors)
        if method == "GET":
            return await doors.get(self.path, self.headers)
        if self.body is SLOW:
            line = f"POST {self.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            line += "".join(f"{k}: {v}\r\n" for k, v in self.headers.items()) + "Content-Length: 9\r\n\r\n{"
            return await doors.raw(line.encode(), wait=0.5)
        return await doors.post(self.path, self.body, self.headers)


SLOW = object()


def posted(doors):
    doors.operator.add("r-1", TaskReceived(task=task(), agent="incident"))


def waiting(doors):
    doors.operator.add("r-1", *parked(task()))


def finished(doors):
    posted(doors)
    doors.operator.add("r-1", RunFinished(outcome=Outcome.SUCCEEDED, summary=""))


def refusing(doors):
    waiting(doors)
    doors.operator.reply = Reply(ok=False, text="Not now.")


def forbidding(doors):
    waiting(doors)
    doors.operator.reply = Reply(ok=False, text="Not you.", help=("group:sre",))


ASKS = [
    Ask("submitTask", 202, "/v1/tasks", TASK),
    Ask("submitTask", 200, "/v1/tasks", TASK),
    Ask("submitTask", 409, "/v1/tasks", {**TASK, "goal": "other"}),
    Ask("submitTask", 400, "/v1/tasks", b"{"),
    Ask("submitTask", 401, "/v1/tasks", TASK, {}),
    Ask("submitTask", 403, "/v1/tasks", {**TASK, "requester": "user:U1"}),
    Ask("submitTask", 408, "/v1/tasks", SLOW),
    Ask("submitTask", 413, "/v1/tasks", BIG),
    Ask("submitTask", 415, "/v1/tasks", TASK, AUTH | GZIP),
    Ask("submitTask", 422, "/v1/tasks", {**TASK, "type": "nothing"}),
    Ask("submitTask", 503, "/v1/tasks", {**TASK, "type": "stopped"}),
    Ask("listRuns", 200, "/v1/runs", prepare=waiting),
    Ask("listRuns", 400, "/v1/runs?limit=x"),
    Ask("listRuns", 401, "/v1/runs", headers={}),
    Ask("showRun", 200, "/v1/runs/r-1", prepare=waiting),
    Ask("showRun", 400, "/v1/runs/r-1?x=1"),
    Ask("showRun", 401, "/v1/runs/r-1", headers={}),
    Ask("showRun", 404, "/v1/runs/r-1"),
    Ask("readEvents", 200, "/v1/runs/r-1/events", prepare=waiting),
    Ask("readEvents", 204, "/v1/runs/r-1/events?after=2", headers=STREAM, prepare=finished),
    Ask("readEvents", 400, "/v1/runs/r-1/events?after=x"),
    Ask("readEvents", 401, "/v1/runs/r-1/events", headers={}),
    Ask("readEvents", 404, "/v1/runs/r-1/events"),
    Ask("signalRun", 200, "/v1/runs/r-1/signals", {"signal": "pause"}, prepare=waiting),
    Ask("signalRun", 400, "/v1/runs/r-1/signals", b"{"),
    Ask("signalRun", 401, "/v1/runs/r-1/signals", {"signal": "pause"}, {}),
    Ask("signalRun", 403, "/v1/runs/r-1/signals", {"signal": "stop"}, prepare=forbidding),
    Ask("signalRun", 404, "/v1/runs/r-1/signals", {"signal": "pause"}),
    Ask("signalRun", 408, "/v1/runs/r-1/signals", SLOW),
    Ask("signalRun", 409, "/v1/runs/r-1/signals", {"signal": "stop"}, prepare=refusing),
    Ask("signalRun", 413, "/v1/runs/r-1/signals", BIG),
    Ask("signalRun", 415, "/v1/runs/r-1/signals", b"signal=pause", AUTH | FORM),
    Ask("signalRun", 422, "/v1/runs/r-1/signals", {"signal": "approve"}),
    Ask("listApprovals", 200, "/v1/approvals", prepare=waiting),
    Ask("listApprovals", 400, "/v1/approvals?status=used"),
    Ask("listApprovals", 401, "/v1/approvals", headers={}),
    Ask("deliver", 202, "/webhooks/prom", examples.NOTIFICATION, SENDER),
    Ask("deliver", 400, "/webhooks/prom", b"{", SENDER),
    Ask("deliver", 401, "/webhooks/prom", examples.NOTIFICATION, {}),
    Ask("deliver", 404, "/webhooks/other", examples.NOTIFICATION, SENDER),
    Ask("deliver", 408, "/webhooks/prom", SLOW, SENDER),
    Ask("deliver", 413, "/webhooks/prom", BIG, SENDER),
    Ask("deliver", 415, "/webhooks/prom", examples.NOTIFICATION, SENDER | GZIP),
    Ask("deliver", 422, "/webhooks/prom", {}, SENDER),
    Ask("alive", 200, "/healthz", headers={}),
    Ask("ready", 200, "/readyz", headers={}),
    Ask("metrics", 200, "/metrics", headers={}),
    Ask("openapi", 200, "/v1/openapi.json", headers={}),
]
ELSEWHERE = {("ready", 503), ("readEvents", 429)}  # test_health, test_streams


def test_every_documented_answer_has_a_request_that_brings_it():
    documented = {(a.name, status) for a in ADDRESSES for status in (*a.answers, *a.errors)}
    documented |= {(a.name, 401) for a in ADDRESSES if a.auth != "open"}
    assert {(ask.name, ask.status) for ask in ASKS} | ELSEWHERE == documented


@pytest.mark.parametrize("name", [a.name for a in ADDRESSES])
async def test_every_documented_answer_occurs_as_documented(doors, document, name):
    address = next(a for a in ADDRESSES if a.name == name)
    operation = document["paths"][address.path][address.method.lower()]
    for ask in (ask for ask in ASKS if ask.name == name):
        if ask.prepare is not None or ask.status == 404:
            doors.operator.logs.clear()
        answer = await ask.send(doors, address.method)
        if isinstance(answer, bytes):
            assert answer.startswith(f"HTTP/1.1 {ask.status} ".encode())
            continue
        assert answer.status == ask.status, (ask.path, answer.body)
        fits(answer, operation["responses"][str(ask.status)], document)
    await asyncio.sleep(0)


def fits(answer, described, document):
    """The answer's media type and body are those of the document."""
    if "content" not in described:
        assert answer.body == b""
        return
    media = answer.headers["Content-Type"].partition(";")[0]
    schema = described["content"][media]["schema"]
    if media.endswith("json"):
        jsonschema.validate(answer.json, {**schema, "components": document["components"]})

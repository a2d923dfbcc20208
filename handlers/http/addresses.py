"""Every address of the doors, in one table: who may ask, what it takes, what it answers. Tests hold us to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

from domain.canonical import Json
from domain.runs import Status
from handlers.http import alertmanager, examples, models, names


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One address: who may ask, what it takes, what it answers. An answer is a model, a media type, or nothing."""

    method: str
    path: str
    name: str
    summary: str
    auth: Literal["token", "sender", "open"] = "token"
    takes: type[BaseModel] | None = None
    example: Json = None
    answers: Mapping[int, tuple[str, type[BaseModel] | str | None]]
    errors: Mapping[int, str] = field(default_factory=dict)
    parameters: tuple[Mapping[str, Json], ...] = ()
    shows: Mapping[int, Json] = field(default_factory=dict)  # examples of the answers


def _query(name: str, schema: Mapping[str, Json], describe: str) -> dict[str, Json]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": describe}


def _path(name: str, pattern: str) -> dict[str, Json]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": pattern}}


_RUN = _path("run_id", names.RUN_ID.pattern)
_AFTER = _query("after", {"type": "integer", "minimum": 0, "default": 0}, "Only events with a larger `seq`.")
_UNKNOWN = "There is no such run, or this token may not see it."
_BAD_QUERY = "The query is refused."
_BODY_ERRORS = {
    400: "Not JSON (the problem names line and column), equal keys, NaN, or a broken body.",
    408: "The body came too slowly.",
    413: "The body is larger than 1 MiB.",
    415: "Not `application/json`, or with a content encoding.",
}

ADDRESSES: tuple[Address, ...] = (
    Address(
        method="POST",
        path="/v1/tasks",
        name="submitTask",
        summary="Post a task.",
        takes=models.TaskIn,
        example=examples.TASK,
        shows={202: examples.ACCEPTED, 200: examples.ACCEPTED},
        answers={
            202: ("A run has begun, or an open one with this correlation is joined.", models.Accepted),
            200: ("The same occurrence was posted before; its run.", models.Accepted),
        },
        errors={
            **_BODY_ERRORS,
            403: "The task names requester or source and the token has no `act_as`.",
            409: "The same occurrence came with another body; `run_id` and `url` name its run.",
            422: "The task does not fit (`errors`), or nothing here handles it (`nearest` would be).",
            503: "No task can be taken now; `Retry-After` says when to try again.",
        },
        parameters=(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "pattern": names.KEY_PATTERN},
                "description": "Names the occurrence where `trigger.source_id` is absent.",
            },
        ),
    ),
    Address(
        method="GET",
        path="/v1/runs",
        name="listRuns",
        summary="Runs, the last updated first.",
        answers={200: ("A page.", models.Runs)},
        shows={200: {"runs": [examples.RUN], "cursor": None}},
        errors={400: _BAD_QUERY},
        parameters=(
            _query("status", {"type": "string", "enum": [s.value for s in Status]}, "Only these."),
            _query("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "A page's size."),
            _query("cursor", {"type": "string"}, "Where the page begins: the `cursor` of the one before."),
        ),
    ),
    Address(
        method="GET",
        path="/v1/runs/{run_id}",
        name="showRun",
        summary="One run.",
        parameters=(_RUN,),
        answers={200: ("The run.", models.Run)},
        shows={200: examples.RUN},
        errors={400: _BAD_QUERY, 404: _UNKNOWN},
    ),
    Address(
        method="GET",
        path="/v1/runs/{run_id}/events",
        name="readEvents",
        summary="A run's log: JSON, or server-sent events where Accept names `text/event-stream`.",
        answers={
            200: (
                "The events. As a stream each has its `seq` as id; comments are heartbeats; it ends with the run.",
                models.Events,
            ),
            204: ("A stream of a finished run of which everything was read.", None),
        },
        errors={400: _BAD_QUERY, 404: _UNKNOWN, 429: "Too many streams are open."},
        shows={200: examples.EVENTS},
        parameters=(
            _RUN,
            _AFTER,
            _query("limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 500}, "JSON only."),
            {
                "name": "Last-Event-ID",
                "in": "header",
                "required": False,
                "schema": {"type": "integer", "minimum": 0},
                "description": "Goes before `after`.",
            },
        ),
    ),
    Address(
        method="POST",
        path="/v1/runs/{run_id}/signals",
        name="signalRun",
        summary="A word to a run.",
        takes=models.SignalIn,
        example=examples.SIGNAL,
        parameters=(_RUN,),
        shows={200: examples.SIGNALLED},
        answers={200: ("It is recorded.", models.Signalled)},
        errors={
            **_BODY_ERRORS,
            403: "Not by this token; `help` names who could.",
            404: _UNKNOWN,
            409: "Not as the run stands.",
            422: "The word does not fit (`errors`).",
        },
    ),
    Address(
        method="GET",
        path="/v1/approvals",
        name="listApprovals",
        summary="What waits for people. Approving is not in the API: people approve where they are known.",
        answers={200: ("Oldest first.", models.Approvals)},
        shows={200: {"approvals": [examples.OPEN_APPROVAL]}},
        errors={400: _BAD_QUERY},
        parameters=(_query("status", {"type": "string", "enum": ["open"], "default": "open"}, "Only these."),),
    ),
    Address(
        method="POST",
        path="/webhooks/{source}",
        name="deliver",
        summary="A delivery from a configured sender.",
        auth="sender",
        takes=alertmanager.Notification,
        example=examples.NOTIFICATION,
        parameters=(_path("source", names.SLUG_PATTERN),),
        shows={202: {"accepted": 1}},
        answers={202: ("It is durable.", models.Delivered)},
        errors={**_BODY_ERRORS, 404: "No such source.", 422: "Not a notification of the source's kind."},
    ),
    Address(
        method="GET",
        path="/healthz",
        name="alive",
        summary="Whether the process runs.",
        auth="open",
        answers={200: ("It does.", models.Alive)},
        shows={200: {"status": "ok"}},
    ),
    Address(
        method="GET",
        path="/readyz",
        name="ready",
        summary="Whether it can accept work.",
        auth="open",
        answers={200: ("It can.", models.Ready)},
        errors={503: "It cannot; `checks` says why."},
        shows={200: examples.READY},
    ),
    Address(
        method="GET",
        path="/metrics",
        name="metrics",
        summary="Numbers, in Prometheus' text format.",
        auth="open",
        answers={200: ("The registry.", "text/plain")},
    ),
    Address(
        method="GET",
        path="/v1/openapi.json",
        name="openapi",
        summary="This document.",
        auth="open",
        answers={200: ("OpenAPI 3.1.", "application/json")},
    ),
)

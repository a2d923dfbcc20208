"""A run's log over HTTP: pages and streams."""

import asyncio
import json
import time

import aiohttp
import pytest

from domain.events import Paused, PersonSpoke, RunFinished, TaskReceived
from domain.outcomes import Outcome
from tests.http.conftest import AUTH, Doors, serving
from tests.http.fakes import parked
from tests.http.test_api import task
from tests.http.test_edge import is_problem

STREAM = {**AUTH, "Accept": "text/event-stream"}
FINISHED = RunFinished(outcome=Outcome.SUCCEEDED, summary="done")


def frames(body: bytes) -> list[dict[str, str]]:
    blocks = [block for block in body.decode().split("\n\n") if block.startswith("id:")]
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]


async def test_the_log_as_json(doors):
    doors.operator.add("r-1", *parked(task()))
    page = (await doors.get("/v1/runs/r-1/events")).json
    assert [event["type"] for event in page["events"]] == [
        "TaskReceived",
        "PolicyDecided",
        "CallsProposed",
        "ApprovalRequested",
    ]
    assert (page["after"], page["more"]) == (4, False)
    first = page["events"][0]
    assert (first["seq"], first["at"]) == (1, "2026-11-21T08:01:00Z")
    assert first["data"]["task"]["trigger"]["source"] == "api"
    assert page["events"][3]["data"]["request"]["expires_at"] == "2026-11-21T12:00:00Z"


async def test_the_log_in_pages(doors):
    doors.operator.add("r-1", *parked(task()))
    page = (await doors.get("/v1/runs/r-1/events?after=1&limit=2")).json
    assert [event["seq"] for event in page["events"]] == [2, 3]
    assert (page["after"], page["more"]) == (3, True)
    assert (await doors.get("/v1/runs/r-1/events?after=9")).json == {"events": [], "after": 9, "more": False}


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=1e3", "limit=501", "from=1"])
async def test_a_bad_query_is_refused(doors, query):
    doors.operator.add("r-1", *parked(task()))
    assert is_problem(await doors.get(f"/v1/runs/r-1/events?{query}"), 400, "bad-query")


async def test_a_stream_sends_what_was_and_what_comes_until_the_end(doors):
    doors.operator.add("r-1", *parked(task()))
    reading = asyncio.create_task(doors.get("/v1/runs/r-1/events?after=2", STREAM))
    await asyncio.sleep(0.15)
    doors.operator.add("r-1", PersonSpoke(by="user:U1", text="line\nbreak"), FINISHED)
    answer = await asyncio.wait_for(reading, 2)
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    shown = frames(answer.body)
    assert [frame["id"] for frame in shown] == ["3", "4", "5", "6"]
    assert [frame["event"] for frame in shown][-1] == "RunFinished"
    spoken = json.loads(shown[2]["data"])
    assert spoken["seq"] == 5
    assert spoken["data"]["text"] == "line\nbreak"
    assert b": still here" in answer.body


async def test_a_stream_goes_on_where_the_reader_left_off(doors):
    doors.operator.add("r-1", *parked(task()), FINISHED)
    answer = await doors.get("/v1/runs/r-1/events?after=1", {**STREAM, "Last-Event-ID": "4"})
    assert [frame["id"] for frame in frames(answer.body)] == ["5"]
    assert (await doors.get("/v1/runs/r-1/events", {**STREAM, "Last-Event-ID": "5"})).status == 204
    assert is_problem(await doors.get("/v1/runs/r-1/events", {**STREAM, "Last-Event-ID": "é"}), 400, "bad-query")


@pytest.mark.parametrize("lost", ["token", "room"])
async def test_a_stream_ends_with_the_right_to_read(doors, lost):
    doors.operator.add("r-1", *parked(task()))
    reading = asyncio.create_task(doors.get("/v1/runs/r-1/events", STREAM))
    await asyncio.sleep(0.05)
    if lost == "token":
        doors.tokens.live.clear()
    else:
        doors.operator.hidden.add("r-1")
    answer = await asyncio.wait_for(reading, 2)
    doors.operator.add("r-1", Paused(by="user:U1"))
    assert len(frames(answer.body)) == 4


async def test_streams_are_counted(doors):
    doors.operator.add("r-1", TaskReceived(task=task(), agent="incident"))
    async with aiohttp.ClientSession(headers=STREAM) as session:
        url = f"{doors.url}/v1/runs/r-1/events"
        async with session.get(url) as one, session.get(url) as two:
            assert one.status == two.status == 200
            answer = await doors.get("/v1/runs/r-1/events", STREAM)
            assert is_problem(answer, 429, "too-many-streams")
            assert answer.headers["Retry-After"] == "10"
    await asyncio.sleep(0.3)  # the next heartbeat finds that a reader has gone, and frees its place
    doors.operator.add("r-1", FINISHED)
    answer = await doors.get("/v1/runs/r-1/events", STREAM)
    assert [frame["id"] for frame in frames(answer.body)] == ["1", "2"]


async def test_a_stream_that_breaks_ends_and_can_be_taken_up_again(doors, monkeypatch):
    doors.operator.add("r-1", *parked(task()))
    reading = asyncio.create_task(doors.get("/v1/runs/r-1/events", STREAM))
    await asyncio.sleep(0.05)

    async def broken(stream: str, after: int = 0):
        raise OSError("the insides")

    with monkeypatch.context() as patch:
        patch.setattr(doors.operator, "read", broken)
        answer = await asyncio.wait_for(reading, 2)
    assert [frame["id"] for frame in frames(answer.body)] == ["1", "2", "3", "4"]
    assert b"insides" not in answer.body
    doors.operator.add("r-1", FINISHED)
    again = await doors.get("/v1/runs/r-1/events", STREAM | {"Last-Event-ID": "4"})
    assert [frame["id"] for frame in frames(again.body)] == ["5"]


async def test_going_down_ends_streams_at_once():
    running = Doors()
    running.operator.add("r-1", TaskReceived(task=task(), agent="incident"))
    async with serving(running) as doors:
        reading = asyncio.create_task(doors.get("/v1/runs/r-1/events", STREAM))
        await asyncio.sleep(0.05)
        started = time.perf_counter()
    answer = await asyncio.wait_for(reading, 1)
    assert time.perf_counter() - started < 1
    assert len(frames(answer.body)) == 1

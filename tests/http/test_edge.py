"""What every request passes, whoever sends it and whatever it holds."""

import asyncio
import gzip
import json
import time
from dataclasses import replace

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.http.conftest import AUTH, SETTINGS, Doors, serving

MEGABYTE = 1 << 20
TASK = {"goal": "look at web", "trigger": {"source_id": "x-1"}}
HEAD = b"POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer plain-secret\r\n"


def is_problem(answer, status, kind):
    assert answer.status == status
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["type"] == f"urn:countersign:problem:{kind}"
    assert answer.json["status"] == status
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    return True


async def test_unknown_paths_and_methods_are_problems(doors):
    assert is_problem(await doors.get("/nowhere"), 404, "not-found")
    answer = await doors.call("DELETE", "/v1/runs", headers=AUTH)
    assert is_problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "GET"


async def test_every_answer_is_dressed(doors):
    for path in ("/healthz", "/nowhere", "/v1/openapi.json"):
        headers = (await doors.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Server"] == "countersign"
        assert "Access-Control-Allow-Origin" not in headers


async def test_a_request_keeps_its_id_if_it_looks_like_one(doors):
    assert (await doors.get("/healthz", {"X-Request-Id": "abc-1"})).headers["X-Request-Id"] == "abc-1"
    for odd in ("a b", "x" * 65, "é"):
        assert (await doors.get("/healthz", {"X-Request-Id": odd})).headers["X-Request-Id"] != odd


async def test_another_host_name_is_refused_on_loopback(doors):
    assert is_problem(await doors.get("/healthz", {"Host": "evil.example"}), 421, "wrong-host")
    assert (await doors.get("/healthz", {"Host": f"localhost:{doors.port}"})).status == 200
    assert (await doors.get("/healthz", {"Host": "[::1]:80"})).status == 200


async def test_bound_elsewhere_any_host_name_will_do():
    async with serving(Doors(settings=replace(SETTINGS, hosts=None))) as doors:
        assert (await doors.get("/healthz", {"Host": "ops.example"})).status == 200


async def test_what_a_browser_may_send_unasked_is_refused(doors):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert is_problem(await doors.post("/v1/tasks", TASK, {**AUTH, "Content-Type": kind}), 415, "not-json")
    assert (await doors.call("OPTIONS", "/v1/tasks")).status == 405


async def test_ten_megabytes_are_refused_unread(doors):
    answer = await doors.raw(HEAD + b"Content-Type: application/json\r\nContent-Length: 10485760\r\n\r\n", wait=0.5)
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert b"application/problem+json" in answer
    assert doors.tokens.asked == []


async def test_ten_megabytes_in_chunks_are_cut_off(doors):
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    head = HEAD + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    answer = await doors.raw(head + chunk * 160 + b"0\r\n\r\n")
    assert b" 413 " in answer.split(b"\r\n")[0]


async def test_a_body_of_exactly_the_limit_is_read(doors):
    body = json.dumps(TASK).encode().ljust(MEGABYTE)
    assert (await doors.post("/v1/tasks", body)).status == 202
    assert is_problem(await doors.post("/v1/tasks", body + b" "), 413, "too-large")


async def test_gzip_is_refused_and_stalls_nobody(doors):
    bomb = gzip.compress(bytes(64 * MEGABYTE))
    headers = {**AUTH, "Content-Encoding": "gzip"}
    started = time.perf_counter()
    answers = await asyncio.gather(*(doors.post("/v1/tasks", bomb, headers) for _ in range(10)))
    assert all(is_problem(answer, 415, "encoded") for answer in answers)
    assert answers[0].headers["Accept-Encoding"] == "identity"
    assert time.perf_counter() - started < 2


async def test_a_slow_body_is_given_up(doors):
    head = HEAD + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    answer = await doors.raw(head, wait=0.6)
    assert b" 408 " in answer.split(b"\r\n")[0]


async def test_a_slow_body_holds_up_nobody_else(doors):
    head = HEAD + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    slow = [asyncio.create_task(doors.raw(head, wait=0.6)) for _ in range(20)]
    await asyncio.sleep(0.05)
    started = time.perf_counter()
    assert (await doors.get("/healthz")).status == 200
    assert time.perf_counter() - started < 0.3
    await asyncio.gather(*slow)


@pytest.mark.parametrize(
    "hostile",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET /v1/runs/%ff%00%2e%2e HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: \xff\xfe\r\nConnection: close\r\n\r\n",
        b"GET /v1/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\xfe\xfd\r\nConnection: close\r\n\r\n",
        b"GET /v1/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xd9\xa1\r\nConnection: close\r\n\r\n",
        HEAD.replace(b"POST /v1/tasks", b"GET /v1/runs?limit=%D9%A1&%00=%ff") + b"Connection: close\r\n\r\n",
        HEAD + b"Content-Type: \xff/\xff; charset=\xfe\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        HEAD + b"Content-Type: application/json; charset=nonsense\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        HEAD + b"Content-Encoding: \xff\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        HEAD + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Expect: the unexpected\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        HEAD + b"Expect: 100-continue\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n",
        HEAD + b"Idempotency-Key: \xc3\xa9\r\nContent-Type: application/json\r\nContent-Length: 12\r\n"
        b'Connection: close\r\n\r\n{"goal":"x"}',
    ],
)
async def test_hostile_bytes_are_the_senders_fault(doors, hostile):
    answer = await doors.raw(hostile, wait=0.6)
    assert answer[9:10] in {b"4", b""}
    assert (await doors.get("/healthz")).status == 200


async def test_expecting_to_continue_works(doors):
    body = json.dumps(TASK).encode()
    answer = await doors.call(
        "POST", "/v1/tasks", data=body, headers={**AUTH, "Content-Type": "application/json"}, expect100=True
    )
    assert answer.status == 202


async def test_our_own_failure_shows_nothing_of_us(doors):
    doors.operator.broken = True
    with capture_logs() as logs:
        answer = await doors.post("/v1/tasks", TASK)
    assert is_problem(answer, 500, "internal")
    assert b"hunter2" not in answer.body
    (logged,) = logs
    assert logged["request_id"] == answer.json["request_id"]
    assert "hunter2" in logged["trace"]
    assert "plain-secret" not in str(logged)


async def test_further_routes_pass_the_same_edge():
    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=await request.text())

    async def away(request: web.Request) -> web.Response:
        raise web.HTTPFound("https://slack.example/oauth")

    async with serving(Doors(), web.post("/slack/events", echo), web.get("/slack/install", away)) as doors:
        moved = await doors.call("GET", "/slack/install", allow_redirects=False)
        assert (moved.status, moved.headers["Location"]) == (302, "https://slack.example/oauth")
        assert (await doors.call("POST", "/slack/events", data=b"a=b")).body == b"a=b"
        assert is_problem(await doors.call("POST", "/slack/events", data=b" " * (MEGABYTE + 1)), 413, "too-large")
        head = b"POST /slack/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\na"
        assert b" 408 " in (await doors.raw(head, wait=0.6)).split(b"\r\n")[0]

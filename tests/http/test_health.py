"""What machines ask."""

import asyncio

from handlers.http import health
from handlers.http.ports import Condition
from tests.http.conftest import Doors, serving


async def test_alive_and_ready_need_no_token(doors):
    assert (await doors.get("/healthz", {})).json == {"status": "ok"}
    ready = await doors.get("/readyz", {})
    assert ready.status == 200
    assert ready.json == {"status": "ready", "checks": {"store": {"ok": True, "says": "fine"}}}


async def test_not_ready_says_what_is_missing(monkeypatch):
    async def gone() -> Condition:
        return Condition(ok=False, says="Slack is not connected")

    async def broken() -> Condition:
        raise RuntimeError("insides")

    async def hangs() -> Condition:
        await asyncio.sleep(60)
        return Condition(ok=True)

    monkeypatch.setattr(health, "_CHECK_S", 0.05)
    async with serving(Doors(checks={"slack": gone, "store": broken, "bus": hangs})) as doors:
        answer = await doors.get("/readyz", {})
        assert (await doors.get("/healthz", {})).status == 200
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json["detail"] == "Not ready: slack, store, bus."
    assert answer.json["checks"]["slack"]["says"] == "Slack is not connected"
    assert b"insides" not in answer.body


async def test_numbers_name_routes_and_never_paths(doors):
    await doors.get("/v1/runs/r-secret-path")
    await doors.get("/nowhere-at-all")
    await doors.post("/v1/tasks", {"goal": "x", "trigger": {"source_id": "1"}})
    answer = await doors.get("/metrics", {})
    text = answer.body.decode()
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert 'countersign_runs{status="acting"} 3.0' in text
    assert 'countersign_runs{status="new"} 0.0' in text
    assert 'countersign_http_requests_total{method="GET",route="/v1/runs/{run_id}",status="404"} 1.0' in text
    assert 'countersign_ack_seconds_count{door="api"} 1.0' in text
    assert "nowhere" not in text
    assert "secret" not in text

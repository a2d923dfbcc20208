"""The API: tasks, runs, signals, approvals."""

from datetime import UTC, datetime

import pytest

from domain.calls import ToolCall
from domain.events import (
    ActionInDoubt,
    ActionStarted,
    CallAllowed,
    CallsProposed,
    DoubtPutToPerson,
    PolicyDecided,
    QuestionAsked,
    TaskReceived,
)
from domain.signals import SignalKind
from domain.tasks import Context, Priority, Source, Task, Trigger, Trust
from domain.tiers import Effect
from handlers.http import examples
from loop.doors import Reply
from tests.http.conftest import ACTING, AUTH
from tests.http.fakes import DECISION, NOW, parked
from tests.http.test_edge import is_problem

TASK = {"type": "restart", "goal": "restart web", "trigger": {"source_id": "x-1"}}


def task(number: int = 1) -> Task:
    return Task(
        type="restart",
        goal="restart web",
        requester="token:ci",
        trigger=Trigger(source=Source.API, source_id=f"x-{number}", timestamp=NOW, correlation=f"web-{number}"),
        context=Context(organization_id="acme", agent_slug="incident"),
        payload={"why": ["it hangs"]},
    )


# ── Who may ask ───────────────────────────────────────────────────────────────────────────────────────────────────────

NEEDS_TOKEN = [
    ("POST", "/v1/tasks"),
    ("GET", "/v1/runs"),
    ("GET", "/v1/runs/r-1"),
    ("GET", "/v1/runs/r-1/events"),
    ("POST", "/v1/runs/r-1/signals"),
    ("GET", "/v1/approvals"),
]


@pytest.mark.parametrize(("method", "path"), NEEDS_TOKEN)
@pytest.mark.parametrize(
    "value", [None, "Bearer wrong", "Bearer", "Basic plain-secret", "plain-secret", "Bearer é", "Bearer plain-secret x"]
)
async def test_without_a_good_token_nothing_is_said(doors, method, path, value):
    headers = {"Authorization": value} if value is not None else {}
    answer = await doors.call(method, path, headers=headers)
    assert is_problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="countersign"'


async def test_two_tokens_are_none(doors):
    headers = [("Authorization", "Bearer plain-secret")] * 2
    assert is_problem(await doors.call("GET", "/v1/runs", headers=headers), 401, "unauthorized")


async def test_what_cannot_be_a_token_never_reaches_the_store(doors):
    for odd in ("é", "x" * 513, "a\tb"):
        await doors.get("/v1/runs", {"Authorization": f"Bearer {odd}"})
    assert doors.tokens.asked == []


# ── Tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_task_is_accepted_and_its_occurrence_is_one_run(doors):
    first = await doors.post("/v1/tasks", TASK)
    assert first.status == 202
    run_id = first.json["run_id"]
    url = f"https://ops.acme.example/v1/runs/{run_id}"
    assert first.json == {"run_id": run_id, "status": "deciding", "url": url}
    assert first.headers["Location"] == url
    again = await doors.post("/v1/tasks", TASK)
    assert again.status == 200
    assert again.json == first.json
    taken = doors.operator.tasks[0]
    assert taken.requester == "token:ci"
    assert taken.trigger.source is Source.API
    assert taken.trigger.timestamp == NOW
    assert taken.context == Context(organization_id="acme")
    assert taken.trust is Trust.MACHINE


async def test_the_contracts_own_shape_is_taken(doors):
    assert (await doors.post("/v1/tasks", examples.TASK)).status == 202
    taken = doors.operator.tasks[0]
    assert taken.context.priority is Priority.NORMAL
    assert taken.context.repository_id == "acme/infra"
    assert taken.trigger.correlation == "finding-7"
    assert taken.trigger.timestamp == datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


async def test_another_body_under_the_same_key_clashes(doors):
    run_id = (await doors.post("/v1/tasks", TASK)).json["run_id"]
    answer = await doors.post("/v1/tasks", {**TASK, "goal": "restart db"})
    assert is_problem(answer, 409, "other-body")
    assert answer.json["run_id"] == run_id
    assert answer.json["url"].endswith(f"/v1/runs/{run_id}")


async def test_an_occurrence_that_joins_an_open_run_is_accepted(doors):
    one = {**TASK, "trigger": {"source_id": "x-1", "correlation": "web"}}
    other = {**TASK, "trigger": {"source_id": "x-2", "correlation": "web"}}
    first, second = await doors.post("/v1/tasks", one), await doors.post("/v1/tasks", other)
    assert second.status == 202
    assert second.json["run_id"] == first.json["run_id"]


async def test_free_text_is_chat(doors):
    assert (await doors.post("/v1/tasks", {"goal": "is web up?", "trigger": {"source_id": "q"}})).status == 202
    assert doors.operator.tasks[0].type == "chat"


async def test_the_occurrence_may_be_named_in_the_head(doors):
    answer = await doors.post("/v1/tasks", {"goal": "is web up?"}, {**AUTH, "Idempotency-Key": "k-1"})
    assert answer.status == 202
    assert doors.operator.tasks[0].trigger.source_id == "k-1"
    assert is_problem(await doors.post("/v1/tasks", {"goal": "is web up?"}), 422, "invalid")


@pytest.mark.parametrize("named", [{"requester": "user:U1"}, {"trigger": {"source_id": "x-1", "source": "api"}}])
async def test_only_act_as_may_name_requester_or_source(doors, named):
    assert is_problem(await doors.post("/v1/tasks", {**TASK, **named}), 403, "act-as")
    assert doors.operator.tasks == []
    assert (await doors.post("/v1/tasks", {**TASK, **named}, ACTING)).status == 202


async def test_act_as_speaks_for_others(doors):
    named = {"requester": "user:U1", "trigger": {"source_id": "x-1", "source": "webhook"}}
    await doors.post("/v1/tasks", {**TASK, **named}, ACTING)
    await doors.post("/v1/tasks", {**TASK, "requester": None, "trigger": {"source_id": "x-2"}}, ACTING)
    await doors.post("/v1/tasks", {**TASK, "trigger": {"source_id": "x-3"}}, ACTING)
    webhook, nobody, itself = doors.operator.tasks
    assert (webhook.requester, webhook.trigger.source, webhook.trust) == ("user:U1", Source.WEBHOOK, Trust.UNTRUSTED)
    assert nobody.requester is None
    assert itself.requester == "token:bridge"


async def test_what_nothing_handles_names_the_nearest(doors):
    answer = await doors.post("/v1/tasks", {**TASK, "type": "nothing"})
    assert is_problem(answer, 422, "unrouted")
    assert answer.json["detail"] == "Nothing here handles it."
    assert answer.json["nearest"] == ["restart web"]


async def test_what_cannot_be_taken_now_may_come_again(doors):
    answer = await doors.post("/v1/tasks", {**TASK, "type": "stopped"})
    assert is_problem(answer, 503, "not-now")
    assert answer.headers["Retry-After"] == "30"
    assert answer.json["help"] == ["group:admins"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"type": "Chat Box"}, "type"),
        ({"type": 3}, "type"),
        ({"type": "chat", "goal": "  "}, "goal"),
        ({"goal": "x" * 8_001}, "goal"),
        ({"goal": None}, "goal"),
        ({"payload": []}, "payload"),
        ({"payload": None}, "payload"),
        ({"extra": 1}, "extra"),
        ({"trigger": {}}, "trigger.source_id"),
        ({"trigger": {"source_id": "a b"}}, "trigger.source_id"),
        ({"trigger": {"source_id": "x" * 257}}, "trigger.source_id"),
        ({"trigger": {"source_id": 7}}, "trigger.source_id"),
        ({"trigger": {"source_id": "x", "timestamp": "2026-11-21T08:00:00"}}, "trigger.timestamp"),
        ({"trigger": {"source_id": "x", "timestamp": "0001-01-01T00:00:00+14:00"}}, "trigger.timestamp"),
        ({"trigger": {"source_id": "x", "timestamp": "9999-12-31T23:59:59-14:00"}}, "trigger.timestamp"),
        ({"trigger": {"source_id": "x", "source": "nowhere"}}, "trigger.source"),
        ({"trigger": {"source_id": "x", "nested": {"deep": 1}}}, "trigger.nested"),
        ({"context": {"organization_id": "other"}}, "organization_id"),
        ({"context": {"repository_id": "../../etc"}}, "context.repository_id"),
        ({"context": {"agent_slug": "Ünicode"}}, "context.agent_slug"),
        ({"context": {"priority": "urgent"}}, "context.priority"),
        ({"requester": "U1"}, "requester"),
    ],
)
async def test_a_task_that_does_not_fit_is_told_where(doors, change, place):
    answer = await doors.post("/v1/tasks", {**TASK, **change}, ACTING)
    assert is_problem(answer, 422, "invalid")
    assert place in answer.json["detail"]
    assert doors.operator.tasks == []


@pytest.mark.parametrize("body", [b"", b"[", b'{"goal": "a", "goal": "b"}', b"[" * 99_999, b'{"payload": {"n": NaN}}'])
async def test_what_is_not_json_is_refused(doors, body):
    assert is_problem(await doors.post("/v1/tasks", body), 400, "malformed-json")


async def test_errors_show_no_input_back(doors):
    answer = await doors.post("/v1/tasks", {**TASK, "payload": "hunter2", "requester": "hunter2"})
    assert answer.status == 422
    assert b"hunter2" not in answer.body


# ── Runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_has_the_contracts_shape(doors):
    doors.operator.add("r-1", *parked(task()))
    run = (await doors.get("/v1/runs/r-1")).json
    requirement = {
        "from": "group:sre",
        "count": 2,
        "within": "4h",
        "use_within": "15m",
        "break_glass": False,
        "stage": 0,
        "policies": ["no-direct-production"],
    }
    assert run == {
        "run_id": "r-1",
        "status": "awaiting_approval",
        "outcome": None,
        "flags": [],
        "task": {
            "type": "restart",
            "goal": "restart web",
            "requester": "token:ci",
            "trigger": {
                "source": "api",
                "source_id": "x-1",
                "timestamp": "2026-11-21T08:00:00Z",
                "correlation": "web-1",
            },
            "context": {
                "organization_id": "acme",
                "repository_id": None,
                "agent_slug": "incident",
                "priority": "normal",
            },
            "payload": {"why": ["it hangs"]},
        },
        "decision": {
            "allowed": True,
            "tier": 4,
            "reason": "Countersigned changes are allowed.",
            "required_approvals": [requirement],
            "constraints": {
                "max_iterations": 10,
                "timeout_s": 900,
                "deadline_s": None,
                "budget_usd": None,
                "max_actions": None,
                "max_tokens": None,
                "allowed_tools": ["service.restart"],
                "denied_tools": [],
                "requires_pr": False,
                "requires_validation": False,
            },
            "reasons": [],
            "overruled": [],
            "policy_hash": "sha256:00",
            "digest": "",
        },
        "approvals": [
            {
                "approval_id": "a1",
                "call_id": "c1",
                "tool": "service.restart",
                "resource": "prod/web",
                "arguments": {"service": "web", "ports": [80, 443]},
                "digest": "sha256:11",
                "requirements": [requirement],
                "votes": [],
                "status": "open",
                "expires_at": "2026-11-21T12:00:00Z",
            }
        ],
        "cost_usd": 0.0,
        "iterations": 1,
        "thread_url": "https://acme.slack.com/r-1",
        "created_at": "2026-11-21T08:01:00Z",
        "updated_at": "2026-11-21T08:04:00Z",
    }


async def test_a_hidden_run_is_like_no_run(doors):
    doors.operator.add("r-1", *parked(task()))
    doors.operator.hidden.add("r-1")
    said = {
        (answer.status, answer.json["type"], answer.json["detail"])
        for run_id in ("r-1", "r-2", "r%2F1", "%ff", "x" * 99)
        for answer in (
            await doors.get(f"/v1/runs/{run_id}"),
            await doors.get(f"/v1/runs/{run_id}/events"),
            await doors.post(f"/v1/runs/{run_id}/signals", {"signal": "pause"}),
        )
    }
    assert said == {(404, "urn:countersign:problem:not-found", "There is nothing here.")}
    assert doors.operator.signals == []
    assert (await doors.get("/v1/runs")).json == {"runs": [], "cursor": None}
    assert (await doors.get("/v1/approvals")).json == {"approvals": []}


async def test_runs_are_listed_in_pages_that_skip_what_is_hidden(doors):
    for number in range(10):
        doors.operator.add(f"r-{number}", TaskReceived(task=task(number), agent="incident"))
    doors.operator.hidden |= {"r-9", "r-7", "r-5", "r-0"}
    doors.operator.add("r-1", PolicyDecided(decision=DECISION))
    first = (await doors.get("/v1/runs?limit=4")).json
    assert [run["run_id"] for run in first["runs"]] == ["r-8", "r-6", "r-4", "r-3"]
    second = (await doors.get(f"/v1/runs?limit=4&cursor={first['cursor']}")).json
    assert [run["run_id"] for run in second["runs"]] == ["r-2", "r-1"]
    assert second["cursor"] is None
    reasoning = (await doors.get("/v1/runs?status=reasoning")).json["runs"]
    assert [run["run_id"] for run in reasoning] == ["r-1"]


@pytest.mark.parametrize(
    "query",
    [
        "status=odd",
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=1_0",
        "limit=%D9%A1",
        "limit=",
        "limit=1&limit=2",
        "cursor=odd",
        "state=new",
        "%ff=%ff",
    ],
)
async def test_a_bad_query_is_refused(doors, query):
    assert is_problem(await doors.get(f"/v1/runs?{query}"), 400, "bad-query")


# ── Signals ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("word", ["pause", "resume", "redirect", "answer", "stop"])
async def test_a_word_reaches_its_run_in_the_tokens_name(doors, word):
    doors.operator.add("r-1", *parked(task()))
    answer = await doors.post("/v1/runs/r-1/signals", {"signal": word, "text": "logs only"})
    assert answer.status == 200
    assert answer.json == {"run_id": "r-1", "status": "awaiting_approval", "text": "Recorded."}
    ((run_id, signal),) = doors.operator.signals
    assert (run_id, signal.kind, signal.by, signal.text) == ("r-1", SignalKind(word), "token:ci", "logs only")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"signal": "approve"},
        {"signal": "deny"},
        {"signal": "say", "text": "x"},
        {"signal": "takeover"},
        {"signal": "redirect"},
        {"signal": "answer", "text": " "},
        {"signal": "pause", "by": "user:U1"},
        {"signal": "stop", "text": "x" * 8_001},
    ],
)
async def test_a_word_that_does_not_fit_is_refused(doors, document):
    doors.operator.add("r-1", *parked(task()))
    assert is_problem(await doors.post("/v1/runs/r-1/signals", document), 422, "invalid")
    assert doors.operator.signals == []


async def test_the_operators_refusal_says_who_could(doors):
    doors.operator.add("r-1", *parked(task()))
    doors.operator.reply = Reply(ok=False, text="You may not stop this run.", help=("group:sre",))
    answer = await doors.post("/v1/runs/r-1/signals", {"signal": "stop"})
    assert is_problem(answer, 403, "not-allowed")
    assert answer.json["help"] == ["group:sre"]
    doors.operator.reply = Reply(ok=False, text="It has finished.")
    assert is_problem(await doors.post("/v1/runs/r-1/signals", {"signal": "stop"}), 409, "not-possible")


async def test_tokens_never_say_whether_an_action_happened(doors):
    call = ToolCall(call_id="c1", tool="service.restart", version=1, effect=Effect.CHANGE, arguments={})
    doors.operator.add(
        "r-1",
        TaskReceived(task=task(), agent="incident"),
        PolicyDecided(decision=DECISION),
        CallsProposed(calls=(call,)),
        CallAllowed(call_id="c1"),
        ActionStarted(call_id="c1", epoch=1, key="k", digest="d"),
        ActionInDoubt(call_id="c1", why="the line broke", remedy="ask"),
        DoubtPutToPerson(call_id="c1", question="Did it happen?", options=("yes", "no")),
    )
    answer = await doors.post("/v1/runs/r-1/signals", {"signal": "answer", "text": "yes"})
    assert is_problem(answer, 403, "people-only")
    assert doors.operator.signals == []


async def test_tokens_answer_other_questions(doors):
    received = TaskReceived(task=task(), agent="incident")
    doors.operator.add("r-1", received, PolicyDecided(decision=DECISION), QuestionAsked(question="Which bucket?"))
    assert (await doors.post("/v1/runs/r-1/signals", {"signal": "answer", "text": "logs"})).status == 200


# ── Approvals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_open_approvals_are_listed_with_their_runs(doors):
    doors.operator.add("r-1", *parked(task(1)))
    doors.operator.add("r-2", TaskReceived(task=task(2), agent="incident"))
    for query in ("", "?status=open"):
        (approval,) = (await doors.get(f"/v1/approvals{query}")).json["approvals"]
        assert approval["run_id"] == "r-1"
        assert approval["approval_id"] == "a1"
        assert approval["status"] == "open"
    assert is_problem(await doors.get("/v1/approvals?status=used"), 400, "bad-query")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/v1/approvals", "/v1/approvals/a1", "/v1/approvals/a1/approve", "/v1/runs/r-1/approvals/a1", "/v1/votes"]
)
async def test_approving_is_not_in_the_api(doors, method, path):
    doors.operator.add("r-1", *parked(task()))
    answer = await doors.call(method, path, headers=AUTH, json={"approval_id": "a1", "ballot": "approve"})
    assert answer.status in {404, 405}  # and the fake operator's `vote` raises

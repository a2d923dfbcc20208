"""What people do in Slack, as intents: one table a door."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.approvals import Ballot
from domain.signals import SignalKind
from domain.tasks import Trust
from handlers.slack import commands, words
from handlers.slack.envelopes import seal
from handlers.slack.intents import read, urgent
from handlers.slack.messages import unescape

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RUN = "r-abcdefghij"
BOT = "U0BOT"
DIGEST = "sha256:" + "ab" * 32


def command(text: str) -> dict[str, Any]:
    return {
        "command": "/ops",
        "text": text,
        "team_id": "T1",
        "channel_id": "C1",
        "user_id": "U1",
        "trigger_id": "1.2.3",
        "response_url": "https://hooks.slack.com/x",
    }


def event(kind: str = "message", **fields: Any) -> dict[str, Any]:
    inner = {"type": kind, "channel": "C1", "user": "U1", "ts": "100.000001", "event_ts": "100.000001"} | fields
    return {
        "type": "event_callback",
        "event_id": "Ev1",
        "team_id": "T9",
        "event": inner,
        "authorizations": [{"team_id": "T1", "user_id": BOT}],
    }


def action(action_id: str, value: str = "", **fields: Any) -> dict[str, Any]:
    return {
        "type": "block_actions", "user": {"id": "U2"}, "team": {"id": "T1"}, "trigger_id": "t",
        "container": {"type": "message", "channel_id": "C1", "message_ts": "5.0", "thread_ts": "4.0"},
        "actions": [{"action_id": action_id, "value": value, "action_ts": "6.0", "type": "button"}],
    } | fields  # fmt: skip


def submitted(form: str, about: str, typed: str | None = "because", **value: Any) -> dict[str, Any]:
    state = {"values": {"text": {"text": {"value": typed} | value}}}
    view = {"id": "V1", "callback_id": form, "private_metadata": about, "state": state}
    return {"type": "view_submission", "user": {"id": "U2"}, "team": {"id": "T1"}, "view": view}


def intent(payload: dict[str, Any]) -> Any:
    return read(seal(payload, bot=BOT, received_at=NOW))


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        (
            "fix finding S3-7 in acme/infra",
            words.Request,
            {"goal": "fix finding S3-7 in acme/infra", "occurrence": "1.2.3"},
        ),
        ("", words.Told, {"what": "help"}),
        ("help", words.Told, {"what": "help"}),
        ("status", words.Told, {"what": "status", "run_id": None}),
        (f"status {RUN}", words.Told, {"what": "status", "run_id": RUN}),
        (f"status {RUN.upper()}", words.Told, {"what": "status", "run_id": RUN}),
        (RUN, words.Told, {"what": "status", "run_id": RUN}),
        (f"why {RUN}", words.Told, {"what": "why", "run_id": RUN}),
        ("why", words.Misspoken, {}),
        ("why is prod/web slow?", words.Request, {"goal": "why is prod/web slow?"}),
        ("status of prod/web", words.Request, {"goal": "status of prod/web"}),
        ("approvals", words.Told, {"what": "approvals"}),
        ("budgets", words.Told, {"what": "budgets"}),
        ("budgets of the shop are too high", words.Request, {}),
        (f"pause {RUN}", words.Steer, {"kind": SignalKind.PAUSE, "run_id": RUN}),
        (f"resume {RUN} go on", words.Steer, {"kind": SignalKind.RESUME, "text": "go on"}),
        (f"redirect {RUN} check the logs", words.Steer, {"kind": SignalKind.REDIRECT, "text": "check the logs"}),
        (f"redirect {RUN}", words.Misspoken, {}),
        (f"answer {RUN} yes", words.Steer, {"kind": SignalKind.ANSWER, "text": "yes"}),
        (f"takeover {RUN}", words.Steer, {"kind": SignalKind.TAKE_OVER}),
        (f"handback {RUN}", words.Steer, {"kind": SignalKind.HAND_BACK}),
        (f"stop {RUN} wrong one", words.Steer, {"kind": SignalKind.STOP, "text": "wrong one"}),
        ("stop", words.Misspoken, {}),
        ("stop the web service", words.Misspoken, {}),
        (f"retry {RUN}", words.Again, {"run_id": RUN, "occurrence": "1.2.3"}),
        ("retry", words.Misspoken, {}),
        ("stop-all fire", words.Switch, {"stop": True, "why": "fire"}),
        ("resume-all", words.Switch, {"stop": False}),
        ("autonomy", words.Climb, {"move": "show", "agent": ""}),
        ("autonomy incident", words.Climb, {"move": "show", "agent": "incident"}),
        ("autonomy promote incident", words.Climb, {"move": "promote", "agent": "incident", "occurrence": "1.2.3"}),
        ("autonomy demote incident too bold", words.Climb, {"move": "demote", "agent": "incident", "why": "too bold"}),
        ("autonomy demote incident", words.Misspoken, {}),
        ("autonomy promote", words.Misspoken, {}),
        (f"frobnicate {RUN}", words.Misspoken, {}),
        (f"undo {RUN}", words.Misspoken, {}),
        ("explain r-5", words.Request, {"goal": "explain r-5"}),
        (
            "tell &lt;b&gt; to <https://x.example|x.example> &amp; <@U7|sam>",
            words.Request,
            {"goal": "tell <b> to https://x.example & @U7"},
        ),
    ],
)
def test_commands(text: str, kind: type, expected: dict[str, Any]) -> None:
    found = intent(command(text))
    assert type(found) is kind, found
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.seat.principal == "user:U1"


@pytest.mark.parametrize(
    ("payload", "kind", "expected"),
    [
        (
            event("app_mention", text=f"<@{BOT}> fix S3-7"),
            words.Request,
            {"goal": "fix S3-7", "occurrence": "T1:C1:100.000001"},
        ),
        (event(text=f"<@{BOT}> fix S3-7"), words.Request, {"goal": "fix S3-7", "occurrence": "T1:C1:100.000001"}),
        (event(text="fix S3-7"), words.Ignored, {}),
        (event(text="fix S3-7", channel="D1", channel_type="im"), words.Request, {"goal": "fix S3-7"}),
        (event(text="hello", thread_ts="90.0"), words.Spoken, {"text": "hello", "addressed": False, "kind": None}),
        (event(text="Stop!", thread_ts="90.0"), words.Spoken, {"kind": SignalKind.STOP}),
        (event(text=f"<@{BOT}> pause", thread_ts="90.0"), words.Spoken, {"kind": SignalKind.PAUSE, "addressed": True}),
        (event(text="please stop it", thread_ts="90.0"), words.Spoken, {"kind": None}),
        (event(text=f"<@{BOT}> hi", bot_id="B1"), words.Ignored, {}),
        (event(text=f"<@{BOT}> hi", app_id="A1"), words.Ignored, {}),
        (event(text=f"<@{BOT}> hi", bot_profile={"id": "B1"}), words.Ignored, {}),
        (event(text=f"<@{BOT}> hi", subtype="bot_message"), words.Ignored, {}),
        (event(text=f"<@{BOT}> hi", user="USLACKBOT"), words.Ignored, {}),
        (event(subtype="channel_join", text="joined"), words.Ignored, {}),
        (event(text=f"<@{BOT}>"), words.Told, {"what": "help"}),
        (event("app_home_opened", tab="home"), words.HomeOpened, {}),
        (event("app_home_opened", tab="messages"), words.Ignored, {}),
        (event("agent_session_stopped", thread_ts="90.0"), words.SessionStopped, {}),
        (event("reaction_added"), words.Ignored, {}),
        (
            event(
                subtype="message_changed",
                message={"user": "U1", "ts": "9.0", "text": "b"},
                previous_message={"text": "a"},
            ),
            words.Edited,
            {"text": "b", "occurrence": "T1:C1:9.0"},
        ),
        (
            event(
                subtype="message_changed",
                message={"user": "U1", "ts": "9.0", "text": "a"},
                previous_message={"text": "a"},
            ),
            words.Ignored,
            {},
        ),
        (
            event(
                subtype="message_changed",
                message={"bot_id": "B", "ts": "9.0", "text": "b"},
                previous_message={"text": "a"},
            ),
            words.Ignored,
            {},
        ),
        (
            event(subtype="message_deleted", deleted_ts="9.0", previous_message={"user": "U1", "ts": "9.0"}),
            words.Deleted,
            {"occurrence": "T1:C1:9.0"},
        ),
        (
            event(
                subtype="message_changed",
                message={"subtype": "tombstone", "ts": "9.0", "user": "USLACKBOT", "text": "deleted"},
                previous_message={"user": "U1", "ts": "9.0", "text": "fix"},
            ),
            words.Deleted,
            {"occurrence": "T1:C1:9.0"},
        ),
        (event(text=None, user=None), words.Ignored, {}),
        ({"type": "event_callback", "event": {}}, words.Ignored, {}),
        ({}, words.Ignored, {}),
        ({"type": "block_actions"}, words.Misspoken, {}),
        ({"type": "view_submission"}, words.Ignored, {}),
    ],
)
def test_events(payload: dict[str, Any], kind: type, expected: dict[str, Any]) -> None:
    found = intent(payload)
    assert type(found) is kind, found
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("payload", "kind", "expected"),
    [
        (
            action("approve", f"{RUN}.c1 {DIGEST}"),
            words.Voted,
            {"approval_id": f"{RUN}.c1", "digest": DIGEST, "ballot": Ballot.APPROVE, "card": ("C1", "5.0")},
        ),
        (action("merge", f"{RUN}.c1 {DIGEST}"), words.Voted, {"ballot": Ballot.APPROVE}),
        (action("deny", f"{RUN}.c1 {DIGEST}"), words.Opened, {"form": "deny"}),
        (action("details", f"{RUN}.c1 {DIGEST}"), words.Opened, {"form": "details"}),
        (action("details", RUN), words.Opened, {"form": "details"}),
        (action("ask", f"{RUN}.c1 {DIGEST}"), words.Opened, {"form": "ask"}),
        (action("redirect", RUN), words.Opened, {"form": "redirect"}),
        (action("answer", f"{RUN} 2"), words.Opened, {"form": "answer"}),
        (action("answer_1", f"{RUN} 2 1"), words.Steer, {"kind": SignalKind.ANSWER, "question": 2, "option": 1}),
        (action("pause", RUN), words.Steer, {"kind": SignalKind.PAUSE, "run_id": RUN}),
        (action("resume", RUN), words.Steer, {"kind": SignalKind.RESUME}),
        (action("stop", RUN), words.Steer, {"kind": SignalKind.STOP}),
        (action("approve", ""), words.Misspoken, {}),
        (action("grant", RUN), words.Misspoken, {}),
        (
            action("page_next", "3", view={"id": "V1", "private_metadata": '{"run":"r-1"}'}),
            words.Turned,
            {"page": 3, "view_id": "V1"},
        ),
        (
            submitted("deny", '{"approval":"r-1.c1","digest":"d","channel":"C1","ts":"5.0"}'),
            words.Voted,
            {"ballot": Ballot.DENY, "reason": "because", "card": ("C1", "5.0")},
        ),
        (submitted("deny", '{"approval":"r-1.c1"}', None), words.Voted, {"reason": ""}),
        (submitted("redirect", '{"run":"r-1"}', "x"), words.Steer, {"kind": SignalKind.REDIRECT, "text": "x"}),
        (submitted("ask", '{"run":"r-1"}', "x"), words.Steer, {"kind": SignalKind.SAY}),
        (
            submitted("answer", '{"run":"r-1","question":1}', None, selected_option={"value": "2"}),
            words.Steer,
            {"kind": SignalKind.ANSWER, "question": 1, "option": 2},
        ),
        (
            submitted("task", '{"message":"disk full","author":"U9","channel":"C1","thread":"4.0"}'),
            words.Request,
            {"goal": "because", "occurrence": "V1", "trust": Trust.UNTRUSTED, "payload": {"message": "disk full"}},
        ),
        (submitted("task", '{"message":"disk full","author":"U2"}'), words.Request, {"trust": Trust.PERSON}),
        (submitted("details", "not json"), words.Ignored, {}),
    ],
)
def test_clicks_and_forms(payload: dict[str, Any], kind: type, expected: dict[str, Any]) -> None:
    found = intent(payload)
    assert type(found) is kind, found
    assert {name: getattr(found, name) for name in expected} == expected
    if kind is not words.Ignored:
        assert found.seat.principal == "user:U2"


def test_a_shortcut_opens_a_form_about_the_message() -> None:
    payload = {
        "type": "message_action",
        "callback_id": "task_from_message",
        "trigger_id": "t",
        "user": {"id": "U1"},
        "channel": {"id": "C1"},
        "message": {"ts": "7.0", "user": "U9", "text": "disk is <b>full</b>"},
    }
    found = intent(payload)
    assert isinstance(found, words.Opened)
    assert found.about["author"] == "U9"
    assert found.seat.thread_ts == "7.0"
    assert urgent(found)


@pytest.mark.parametrize(
    ("payload", "overtakes"),
    [
        (command(f"stop {RUN}"), True),
        (command(f"pause {RUN}"), True),
        (command("stop-all"), True),
        (command(f"resume {RUN}"), False),
        (command("fix it"), False),
        (event(text="stop", thread_ts="90.0"), True),
        (event(text="so stop", thread_ts="90.0"), False),
        (event("agent_session_stopped", thread_ts="90.0"), True),
        (action("stop", RUN), True),
        (action("details", RUN), True),
        (action("approve", f"{RUN}.c1 {DIGEST}"), False),
    ],
)
def test_what_overtakes(payload: dict[str, Any], overtakes: bool) -> None:
    assert urgent(intent(payload)) is overtakes


def key(payload: dict[str, Any]) -> str:
    return seal(payload, bot=BOT, received_at=NOW).key


def test_one_text_is_one_signal_whatever_ids_it_has() -> None:
    first = event("app_mention", text="x")
    second = event("message", text="x") | {"event_id": "Ev2"}
    assert key(first) == key(second)
    assert key(event(ts="101.0")) != key(first)


def test_redeliveries_have_the_same_key_and_new_deeds_another() -> None:
    assert key(command("x")) == key(command("x"))
    assert key(command("x")) != key(command("x") | {"trigger_id": "9"})
    again = action("approve", "v")
    assert key(again) == key(action("approve", "v"))
    other = action("approve", "v", actions=[{"action_id": "approve", "value": "v", "action_ts": "7.0"}])
    assert key(other) != key(again)
    assert key(event("app_home_opened")) != key(event("app_home_opened") | {"event_id": "Ev2"})
    assert key({"type": "strange", "x": 1}) != key({"type": "strange", "x": 2})


def test_a_thread_is_a_lane_in_the_order_of_its_messages() -> None:
    root = seal(event("app_mention", text="x", ts="100.000001"), bot=BOT, received_at=NOW)
    reply = seal(event(text="y", ts="100.000002", thread_ts="100.000001"), bot=BOT, received_at=NOW)
    assert root.lane == reply.lane
    assert root.order < reply.order


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("&lt;!channel&gt;", "<!channel>"),
        ("<#C1|infra> <!here> <!subteam^S1|@sre>", "#infra @here @sre"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_text_is_read_as_it_was_typed(raw: str, plain: str) -> None:
    assert unescape(raw) == plain


def test_the_help_names_every_verb() -> None:
    for verb in (
        "status",
        "why",
        "approvals",
        "pause",
        "resume",
        "stop",
        "takeover",
        "handback",
        "retry",
        "redirect",
        "answer",
    ):
        assert verb in commands.HELP

"""`manifest.yml` against Slack's schema, and against the code: nothing missing, nothing too much."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from handlers.slack import routes
from handlers.slack.show import forms

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "tests/data/slack-manifest-schema/manifest.schema.2.0.0.json"

# The scope that lets an app receive each event (Slack's event reference).
EVENT_SCOPES = {
    "agent_session_stopped": "chat:write",
    "app_home_opened": None,
    "app_mention": "app_mentions:read",
    "channel_shared": "channels:read",
    "channel_unshared": "channels:read",
    "member_joined_channel": "channels:read",
    "member_left_channel": "channels:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "subteam_members_changed": "usergroups:read",
    "subteam_updated": "usergroups:read",
    "user_change": "users:read",
}
MESSAGES = {"message.channels", "message.groups", "message.im", "message.mpim"}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())
    return found


def scopes(manifest: dict[str, Any]) -> set[str]:
    return set(manifest["oauth_config"]["scopes"]["bot"])


def events(manifest: dict[str, Any]) -> set[str]:
    return set(manifest["settings"]["event_subscriptions"]["bot_events"])


def test_slack_takes_it(manifest: dict[str, Any]) -> None:
    problems = [error.message for error in Draft7Validator(json.loads(SCHEMA.read_text())).iter_errors(manifest)]
    assert problems == []


def test_the_schema_is_awake(manifest: dict[str, Any]) -> None:
    wrong = manifest | {"features": manifest["features"] | {"code_channels": {}}}
    assert list(Draft7Validator(json.loads(SCHEMA.read_text())).iter_errors(wrong))


def test_every_event_is_heard_and_every_heard_event_is_subscribed(manifest: dict[str, Any]) -> None:
    heard = (set(routes.EVENTS) - {"message"}) | MESSAGES | set(routes.CHANGES)
    assert events(manifest) == heard


def test_every_command_and_shortcut_is_declared(manifest: dict[str, Any]) -> None:
    assert [each["command"] for each in manifest["features"]["slash_commands"]] == [routes.COMMAND]
    assert [each["callback_id"] for each in manifest["features"]["shortcuts"]] == list(routes.SHORTCUTS)
    assert all(each["should_escape"] for each in manifest["features"]["slash_commands"])


def test_every_method_and_event_is_covered_by_a_scope(manifest: dict[str, Any]) -> None:
    granted = scopes(manifest)
    uncovered = [method for method, any_of in routes.METHODS.items() if any_of and not granted & set(any_of)]
    assert uncovered == []
    assert {event for event in events(manifest) if EVENT_SCOPES[event] not in (*granted, None)} == set()


def test_no_scope_is_asked_for_in_vain(manifest: dict[str, Any]) -> None:
    of_methods = {scope for any_of in routes.METHODS.values() for scope in any_of}
    of_events = {scope for scope in EVENT_SCOPES.values() if scope}
    assert scopes(manifest) - of_methods - of_events == {"commands"}


def test_the_table_of_methods_is_what_the_gateway_calls() -> None:
    text = (ROOT / "handlers/slack/gateway.py").read_text()
    called = set(re.findall(r'"([a-z]+(?:\.[a-zA-Z]+)+)"', text)) - {".slack.com"}
    assert called == set(routes.METHODS)


def test_every_form_that_is_shown_is_listened_for() -> None:
    shown = {
        forms.deny({})["callback_id"],
        forms.redirect({})["callback_id"],
        forms.ask({})["callback_id"],
        forms.answer({})["callback_id"],
        forms.break_glass({})["callback_id"],
        forms.task({}, "x")["callback_id"],
    }
    assert shown == set(routes.FORMS)

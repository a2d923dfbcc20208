"""A Slack request as an envelope: which occurrence it is, to which conversation it belongs, and in which order."""

from collections.abc import Mapping
from datetime import datetime

from domain.canonical import Json, digest
from domain.envelopes import Envelope

DOOR = "slack"


def seal(payload: Mapping[str, Json], *, bot: str | None, received_at: datetime) -> Envelope:
    """The envelope of one request. Its key is the content's where Slack may send the same under another id."""
    kind = kind_of(payload)
    key, lane, order = _READERS[kind](payload)
    return Envelope(
        door=DOOR,
        key=f"{kind}:{key}" if key else f"{kind}:{digest(dict(payload))}",
        lane=lane,
        order=order or f"{received_at.timestamp():.6f}",
        body={"kind": kind, "bot": bot, "payload": dict(payload)},
        received_at=received_at,
    )


def kind_of(payload: Mapping[str, Json]) -> str:
    """event | command | action | view | shortcut | other"""
    if isinstance(payload.get("event"), Mapping):
        return "event"
    if "command" in payload:
        return "command"
    kinds = {
        "block_actions": "action",
        "view_submission": "view",
        "shortcut": "shortcut",
        "message_action": "shortcut",
    }
    return kinds.get(str(payload.get("type")), "other")


def text_of(value: Json, *names: str) -> str:
    """The text at this path of nested mappings; empty where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""


def team_of(payload: Mapping[str, Json]) -> str:
    """The workspace that installed us, not the one that a shared channel's guest comes from."""
    grants = payload.get("authorizations")
    if isinstance(grants, list) and grants and text_of(grants[0], "team_id"):
        return text_of(grants[0], "team_id")
    return text_of(payload, "team_id") or text_of(payload, "team", "id")


Found = tuple[str, str, str]  # key, lane, order


def _event(payload: Mapping[str, Json]) -> Found:
    event = payload["event"]
    channel, ts = text_of(event, "channel"), text_of(event, "ts")
    lane = f"{channel}:{text_of(event, 'thread_ts') or ts}"
    order = text_of(event, "event_ts") or ts
    if (
        text_of(event, "type") in ("message", "app_mention")
        and text_of(event, "subtype") in _CARRYING
        and channel
        and ts
    ):
        # One text comes as app_mention and as message, under two event ids: one signal.
        return f"{team_of(payload)}:{channel}:{ts}", lane, ts
    return text_of(payload, "event_id"), lane, order


_CARRYING = ("", "file_share", "thread_broadcast")  # subtypes that are still somebody's words


def _command(payload: Mapping[str, Json]) -> Found:
    lane = f"{text_of(payload, 'channel_id')}:{text_of(payload, 'user_id')}"
    return text_of(payload, "trigger_id"), lane, ""


def _action(payload: Mapping[str, Json]) -> Found:
    actions = payload.get("actions")
    action = actions[0] if isinstance(actions, list) and actions else {}
    where = payload.get("container")
    place = text_of(where, "message_ts") or text_of(where, "view_id")
    action_ts = text_of(action, "action_ts")
    parts = (
        text_of(payload, "user", "id"),
        text_of(where, "channel_id"),
        place,
        text_of(action, "action_id"),
        action_ts,
    )
    lane = f"{text_of(where, 'channel_id')}:{text_of(where, 'thread_ts') or place}"
    return ":".join(parts) if action_ts else text_of(payload, "trigger_id"), f"click:{lane}", action_ts


def _view(payload: Mapping[str, Json]) -> Found:
    view_id = text_of(payload, "view", "id")
    return view_id, f"view:{view_id}", ""


def _shortcut(payload: Mapping[str, Json]) -> Found:
    trigger = text_of(payload, "trigger_id")
    return trigger, f"shortcut:{trigger}", text_of(payload, "action_ts")


def _other(_payload: Mapping[str, Json]) -> Found:
    return "", "other", ""


_READERS = {
    "event": _event,
    "command": _command,
    "action": _action,
    "view": _view,
    "shortcut": _shortcut,
    "other": _other,
}

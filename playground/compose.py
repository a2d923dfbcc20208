"""New messages, made from what an app or a person gave."""

import uuid
from typing import Any

from playground import blocks as kit
from playground import limits, shapes
from playground.errors import Json, SlackError
from playground.workspace import App
from playground.world import World


def content(text: str, blocks: Any, attachments: Any, markdown: str = "") -> Json:
    """The checked content of an app's message. Raises no_text, invalid_blocks, msg_blocks_too_long, ..."""
    if markdown and (text or blocks):
        raise SlackError("markdown_text_conflict")
    if len(markdown) > limits.MARKDOWN:
        raise SlackError("msg_too_long")
    if not (text or blocks or attachments or markdown):
        raise SlackError("no_text")
    if attachments and (not isinstance(attachments, list) or len(attachments) > limits.ATTACHMENTS):
        raise SlackError("too_many_attachments" if isinstance(attachments, list) else "invalid_attachments")
    given = [{"type": "markdown", "text": markdown}] if markdown else blocks or []
    return {
        "text": (text or markdown)[: limits.TEXT_TRUNCATED],
        "blocks": kit.for_message(given),
        "attachments": attachments or [],
    }


def metadata(value: Any) -> Json | None:
    """Raises invalid_metadata_format."""
    if value in (None, "", {}):
        return None
    good = isinstance(value, dict) and isinstance(value.get("event_payload"), dict)
    kind = value.get("event_type") if isinstance(value, dict) else None
    if not good or not isinstance(kind, str) or not 0 < len(kind) <= limits.METADATA_EVENT_TYPE:
        raise SlackError("invalid_metadata_format")
    return {"event_type": kind, "event_payload": value["event_payload"]}


def by_app(world: World, app: App, channel: Json, content: Json, **fields: Any) -> Json:
    """A message of the app's bot, not yet stored."""
    return {
        "channel": channel["id"],
        "ts": world.next_ts(),
        "user": app.bot_user_id,
        "type": "message",
        "bot_id": app.bot_id,
        "app_id": app.id,
        "team": world.team["id"],
        "bot_profile": shapes.bot_profile(world, app),
        **content,
        **fields,
    }


def by_person(world: World, user: Json, channel: Json, content: Json, **fields: Any) -> Json:
    """A message of a person, or of another bot (then with bot_id and subtype bot_message)."""
    row: Json = {
        "channel": channel["id"],
        "ts": world.next_ts(),
        "user": user["id"],
        "type": "message",
        "client_msg_id": str(uuid.uuid4()),
        "team": user["team_id"],
        **content,
        **fields,
    }
    if user["is_stranger"]:
        row |= {"user_team": user["team_id"], "source_team": user["team_id"]}
    if user["is_bot"]:
        row |= {"subtype": "bot_message", "bot_id": user.get("bot_id", "B" + user["id"][1:]), "username": user["name"]}
    return row


def root_of(world: World, channel: Json, thread_ts: str) -> str:
    """The thread's root ts, also when `thread_ts` names a reply. Raises cannot_reply_to_message."""
    row = world.message(channel["id"], thread_ts)
    if row is None:
        raise SlackError("cannot_reply_to_message")
    return str(row.get("thread_ts") or row["ts"])

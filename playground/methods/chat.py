"""chat.*: messages of apps."""

from typing import Any

from playground import compose, limits, shapes
from playground.call import Call
from playground.errors import Json, SlackError


async def post_message(call: Call) -> Json:
    channel = _writable(call)
    row = compose.by_app(call.world, call.app, channel, _content(call), **_thread(call, channel), **_metadata(call))
    _publish(call, row)
    return {"channel": channel["id"], "ts": row["ts"], "message": shapes.message(row, metadata=True)}


async def me_message(call: Call) -> Json:
    channel = _writable(call)
    content = compose.content(call.get("text"), None, None)
    row = compose.by_app(call.world, call.app, channel, content, subtype="me_message")
    _publish(call, row)
    return {"channel": channel["id"], "ts": row["ts"]}


async def post_ephemeral(call: Call) -> Json:
    channel = _writable(call)
    user = call.user()
    if user["id"] not in channel["members"]:
        raise SlackError("user_not_in_channel")
    row = compose.by_app(
        call.world, call.app, channel, _content(call), ephemeral_to=user["id"], **_thread(call, channel, strict=False)
    )
    call.world.put_message(row)
    return {"message_ts": row["ts"]}


async def update(call: Call) -> Json:
    channel = call.channel()
    before = call.message(channel)
    if before.get("bot_id") != call.app.bot_id:
        raise SlackError("cant_update_message")
    if (before.get("stream") or {}).get("state") == "streaming":
        raise SlackError("streaming_state_conflict")
    if len(call.get("text")) > limits.UPDATE_TEXT:
        raise SlackError("msg_too_long")
    given = {
        name for name in ("text", "blocks", "attachments", "markdown_text", "metadata", "file_ids") if name in call.args
    }
    if not given:
        raise SlackError("no_text")
    after = before | _update(call, before) | _metadata(call) | {"edited": {"user": call.me, "ts": call.world.next_ts()}}
    after = {**after, "stream": None}
    call.world.put_message(after)
    call.hub.events.changed(before, after)
    shown = shapes.message(after, metadata=True)
    return {"channel": channel["id"], "ts": after["ts"], "text": after["text"], "message": shown}


def _update(call: Call, before: Json) -> Json:
    """Text without blocks removes the blocks, as Slack does; metadata alone changes nothing else."""
    if not any(name in call.args for name in ("text", "blocks", "attachments", "markdown_text")):
        return {}
    fresh = _content(call)
    if "attachments" not in call.args:
        fresh["attachments"] = before.get("attachments", [])
    return fresh


async def delete(call: Call) -> Json:
    channel = call.channel()
    row = call.message(channel)
    if row.get("bot_id") != call.app.bot_id:
        raise SlackError("cant_delete_message")
    remove(call.world, row)
    call.hub.events.deleted(row)
    return {"channel": channel["id"], "ts": row["ts"]}


def remove(world: Any, row: Json) -> None:
    """A root with replies leaves a tombstone, so that its thread stays."""
    if world.thread(row["channel"], row["ts"]):
        tombstone = {"subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT", "hidden": True}
        world.put_message({key: row[key] for key in ("channel", "ts", "type")} | tombstone)
    else:
        world.drop_message(row)


async def get_permalink(call: Call) -> Json:
    channel = call.channel()
    row = call.message(channel, "message_ts")
    root = row.get("thread_ts")
    query = f"?thread_ts={root}&cid={channel['id']}" if root and root != row["ts"] else ""
    path = f"archives/{channel['id']}/p{row['ts'].replace('.', '')}{query}"
    return {"channel": channel["id"], "permalink": f"{call.hub.url}/{path}"}


def _writable(call: Call) -> Json:
    """Raises is_archived; not_in_channel unless chat:write.public opens a public channel."""
    channel = call.channel()
    if channel["is_archived"]:
        raise SlackError("is_archived")
    public = not channel["is_private"] and call.has_scope("chat:write.public")
    if call.me not in channel["members"] and not public:
        raise SlackError("not_in_channel")
    return channel


def _content(call: Call) -> Json:
    return compose.content(
        call.get("text"), call.structure("blocks"), call.structure("attachments"), call.get("markdown_text")
    )


def _thread(call: Call, channel: Json, *, strict: bool = True) -> Json:
    thread_ts = call.get("thread_ts")
    if not thread_ts:
        return {}
    if not strict:
        return {"thread_ts": thread_ts}
    root = compose.root_of(call.world, channel, thread_ts)
    return {"thread_ts": root} | ({"subtype": "thread_broadcast"} if call.flag("reply_broadcast") else {})


def _metadata(call: Call) -> Json:
    found = compose.metadata(call.structure("metadata"))
    return {"metadata": found} if found else {}


def _publish(call: Call, row: Json) -> None:
    """Stores and announces; a post in a thread ends the "is thinking" line of its session."""
    call.world.put_message(row)
    if row.get("thread_ts") and call.world.session(row["channel"], row["thread_ts"]).get("status_text"):
        call.world.change_session(row["channel"], row["thread_ts"], status_text=None, loading_messages=[])
    call.hub.events.posted(row)

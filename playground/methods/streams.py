"""chat.*Stream: messages that grow, die after five minutes, and can be stopped by people."""

from typing import Any

from playground import blocks as kit
from playground import compose, limits, shapes
from playground.call import Call
from playground.errors import Json, SlackError
from playground.methods.agents import STATUSES

_NEEDED = {"markdown_text": ("text",), "task_update": ("id",), "plan_update": ("title",), "blocks": ()}


async def start(call: Call) -> Json:
    channel = call.channel(member=True)
    if not call.get("thread_ts"):
        raise SlackError("invalid_arguments", messages=["[ERROR] missing required field: thread_ts"])
    root = compose.root_of(call.world, channel, call.need("thread_ts"))
    if not channel["is_im"]:
        for name in ("recipient_user_id", "recipient_team_id"):
            if not call.get(name):
                raise SlackError(f"missing_{name}")
    stream = {"state": "streaming", "started": call.world.now(), "chunks": _chunks(call), "final": []}
    row = compose.by_app(call.world, call.app, channel, _rendered(stream), thread_ts=root, stream=stream)
    call.world.put_message(row)
    call.hub.events.posted(row)
    return {"channel": channel["id"], "ts": row["ts"]}


async def append(call: Call) -> Json:
    channel, row = _streaming(call)
    stream = row["stream"] | {"chunks": row["stream"]["chunks"] + _chunks(call, needed=True)}
    call.world.put_message(row | _rendered(stream) | {"stream": stream})
    return {"channel": channel["id"], "ts": row["ts"]}


async def stop(call: Call) -> Json:
    channel, row = _streaming(call)
    stream = row["stream"] | {"state": "completed", "chunks": row["stream"]["chunks"] + _chunks(call)}
    stream["final"] = kit.for_message(call.structure("blocks") or [])
    found = compose.metadata(call.structure("metadata"))
    after = row | _rendered(stream) | {"stream": stream} | ({"metadata": found} if found else {})
    call.world.put_message(after)
    call.hub.events.changed(row, after)
    if status := call.get("session_status"):
        if status not in STATUSES:
            raise SlackError("invalid_arguments", messages=[f"[ERROR] session_status must be one of {STATUSES}"])
        call.world.change_session(channel["id"], row["thread_ts"], status=status, app_id=call.app.id)
    return {"channel": channel["id"], "ts": row["ts"], "message": shapes.message(after, metadata=True)}


def _streaming(call: Call) -> tuple[Json, Json]:
    """Raises message_not_found, message_not_owned_by_app, stopped_by_user, message_not_in_streaming_state."""
    channel = call.channel()
    row = call.message(channel)
    if row.get("bot_id") != call.app.bot_id:
        raise SlackError("message_not_owned_by_app")
    stream = row.get("stream") or {"state": "none"}
    if stream["state"] == "stopped_by_user":
        raise SlackError("stopped_by_user")
    if stream["state"] == "streaming" and call.world.now() - stream["started"] > call.hub.timing.stream_life:
        stream = stream | {"state": "expired"}
        call.world.put_message(row | {"stream": stream})
    if stream["state"] != "streaming":
        raise SlackError("message_not_in_streaming_state")
    return channel, row


def _chunks(call: Call, *, needed: bool = False) -> list[Json]:
    chunks = call.structure("chunks") or []
    if not isinstance(chunks, list) or not all(isinstance(each, dict) for each in chunks):
        raise SlackError("invalid_chunks", messages=["[ERROR] chunks is a list of objects"])
    if markdown := call.get("markdown_text"):
        chunks = [*chunks, {"type": "markdown_text", "text": markdown}]
    if needed and not chunks:
        raise SlackError("no_text")
    for chunk in chunks:
        if not isinstance(chunk.get("type"), str) or chunk["type"] not in _NEEDED:
            raise SlackError("invalid_chunks", messages=[f"[ERROR] unsupported type: {chunk.get('type')}"])
        for name in _NEEDED[chunk["type"]]:
            if not isinstance(chunk.get(name), str) or not chunk[name]:
                raise SlackError(
                    "invalid_chunks", messages=[f"[ERROR] {chunk['type']}: missing required field: {name}"]
                )
        if chunk["type"] == "blocks" and (faults := kit.check(chunk.get("blocks"), "message")):
            raise SlackError("invalid_blocks", messages=faults)
        if len(chunk.get("text", "")) > limits.MARKDOWN:
            raise SlackError("msg_too_long")
    return chunks


def _rendered(stream: Json) -> Json:
    """Text and blocks as they show now: markdown runs together, a task's last update wins in its first place."""
    shown: list[Json] = []
    tasks: dict[str, int] = {}
    for chunk in stream["chunks"]:
        kind = chunk["type"]
        if kind == "markdown_text" and shown and shown[-1]["type"] == "markdown":
            shown[-1] = shown[-1] | {"text": shown[-1]["text"] + chunk["text"]}
        elif kind == "markdown_text":
            shown.append({"type": "markdown", "text": chunk["text"]})
        elif kind == "task_update":
            at = tasks.setdefault(chunk["id"], len(shown))
            before: Any = shown[at] if at < len(shown) else {}
            shown[at : at + 1] = [before | _task(chunk)]
        elif kind == "plan_update":
            shown = [each for each in shown if each["type"] != "header"]
            shown.insert(0, {"type": "header", "text": {"type": "plain_text", "text": chunk["title"][:150]}})
            tasks = {each["task_id"]: at for at, each in enumerate(shown) if each["type"] == "task_card"}
        else:
            shown += chunk["blocks"]
    text = "".join(each["text"] for each in stream["chunks"] if each["type"] == "markdown_text")
    numbered = [{**each, "block_id": f"s{at}"} for at, each in enumerate(kit.finished(shown + stream["final"]))]
    return {"text": text, "blocks": numbered}


def _task(chunk: Json) -> Json:
    names = ("title", "status", "details", "output", "sources")
    return {"type": "task_card", "task_id": chunk["id"]} | {name: chunk[name] for name in names if chunk.get(name)}

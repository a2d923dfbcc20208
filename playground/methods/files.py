"""files.*: upload in three steps (address, bytes, completion) and reading."""

import mimetypes
from pathlib import PurePosixPath

from playground import compose, shapes
from playground.call import Call
from playground.errors import Json, SlackError
from playground.world import World


async def get_upload_url(call: Call) -> Json:
    name = call.need("filename")
    length = call.number("length", 0, 1_000_000_000)
    row = new_file(call.world, call.hub.url, name, length, user=call.me, bot_app=call.app.id)
    call.world.store.put("files", row["id"], row)
    return {"upload_url": f"http://{call.host}/upload/v1/{row['id']}", "file_id": row["id"]}


async def complete_upload(call: Call) -> Json:
    """Shares the uploaded files as one message when a channel is named."""
    given = call.structure("files")
    if not isinstance(given, list) or not given or not all(isinstance(each, dict) for each in given):
        raise SlackError("invalid_arguments", messages=["[ERROR] files is a list of {id, title}"])
    rows = [_uploaded(call, each) for each in given]
    names = call.get("channel_id") or call.get("channels")
    if names:
        for name in names.split(","):
            rows = _share(call, name, rows)
    return {"files": [shapes.file(row) for row in rows]}


async def info(call: Call) -> Json:
    row = call.world.store.get("files", call.need("file"))
    if row is None or not row["uploaded"]:
        raise SlackError("file_not_found")
    return {"file": shapes.file(row), "comments": [], "response_metadata": {"next_cursor": ""}}


def new_file(world: World, url: str, name: str, length: int, *, user: str, bot_app: str | None = None) -> Json:
    file_id = world.new_id("F")
    mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
    extension = PurePosixPath(name).suffix.removeprefix(".") or "binary"
    address = f"{url}/files-pri/{world.team['id']}-{file_id}/{PurePosixPath(name).name}"
    return {
        "id": file_id,
        "created": int(world.now()),
        "timestamp": int(world.now()),
        "name": name,
        "title": name,
        "mimetype": mime,
        "filetype": extension,
        "pretty_type": extension.upper(),
        "user": user,
        "user_team": world.team["id"],
        "editable": False,
        "size": length,
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": False,
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": address,
        "url_private_download": address + "?download=1",
        "permalink": f"{url}/files/{user}/{file_id}/{name}",
        "channels": [],
        "groups": [],
        "ims": [],
        "shares": {},
        "uploaded": False,
        "owner_app": bot_app,
    }


def _uploaded(call: Call, given: Json) -> Json:
    row = call.world.store.get("files", str(given.get("id")))
    if row is None or row["owner_app"] != call.app.id or not row["uploaded"]:
        raise SlackError("file_not_found")
    return call.world.store.put("files", row["id"], row | {"title": given.get("title") or row["title"]})


def _share(call: Call, name: str, rows: list[Json]) -> list[Json]:
    call = Call(hub=call.hub, app=call.app, host=call.host, args=call.args | {"channel": name})
    channel = call.channel(member=True)
    if channel["is_archived"]:
        raise SlackError("is_archived")
    content: Json = {"text": call.get("initial_comment"), "blocks": [], "attachments": []}
    if given := call.structure("blocks"):
        content = compose.content("", given, None)
    thread = {"thread_ts": compose.root_of(call.world, channel, call.get("thread_ts"))} if call.get("thread_ts") else {}
    message = compose.by_app(call.world, call.app, channel, content, subtype="file_share", upload=True, **thread)
    shared = [shared_in(call.world, row, channel, message["ts"]) for row in rows]
    message = call.world.put_message(message | {"files": [shapes.file(row) for row in shared]})
    call.hub.events.posted(message)
    return shared


def shared_in(world: World, row: Json, channel: Json, ts: str) -> Json:
    """Records where a file was shared."""
    kind = "ims" if channel["is_im"] else "groups" if channel["is_private"] else "channels"
    visibility = "private" if channel["is_private"] else "public"
    shares: Json = row["shares"].get(visibility, {}) | {channel["id"]: [{"ts": ts}]}
    done = row | {kind: [*row[kind], channel["id"]], "shares": row["shares"] | {visibility: shares}}
    return world.store.put("files", row["id"], done | {"is_public": not channel["is_private"]})

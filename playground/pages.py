"""The page's files, uploads and downloads."""

import re
from pathlib import Path

from aiohttp import web

from playground.errors import Json
from playground.hub import Hub

PAGE = Path(__file__).parent / "page"
_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


async def index(_request: web.Request) -> web.StreamResponse:
    file = PAGE / "index.html"
    return web.FileResponse(file) if file.is_file() else web.Response(text="The page is not installed.", status=404)


async def page_file(request: web.Request) -> web.StreamResponse:
    """GET /page/{name}: also in folders below, never outside."""
    parts = request.match_info["name"].split("/")
    file = PAGE.joinpath(*parts)
    if not all(_NAME.fullmatch(part) for part in parts) or not file.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(file)


class Files:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def upload(self, request: web.Request) -> web.Response:
        """POST /upload/v1/{id}: raw bytes, or one file of a multipart form."""
        row = self._hub.world.store.get("files", request.match_info["id"])
        if row is None or row["uploaded"]:
            return web.Response(text="no such upload", status=404)
        data = await _body(request)
        await self._hub.blobs.put(row["id"], data)
        self._hub.world.store.put("files", row["id"], row | {"uploaded": True, "size": len(data)})
        self._hub.traffic.add("in", "upload", "upload", {"file": row["id"], "bytes": len(data)}, "OK", status=200)
        return web.Response(text=f"OK - {len(data)}")

    async def download(self, request: web.Request) -> web.Response:
        """GET /files-pri/{team}-{id}/{name}: with a bot's token, or on the page itself."""
        row = self._hub.world.store.get("files", request.match_info["id"])
        data = await self._hub.blobs.get(row["id"]) if row else None
        if row is None or data is None or not self._allowed(request):
            return web.Response(text="no such file, or no token with files:read", status=404)
        headers = {"Content-Disposition": "attachment", "Content-Security-Policy": "sandbox; default-src 'none'"}
        return web.Response(body=data, content_type=_content_type(row), headers=headers)

    def _allowed(self, request: web.Request) -> bool:
        if request.headers.get("Sec-Fetch-Site") == "same-origin":
            return True
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        apps = self._hub.world.apps.values()
        return any(token == app.bot_token and "files:read" in app.manifest.scopes for app in apps)


async def permalink(request: web.Request) -> web.Response:
    """GET /archives/{channel}/p{digits}: leads to the page at that message."""
    digits = request.match_info["digits"]
    ts = f"{digits[:-6]}.{digits[-6:]}"
    thread = request.query.get("thread_ts", "")
    raise web.HTTPFound(f"/?channel={request.match_info['channel']}&ts={ts}" + (f"&thread={thread}" if thread else ""))


async def _body(request: web.Request) -> bytes:
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    for part in (await request.post()).values():
        if isinstance(part, web.FileField):
            return part.file.read()
    return b""


def _content_type(row: Json) -> str:
    """Pictures as such; anything that a browser could run as plain bytes."""
    kind = str(row["mimetype"])
    safe = kind.startswith("image/") and kind != "image/svg+xml"
    return kind if safe or kind == "text/plain" else "application/octet-stream"

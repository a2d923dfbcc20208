"""Keeps other web sites out: none may read or drive the playground (DNS rebinding, forged posts)."""

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every request names a loopback host; browsers come from this very origin; control posts are JSON."""
    if fault := _fault(request):
        return web.json_response({"ok": False, "error": "forbidden", "hint": fault}, status=403)
    if (
        request.path.startswith("/playground/")
        and request.method == "POST"
        and request.content_type != "application/json"
    ):
        hint = "send Content-Type: application/json"
        return web.json_response({"ok": False, "error": "malformed", "hint": hint}, status=415)
    return await handler(request)


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def _fault(request: web.Request) -> str | None:
    try:
        host = URL(f"http://{request.headers.get('Host', '')}").host
    except ValueError:
        host = None
    if host not in LOOPBACK:
        return "the Host header is not a loopback name; open the playground at http://127.0.0.1"
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        return "the request comes from another site"
    if request.headers.get("Sec-Fetch-Site") not in (None, "none", "same-origin") and not _follows_link(request):
        return "the request comes from another site"
    return None


def _follows_link(request: web.Request) -> bool:
    """Links to the page and to its messages work from anywhere: they open a page and tell nothing."""
    opens = request.headers.get("Sec-Fetch-Mode") == "navigate" and request.headers.get("Sec-Fetch-Dest") == "document"
    return opens and request.method == "GET" and (request.path == "/" or request.path.startswith("/archives/"))

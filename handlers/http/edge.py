"""The edge: what every request passes. Nothing that a stranger sends comes out of here as a 5xx."""

import secrets
import time
import traceback
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from handlers.http import metrics, names, problems
from handlers.http.ports import Settings

log = structlog.get_logger(__name__)

REQUEST_ID: Final = web.RequestKey("request_id", str)

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def identified(meters: metrics.Meters) -> Middleware:
    """Give the request an id, count it, and make a problem of whatever went wrong."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        request[REQUEST_ID] = _request_id(request)
        answer = await _answered(request, handler)
        meters.answered(request.method, _route(request), answer.status, time.perf_counter() - started)
        return answer

    return middleware


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    request_id = request[REQUEST_ID]
    try:
        return await handler(request)
    except problems.Problem as problem:
        return problems.response(problem, request_id)
    except web.HTTPException as error:
        if error.status < 400:
            raise  # a redirect is an answer, not a problem
        return problems.response(problems.of_http(error), request_id)
    except Exception:  # the handler's edge: recorded here, and told to the caller without our insides
        trace = traceback.format_exc()  # as text: a renderer of exceptions may show local variables, hence secrets
        log.error("request failed", request_id=request_id, route=_route(request), trace=trace)  # noqa: TRY400
        detail = "Something is wrong on our side; the log has more under this request id."
        return problems.response(problems.Problem(500, "internal", detail), request_id)


def guarded(settings: Settings) -> Middleware:
    """Refuse by the head alone what must not be read at all."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if settings.hosts is not None and _host(request) not in settings.hosts:
            raise problems.Problem(421, "wrong-host", "This server does not answer to that host name.")
        if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            # A megabyte of gzip holds a gigabyte: bodies are taken as they are or not at all.
            headers = {"Accept-Encoding": "identity"}
            raise problems.Problem(415, "encoded", "Send the body without content encoding.", headers=headers)
        if (request.content_length or 0) > settings.most_body:
            raise problems.too_large(settings.most_body)
        return await handler(request)

    return middleware


async def dress(request: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on that every answer carries."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "countersign"  # aiohttp names itself and Python, with versions
    response.headers["X-Request-Id"] = request.get(REQUEST_ID) or _request_id(request)


async def expected(request: web.Request) -> web.StreamResponse | None:
    """`Expect:` is answered before the middlewares run: refuse there, too, what they would refuse."""
    if request.headers["Expect"].lower() != "100-continue":
        problem = problems.of_http(web.HTTPExpectationFailed())
        return problems.response(problem, _request_id(request))
    if (request.content_length or 0) > request.client_max_size:
        return problems.response(problems.too_large(request.client_max_size), _request_id(request))
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # aiohttp's own default does the same: the answer has not begun
    return None


def _request_id(request: web.Request) -> str:
    given = request.headers.get("X-Request-Id", "")
    return given if names.REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _host(request: web.Request) -> str:
    """The name in Host, without its port."""
    host = request.headers.get("Host", "").lower()
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _route(request: web.Request) -> str:
    """The route's pattern, not the path: strangers choose paths, and each would be a series and a line of its own."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"

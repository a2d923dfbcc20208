"""Slack's HTTP mode on the house's own aiohttp application. Strangers can post here: what Bolt would stumble over is
refused before it, without a word about why, and nothing of the body is logged."""

import json
import re
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import parse_qsl

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

MOST_BYTES = 1 << 20
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_OBJECTS = ("event", "user", "team", "enterprise", "channel", "container", "view", "message", "state", "function_data")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)


def add_routes(router: web.UrlDispatcher, app: AsyncApp, signing_secret: str, path: str = "/slack/events") -> None:
    """Events, interactivity and commands: one address. `app` was built with the same secret."""
    verifier = SignatureVerifier(signing_secret)

    async def serve(request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        if isinstance(body, HTTPStatus):
            return web.Response(status=body)
        if not _signed(verifier, request, body):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        if not _shaped(body, request.content_type):
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        headers: dict[str, str | Sequence[str]] = {n: v for n, v in request.headers.items() if v.isascii()}
        try:
            bolt_request = AsyncBoltRequest(body=body, query=request.query_string, headers=headers)
        except (ValueError, KeyError, TypeError, AttributeError):  # signed, yet not what Slack sends
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        return await to_aiohttp_response(await app.async_dispatch(bolt_request))

    router.add_post(path, serve)


async def _body(request: web.Request) -> str | HTTPStatus:
    """The raw body, or the status that refuses it."""
    if request.content_length is not None and request.content_length > MOST_BYTES:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    raw = bytearray()
    async for chunk in request.content.iter_chunked(65_536):
        raw += chunk
        if len(raw) > MOST_BYTES:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return HTTPStatus.BAD_REQUEST


def _shaped(body: str, content_type: str) -> bool:
    """Whether the parts that Bolt looks into have the shape that Slack gives them."""
    try:
        payload = json.loads(body) if content_type == "application/json" else dict(parse_qsl(body))
        inner = json.loads(payload["payload"]) if "payload" in payload else payload
    except (ValueError, TypeError, RecursionError):
        return False
    if not isinstance(inner, dict):
        return False
    objects = [inner[name] for name in _OBJECTS if name in inner]
    lists = [inner[name] for name in ("actions", "authorizations") if inner.get(name) is not None]
    if not all(isinstance(each, list) and all(isinstance(one, dict) for one in each) for each in lists):
        return False
    return all(each is None or isinstance(each, dict) for each in objects)


def _signed(verifier: SignatureVerifier, request: web.Request, body: str) -> bool:
    """Whether Slack signed this body within five minutes; headers that are not what Slack sends are no."""
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
        return False
    return bool(verifier.is_valid(body, timestamp, signature))

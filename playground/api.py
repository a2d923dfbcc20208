"""The door of the Web API: gathers arguments, checks the token, scopes, rates and faults, runs the method."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from playground.call import Call
from playground.errors import Json, RateLimitedError, SlackError
from playground.hub import Hub
from playground.methods import METHODS, Method
from playground.workspace import App

_APP_LEVEL = {"apps.connections.open"}
_ANONYMOUS = {"api.test"}


class Api:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def serve(self, request: web.Request) -> web.Response:
        """GET and POST /api/{method}"""
        name = request.match_info["method"]
        args: Json = {}
        try:
            args = await arguments(request)
            status, body, headers = await self._answer(name, args, request)
        except SlackError as error:
            status, body, headers = 200, error.body(), {}
        except RateLimitedError as error:
            status, body = 429, {"ok": False, "error": "ratelimited"}
            headers = {"Retry-After": str(error.retry_after)}
        self._hub.traffic.add("in", "api", name, args, body, status=status)
        return web.json_response(body, status=status, headers=headers)

    async def _answer(self, name: str, args: Json, request: web.Request) -> tuple[int, Json, Mapping[str, str]]:
        method = METHODS.get(name)
        if method is None:
            raise SlackError("unknown_method", req_method=name)
        app = self._caller(name, _token(request, args))
        faults = self._hub.faults
        if faults.rate_limit.method in (None, name) and faults.rate_limit.take(name):
            raise RateLimitedError(faults.rate_limit.retry_after)
        if faults.server_error.take(name):
            return 500, {"ok": False, "error": "internal_error"}, {}
        call = Call(hub=self._hub, app=app, args=args, host=request.host)
        if name not in _APP_LEVEL and method.scopes:
            call.need_scope(*method.scopes)
        self._hub.limiter.check(app.id, name, method.tier, args.get("channel"))
        body = {"ok": True} | await method.run(call)
        if method.writes and faults.server_error_after_commit.take(name):
            return 500, {"ok": False, "error": "internal_error"}, {}
        return 200, body, _scope_headers(app, method)

    def _caller(self, name: str, token: str) -> App:
        """Raises not_authed, invalid_auth, not_allowed_token_type."""
        apps = self._hub.world.apps.values()
        if name in _ANONYMOUS and not token:
            return next(iter(apps))
        if not token:
            raise SlackError("not_authed")
        for app in apps:
            if token in (app.bot_token, app.app_token):
                if name not in _ANONYMOUS and (token == app.app_token) != (name in _APP_LEVEL):
                    raise SlackError("not_allowed_token_type")
                return app
        raise SlackError("invalid_auth")


async def arguments(request: web.Request) -> Json:
    """Query, form, multipart and JSON together; the body wins. Raises invalid_json, invalid_form_data."""
    args: Json = dict(request.query)
    if request.method != "POST":
        return args
    if request.content_type == "application/json":
        text = await request.text()
        try:
            body: Any = json.loads(text) if text.strip() else {}
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(body, dict):
            raise SlackError("json_not_object")
        return args | {name: value for name, value in body.items() if value is not None}
    return args | {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _token(request: web.Request, args: Json) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else str(args.get("token", ""))


def _scope_headers(app: App, method: Method) -> dict[str, str]:
    return {"X-OAuth-Scopes": ",".join(app.manifest.scopes), "X-Accepted-OAuth-Scopes": ",".join(method.scopes)}

"""HTTP mode: the same parcels as signed POSTs to the app's request_url."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout

from playground.delivery import Ack, Parcel
from playground.errors import Json
from playground.traffic import Traffic
from playground.workspace import App


def signature(secret: str, timestamp: str, body: str) -> str:
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return f"v0={digest}"


class Posts:
    """The address is verified (url_verification) before its first delivery."""

    def __init__(self, traffic: Traffic, now: Callable[[], float], ack_timeout: float) -> None:
        self._traffic = traffic
        self._now = now
        self._ack_timeout = ack_timeout
        self._session: ClientSession | None = None
        self._verified: set[str] = set()

    async def start(self) -> None:
        self._session = ClientSession(timeout=ClientTimeout(total=self._ack_timeout))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, app: App, parcel: Parcel) -> Ack:
        if app.id not in self._verified and not await self._verify(app):
            return Ack(delivered=False, acked=False, error="url_not_verified", retry=parcel.kind == "events_api")
        headers = {}
        if parcel.attempt:
            headers = {"X-Slack-Retry-Num": str(parcel.attempt), "X-Slack-Retry-Reason": parcel.reason}
        return await self._post(app, parcel.kind, parcel.payload, headers)

    async def _verify(self, app: App) -> bool:
        challenge = secrets.token_urlsafe(24)
        payload = {"token": "playground", "challenge": challenge, "type": "url_verification"}
        ack = await self._post(app, "events_api", payload, {})
        answer = (ack.payload or {}).get("challenge", (ack.payload or {}).get("text"))
        if ack.acked and answer == challenge:
            self._verified.add(app.id)
        return app.id in self._verified

    async def _post(self, app: App, kind: str, payload: Json, headers: dict[str, str]) -> Ack:
        assert self._session is not None  # noqa: S101 (started by the server before it listens)
        assert app.request_url is not None  # noqa: S101 (only such apps are sent here)
        body, content_type = _body(kind, payload)
        timestamp = str(int(self._now()))
        signed = headers | {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(app.signing_secret, timestamp, body),
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }
        try:
            async with self._session.post(app.request_url, data=body.encode(), headers=signed) as response:
                ack = _ack(response.status, response.headers.get("X-Slack-No-Retry"), await response.text())
        except TimeoutError:
            ack = Ack(delivered=True, acked=False, error="operation_timeout")
        except ClientError as error:
            ack = Ack(delivered=False, acked=False, error="connection_failed")
            self._traffic.add("out", "http", kind, payload, str(error), error="connection_failed")
            return ack
        self._traffic.add("out", "http", kind, payload, ack.payload, acked=ack.acked, error=ack.error)
        return ack


def _body(kind: str, payload: Json) -> tuple[str, str]:
    if kind == "events_api":
        return json.dumps(payload), "application/json"
    form = {"payload": json.dumps(payload)} if kind == "interactive" else payload
    return urlencode(form), "application/x-www-form-urlencoded"


def _ack(status: int, no_retry: str | None, text: str) -> Ack:
    if not 200 <= status < 300:
        return Ack(delivered=True, acked=False, error="http_error", retry=no_retry != "1")
    try:
        payload = json.loads(text) if text.strip() else None
    except ValueError:
        payload = text
    shown = payload if isinstance(payload, dict) else {"text": payload} if payload else None
    return Ack(delivered=True, acked=True, payload=shown)

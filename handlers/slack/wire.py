"""One Web API call: paced, retried where that is safe, and honest about what is not known.

SlackTrouble
├── SlackSaid       Slack answered no; `error` is its word
├── SlackAway       it was not done: not reached, or told to wait longer than we do
└── SlackUncertain  it was sent and no answer came: it may have been done
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from domain.canonical import Json
from loop.ports import Clock

TIMEOUT_S = 15.0
_CONNECTS = 4  # tries to reach Slack at all
_PATIENCE_S = 90.0  # of waiting for 429s, in all
_REPEATS = 3  # of calls that may be repeated

_log = structlog.get_logger(__name__)


class SlackTrouble(Exception):
    """A Web API call did not do what was asked."""


class SlackSaid(SlackTrouble):
    """Slack refused."""

    def __init__(self, method: str, error: str, needed: str = "") -> None:
        super().__init__(f"{method}: {error}{f' (needs the scope {needed})' if needed else ''}")
        self.error = error


class SlackAway(SlackTrouble):
    """Nothing was done."""


class SlackUncertain(SlackTrouble):
    """It may have been done."""


@dataclass(slots=True)
class Bucket:
    """Tokens that come back with time. A 429 closes it until Slack's moment."""

    clock: Clock
    per_second: float
    burst: float
    _left: float = field(init=False)
    _at: float = field(init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._left, self._at = self.burst, self._now()

    async def take(self) -> None:
        """Return when one call may go out; callers go first come, first served."""
        async with self._lock:
            self._fill()
            if self._left < 1:
                await _sleep(self.clock, (1 - self._left) / self.per_second)
                self._fill()
            self._left -= 1

    def close_for(self, seconds: float) -> None:
        """Let nothing out for so long."""
        self._fill()
        self._left = min(self._left, 1 - seconds * self.per_second)

    def _fill(self) -> None:
        now = self._now()
        self._left = min(self.burst, self._left + max(0.0, now - self._at) * self.per_second)
        self._at = now

    def _now(self) -> float:
        return self.clock.now().timestamp()


# Calls a second and in a burst, below what Slack allows the whole workspace (reference: chat.update 50 a minute).
_PACE = {
    "chat.update": (45 / 60, 20.0),
    "users.info": (90 / 60, 20.0),
    "users.list": (18 / 60, 10.0),
    "usergroups.users.list": (18 / 60, 10.0),
    "conversations.replies": (45 / 60, 20.0),
    "conversations.history": (45 / 60, 20.0),
    "conversations.info": (45 / 60, 30.0),
    "agents.sessions.setStatus": (45 / 60, 20.0),
    "chat.postMessage": (4.0, 60.0),  # of the workspace; each channel has one of its own
}
_CHANNEL_PACE = (1.0, 8.0)


class Wire:
    """The client, its pace and its retries."""

    def __init__(self, client: AsyncWebClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}

    async def call(
        self,
        method: str,
        *,
        body: Mapping[str, Json] | None = None,
        query: Mapping[str, Json] | None = None,
        repeatable: bool = False,
        patient: bool = True,
    ) -> Mapping[str, Json]:
        """Call `method` with a JSON body, or as a read with a query. Raises SlackTrouble.

        `repeatable`: doing it twice is doing it once. Not `patient`: answer at once, for what is stale in seconds.
        """
        unreached = repeats = 0
        waited = 0.0
        while True:
            if patient:
                for bucket in self._paces(method, body or {}):
                    await bucket.take()
            try:
                return await self._once(method, body, query)
            except _TooMany as limit:
                waited += limit.seconds
                if not patient or waited > _PATIENCE_S:
                    raise SlackAway(f"{method}: Slack asks to wait {limit.seconds:g} s") from None
                _log.info("rate limited", method=method, seconds=limit.seconds)
                self._bucket(method, "", _PACE.get(method, (100 / 60, 50.0))).close_for(limit.seconds)
                await _sleep(self._clock, limit.seconds)
            except SlackAway:
                unreached += 1
                if not patient or unreached >= _CONNECTS:
                    raise
                await _sleep(self._clock, 0.2 * 2**unreached)
            except SlackUncertain:
                repeats += 1
                if not repeatable or not patient or repeats >= _REPEATS:
                    raise
                await _sleep(self._clock, 0.2 * 2**repeats)

    async def _once(
        self, method: str, body: Mapping[str, Json] | None, query: Mapping[str, Json] | None
    ) -> Mapping[str, Json]:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                if body is not None:
                    answer = await self._client.api_call(method, json=dict(body))
                else:
                    answer = await self._client.api_call(method, http_verb="GET", params=dict(query or {}))
        except SlackApiError as error:
            raise _meaning(method, error) from error
        except aiohttp.ClientConnectorError as error:
            raise SlackAway(f"{method}: Slack cannot be reached: {error}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SlackUncertain(f"{method}: no answer: {type(error).__name__} {error}") from error
        return answer.data if isinstance(answer.data, dict) else {}

    def _paces(self, method: str, body: Mapping[str, Json]) -> list[Bucket]:
        found = [self._bucket(method, "", _PACE[method])] if method in _PACE else []
        if method == "chat.postMessage":
            found.append(self._bucket(method, str(body.get("channel")), _CHANNEL_PACE))
        return found

    def _bucket(self, method: str, channel: str, pace: tuple[float, float]) -> Bucket:
        name = (method, channel)
        if name not in self._buckets:
            self._buckets[name] = Bucket(clock=self._clock, per_second=pace[0], burst=pace[1])
        return self._buckets[name]


class _TooMany(Exception):
    def __init__(self, seconds: float) -> None:
        super().__init__(f"429, retry after {seconds} s")
        self.seconds = seconds


def _meaning(method: str, error: SlackApiError) -> Exception:
    """What an error of the SDK says about whether it was done."""
    response = error.response
    status = int(getattr(response, "status_code", None) or getattr(response, "status", None) or 0)
    headers = getattr(response, "headers", None) or {}
    if status == 429:
        after = next((value for name, value in dict(headers).items() if name.lower() == "retry-after"), "1")
        return _TooMany(float(after) if str(after).replace(".", "", 1).isdecimal() else 1.0)
    data = getattr(response, "data", None)
    said = data.get("error") if isinstance(data, dict) else None
    if status >= 500 or said is None or said in _UNSURE:
        return SlackUncertain(f"{method}: HTTP {status} {said or 'without an answer'}")
    if said == "ratelimited":
        return _TooMany(1.0)
    return SlackSaid(method, str(said), str(data.get("needed") or "") if isinstance(data, dict) else "")


_UNSURE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})


async def _sleep(clock: Clock, seconds: float) -> None:
    if seconds > 0:
        await clock.sleep_until(clock.now() + timedelta(seconds=seconds))

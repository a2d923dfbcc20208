"""What people and machines can do to a running demo, over HTTP only; and how to read what it shows."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import ClientConnectionError, ClientSession
from slack_sdk.web.async_client import AsyncWebClient

from tests.stories.demo import Demo

Json = dict[str, Any]
T = TypeVar("T")

REQUESTER, SRE, SRE2, SECURITY = "U0REQUESTER", "U0SRE0001", "U0SRE0002", "U0SECURITY"
CONTRACTOR, GUEST, BOT = "U0CONTRACT", "U0GUEST001", "U0COUNTERS"
INFRA, INCIDENTS, APPROVALS = "C0INFRA0001", "C0INCIDENTS", "C0APPROVALS"
_STEP_S = 0.05


@dataclass
class Page:
    """The control API, the HTTP API and the sample service of one demo."""

    demo: Demo
    session: ClientSession

    @property
    def slack(self) -> AsyncWebClient:
        """The official client, as the app itself would use it."""
        token = "xoxb-playground-A0COUNTERS"
        return AsyncWebClient(token=token, base_url=f"{self.demo.url}/api/", session=self.session)

    # ── People ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def do(self, action: str, **fields: Any) -> Json:
        """`POST /playground/ACTION`."""
        async with self.session.post(f"{self.demo.url}/playground/{action}", json=fields) as response:
            answer: Json = await response.json()
            return answer

    async def ops(self, user: str, text: str, channel: str = INFRA) -> Json:
        """`/ops TEXT`."""
        return await self.do("command", user=user, channel=channel, command="/ops", text=text)

    async def click(self, user: str, message: Json, action: str, **more: Any) -> Json:
        """A press of the button on that message."""
        where = {"channel": message["channel"], "ts": message["ts"]}
        return await self.do("click", user=user, action_id=action, **where, **more)

    async def state(self) -> Json:
        async with self.session.get(f"{self.demo.url}/playground/state") as response:
            state: Json = await response.json()
            return state

    async def messages(self, channel: str | None = None, run: str | None = None) -> list[Json]:
        """What stands there, oldest first; of one channel or run, if given."""
        found = (await self.state())["messages"]
        return [m for m in found if channel in (None, m["channel"]) and run in (None, run_of(m))]

    async def private(self, user: str) -> list[str]:
        """What only this person was told."""
        return [words(m) for m in await self.messages() if m.get("ephemeral_to") == user]

    async def told(self, user: str, what: str, within: float = 10) -> str:
        """Only this person is told it, in these words."""

        async def look() -> str | None:
            return next((text for text in await self.private(user) if what in text), None)

        return await until(look, within, f"{user} to be told {what!r}")

    async def asked(self, user: str, text: str, channel: str = INFRA) -> str:
        """`/ops TEXT`, which starts a run: its id."""
        before = set(await self.run_ids())
        assert (await self.ops(user, text, channel))["ok"]
        return await self.new_run(before)

    async def parked(self, channel: str) -> tuple[str, Json]:
        """A new run that waits for a countersignature of a restart, and its card."""
        await self.wedge()
        run = await self.asked(REQUESTER, "restart web", channel)
        return run, await self.card(run, "approve", channel)

    async def card(self, run: str, action: str, channel: str | None = None, within: float = 75) -> Json:
        """The run's message that has this button, once it is there."""

        async def look() -> Json | None:
            found = [m for m in await self.messages(channel, run) if action in buttons(m)]
            return found[-1] if found else None

        return await until(look, within, f"a card of {run} with {action}")

    async def form(self, user: str) -> Json | None:
        """The modal that this person has open."""
        return next((v for v in (await self.state())["views"] if v["user"] == user and v["type"] == "modal"), None)

    async def by_key(self, run: str, name: str) -> list[Json]:
        """The run's messages with this key."""
        return [m for m in await self.messages(run=run) if key_of(m) == f"{run}:{name}"]

    # ── The API ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def api(self, path: str, method: str = "GET", **body: Any) -> Json:
        """`METHOD /v1/PATH` with the demo's token; the answer, with its status in it."""
        headers = {"Authorization": f"Bearer {self.demo.token}"}
        url = f"{self.demo.http}/v1/{path}"
        async with self.session.request(method, url, headers=headers, json=body or None) as response:
            answer: Json = await response.json(content_type=None)
            return answer | {"http": response.status}

    async def run(self, run: str) -> Json:
        return await self.api(f"runs/{run}")

    async def run_ids(self) -> list[str]:
        return [run["run_id"] for run in (await self.api("runs?limit=200"))["runs"]]

    async def new_run(self, before: set[str], within: float = 10) -> str:
        """The one run that was not there before."""

        async def look() -> str | None:
            return next((run for run in await self.run_ids() if run not in before), None)

        return await until(look, within, "a new run")

    async def events(self, run: str) -> list[Json]:
        """The run's log."""
        found: list[Json] = (await self.api(f"runs/{run}/events?limit=500"))["events"]
        return found

    async def types(self, run: str) -> list[str]:
        return [event["type"] for event in await self.events(run)]

    async def status(self, run: str, *wanted: str, within: float = 60) -> Json:
        """The run, once it has one of these statuses."""

        async def look() -> Json | None:
            found = await self.run(run)
            return found if found.get("status") in wanted else None

        return await until(look, within, f"{run} to be {' or '.join(wanted)}")

    async def flags(self, run: str, *wanted: str) -> None:
        """Wait until the run has exactly these flags."""

        async def look() -> bool:
            return tuple((await self.run(run))["flags"]) == wanted

        await until(look, 10, f"{run} to be {wanted}")

    async def ended(self, run: str, within: float = 60) -> str:
        """How the run ended, once it has; Slack may hear of it later."""
        return str((await self.status(run, "finished", within=within))["outcome"])

    async def outcome(self, run: str, within: float = 60) -> str:
        """How the run ended, once it has, and its last words are in Slack."""
        ended = await self.ended(run, within)

        async def look() -> bool:
            return bool(await self.by_key(run, "outcome"))

        await until(look, within, f"the outcome of {run} in Slack")
        return ended

    # ── The service ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def shop(self) -> str:
        """The sample service's address, from the channel's topic."""
        topic = next(c["topic"] for c in (await self.state())["channels"] if c["id"] == INCIDENTS)
        found = re.search(r"http://127\.0\.0\.1:\d+/", topic)
        assert found is not None, topic
        return found[0]

    async def wedge(self) -> None:
        """Break the service, once it is up."""
        shop = await self.shop()

        async def wedged() -> bool:
            try:
                async with self.session.post(f"{shop}wedge", allow_redirects=False) as response:
                    return response.status == 303
            except ClientConnectionError:
                return False

        await until(wedged, 15, "the service to be up")

    async def native_stop(self, user: str, channel: str, thread: str) -> None:
        """Slack's own Stop, once Slack shows it."""

        async def stopped() -> bool:
            return bool((await self.do("stop_agent", user=user, channel=channel, thread_ts=thread))["ok"])

        await until(stopped, 10, f"Slack's own Stop in {channel}")

    async def alert(self, fingerprint: str = "abcdef0123456789", starts: str = "2026-11-21T08:00:00.000Z") -> Json:
        """What Alertmanager would post; the webhook's answer, with its status."""
        return await self.webhook("alertmanager", json=alert(fingerprint, starts))

    async def webhook(self, source: str, **body: Any) -> Json:
        async with self.session.post(f"{self.demo.http}/webhooks/{source}", **body) as response:
            answer: Json = await response.json(content_type=None)
            return answer | {"http": response.status}


def alert(fingerprint: str, starts: str) -> Json:
    """Alertmanager's payload, version 4: `web` does not answer."""
    labels = {"alertname": "ServiceDown", "service": "web", "severity": "critical", "env": "prod"}
    one = {
        "status": "firing", "labels": labels, "annotations": {"summary": "web does not answer"}, "startsAt": starts,
        "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://127.0.0.1/", "fingerprint": fingerprint,
    }  # fmt: skip
    return {
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "countersign",
        "groupLabels": {}, "commonLabels": labels, "commonAnnotations": {}, "externalURL": "http://127.0.0.1/",
        "alerts": [one],
    }  # fmt: skip


async def until(look: Callable[[], Awaitable[T | None]], within: float, what: str) -> T:
    """What `look` finds, once it is something true; an error after `within` seconds."""
    end = time.monotonic() + within
    while True:
        found = await look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {within} s for {what}")
        await asyncio.sleep(_STEP_S)


# ── Reading messages ──────────────────────────────────────────────────────────────────────────────────────────────────


def payload_of(message: Json) -> Json:
    payload: Json = (message.get("metadata") or {}).get("event_payload") or {}
    return payload


def run_of(message: Json) -> str | None:
    return payload_of(message).get("run_id")


def key_of(message: Json) -> str | None:
    return payload_of(message).get("key")


def buttons(message: Json) -> dict[str, str]:
    """action_id -> value of every button on it."""
    return {b["action_id"]: b.get("value", "") for b in _walk(message.get("blocks")) if b.get("type") == "button"}


def words(message: Json) -> str:
    """Everything that it says, as one text."""
    texts = [b["text"] for b in _walk(message.get("blocks")) if isinstance(b.get("text"), str)]
    people = [b["user_id"] for b in _walk(message.get("blocks")) if b.get("type") == "user"]
    return "\n".join([message.get("text") or "", *texts, *people])


def _walk(node: Any) -> Iterator[Json]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)

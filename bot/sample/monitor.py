"""The sample organization's monitoring: asks the service whether it is well, and tells Alertmanager's webhook if not.

It sends what Alertmanager would (payload version 4), to the same address, over HTTP.
"""

import asyncio
import hashlib
from datetime import UTC, datetime

import aiohttp

_EVERY_S = 1.0
_PATIENCE = 3  # failures in a row before anybody is told: a restart takes less


async def monitor(session: aiohttp.ClientSession, *, service: str, health: str, page: str, webhook: str) -> None:
    """Watch one service until cancelled: `firing` when it has failed for a while, `resolved` when it answers again."""
    failures, since = 0, None
    while True:
        if await _well(session, health):
            if since is not None and await _tell(session, webhook, _payload(service, page, since, over=True)):
                since = None
            failures = 0
        else:
            failures += 1
        if failures >= _PATIENCE and since is None:
            moment = datetime.now(UTC)
            if await _tell(session, webhook, _payload(service, page, moment, over=False)):
                since = moment
        await asyncio.sleep(_EVERY_S)


async def _well(session: aiohttp.ClientSession, health: str) -> bool:
    try:
        async with session.get(health, timeout=aiohttp.ClientTimeout(total=2)) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


async def _tell(session: aiohttp.ClientSession, webhook: str, payload: dict[str, object]) -> bool:
    try:
        async with session.post(webhook, json=payload, timeout=aiohttp.ClientTimeout(total=5)) as answer:
            return answer.status < 300
    except (aiohttp.ClientError, TimeoutError):
        return False


def _payload(service: str, page: str, since: datetime, *, over: bool) -> dict[str, object]:
    labels = {"alertname": "ServiceDown", "service": service, "severity": "critical", "env": "prod"}
    status = "resolved" if over else "firing"
    alert = {
        "status": status,
        "labels": labels,
        "annotations": {"summary": f"{service} does not answer its health check", "runbook": "service-down"},
        "startsAt": _rfc3339(since),
        "endsAt": _rfc3339(datetime.now(UTC)) if over else "0001-01-01T00:00:00Z",
        "generatorURL": page,
        "fingerprint": hashlib.sha256(f"{labels}".encode()).hexdigest()[:16],
    }
    return {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="ServiceDown", service="{service}"}}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "countersign",
        "groupLabels": {"alertname": "ServiceDown", "service": service},
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": page,
        "alerts": [alert],
    }


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Examples for the API's document; a test holds each to its model."""

from domain.canonical import Json

ACCEPTED: Json = {"run_id": "r-k3v7q2m5xa", "status": "deciding", "url": "/v1/runs/r-k3v7q2m5xa"}

TASK: Json = {
    "type": "compliance-remediation",
    "goal": "encrypt the bucket of finding S3-7",
    "trigger": {"source_id": "finding-7@scan-31", "timestamp": "2026-11-21T08:00:00Z", "correlation": "finding-7"},
    "context": {"organization_id": "acme", "repository_id": "acme/infra", "priority": "normal"},
    "payload": {},
}

SIGNAL: Json = {"signal": "redirect", "text": "only the logs bucket"}

SIGNALLED: Json = {"run_id": "r-k3v7q2m5xa", "status": "deciding", "text": "Redirected."}

_APPROVAL: dict[str, Json] = {
    "approval_id": "a-1",
    "call_id": "c-4",
    "tool": "service.restart",
    "resource": "prod/web",
    "arguments": {"service": "web"},
    "digest": "sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
    "requirements": [
        {
            "from": "group:sre",
            "count": 1,
            "within": "4h",
            "use_within": "15m",
            "break_glass": False,
            "stage": 0,
            "policies": ["no-direct-production"],
        }
    ],
    "votes": [],
    "status": "open",
    "expires_at": "2026-11-21T12:00:05Z",
}

OPEN_APPROVAL: Json = {"run_id": "r-k3v7q2m5xa", **_APPROVAL}

RUN: Json = {
    "run_id": "r-k3v7q2m5xa",
    "status": "awaiting_approval",
    "outcome": None,
    "flags": ["paused"],
    "task": {
        "type": "service-alert",
        "goal": "web is down",
        "requester": None,
        "trigger": {
            "source": "alert",
            "source_id": "2f9a1c0d3b4e5f60@2026-11-21T08:00:00Z",
            "timestamp": "2026-11-21T08:00:00Z",
            "correlation": "2f9a1c0d3b4e5f60",
        },
        "context": {
            "organization_id": "acme",
            "repository_id": None,
            "agent_slug": "incident",
            "priority": "high",
        },
        "payload": {"labels": {"alertname": "ServiceDown", "service": "web"}},
    },
    "decision": {
        "allowed": True,
        "tier": 4,
        "reason": "Incidents may change production when countersigned.",
        "required_approvals": [],
        "constraints": {
            "max_iterations": 10,
            "timeout_s": 900,
            "deadline_s": None,
            "budget_usd": 2.5,
            "max_actions": 3,
            "max_tokens": None,
            "allowed_tools": ["service.restart", "service.status"],
            "denied_tools": [],
            "requires_pr": False,
            "requires_validation": False,
        },
        "reasons": [
            {
                "policy": "short-leash",
                "file": "policies/org.yaml",
                "line": 3,
                "sets": "max_iterations",
                "to": "10",
                "control": "",
            }
        ],
        "overruled": [],
        "policy_hash": "sha256:4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce",
        "digest": "sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
    },
    "approvals": [_APPROVAL],
    "cost_usd": 0.0,
    "iterations": 2,
    "thread_url": "https://acme.slack.com/archives/C2/p1795248000000100",
    "created_at": "2026-11-21T08:00:01Z",
    "updated_at": "2026-11-21T08:00:05Z",
}

EVENTS: Json = {
    "events": [{"seq": 3, "at": "2026-11-21T08:00:05Z", "type": "Paused", "data": {"by": "user:U2", "why": ""}}],
    "after": 3,
    "more": False,
}

READY: Json = {"status": "ready", "checks": {"store": {"ok": True, "says": "committed 3 ms ago"}}}

NOTIFICATION: Json = {
    "version": "4",
    "groupKey": '{}:{alertname="ServiceDown"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "countersign",
    "groupLabels": {"alertname": "ServiceDown"},
    "commonLabels": {"alertname": "ServiceDown", "service": "web"},
    "commonAnnotations": {"summary": "web is down"},
    "externalURL": "http://alertmanager.acme.example:9093",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "ServiceDown", "service": "web"},
            "annotations": {"summary": "web is down"},
            "startsAt": "2026-11-21T08:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.acme.example:9090/graph",
            "fingerprint": "2f9a1c0d3b4e5f60",
        }
    ],
}

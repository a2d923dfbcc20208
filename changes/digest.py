"""What an approval binds to: one digest over everything that an approver was shown and everything that decided it."""

from domain.calls import ToolCall
from domain.canonical import canonical_json, digest


def call_digest(call: ToolCall, *, organization: str, run_id: str, subject: str | None, verdict_hash: str = "") -> str:
    """Equal digests mean the same call, for the same person, under the same verdict."""
    return digest(
        {
            "tool": call.tool,
            "schema_version": call.version,
            "target": {"resource": call.resource, "labels": None if call.labels is None else dict(call.labels)},
            "arguments": dict(call.arguments),
            "preconditions": call.fingerprint,
            "organization": organization,
            "run": run_id,
            "call": call.call_id,
            "subject": subject,
            "verdict": verdict_hash,
        }
    )


def idempotency_key(run_id: str, call: ToolCall) -> str:
    """The same for every attempt at one call of one run; another for every other call."""
    return digest(["effect", run_id, call.call_id, call.tool]).removeprefix("sha256:")[:32]


def size_of(call: ToolCall) -> int:
    """Bytes of the call's canonical arguments."""
    return len(canonical_json(dict(call.arguments)))

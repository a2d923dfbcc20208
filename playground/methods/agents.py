"""assistant.threads.* and agents.sessions.*: what an agent shows about a conversation."""

from playground import limits
from playground.call import Call
from playground.errors import Json, SlackError

STATUSES = ("active", "processing", "suspended", "closed")
_STATUS_LIFE = 120  # seconds that an "is thinking" line stays


async def set_thread_status(call: Call) -> Json:
    channel = _agent_channel(call)
    loading = call.structure("loading_messages") or []
    if not isinstance(loading, list) or len(loading) > limits.LOADING_MESSAGES:
        raise SlackError("invalid_arguments", messages=["[ERROR] no more than 10 loading_messages"])
    call.world.change_session(
        channel["id"],
        call.need("thread_ts"),
        status_text=call.get("status") or None,
        loading_messages=loading,
        status_until=call.world.now() + _STATUS_LIFE,
        app_id=call.app.id,
    )
    return {}


async def set_suggested_prompts(call: Call) -> Json:
    channel = _agent_channel(call)
    prompts = call.structure("prompts")
    if not isinstance(prompts, list) or not all(
        isinstance(p, dict) and {"title", "message"} <= set(p) for p in prompts
    ):
        raise SlackError("invalid_arguments", messages=["[ERROR] prompts is a list of {title, message}"])
    if len(prompts) > limits.SUGGESTED_PROMPTS:
        raise SlackError("invalid_arguments", messages=["[ERROR] no more than 4 prompts"])
    call.world.change_session(
        channel["id"], call.get("thread_ts"), prompts=prompts, prompts_title=call.get("title"), app_id=call.app.id
    )
    return {}


async def set_title(call: Call) -> Json:
    channel = _agent_channel(call)
    call.world.change_session(channel["id"], call.need("thread_ts"), title=call.need("title"), app_id=call.app.id)
    return {}


async def set_status(call: Call) -> Json:
    channel = _agent_channel(call)
    status = call.need("status")
    if status not in STATUSES:
        raise SlackError("invalid_arguments", messages=[f"[ERROR] status must be one of {', '.join(STATUSES)}"])
    fields = {"status": status, "app_id": call.app.id, "initiator_user_id": call.get("initiator_user_id") or None}
    if title := call.get("title"):
        fields["title"] = title
    call.world.change_session(channel["id"], call.need("thread_ts"), **fields)
    if "agent_session_stopped" in call.app.manifest.events:
        return {}
    warning = "missing_agent_session_stopped_event_subscription"
    return {"warning": warning, "response_metadata": {"warnings": [warning]}}


async def rename(call: Call) -> Json:
    channel = _agent_channel(call)
    call.world.change_session(channel["id"], call.need("thread_ts"), title=call.need("title"), app_id=call.app.id)
    return {}


def _agent_channel(call: Call) -> Json:
    """Raises not_agent_app, channel_not_found, not_in_channel."""
    if not call.app.manifest.is_agent:
        raise SlackError("not_agent_app")
    return call.channel("channel_id" if "channel_id" in call.args else "channel", member=True)

"""`GET /playground/state`: all that anybody could see, and the tokens."""

from playground.errors import Json
from playground.hub import Hub

_MESSAGE = (
    "channel", "ts", "thread_ts", "user", "text", "blocks", "attachments", "metadata", "ephemeral_to", "edited",
    "files", "reactions", "subtype", "bot_id", "app_id", "username",
)  # fmt: skip
_VIEW = (
    "id", "user", "type", "callback_id", "title", "submit", "close", "blocks", "private_metadata", "hash",
    "root_view_id", "previous_view_id", "errors", "app_id", "external_id", "state", "notify_on_close", "clear_on_close",
)  # fmt: skip
_LISTS = {"blocks", "attachments", "files", "reactions"}


def state(hub: Hub) -> Json:
    world = hub.world
    app = next(iter(world.apps.values()), None)
    return {
        "ok": True,
        "version": world.store.version,
        "url": hub.url,
        "team": world.team,
        "users": [_without(user, "email") | {"email": user["email"]} for user in world.users()],
        "channels": [_channel(row) for row in world.channels()],
        "usergroups": world.usergroups(),
        "messages": [_message(row) for row in _messages(hub)],
        "views": [{name: view.get(name) for name in _VIEW} for view in world.store.rows("homes") + world.open_views()],
        "sessions": [_session(hub, row) for row in world.store.rows("sessions")],
        "executions": world.store.rows("executions"),
        "commands": [_command(a.id, c) for a in world.apps.values() for c in a.manifest.commands],
        "shortcuts": [_shortcut(a.id, s) for a in world.apps.values() for s in a.manifest.shortcuts],
        "apps": [_app(hub, each.id) for each in world.apps.values()],
        "connected": hub.sockets.connected(),
        "faults": hub.faults.shown(),
        "tokens": {"bot": app.bot_token, "app": app.app_token} if app else {},
    }


def _messages(hub: Hub) -> list[Json]:
    store = hub.world.store
    rows = [row for table in store.names("messages/") + store.names("ephemerals/") for row in store.rows(table)]
    return sorted(rows, key=lambda row: str(row["ts"]))


def _message(row: Json) -> Json:
    shown = {name: row.get(name) or ([] if name in _LISTS else None) for name in _MESSAGE}
    return shown | {"text": row.get("text", ""), "stream": (row.get("stream") or {}).get("state")}


def _channel(row: Json) -> Json:
    return _without(row, "created", "updated", "creator")


def _session(hub: Hub, row: Json) -> Json:
    """An "is thinking" line goes away by itself."""
    fresh = row.get("status_until", 0) > hub.world.now()
    return row if fresh else row | {"status_text": None, "loading_messages": []}


def _app(hub: Hub, app_id: str) -> Json:
    app = hub.world.apps[app_id]
    return {
        "id": app.id,
        "name": app.manifest.name,
        "bot_user": app.bot_user_id,
        "bot_id": app.bot_id,
        "connected": hub.sockets.connected(app.id),
        "mode": "http" if app.request_url else "socket",
        "home_tab": app.manifest.home_tab,
        "messages_tab": app.manifest.messages_tab,
        "suggested_prompts": list(app.manifest.suggested_prompts),
        "tokens": {"bot": app.bot_token, "app": app.app_token},
    }


def _command(app_id: str, command: object) -> Json:
    return _slots(command) | {"app": app_id}


def _shortcut(app_id: str, shortcut: object) -> Json:
    return _slots(shortcut) | {"app": app_id}


def _slots(value: object) -> Json:
    return {name: getattr(value, name) for name in type(value).__slots__}  # type: ignore[attr-defined]


def _without(row: Json, *names: str) -> Json:
    return {name: value for name, value in row.items() if name not in names}

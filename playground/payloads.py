"""Bodies of commands and interactive payloads."""

from typing import Any

from playground import shapes, values
from playground.errors import Json
from playground.workspace import App
from playground.world import World


def base(world: World, app: App, user: Json, kind: str) -> Json:
    team = world.team
    return {
        "type": kind,
        "user": shapes.short_user(user),
        "api_app_id": app.id,
        "token": "playground",
        "team": {"id": team["id"], "domain": team["domain"]},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def command(world: World, app: App, user: Json, channel: Json, name: str, text: str) -> Json:
    team = world.team
    return {
        "token": "playground",
        "team_id": team["id"],
        "team_domain": team["domain"],
        "channel_id": channel["id"],
        "channel_name": shapes.short_channel(channel)["name"],
        "user_id": user["id"],
        "user_name": user["name"],
        "command": name,
        "text": text,
        "api_app_id": app.id,
        "is_enterprise_install": "false",
    }


def message_container(world: World, row: Json) -> Json:
    container: Json = {
        "type": "message",
        "message_ts": row["ts"],
        "channel_id": row["channel"],
        "is_ephemeral": bool(row.get("ephemeral_to")),
    }
    root = world.root_of(row)
    return container | ({"thread_ts": root} if root else {})


def action(world: World, element: Json, block_id: str, value: Any) -> Json:
    """One of `actions`: the element's own value for buttons, what was chosen for the others."""
    shown = {
        "action_id": element["action_id"],
        "block_id": block_id,
        "type": element["type"],
        "action_ts": world.next_ts(),
    }
    if element["type"] in ("button", "workflow_button", "icon_button"):
        for name in ("text", "value", "style", "url"):
            if name in element:
                shown[name] = element[name]
        return shown
    if element["type"] == "feedback_buttons":
        return shown | {"value": value}
    return shown | values.chosen(element, value)

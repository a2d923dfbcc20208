"""Stored documents as Slack shows them to apps. Pure: key sets follow Slack's real responses."""

from typing import Any

from playground.errors import Json
from playground.workspace import App
from playground.world import World

_HIDDEN = {"channel", "ephemeral_to", "metadata", "stream", "deleted"}


def message(row: Json, *, metadata: bool = False) -> Json:
    """Without what only we keep; metadata only for those who ask for it."""
    hidden = _HIDDEN - {"metadata"} if metadata and row.get("metadata") else _HIDDEN
    shown = {key: value for key, value in row.items() if key not in hidden and value not in (None, [])}
    if row.get("stream"):
        shown["streaming_state"] = row["stream"]["state"]
    return {"type": "message"} | shown


def with_thread(row: Json, replies: list[Json], *, metadata: bool = False) -> Json:
    """A thread's root carries the counts of its replies."""
    shown = message(row, metadata=metadata)
    if not replies:
        return shown
    people = list(dict.fromkeys(reply["user"] for reply in replies))
    return shown | {
        "thread_ts": row["ts"],
        "reply_count": len(replies),
        "reply_users_count": len(people),
        "latest_reply": replies[-1]["ts"],
        "reply_users": people[:5],
        "is_locked": False,
        "subscribed": False,
    }


def bot_profile(world: World, app: App) -> Json:
    return {
        "id": app.bot_id,
        "deleted": False,
        "name": app.bot_name,
        "updated": 0,
        "app_id": app.id,
        "user_id": app.bot_user_id,
        "icons": {},
        "team_id": world.team["id"],
    }


def channel(row: Json, world: World, me: str, *, members: bool = False) -> Json:
    if row["is_im"]:
        return _direct(row, world, me)
    private, mpim = row["is_private"], row["is_mpim"]
    shown: Json = {
        "id": row["id"],
        "name": row["name"],
        "is_channel": not private and not mpim,
        "is_group": private and not mpim,
        "is_im": False,
        "is_mpim": mpim,
        "is_private": private,
        "created": row["created"],
        "is_archived": row["is_archived"],
        "is_general": row["name"] == "general",
        "unlinked": 0,
        "name_normalized": row["name"],
        "is_shared": row["is_ext_shared"],
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "context_team_id": world.team["id"],
        "updated": row["updated"] * 1000,
        "creator": row["creator"],
        "is_ext_shared": row["is_ext_shared"],
        "shared_team_ids": _teams(row, world),
        "pending_connected_team_ids": [],
        "is_member": me in row["members"],
        "topic": {"value": row["topic"], "creator": "", "last_set": 0},
        "purpose": {"value": row["purpose"], "creator": "", "last_set": 0},
        "previous_names": [],
    }
    return shown | ({"num_members": len(row["members"])} if members else {})


def _direct(row: Json, world: World, me: str) -> Json:
    other = next((member for member in row["members"] if member != me), row.get("user"))
    person = world.user(other or "") or {}
    return {
        "id": row["id"],
        "created": row["created"],
        "is_archived": row["is_archived"],
        "is_im": True,
        "is_org_shared": False,
        "context_team_id": world.team["id"],
        "updated": row["updated"] * 1000,
        "user": other,
        "is_user_deleted": bool(person.get("deleted")),
        "priority": 0,
    }


def _teams(row: Json, world: World) -> list[str]:
    teams = [world.team["id"]]
    for member in row["members"]:
        person = world.user(member)
        if person and row["is_ext_shared"] and person["team_id"] not in teams:
            teams.append(person["team_id"])
    return teams


def user(row: Json, *, email: bool) -> Json:
    shown: Json = {
        "id": row["id"],
        "team_id": row["team_id"],
        "name": row["name"],
        "deleted": row["deleted"],
        "color": "9f69e7",
        "profile": _profile(row, email=email),
        "is_bot": row["is_bot"],
        "is_app_user": False,
        "updated": 0,
    }
    if row["is_stranger"]:
        shown |= {"is_stranger": True}
    if row["deleted"]:
        return shown
    return shown | {
        "real_name": row["real_name"],
        "tz": row["tz"],
        "tz_label": row["tz"],
        "tz_offset": 0,
        "is_admin": row["is_admin"],
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": row["is_restricted"],
        "is_ultra_restricted": row["is_ultra_restricted"],
        "is_email_confirmed": True,
        "who_can_share_contact_card": "EVERYONE",
    }


def _profile(row: Json, *, email: bool) -> Json:
    first, _, last = row["real_name"].partition(" ")
    profile: Json = {
        "title": row["title"],
        "phone": "",
        "skype": "",
        "real_name": row["real_name"],
        "real_name_normalized": row["real_name"],
        "display_name": row["name"],
        "display_name_normalized": row["name"],
        "fields": None,
        "status_text": "",
        "status_emoji": "",
        "status_expiration": 0,
        "avatar_hash": "g" + row["id"].lower(),
        "first_name": first,
        "last_name": last,
        "team": row["team_id"],
    }
    if email and not row["is_bot"] and not row["is_stranger"]:
        profile["email"] = row["email"]
    if row["is_bot"]:
        profile |= {"api_app_id": row.get("app_id", ""), "bot_id": row.get("bot_id", "B" + row["id"][1:])}
    return profile


def usergroup(row: Json, world: World, *, users: bool, count: bool) -> Json:
    shown: Json = {
        "id": row["id"],
        "team_id": world.team["id"],
        "is_usergroup": True,
        "is_subteam": True,
        "name": row["name"],
        "description": row.get("description", ""),
        "handle": row["handle"],
        "is_external": False,
        "date_create": 0,
        "date_update": row.get("date_update", 0),
        "date_delete": 1 if row["disabled"] else 0,
        "auto_type": None,
        "auto_provision": False,
        "enterprise_subteam_id": "",
        "created_by": "",
        "updated_by": "",
        "deleted_by": None,
        "prefs": {"channels": [], "groups": []},
    }
    shown |= {"users": row["users"]} if users else {}
    return shown | ({"user_count": len(row["users"])} if count or users else {})


_VIEW_HIDDEN = {"user", "errors", "opened"}


def view(row: Json) -> Json:
    return {key: value for key, value in row.items() if key not in _VIEW_HIDDEN}


def file(row: Json) -> Json:
    hidden = {"uploaded", "owner_app"}
    return {key: value for key, value in row.items() if key not in hidden}


def short_user(row: Json) -> Json:
    """The user as interactive payloads carry it."""
    return {"id": row["id"], "username": row["name"], "name": row["name"], "team_id": row["team_id"]}


def short_channel(row: Json) -> Json:
    name: Any = "directmessage" if row["is_im"] else "privategroup" if row["is_private"] else row["name"]
    return {"id": row["id"], "name": name}

"""The workspace file: team, users, channels, user groups and apps (format in README.md)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from playground.errors import BadWorkspace, Json
from playground.manifest import Manifest, parse_manifest, read_manifest

USER_KEYS = {
    "id", "name", "real_name", "email", "role", "is_bot", "is_admin", "is_restricted", "is_ultra_restricted",
    "deleted", "is_stranger", "team_id", "tz", "title",
}  # fmt: skip
CHANNEL_KEYS = {
    "id", "name", "members", "is_private", "is_ext_shared", "is_archived", "topic", "purpose",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds. `retries` are the pauses before the second, third and fourth attempt at an event."""

    ack_timeout: float = 3.0
    trigger_life: float = 3.0
    retries: tuple[float, ...] = (0.0, 60.0, 300.0)
    stream_life: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    id: str
    manifest: Manifest
    bot_user_id: str
    bot_name: str
    bot_id: str
    bot_token: str
    app_token: str
    signing_secret: str
    request_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The seed. `users`, `channels` and `usergroups` are documents with the keys of README.md, defaults filled in."""

    team: Json
    users: tuple[Json, ...]
    channels: tuple[Json, ...]
    usergroups: tuple[Json, ...]
    apps: tuple[App, ...]
    rate_limits: bool = True
    timing: Timing = Timing()


def load_workspace(path: Path) -> Workspace:
    """Reads YAML or JSON; manifest paths are relative to the file."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise BadWorkspace(f"{path}: cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise BadWorkspace(f"{path}: a workspace file is a mapping with `users`, `channels` and `apps`")
    return parse_workspace(document, folder=path.parent)


def parse_workspace(document: Json, *, folder: Path) -> Workspace:
    known = {"team", "users", "channels", "usergroups", "apps", "rate_limits", "timing"}
    _refuse_unknown(document, known, "workspace")
    team = {"id": "T0PLAY", "name": "Playground", "domain": "playground"} | (document.get("team") or {})
    apps = tuple(_app(each, folder) for each in _list(document, "apps"))
    users = tuple(_user(each, team["id"]) for each in _list(document, "users")) + tuple(
        _bot(app, team["id"]) for app in apps
    )
    channels = tuple(_channel(each) for each in _list(document, "channels"))
    groups = tuple(_group(each) for each in _list(document, "usergroups"))
    _refuse_strangers(users, channels, groups)
    return Workspace(
        team=team,
        users=users,
        channels=channels,
        usergroups=groups,
        apps=apps,
        rate_limits=bool(document.get("rate_limits", True)),
        timing=_timing(document.get("timing") or {}),
    )


def _app(document: Json, folder: Path) -> App:
    known = {"id", "manifest", "bot_user", "bot_id", "bot_token", "app_token", "signing_secret", "request_url"}
    _refuse_unknown(document, known, "app")
    app_id = _need(document, "id", "app")
    given = _need(document, "manifest", f"app {app_id}")
    manifest = parse_manifest(given) if isinstance(given, dict) else read_manifest(folder / given)
    bot = document.get("bot_user") or {}
    return App(
        id=app_id,
        manifest=manifest,
        bot_user_id=bot.get("id", "U" + app_id[1:] + "BOT"),
        bot_name=bot.get("name", manifest.name.lower()),
        bot_id=document.get("bot_id", "B" + app_id[1:]),
        bot_token=document.get("bot_token", f"xoxb-playground-{app_id}"),
        app_token=document.get("app_token", f"xapp-playground-{app_id}"),
        signing_secret=document.get("signing_secret", f"playground-secret-{app_id}"),
        request_url=document.get("request_url"),
    )


def _user(document: Json, team: str) -> Json:
    _refuse_unknown(document, USER_KEYS, "user")
    user_id = _need(document, "id", "user")
    name = document.get("name", user_id.lower())
    user: Json = {
        "real_name": name.replace(".", " ").replace("-", " ").title(),
        "email": f"{name}@example.com",
        "team_id": team,
        "tz": "Europe/London",
        "title": "",
    }
    user |= {key: False for key in USER_KEYS if key.startswith("is_") or key == "deleted"}
    user |= document | {"name": name}
    user["is_stranger"] = user["is_stranger"] or user["team_id"] != team
    user["is_restricted"] = user["is_restricted"] or user["is_ultra_restricted"]
    user.setdefault("role", _role(user))
    return user


def _role(user: Json) -> str:
    for flag, role in (
        ("deleted", "deactivated"), ("is_bot", "bot"), ("is_stranger", "external"), ("is_restricted", "guest"),
        ("is_admin", "admin"),
    ):  # fmt: skip
        if user[flag]:
            return role
    return "member"


def _bot(app: App, team: str) -> Json:
    document = {"id": app.bot_user_id, "name": app.bot_name, "real_name": app.manifest.name, "is_bot": True}
    return _user(document, team) | {"bot_id": app.bot_id, "app_id": app.id}


def _channel(document: Json) -> Json:
    _refuse_unknown(document, CHANNEL_KEYS, "channel")
    channel_id = _need(document, "id", "channel")
    channel: Json = {key: False for key in CHANNEL_KEYS if key.startswith("is_")}
    channel |= {"members": [], "topic": "", "purpose": "", "name": channel_id.lower(), "is_im": False, "is_mpim": False}
    return channel | document


def _group(document: Json) -> Json:
    _refuse_unknown(document, {"id", "handle", "name", "users", "disabled"}, "usergroup")
    group_id = _need(document, "id", "usergroup")
    handle = document.get("handle", group_id.lower())
    return {"handle": handle, "name": handle, "users": [], "disabled": False} | document


def _refuse_strangers(users: tuple[Json, ...], channels: tuple[Json, ...], groups: tuple[Json, ...]) -> None:
    known = {user["id"] for user in users}
    for kind, rows, key in (("channel", channels, "members"), ("usergroup", groups, "users")):
        for row in rows:
            if missing := set(row[key]) - known:
                raise BadWorkspace(
                    f"{kind} {row['id']}: {key} names unknown users {sorted(missing)}; add them to `users`"
                )


def _timing(document: Json) -> Timing:
    _refuse_unknown(document, set(Timing.__slots__), "timing")
    if "retries" in document:
        document = document | {"retries": tuple(document["retries"])}
    return Timing(**document)


def _list(document: Json, key: str) -> list[Json]:
    value: Any = document.get(key) or []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise BadWorkspace(f"workspace: `{key}` is a list of mappings")
    return value


def _need(document: Json, key: str, where: str) -> Any:
    if not document.get(key):
        raise BadWorkspace(f"{where}: `{key}` is missing in {document}")
    return document[key]


def _refuse_unknown(document: Json, known: set[str], where: str) -> None:
    if unknown := set(document) - known:
        raise BadWorkspace(f"{where}: unknown keys {sorted(unknown)}; known are {sorted(known)}")

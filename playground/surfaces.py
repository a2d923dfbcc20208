"""Views (modals and home tabs): checks, new documents, and the values of their inputs."""

import json
from typing import Any

from playground import blocks, limits
from playground.elements import Faults, each_of, fault, length, part, text
from playground.errors import Json, SlackError
from playground.values import state_of
from playground.workspace import App
from playground.world import World


def checked(view: Any, *, home: bool = False) -> Json:
    """Raises invalid_arguments with every complaint, view_too_large."""
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", messages=["[ERROR] missing required field: view"])
    if faults := list(_faults(view, home=home)):
        raise SlackError("invalid_arguments", messages=faults)
    if len(json.dumps(view)) > limits.VIEW_BYTES:
        raise SlackError("view_too_large")
    return view


def _faults(view: Json, *, home: bool) -> Faults:
    if view.get("type") != ("home" if home else "modal"):
        yield fault(f"must be {'home' if home else 'modal'}", "/view/type")
    if not home:
        yield from text(view.get("title"), limits.VIEW_TITLE, "/view/title", plain=True)
    for name in ("submit", "close"):
        if view.get(name) is not None:
            yield from text(view[name], limits.VIEW_TITLE, f"/view/{name}", plain=True)
    for name, most in (("private_metadata", limits.PRIVATE_METADATA), ("callback_id", limits.CALLBACK_ID)):
        yield from length(view.get(name) or "", most, f"/view/{name}")
    yield from blocks.check(view.get("blocks"), "home" if home else "modal", "/view/blocks")
    inputs = any(part(each, "type") == "input" for each in each_of(view.get("blocks")))
    if inputs and not home and not view.get("submit"):
        yield fault("a modal with input blocks needs submit", "/view/submit")


def new_view(
    world: World, app: App, user: str, view: Json, *, previous: Json | None = None, replaces: Json | None = None
) -> Json:
    """The stored view; the one it replaces lends its id and place in the stack, and the values already typed."""
    view_id = replaces["id"] if replaces else world.new_id("V")
    done = blocks.finished(view["blocks"])
    root = replaces["root_view_id"] if replaces else previous["root_view_id"] if previous else view_id
    kept = replaces["state"]["values"] if replaces else {}
    row: Json = {
        "id": view_id,
        "team_id": world.team["id"],
        "type": view["type"],
        "blocks": done,
        "private_metadata": view.get("private_metadata") or "",
        "callback_id": view.get("callback_id") or "",
        "state": {"values": kept},
        "hash": f"{int(world.now())}.{world.new_id('', 8)}",
        "title": view.get("title"),
        "clear_on_close": bool(view.get("clear_on_close", False)),
        "notify_on_close": bool(view.get("notify_on_close", False)),
        "close": view.get("close"),
        "submit": view.get("submit"),
        "previous_view_id": replaces["previous_view_id"] if replaces else previous["id"] if previous else None,
        "root_view_id": root,
        "app_id": app.id,
        "external_id": view.get("external_id") or "",
        "app_installed_team_id": world.team["id"],
        "bot_id": app.bot_id,
        "user": user,
        "errors": {},
        "opened": world.next_ts(),
    }
    return row | {"state": {"values": state_of(done, kept)}}


def stack_of(world: World, view: Json) -> list[Json]:
    """The open modals of the same stack, the root first."""
    same = [each for each in world.open_views(view["user"]) if each["root_view_id"] == view["root_view_id"]]
    return sorted(same, key=lambda each: str(each["opened"]))


def publish(world: World, app: App, user: str, view: Json) -> Json:
    """Stores the home tab, one per app and user."""
    old = home_of(world, app, user)
    row = new_view(world, app, user, view, replaces=old)
    return world.store.put("homes", f"{app.id}:{user}", row)


def home_of(world: World, app: App, user: str) -> Json | None:
    return world.store.get("homes", f"{app.id}:{user}")

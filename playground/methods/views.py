"""views.*: modals and home tabs."""

from playground import limits, shapes, surfaces
from playground.call import Call
from playground.errors import Json, SlackError


async def open_modal(call: Call) -> Json:
    """A new root; modals that this person had open are gone."""
    view = surfaces.checked(call.structure("view"))
    _refuse_known_external(call, view)
    trigger = call.hub.triggers.spend(_trigger(call), call.app.id)
    for old in call.world.open_views(trigger.user):
        call.world.store.drop("views", old["id"])
    row = surfaces.new_view(call.world, call.app, trigger.user, view)
    call.world.store.put("views", row["id"], row)
    return {"view": shapes.view(row)}


async def push(call: Call) -> Json:
    view = surfaces.checked(call.structure("view"))
    _refuse_known_external(call, view)
    trigger = call.hub.triggers.spend(_trigger(call), call.app.id)
    current = call.world.store.get("views", trigger.view_id or "")
    if current is None:
        raise SlackError("not_found")
    row = pushed(call, current, view)
    return {"view": shapes.view(row)}


def pushed(call: Call, current: Json, view: Json) -> Json:
    """Raises push_limit_reached."""
    stack = surfaces.stack_of(call.world, current)
    if len(stack) >= limits.VIEW_STACK:
        raise SlackError("push_limit_reached")
    row = surfaces.new_view(call.world, call.app, current["user"], view, previous=stack[-1])
    return call.world.store.put("views", row["id"], row)


async def update(call: Call) -> Json:
    current = _known(call)
    view = surfaces.checked(call.structure("view"), home=current["type"] == "home")
    given = call.get("hash")
    if given and given != current["hash"]:
        raise SlackError("hash_conflict")
    row = surfaces.new_view(call.world, call.app, current["user"], view, replaces=current) | {
        "opened": current["opened"]
    }
    table, key = ("homes", f"{call.app.id}:{row['user']}") if row["type"] == "home" else ("views", row["id"])
    call.world.store.put(table, key, row)
    return {"view": shapes.view(row)}


async def publish(call: Call) -> Json:
    user = call.user("user_id")
    view = surfaces.checked(call.structure("view"), home=True)
    if not call.app.manifest.home_tab:
        raise SlackError("not_enabled")
    old = surfaces.home_of(call.world, call.app, user["id"])
    given = call.get("hash")
    if given and old and given != old["hash"]:
        raise SlackError("hash_conflict")
    return {"view": shapes.view(surfaces.publish(call.world, call.app, user["id"], view))}


def _known(call: Call) -> Json:
    """By view_id or external_id, of this app. Raises not_found."""
    view_id, external = call.get("view_id"), call.get("external_id")
    if not view_id and not external:
        raise SlackError("invalid_arguments", messages=["[ERROR] view_id or external_id is needed"])
    for row in call.world.store.rows("views") + call.world.store.rows("homes"):
        if row["app_id"] == call.app.id and (row["id"] == view_id or (external and row["external_id"] == external)):
            return row
    raise SlackError("not_found")


def _refuse_known_external(call: Call, view: Json) -> None:
    external = view.get("external_id")
    if external and any(row["external_id"] == external for row in call.world.open_views()):
        raise SlackError("duplicate_external_id")


def _trigger(call: Call) -> str:
    return call.get("trigger_id") or call.need("interactivity_pointer")

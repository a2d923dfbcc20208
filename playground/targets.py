"""What a person aims at: the element of a message or view, and the value chosen."""

from typing import Any

from playground import blocks
from playground.errors import Json, Refused


def element(user: Json, place: Json, request: Json) -> tuple[str, Json]:
    """The element meant, and its block's id. Where several share the action_id, block_id or value choose.

    A button whose value is not the one given is not there; with `stale` the click of an old copy is made up.
    Raises action_not_found.
    """
    wanted, block_id, given = request["action_id"], request.get("block_id"), request.get("value")
    found = [
        (block, each)
        for block, each in blocks.find(place["blocks"])
        if each["action_id"] == wanted and block_id in (None, block) and _visible(each, user)
    ]
    if given is not None:
        found = [(block, each) for block, each in found if each["type"] != "button" or each.get("value") == given]
    if found:
        return found[0]
    if not request.get("stale"):
        raise Refused("action_not_found")
    label = {"type": "plain_text", "text": wanted, "emoji": True}
    stale: Json = {"type": "button", "action_id": wanted, "text": label}
    return block_id or "stale", stale | ({"value": given} if given is not None else {})


def value(element: Json, request: Json) -> Any:
    """What the person chose: Slack's own fields (`selected_option`, ...) win over `value`."""
    own = {name: each for name, each in request.items() if name.startswith("selected_")}
    return {"type": element["type"], **own} if own else request.get("value")


def _visible(element: Json, user: Json) -> bool:
    return user["id"] in (element.get("visible_to_user_ids") or [user["id"]])

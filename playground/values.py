"""Values of interactive elements: what an element holds at first, and what a person put in."""

from collections.abc import Callable
from typing import Any

from playground import blocks as kit
from playground.elements import INPUTS
from playground.errors import Json, Malformed

_PLAIN = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "users_select": ("selected_user", "initial_user"),
    "channels_select": ("selected_channel", "initial_channel"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "file_input": ("files", "initial_files"),
}
_OPTION = {"static_select", "external_select", "radio_buttons", "overflow"}
_OPTIONS = {"multi_static_select", "multi_external_select", "checkboxes"}


def state_of(blocks: list[Json], given: Json | None = None) -> Json:
    """`state.values`: what is in `given` (block_id -> action_id -> value), else each element's initial value."""
    values: Json = {}
    for block_id, element in kit.find(blocks):
        if element["type"] not in INPUTS:
            continue
        had = (given or {}).get(block_id, {}).get(element["action_id"])
        values.setdefault(block_id, {})[element["action_id"]] = had or _initial(element)
    return values


def filled(blocks: list[Json], given: Json, before: Json) -> Json:
    """`state.values` after a person typed `given`.

    `given` is keyed block_id -> action_id -> value, block_id -> value, or action_id -> value, where a value is a
    string, number, list of strings, or Slack's own document. Raises Malformed for keys or options that are not there.
    """
    values = state_of(blocks, before)
    unused = set(given)
    for block_id, element in kit.find(blocks):
        if element["type"] not in INPUTS:
            continue
        action_id = element["action_id"]
        for key in (block_id, action_id):
            if key in given:
                unused.discard(key)
                inner = given[key]
                nested = isinstance(inner, dict) and "type" not in inner
                if nested and action_id not in inner:
                    continue
                values[block_id][action_id] = chosen(element, inner[action_id] if nested else inner)
    if unused:
        there = sorted({f"{block_id}.{each['action_id']}" for block_id, each in kit.find(blocks)})
        raise Malformed(f"values for {sorted(unused)}, which are not in the view; there are {there}")
    return values


def chosen(element: Json, value: Any) -> Json:
    """What `state.values` (and an action) holds for an element after a person chose `value`."""
    kind: str = element["type"]
    if isinstance(value, dict) and value.get("type") == kind:
        return value
    if kind in _PLAIN:
        name = _PLAIN[kind][0]
        return {"type": kind, name: str(value) if name == "value" and value is not None else value}
    if kind in _OPTION:
        return {"type": kind, "selected_option": None if value is None else option(element, value)}
    if kind in _OPTIONS:
        return {"type": kind, "selected_options": [option(element, each) for each in value or []]}
    return {"type": kind, "value": value}


def option(element: Json, value: Any) -> Json:
    """The element's option with this value; options of an external select are taken as they are."""
    if isinstance(value, dict):
        return value
    if element["type"] in ("external_select", "multi_external_select"):
        return {"text": {"type": "plain_text", "text": str(value), "emoji": True}, "value": str(value)}
    there: list[Json] = list(element.get("options") or [])
    there += [each for group in element.get("option_groups") or [] for each in group["options"]]
    for each in there:
        if each["value"] == value:
            return each
    raise Malformed(f"{element['action_id']} has no option {value!r}; there are {[each['value'] for each in there]}")


def missing(blocks: list[Json], values: Json) -> dict[str, str]:
    """Complaints of Slack's own form check, by block_id: required but empty, too short, too long."""
    errors: dict[str, str] = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element: Json = block["element"]
        value = content(values[block["block_id"]][element["action_id"]])
        if value in (None, "", []):
            if not block.get("optional"):
                errors[block["block_id"]] = "Please complete this required field."
        elif complaint := _out_of_bounds(element, value):
            errors[block["block_id"]] = complaint
    return errors


def content(value: Json) -> Any:
    return next((each for name, each in value.items() if name != "type"), None)


def _out_of_bounds(element: Json, value: Any) -> str | None:
    if element["type"] == "plain_text_input":
        if len(value) < element.get("min_length", 0):
            return f"Please use at least {element['min_length']} characters."
        if len(value) > element.get("max_length", 3000):
            return f"Please use at most {element.get('max_length', 3000)} characters."
    if element["type"] == "number_input":
        checks: tuple[tuple[str, Callable[[float, float], bool]], ...] = (
            ("min_value", lambda number, bound: number < bound),
            ("max_value", lambda number, bound: number > bound),
        )
        try:
            number = float(value)
        except ValueError:
            return "Please enter a number."
        if any(name in element and outside(number, float(element[name])) for name, outside in checks):
            return "Please enter a number in range."
    return None


def _initial(element: Json) -> Json:
    kind: str = element["type"]
    if kind in _PLAIN:
        name, initial = _PLAIN[kind]
        return {"type": kind, name: element.get(initial, [] if kind.startswith("multi_") else None)}
    if kind in _OPTION:
        return {"type": kind, "selected_option": element.get("initial_option")}
    return {"type": kind, "selected_options": element.get("initial_options", [])}

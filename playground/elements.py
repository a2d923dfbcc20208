"""Checks of block elements and text objects. Each function yields Slack-like complaints; none means good."""

from collections.abc import Iterator
from typing import Any

from playground import limits
from playground.errors import Json

Faults = Iterator[str]

SELECTS = ("static", "external", "users", "conversations", "channels")
INPUTS = {
    *(f"{kind}_select" for kind in SELECTS), *(f"multi_{kind}_select" for kind in SELECTS),
    "plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input", "file_input",
    "datepicker", "timepicker", "datetimepicker", "checkboxes", "radio_buttons",
}  # fmt: skip
TYPED = {"plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input", "file_input"}
IN_ACTIONS = (INPUTS - TYPED - {"file_input"}) | {"button", "overflow", "workflow_button"}
IN_SECTION = IN_ACTIONS | {"image"}


def each_of(value: Any) -> list[Any]:
    """The items of a list; nothing of anything else (which its own check complains about)."""
    return value if isinstance(value, list) else []


def part(value: Any, name: str) -> Any:
    """A field of an object; None of anything else."""
    return value.get(name) if isinstance(value, dict) else None


def fault(message: str, where: str) -> str:
    return f"[ERROR] {message} [json-pointer:{where}]"


def length(value: Any, most: int, where: str, *, least: int = 0) -> Faults:
    if not isinstance(value, str):
        yield fault("must be a string", where)
    elif len(value) > most:
        yield fault(f"must be less than {most + 1} characters", where)
    elif len(value) < least:
        yield fault(f"must be more than {least - 1} characters", where)


def text(value: Any, most: int, where: str, *, plain: bool = False) -> Faults:
    """A composition object with `type` and `text`."""
    kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if not isinstance(value, dict):
        yield fault("must be an object", where)
        return
    if value.get("type") not in kinds:
        yield fault(f"failed to match all allowed schemas; type must be {' or '.join(kinds)}", f"{where}/type")
    yield from length(value.get("text"), most, f"{where}/text", least=1)


def element(value: Any, allowed: set[str], where: str) -> Faults:
    if not isinstance(value, dict):
        yield fault("must be an object", where)
        return
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in allowed:
        yield fault(f"unsupported type: {kind}", f"{where}/type")
        return
    if "action_id" in value:
        yield from length(value["action_id"], limits.ID, f"{where}/action_id", least=1)
    if "confirm" in value:
        yield from _confirm(value["confirm"], f"{where}/confirm")
    if "placeholder" in value:
        yield from text(value["placeholder"], limits.PLACEHOLDER, f"{where}/placeholder", plain=True)
    yield from _initial(value, where)
    yield from _particular(value, where)


def _particular(value: Json, where: str) -> Faults:
    kind: str = value["type"]
    if kind in ("button", "workflow_button"):
        yield from button(value, where)
    elif kind == "overflow":
        yield from _options(value.get("options"), limits.OVERFLOW_OPTIONS, f"{where}/options")
    elif kind in ("checkboxes", "radio_buttons"):
        yield from _options(value.get("options"), limits.CHECK_OPTIONS, f"{where}/options", plain=False)
    elif kind in ("static_select", "multi_static_select"):
        yield from _select(value, where)
    elif kind == "image":
        yield from length(value.get("alt_text"), limits.IMAGE_TEXT, f"{where}/alt_text")
    elif kind == "plain_text_input":
        for name in ("min_length", "max_length"):
            if name in value and not (isinstance(value[name], int) and 0 <= value[name] <= 3000):
                yield fault("must be an integer between 0 and 3000", f"{where}/{name}")
    elif kind == "number_input":
        for name in ("min_value", "max_value"):
            if name in value and not _is_number(value[name]):
                yield fault("must be a decimal in a string", f"{where}/{name}")


def button(value: Json, where: str) -> Faults:
    yield from text(value.get("text"), limits.BUTTON_TEXT, f"{where}/text", plain=True)
    if "value" in value:
        yield from length(value["value"], limits.BUTTON_VALUE, f"{where}/value")
    if "url" in value:
        yield from length(value["url"], limits.URL, f"{where}/url")
    if value.get("style") not in (None, "primary", "danger"):
        yield fault("must be one of: primary, danger", f"{where}/style")


def _select(value: Json, where: str) -> Faults:
    groups = value.get("option_groups")
    if groups is None:
        yield from _options(value.get("options"), limits.OPTIONS, f"{where}/options")
        return
    if not each_of(groups):
        yield fault("must have at least 1 item", f"{where}/option_groups")
    for index, group in enumerate(each_of(groups)):
        at = f"{where}/option_groups/{index}"
        yield from text(part(group, "label"), limits.OPTION_TEXT, f"{at}/label", plain=True)
        yield from _options(part(group, "options"), limits.OPTIONS, f"{at}/options")


def _options(value: Any, most: int, where: str, *, plain: bool = True) -> Faults:
    if not isinstance(value, list) or not value:
        yield fault("must have at least 1 item", where)
        return
    if len(value) > most:
        yield fault(f"no more than {most} items allowed", where)
    for index, option in enumerate(value):
        yield from text(part(option, "text"), limits.OPTION_TEXT, f"{where}/{index}/text", plain=plain)
        yield from length(part(option, "value"), limits.OPTION_VALUE, f"{where}/{index}/value")


def _confirm(value: Any, where: str) -> Faults:
    if not isinstance(value, dict):
        yield fault("must be an object", where)
        return
    for name, most in limits.CONFIRM.items():
        if name in value:
            yield from text(value[name], most, f"{where}/{name}", plain=name != "text")


def _initial(value: Json, where: str) -> Faults:
    """Every `initial_…` has the type that its name says."""
    for name, each in value.items():
        if not name.startswith("initial_"):
            continue
        if name == "initial_option" or (name == "initial_value" and value["type"] == "rich_text_input"):
            good = isinstance(each, dict)
        elif name == "initial_date_time":
            good = isinstance(each, int)
        elif name.endswith("s"):
            good = isinstance(each, list)
        else:
            good = isinstance(each, str)
        if not good:
            yield fault("is of the wrong type", f"{where}/{name}")


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return isinstance(value, str)

"""Checks Block Kit blocks as Slack does, and gives block_id and action_id to those without."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

from playground import limits
from playground.elements import IN_ACTIONS, IN_SECTION, INPUTS, Faults, each_of, element, fault, length, part, text
from playground.errors import Json, SlackError

Surface = str  # "message", "modal" or "home"


def check(blocks: Any, surface: Surface, where: str = "/blocks") -> list[str]:
    """All complaints about `blocks`, in order."""
    most = limits.MESSAGE_BLOCKS if surface == "message" else limits.VIEW_BLOCKS
    if not isinstance(blocks, list):
        return [fault("must be an array", where)]
    if len(blocks) > most:
        return [fault(f"no more than {most} items allowed", where)]
    faults = [each for index, block in enumerate(blocks) for each in _block(block, surface, f"{where}/{index}")]
    return faults + list(_repeated(blocks, where))


def finished(blocks: list[Json]) -> list[Json]:
    """The blocks with what Slack adds by itself: ids, and the defaults of text objects."""
    return [_with_ids(_with_defaults(block)) for block in blocks]


def for_message(blocks: Any) -> list[Json]:
    """Raises invalid_blocks, msg_blocks_too_long."""
    if faults := check(blocks, "message"):
        raise SlackError("invalid_blocks", errors=faults, messages=faults)
    if sum(map(len, _texts(blocks))) > limits.MESSAGE_BLOCK_CHARACTERS:
        raise SlackError("msg_blocks_too_long")
    return finished(blocks)


def find(blocks: Any) -> Iterator[tuple[str, Json]]:
    """Every element with an action_id, with the id of the block it stands in."""
    return _find(blocks, "")


def _find(value: Any, block_id: str) -> Iterator[tuple[str, Json]]:
    if isinstance(value, list):
        for each in value:
            yield from _find(each, block_id)
    elif isinstance(value, dict):
        block_id = value.get("block_id", block_id)
        if "action_id" in value and "type" in value:
            yield block_id, value
        for each in value.values():
            if isinstance(each, (list, dict)):
                yield from _find(each, block_id)


def _block(block: Any, surface: Surface, where: str) -> Faults:
    if not isinstance(block, dict):
        yield fault("must be an object", where)
        return
    kind = block.get("type")
    checker = _CHECKS.get(kind) if isinstance(kind, str) else None
    if checker is None or (kind == "alert" and surface == "message"):
        yield fault(f"unsupported type: {kind}", f"{where}/type")
        return
    if "block_id" in block:
        yield from length(block["block_id"], limits.ID, f"{where}/block_id", least=1)
    yield from checker(block, where)


def _section(block: Json, where: str) -> Faults:
    fields = block.get("fields") or []
    if "text" not in block and not fields:
        yield fault("must have text or fields", where)
    if "text" in block:
        yield from text(block["text"], limits.SECTION_TEXT, f"{where}/text")
    yield from _at_most(fields, limits.SECTION_FIELDS, f"{where}/fields")
    for index, field in enumerate(each_of(fields)):
        yield from text(field, limits.FIELD_TEXT, f"{where}/fields/{index}")
    if "accessory" in block:
        yield from element(block["accessory"], IN_SECTION, f"{where}/accessory")


def _header(block: Json, where: str) -> Faults:
    yield from text(block.get("text"), limits.HEADER_TEXT, f"{where}/text", plain=True)


def _context(block: Json, where: str) -> Faults:
    elements = block.get("elements")
    yield from _some(elements, limits.CONTEXT_ELEMENTS, f"{where}/elements")
    for index, each in enumerate(each_of(elements)):
        if isinstance(each, dict) and each.get("type") == "image":
            yield from element(each, {"image"}, f"{where}/elements/{index}")
        else:
            yield from text(each, limits.SECTION_TEXT, f"{where}/elements/{index}")


def _actions(block: Json, where: str) -> Faults:
    elements = block.get("elements")
    yield from _some(elements, limits.ACTIONS, f"{where}/elements")
    seen: set[str] = set()
    for index, each in enumerate(each_of(elements)):
        yield from element(each, IN_ACTIONS, f"{where}/elements/{index}")
        action_id = part(each, "action_id")
        if isinstance(action_id, str) and action_id in seen:
            yield fault(f"`action_id` {action_id} already exists for another element", f"{where}/elements/{index}")
        seen |= {action_id} if isinstance(action_id, str) else set()


def _context_actions(block: Json, where: str) -> Faults:
    elements = block.get("elements")
    yield from _some(elements, limits.CONTEXT_ACTIONS, f"{where}/elements")
    for index, each in enumerate(each_of(elements)):
        yield from element(each, {"feedback_buttons", "icon_button"}, f"{where}/elements/{index}")


def _input(block: Json, where: str) -> Faults:
    yield from text(block.get("label"), limits.INPUT_TEXT, f"{where}/label", plain=True)
    yield from element(block.get("element"), INPUTS, f"{where}/element")
    if "hint" in block:
        yield from text(block["hint"], limits.INPUT_TEXT, f"{where}/hint", plain=True)


def _image(block: Json, where: str) -> Faults:
    yield from length(block.get("alt_text"), limits.IMAGE_TEXT, f"{where}/alt_text")
    if "image_url" not in block and "slack_file" not in block:
        yield fault("missing required field: image_url", where)
    if "title" in block:
        yield from text(block["title"], limits.IMAGE_TEXT, f"{where}/title", plain=True)


def _markdown(block: Json, where: str) -> Faults:
    yield from length(block.get("text"), limits.MARKDOWN, f"{where}/text", least=1)


def _rich_text(block: Json, where: str) -> Faults:
    known = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
    elements = block.get("elements")
    if not isinstance(elements, list):
        yield fault("missing required field: elements", where)
        return
    for index, each in enumerate(elements):
        if not isinstance(part(each, "type"), str) or each["type"] not in known:
            yield fault("unsupported type", f"{where}/elements/{index}/type")


def _table(block: Json, where: str) -> Faults:
    rows = block.get("rows")
    yield from _some(rows, limits.TABLE_ROWS, f"{where}/rows")
    for index, row in enumerate(each_of(rows)):
        yield from _some(row, limits.TABLE_CELLS, f"{where}/rows/{index}")


def _card(block: Json, where: str) -> Faults:
    for name, most in limits.CARD.items():
        if name in block:
            yield from text(block[name], most, f"{where}/{name}")


def _container(block: Json, where: str) -> Faults:
    if "title" in block:
        yield from text(block["title"], limits.CONTAINER_TITLE, f"{where}/title")
    children = block.get("child_blocks", [])
    yield from _at_most(children, limits.CONTAINER_CHILDREN, f"{where}/child_blocks")
    for index, child in enumerate(each_of(children)):
        yield from _block(child, "message", f"{where}/child_blocks/{index}")


def _task_card(block: Json, where: str) -> Faults:
    for name in ("task_id", "title"):
        if not block.get(name):
            yield fault(f"missing required field: {name}", where)
    if block.get("status") not in (None, "pending", "in_progress", "complete", "error"):
        yield fault("must be one of: pending, in_progress, complete, error", f"{where}/status")


def _carousel(block: Json, where: str) -> Faults:
    yield from _some(block.get("elements"), limits.CAROUSEL, f"{where}/elements")


def _anything(_block: Json, _where: str) -> Faults:
    return iter(())


_CHECKS: dict[str, Callable[[Json, str], Faults]] = {
    "section": _section,
    "header": _header,
    "divider": _anything,
    "context": _context,
    "actions": _actions,
    "context_actions": _context_actions,
    "input": _input,
    "image": _image,
    "markdown": _markdown,
    "rich_text": _rich_text,
    "table": _table,
    "card": _card,
    "container": _container,
    "carousel": _carousel,
    "task_card": _task_card,
    "plan": _anything,
    "alert": _anything,
    "auth_provider": _anything,
    "call": _anything,
    "file": _anything,
    "video": _anything,
    "data_table": _anything,
    "data_visualization": _anything,
}


def _some(value: Any, most: int, where: str) -> Faults:
    if not isinstance(value, list) or not value:
        yield fault("must have at least 1 item", where)
    else:
        yield from _at_most(value, most, where)


def _at_most(value: Any, most: int, where: str) -> Faults:
    if not isinstance(value, list):
        yield fault("must be an array", where)
    elif len(value) > most:
        yield fault(f"no more than {most} items allowed", where)


def _repeated(blocks: list[Any], where: str) -> Faults:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id") if isinstance(block, dict) else None
        if isinstance(block_id, str) and block_id in seen:
            yield fault(f"block_id {block_id} already exists", f"{where}/{index}/block_id")
        seen |= {block_id} if isinstance(block_id, str) else set()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name == "text" and isinstance(each, str):
                yield each
            else:
                yield from _texts(each)


_TEXT_DEFAULTS = {"plain_text": {"emoji": True}, "mrkdwn": {"verbatim": False}}


def _with_defaults(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_defaults(each) for each in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("type")
    defaults = _TEXT_DEFAULTS.get(kind, {}) if isinstance(kind, str) else {}
    return {name: _with_defaults(each) for name, each in value.items()} | {
        name: each for name, each in defaults.items() if name not in value
    }


def _with_ids(block: Json) -> Json:
    done = {**block, "block_id": block.get("block_id") or secrets.token_urlsafe(4)[:5]}
    for name in ("accessory", "element"):
        if isinstance(done.get(name), dict) and done[name].get("type") != "image":
            done[name] = _with_action(done[name])
    if "child_blocks" in done:
        done["child_blocks"] = finished(done["child_blocks"])
    if done["type"] in ("actions", "context_actions"):
        done["elements"] = [_with_action(each) for each in done["elements"]]
    return done


def _with_action(value: Json) -> Json:
    return {**value, "action_id": value.get("action_id") or secrets.token_urlsafe(4)[:5]}

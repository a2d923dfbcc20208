"""Block Kit checks: the limits, and that no shape, however wrong, does more than be complained about."""

import copy
import random
from typing import Any

import pytest

from playground import blocks, surfaces, values
from playground.errors import Json, SlackError


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


OPTION = {"text": plain("o"), "value": "v"}
BUTTON = {
    "type": "button",
    "action_id": "b",
    "text": plain("x"),
    "value": "v",
    "style": "primary",
    "confirm": {"title": plain("t"), "text": plain("x")},
}
GROUPS = [{"label": plain("l"), "options": [OPTION]}]
GOOD: list[Json] = [
    {"type": "section", "block_id": "a", "text": plain("x"), "fields": [plain("f")], "accessory": BUTTON},
    {
        "type": "actions",
        "elements": [
            {"type": "static_select", "action_id": "s", "options": [OPTION], "initial_option": OPTION},
            {"type": "static_select", "action_id": "g", "option_groups": GROUPS, "placeholder": plain("p")},
            {"type": "overflow", "action_id": "o", "options": [OPTION]},
            {"type": "checkboxes", "action_id": "c", "options": [OPTION], "initial_options": [OPTION]},
        ],
    },
    {
        "type": "input",
        "label": plain("l"),
        "hint": plain("h"),
        "element": {"type": "plain_text_input", "action_id": "p", "min_length": 1, "initial_value": "x"},
    },
    {"type": "input", "label": plain("l"), "element": {"type": "number_input", "action_id": "n", "min_value": "1"}},
    {"type": "context", "elements": [plain("x"), {"type": "image", "alt_text": "a", "image_url": "u"}]},
    {"type": "context_actions", "elements": [{"type": "feedback_buttons", "action_id": "f"}]},
    {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]},
    {"type": "container", "title": plain("x"), "child_blocks": [{"type": "divider"}]},
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]},
    {"type": "task_card", "task_id": "1", "title": "x"},
    {"type": "card", "title": plain("x")},
    {"type": "header", "text": plain("x")},
    {"type": "markdown", "text": "x"},
]


@pytest.mark.parametrize(
    ("block", "where"),
    [
        ({"type": "header", "text": plain("x" * 151)}, "/blocks/0/text/text"),
        ({"type": "section", "text": plain("x" * 3001)}, "/blocks/0/text/text"),
        ({"type": "section", "fields": [plain("x")] * 11}, "/blocks/0/fields"),
        ({"type": "section", "text": plain("")}, "/blocks/0/text/text"),
        ({"type": "context", "elements": [plain("x")] * 11}, "/blocks/0/elements"),
        ({"type": "actions", "elements": [BUTTON | {"text": plain("x" * 76)}]}, "/blocks/0/elements/0/text/text"),
        ({"type": "actions", "elements": [BUTTON, BUTTON]}, "/blocks/0/elements/1"),
        ({"type": "actions", "elements": [{"type": "plain_text_input"}]}, "/blocks/0/elements/0/type"),
        ({"type": "divider", "block_id": "x" * 256}, "/blocks/0/block_id"),
        ({"type": "markdown", "text": "x" * 12_001}, "/blocks/0/text"),
        ({"type": "alert", "text": plain("x")}, "/blocks/0/type"),
    ],
)
def test_a_limit_is_named_with_its_place(block: Json, where: str) -> None:
    (complaint, *_) = blocks.check([block], "message")
    assert complaint.endswith(f"[json-pointer:{where}]")


def test_good_blocks_pass_and_get_their_ids() -> None:
    assert blocks.check(GOOD, "modal") == []
    done = blocks.finished([{"type": "actions", "elements": [{"type": "button", "text": plain("x")}]}])
    assert done[0]["block_id"]
    assert done[0]["elements"][0]["action_id"]
    assert done[0]["elements"][0]["text"] == {"type": "plain_text", "text": "x", "emoji": True}


@pytest.mark.parametrize("seed", range(8))
def test_no_shape_does_more_than_be_complained_about(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(200):
        view: Json = {"type": "modal", "title": plain("t"), "submit": plain("s"), "blocks": copy.deepcopy(GOOD)}
        for _ in range(dice.choice([1, 1, 2, 3])):
            _damage(view, dice)
        try:
            done = blocks.finished(surfaces.checked(view)["blocks"])
        except SlackError:
            continue
        values.missing(done, values.state_of(done))


def _damage(view: Json, dice: random.Random) -> None:
    path = dice.choice(list(_paths(view, []))[1:])
    at: Any = view
    for key in path[:-1]:
        at = at[key]
    if isinstance(at, dict) and dice.random() < 0.3:
        del at[path[-1]]
    else:
        at[path[-1]] = dice.choice([None, 3, "x", "", [], {}, [3], [None], {"type": "x"}, True, [[]], {"type": []}])


def _paths(value: Any, path: list[Any]) -> Any:
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        yield from _paths(each, [*path, key])

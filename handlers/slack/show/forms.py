"""Modals: small forms that open at once, and the pages that show a payload whole."""

import json
from collections.abc import Mapping, Sequence

from domain.approvals import SHORTEST_REASON
from domain.canonical import Json
from domain.runs import Question
from handlers.slack.show import kit
from handlers.slack.show.limits import INPUT, OPTION, PAGE_PIECES, PIECE, TITLE, pieces
from handlers.slack.show.parts import Part, body
from handlers.slack.show.text import brief, clip, visible

View = dict[str, Json]

TEXT = ("text", "text")  # block id and action id of the one input of a form


def deny(about: Mapping[str, Json]) -> View:
    """Why not? The reason is told to the reasoner; it may be left out."""
    return _form("deny", "Deny", "Deny", about, _input("Why not?", "It is told the reasoner.", optional=True))


def break_glass(about: Mapping[str, Json]) -> View:
    """Why alone? The reason is mandatory: whoever must hear of it is told it."""
    said = (
        "You countersign this call alone, in place of everybody whom the rule asks. It may start at once. "
        "Administrators and auditors are told now: that it was you, for what, and why."
    )
    above = [*kit.lines(kit.say(said)), *kit.context(f"Approval {clip(str(about.get('approval', '')), 100)}")]
    reason = _input("Why can it not wait for them?", "It is recorded and announced.", least=SHORTEST_REASON)
    return _form("break_glass", "Break glass", "Break glass", about, reason, above)


def redirect(about: Mapping[str, Json], goal: str = "") -> View:
    hint = "Policy is asked again about the new goal; open approvals are void."
    return _form("redirect", "Redirect", "Redirect", about, _input("What should be done instead?", hint, initial=goal))


def ask(about: Mapping[str, Json]) -> View:
    return _form(
        "ask", "Ask about this", "Send", about, _input("What do you want to know, or say?", "The run hears it.")
    )


def answer(about: Mapping[str, Json], question: Question | None = None) -> View:
    """The question, when it is known; its options are chosen, not typed."""
    above = kit.prose(clip(question.question, 8_000)) if question else []
    options = question.options if question else ()
    if options and len(options) <= 10:
        choices = [
            {"text": kit.plain(brief(option, OPTION) or "–"), "value": str(i)} for i, option in enumerate(options)
        ]
        element = {"type": "radio_buttons", "action_id": TEXT[1], "options": choices}
        block: kit.Block = {"type": "input", "block_id": TEXT[0], "label": kit.plain("Your answer"), "element": element}
    else:
        block = _input("Your answer", "")
    return _form("answer", "Answer", "Answer", about, block, above)


def task(about: Mapping[str, Json], message: str) -> View:
    """A request about a message."""
    above = [*kit.context("About this message:"), *kit.pre(clip(message, 2_000))]
    return _form("task", "New request", "Send", about, _input("What should be done?", ""), above)


def loading(about: Mapping[str, Json]) -> View:
    return _view("details", "Details", about, kit.lines(kit.say("One moment …")))


def problem(text: str) -> View:
    return _view("details", "Details", {}, kit.prose(clip(text, 8_000)))


def details(about: Mapping[str, Json], found: Sequence[Part], page: int) -> View:
    """Page `page` (from 0) of everything, nothing left out."""
    sheets = pages(found)
    page = min(max(page, 0), len(sheets) - 1)
    turns = [
        *([kit.button("Back", "page_back", str(page - 1))] if page > 0 else []),
        *([kit.button("Next", "page_next", str(page + 1))] if page < len(sheets) - 1 else []),
    ]
    count = kit.context(f"Page {page + 1} of {len(sheets)}") if len(sheets) > 1 else []
    return _view("details", "Details", about, [*sheets[page], *count, *kit.actions(*turns)])


def pages(found: Sequence[Part]) -> list[list[kit.Block]]:
    """The parts cut into views, in order."""
    sheets: list[list[kit.Block]] = [[]]
    count = 0
    for part in found:
        for index, piece in enumerate(pieces(visible(part.text), PIECE)):
            if count == PAGE_PIECES:
                sheets.append([])
                count = 0
            title = part.heading + (" (goes on)" if index else "")
            sheets[-1] += [*kit.lines(kit.say(title, bold=True)), *body(piece, part.style)]
            count += 1
    return sheets if sheets[0] else [kit.lines(kit.say("There is nothing more to show."))]


def _form(
    name: str, title: str, submit: str, about: Mapping[str, Json], block: kit.Block, above: Sequence[kit.Block] = ()
) -> View:
    view = _view(name, title, about, [*above, block])
    return view | {"submit": kit.plain(submit)}


def _view(name: str, title: str, about: Mapping[str, Json], blocks: Sequence[kit.Block]) -> View:
    return {
        "type": "modal",
        "callback_id": name,
        "title": kit.plain(clip(title, TITLE)),
        "close": kit.plain("Close"),
        "private_metadata": json.dumps(dict(about), separators=(",", ":"), ensure_ascii=False),
        "blocks": list(blocks),
    }


def _input(label: str, hint: str, *, optional: bool = False, initial: str = "", least: int = 0) -> kit.Block:
    element: kit.Block = {"type": "plain_text_input", "action_id": TEXT[1], "multiline": True, "max_length": INPUT}
    if least:
        element["min_length"] = least
    if initial:
        element["initial_value"] = initial[:INPUT]
    block: kit.Block = {"type": "input", "block_id": TEXT[0], "label": kit.plain(label), "element": element}
    block["optional"] = optional
    return block | ({"hint": kit.plain(hint)} if hint else {})

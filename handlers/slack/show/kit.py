"""Block Kit, as little of it as we use. Every text that enters here is made visible; none of it is markup."""

import re
from collections.abc import Iterable, Mapping, Sequence

from domain.canonical import Json
from handlers.slack.show import text as words
from handlers.slack.show.limits import BUTTON_TEXT, CONTEXT_TEXT, HEADER_TEXT, PIECE, pieces

Block = dict[str, Json]
Element = dict[str, Json]

_BY = re.compile(r"(Stopped by |taken over by |Taken over by |[Ff]rozen by )(user:[UW][A-Z0-9]{1,20})\b")
_FROZEN = re.compile(r"(?<=[Ff]rozen by )(user:[UW][A-Z0-9]{1,20})\b")
_FACTS = 40  # lines; more read better as a block of text
_USER = re.compile(r"[UW][A-Z0-9]{1,20}")


def say(text: str, *, bold: bool = False, code: bool = False) -> list[Element]:
    """Inert text. None for an empty one, which Slack refuses."""
    shown = words.visible(text)
    if not shown:
        return []
    style = {name: True for name, on in (("bold", bold), ("code", code)) if on}
    return [{"type": "text", "text": shown, **({"style": style} if style else {})}]


def who(principal: str | None) -> list[Element]:
    """A person, by id, so that Slack shows the name that person has now."""
    if principal is None:
        return say("nobody")
    kind, _, name = principal.partition(":")
    if kind == "user" and _USER.fullmatch(name):
        return [{"type": "user", "user_id": name}]
    return say(words.person(principal))


def people(principals: Iterable[str]) -> list[Element]:
    """Several, with commas."""
    found: list[Element] = []
    for principal in principals:
        found += (say(", ") if found else []) + who(principal)
    return found


def credited(text: str) -> list[Element]:
    """A sentence of the operator's that begins with whose doing it was: that person by name, the rest as it stands."""
    found = _BY.match(text)
    return say(found[1]) + who(found[2]) + say(text[found.end() :]) if found else say(text)


def link(url: str, label: str) -> list[Element]:
    """A link to an address of our own making."""
    return [{"type": "link", "url": url, "text": words.one_line(label)}]


def lines(*rows: Sequence[Element]) -> list[Block]:
    """One rich text block, a row a line; none if every row is empty."""
    full = [list(row) for row in rows if row]
    joined: list[Element] = []
    for row in full:
        joined += (say("\n") if joined else []) + row
    if not joined:
        return []
    return [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": joined}]}]


def prose(text: str) -> list[Block]:
    """Foreign text as running text, whole, in as many blocks as it needs."""
    return [block for piece in pieces(words.visible(text), PIECE) for block in lines(say(piece))]


def told(text: str) -> list[Block]:
    """Our own words to a person: as `prose`, with what stands between backticks set as code. Still inert."""
    blocks: list[Block] = []
    for piece in pieces(words.visible(text), PIECE):
        row: list[Element] = []
        for index, part in enumerate(piece.split("`")):
            row += say(part, code=True) if index % 2 == 1 else _frozen(part)
        blocks += lines(row)
    return blocks


def _frozen(text: str) -> list[Element]:
    """Our own words, in which a freeze may say whose it is: that person by name."""
    found = _FROZEN.search(text)
    return say(text[: found.start(1)]) + who(found[1]) + say(text[found.end() :]) if found else say(text)


def pre(text: str) -> list[Block]:
    """Foreign text as it stands, whole, in as many blocks as it needs."""
    return [
        {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": say(piece)}]}
        for piece in pieces(words.visible(text), PIECE)
    ]


def quote(text: str, title: str = "") -> list[Block]:
    """Somebody else's words, whole, set apart by a bar that they cannot leave; `title` is ours, in bold."""
    head = say(f"{title}: ", bold=True) if title else []
    return [
        {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": ([] if i else head) + say(piece)}]}
        for i, piece in enumerate(pieces(words.visible(text), PIECE))
    ]


def facts(text: str) -> list[Block]:
    """Lines of `name: value`, the names in bold. What is too much for that is shown as it stands."""
    rows = words.visible(text).split("\n")
    if words.size(words.visible(text)) > PIECE or len(rows) > _FACTS:
        return pre(text)
    found: list[Element] = []
    for index, row in enumerate(rows):
        name, colon, value = row.partition(": ")
        found += (say("\n") if index else []) + say(name, bold=bool(colon)) + say(colon + value)
    return [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": found}]}] if found else []


def header(text: str) -> list[Block]:
    """A headline; the caller keeps what may not be shortened elsewhere too."""
    shown = words.brief(text, HEADER_TEXT)
    return [{"type": "header", "text": plain(shown or "–")}]


def context(text: str) -> list[Block]:
    """A small grey line."""
    shown = words.clip(words.visible(text[: CONTEXT_TEXT + 1]), CONTEXT_TEXT)
    return [{"type": "context", "elements": [plain(shown)]}] if shown else []


def divider() -> list[Block]:
    return [{"type": "divider"}]


def plain(text: str) -> Mapping[str, Json]:
    return {"type": "plain_text", "text": words.visible(text), "emoji": False}


def button(
    label: str, action_id: str, value: str, *, style: str | None = None, confirm: Mapping[str, Json] | None = None
) -> Element:
    """A button of ours; `value` is ids only."""
    made: Element = {
        "type": "button",
        "action_id": action_id,
        "text": plain(words.brief(label, BUTTON_TEXT) or "–"),
        "value": value,
    }
    return made | ({"style": style} if style else {}) | ({"confirm": confirm} if confirm else {})


def confirm(title: str, text: str, yes: str) -> Mapping[str, Json]:
    """Slack's own question before a button counts."""
    return {"title": plain(title), "text": plain(text), "confirm": plain(yes), "deny": plain("Cancel")}


def actions(*buttons: Element) -> list[Block]:
    return [{"type": "actions", "elements": list(buttons)}] if buttons else []

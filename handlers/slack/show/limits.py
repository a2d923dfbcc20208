"""Slack's limits, and ways to stay within them without losing a character."""

from collections.abc import Iterator, Sequence

from domain.canonical import Json
from handlers.slack.show.text import clip, escaped, size

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MESSAGE_CHARACTERS = 12_000  # Slack refuses at about 13,200 over all blocks, and documents nothing
FALLBACK = 3_000  # of `text`; chat.update refuses more than 4,000
PIECE = 2_900  # of one text element
PAGE_PIECES = 10  # of a details view: 250 kB hold them even where every character takes twelve bytes
HEADER_TEXT = 150
BUTTON_TEXT = 75
CONTEXT_TEXT = 2_000
TITLE = 24
INPUT = 3_000
OPTION = 75


def pieces(text: str, most: int) -> list[str]:
    """`text` in order, each piece at most `most` long, cut at line ends where there are any. Joined they are `text`."""
    found: list[str] = []
    while text:
        if size(text) <= most:
            found.append(text)
            break
        cut = _cut(text, most)
        found.append(text[:cut])
        text = text[cut:]
    return found


def weight(blocks: Json) -> int:
    """How many characters Slack counts in these blocks."""
    return sum(size(found) for found in _texts(blocks))


def fits(blocks: Sequence[Json]) -> bool:
    """Whether one message can hold them."""
    return len(blocks) <= MESSAGE_BLOCKS and weight(blocks) <= MESSAGE_CHARACTERS


def fallback(text: str) -> str:
    """A message's `text`, for notifications and screen readers."""
    shown = escaped(text[: FALLBACK + 1])  # escaping only makes it longer
    return clip(shown, FALLBACK)


def _cut(text: str, most: int) -> int:
    cut = min(len(text), most)
    while size(text[:cut]) > most:
        cut -= 1
    end = text.rfind("\n", cut // 2, cut)
    return end + 1 if end >= 0 else max(1, cut)


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name == "text" and isinstance(each, str):
                yield each
            else:
                yield from _texts(each)

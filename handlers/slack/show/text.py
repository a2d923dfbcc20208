"""Foreign text made safe to read: what cannot be seen is written out, what could be markup is never given the chance.

Text of models, alerts, tools and people goes only into `plain_text` and `rich_text` text elements, which Slack does
not parse; `escaped` is for the few places that are mrkdwn (a message's fallback text).
"""

import unicodedata

_KEPT = frozenset("\n\t ")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
# Letters and marks that draw nothing: Hangul fillers, the braille blank, joiners and variation selectors.
_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u034f") | frozenset(
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), *range(0x180B, 0x1810))
)


def visible(text: str) -> str:
    r"""`text` with every control, bidirectional, zero-width or otherwise unseen character written as `\uXXXX`."""
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_TABLE)


def one_line(text: str) -> str:
    """`visible`, with line ends and tabs shown as well."""
    return visible(text).replace("\n", " ⏎ ").replace("\t", " ⇥ ")


def escaped(text: str) -> str:
    """`visible`, for places that Slack reads as mrkdwn."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def size(text: str) -> int:
    """How long Slack may think the text is: UTF-16 units, the larger of the two ways to count."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


def clip(text: str, most: int) -> str:
    """At most `most` long, saying so where something is missing. Never for what an approver must see."""
    if size(text) <= most:
        return text
    kept = text[: max(0, most - 2)]
    while kept and size(kept) > most - 2:
        kept = kept[:-1]
    return kept + " …"


def brief(text: str, most: int) -> str:
    """`one_line`, at most `most` long."""
    return clip(one_line(text[: most + 1]), most)


def person(principal: str) -> str:
    """A principal as people say it, without mention: `group:sre` -> `group sre`."""
    kind, _, name = principal.partition(":")
    return one_line(f"{kind} {name}" if name else kind)


def plural(count: int, noun: str) -> str:
    """`1 line`, `2 lines`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """`90 s`, `15 min`, `4 h`, `2 d`."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if (seconds >= length and seconds % length == 0) or seconds >= 3 * length:
            return f"{seconds / length:g} {unit}" if seconds % length == 0 else f"{seconds / length:.1f} {unit}"
    return f"{seconds:.3g} s"


class _Table(dict[int, str]):
    """What each character becomes, found out once; only the common planes are remembered."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        hidden = unicodedata.category(character) in _HIDDEN_CATEGORIES or character in _BLANK
        if hidden and character not in _KEPT:
            return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
        if code <= 0xFFFF:
            self[code] = character
        return character


_TABLE = _Table()

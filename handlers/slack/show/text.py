"""Foreign text made safe to read: what cannot be seen is written out, what could be markup is never given the chance.

Text of models, alerts, tools and people goes only into `plain_text` and `rich_text` text elements, which Slack does
not parse; `escaped` is for the few places that are mrkdwn (a message's fallback text).
"""

import unicodedata

from domain.decisions import Approvers

_ROLES = {"self": "the requester", "peer": "another approver"}
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
    """A principal as people say it, without mention: `any(group:a,group:b)` -> `group a or group b`."""
    if principal[:4] in ("any(", "all(") and principal.endswith(")"):
        between = " or " if principal.startswith("any") else " and "
        return between.join(person(part) for part in _parts(principal[4:-1]))
    kind, _, name = principal.partition(":")
    if not name:
        return _ROLES.get(kind, one_line(kind))
    return one_line(f"on call for {name}" if kind == "oncall" else f"{kind} {name}")


def asked(approvers: Approvers, count: int = 1) -> str:
    """Who is asked, in words: `someone of group sre`, `2 people of group a or group b`."""
    match approvers.kind:
        case "self" | "user":
            return person(approvers.text)
        case "peer":
            return "another approver" if count == 1 else f"{count} other approvers"
        case "oncall":
            return f"whoever is {person(approvers.text)}"
        case _:
            return f"{'someone' if count == 1 else f'{count} people'} of {person(approvers.text)}"


def plural(count: int, noun: str) -> str:
    """`1 line`, `2 lines`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """`90 s`, `15 min`, `4 h`, `2 d`."""
    if 0 <= seconds < 1:
        return "under 1 s"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if (seconds >= length and seconds % length == 0) or seconds >= 3 * length:
            return f"{seconds / length:g} {unit}" if seconds % length == 0 else f"{seconds / length:.1f} {unit}"
    return f"{seconds:.3g} s"


def _parts(text: str) -> list[str]:
    """The parts of `a,any(b,c)`: commas within parentheses are their own."""
    found, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            found.append("")
        else:
            found[-1] += character
    return found


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

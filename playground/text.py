"""How typed text becomes Slack's markup, and markup becomes what an app is shown."""

import re
from collections.abc import Callable, Iterable, Iterator

from playground.errors import Json

TOKEN = re.compile(
    r"<(?:@[UW][A-Z0-9]*(?:\|[^<>]*)?|#[CGD][A-Z0-9]*(?:\|[^<>]*)?|!subteam\^S[A-Z0-9]*(?:\|[^<>]*)?"
    r"|!(?:here|channel|everyone)(?:\|[^<>]*)?|(?:https?://|mailto:)[^<>]+)>"
)
_MENTION = re.compile(r"<@([UW][A-Z0-9]*)(?:\|[^<>]*)?>")
_LINK = re.compile(r"https?://[^\s<>]*[^\s<>.,;:!?)\]]")


def mentioned(text: str) -> list[str]:
    """Ids of the users mentioned, in order."""
    return _MENTION.findall(text)


def typed(text: str, users: Iterable[Json], groups: Iterable[Json]) -> str:
    """What Slack stores for what a person typed: `@name` and URLs become tokens, other `& < >` are escaped.

    Text that is in that form already stays as it is.
    """
    names = {user["name"]: f"<@{user['id']}>" for user in users if not user["deleted"]}
    names |= {group["handle"]: f"<!subteam^{group['id']}>" for group in groups if not group["disabled"]}
    return "".join(piece if is_token else _plain(piece, names) for piece, is_token in split(text))


def for_command(
    text: str, *, escape: bool, users: Iterable[Json], channels: Iterable[Json], groups: Iterable[Json]
) -> str:
    """A slash command's text: with `should_escape` tokens carry `|name`, without it they are `@name`, `#channel`."""
    shown = {f"@{user['id']}": ("", "@", user["name"]) for user in users}
    shown |= {f"#{channel['id']}": ("", "#", channel["name"]) for channel in channels if not channel["is_im"]}
    shown |= {f"!subteam^{group['id']}": ("@", "@", group["handle"]) for group in groups}

    def one(token: str) -> str:
        inside = token[1:-1].partition("|")[0]
        if inside not in shown:
            return token if escape else inside
        prefix, sigil, name = shown[inside]
        return f"<{inside}|{prefix}{name}>" if escape else f"{sigil}{name}"

    return "".join(one(piece) if is_token else piece for piece, is_token in split(text))


def split(text: str) -> Iterator[tuple[str, bool]]:
    """Yields the text's pieces; the flag is true for a token."""
    at = 0
    for match in TOKEN.finditer(text):
        if match.start() > at:
            yield text[at : match.start()], False
        yield match.group(), True
        at = match.end()
    if at < len(text):
        yield text[at:], False


def rich_text(text: str, block_id: str) -> list[Json]:
    """The blocks that Slack makes of a person's message."""
    elements = [_element(piece, is_token) for piece, is_token in split(text)]
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": block_id, "elements": [section]}]


def _plain(piece: str, names: dict[str, str]) -> str:
    out, at = [], 0
    for match in _LINK.finditer(piece):
        out += [_words(piece[at : match.start()], names), f"<{match.group().replace('&', '&amp;')}>"]
        at = match.end()
    return "".join([*out, _words(piece[at:], names)])


def _words(piece: str, names: dict[str, str]) -> str:
    escaped = re.sub(r"&(?!(?:amp|lt|gt);)", "&amp;", piece).replace("<", "&lt;").replace(">", "&gt;")
    if not names or "@" not in escaped:
        return escaped
    longest_first = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(rf"(?<![\w.@])@({longest_first})(?![\w-])", lambda match: names[match.group(1)], escaped)


def _element(piece: str, is_token: bool) -> Json:  # noqa: FBT001 (the flag comes from `split`)
    if not is_token:
        return {"type": "text", "text": piece.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")}
    inside = piece[1:-1].partition("|")[0]
    makers: dict[str, Callable[[], Json]] = {
        "@": lambda: {"type": "user", "user_id": inside[1:]},
        "#": lambda: {"type": "channel", "channel_id": inside[1:]},
        "!": lambda: (
            {"type": "usergroup", "usergroup_id": inside.removeprefix("!subteam^")}
            if inside.startswith("!subteam^")
            else {"type": "broadcast", "range": inside[1:]}
        ),
    }
    return makers.get(inside[0], lambda: {"type": "link", "url": inside})()

"""Ways to spoil a file: of its bytes and lines, and of the tree that it is."""

import copy
import random
from collections.abc import Callable
from typing import Any

KEYS = (
    *(
        "version",
        "policies",
        "freezes",
        "id",
        "level",
        "describe",
        "match",
        "when",
        "limit",
        "approve",
        "deny",
        "tests",
    ),
    *("source", "type", "agent", "repository", "requester", "tool", "effect", "resource", "labels", "from", "count"),
    *("within", "use_within", "break_glass", "stage", "any", "all", "tier", "max_iterations", "timeout", "deadline"),
    *("budget_usd", "allowed_tools", "denied_tools", "requires_pr", "requires_validation", "until", "zone", "except"),
    *(
        "given",
        "expect",
        "task",
        "call",
        "verdict",
        "slug",
        "handles",
        "tools",
        "name",
        "resources",
        "groups",
        "people",
    ),
    *("approvers", "admins", "earns", "framework", "standing", "recurs", "unless", "control", "repeat", "every"),
)
TEXTS = (
    *(
        "",
        " ",
        "*",
        "**",
        "a*b*c",
        "prod/*",
        "group:sre",
        "user:U1",
        "anyone",
        "nobody",
        "self",
        "peer",
        "change",
        "read",
    ),
    *(
        "production",
        "15m",
        "0s",
        "99999d",
        "2026-12-20T00:00",
        "2026-13-45",
        "Europe/Berlin",
        "true",
        "null",
        "~",
        "007",
    ),
    *("call.tool == 'x'", "1 == 1", "task", "call.labels.env", "(" * 300, "a.b.c.d", "task.goal.matches('(a+)+$')"),
    *(
        "gіt.push",
        "\u202e",
        "é",
        "𝔘",
        "x" * 300,
        "x" * 70_000,
        "${env:HOME}",
        "{{",
        "- -",
        "\t",
        "\x1b[31m",
        "#",
        "---",
    ),
)
NUMBERS = (0, 1, -1, 2, 51, 10**15, 10**30, 0.5, -0.0, 1e308, float("inf"), float("nan"))
ODD_LINES = (
    *(
        b"<<: *a",
        b"a: &a [*a, *a]",
        b"? [x]\n: y",
        b"---",
        b"...",
        b"%YAML 1.2",
        b"!!python/object:os.system x",
        b"\t- x",
    ),
    *(
        b"'",
        b'"',
        b"- " * 40,
        b"[" * 50,
        b"{" * 50,
        b"|",
        b">-",
        b"# \xe2\x80\xa8- {id: x, deny: no}",
        b"\x00",
        b"\xff\xfe",
    ),
    *(b"\xef\xbb\xbf", b"\r", b"\xc2\x85", b"a: 1\na: 2", b"!x y", b"&x y", b"*y"),
)
Bytes = Callable[[bytes, random.Random], bytes]
Trees = Callable[[Any, random.Random], Any]


# ── Bytes and lines ───────────────────────────────────────────────────────────────────────────────────────────────────


def _flip(content: bytes, rng: random.Random) -> bytes:
    spoilt = bytearray(content or b"x")
    for _ in range(rng.choice([1, 2, 10])):
        spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
    return bytes(spoilt)


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _insert(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.choice(ODD_LINES) + content[at:]


def _lines(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[other])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] = b" " * rng.randrange(9) + lines[at].lstrip()
        case _:
            lines.insert(at, rng.choice(ODD_LINES))
    return b"\n".join(lines)


def _word(content: bytes, rng: random.Random) -> bytes:
    """One word in place of another."""
    words = content.split(b" ")
    words[rng.randrange(len(words))] = str(rng.choice((*KEYS, *TEXTS, *NUMBERS))).encode()
    return b" ".join(words)


def _often(content: bytes, rng: random.Random) -> bytes:
    return content + rng.choice(content.split(b"\n")) * rng.choice([2, 50, 2_000])


BYTES: tuple[Bytes, ...] = (_flip, _cut, _insert, _lines, _lines, _lines, _word, _word, _often)


# ── Trees ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def made_up(rng: random.Random, left: int = 5) -> Any:
    """Data of our own words."""
    kind = rng.random()
    if left == 0 or kind < 0.35:
        return rng.choice((*TEXTS, *NUMBERS, None, True, False))
    if kind < 0.6:
        return [made_up(rng, left - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(KEYS): made_up(rng, left - 1) for _ in range(rng.randrange(6))}


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of it."""
    found: list[tuple[Any, Any]] = []
    left = [tree]
    while left:
        one = left.pop()
        items = one.items() if isinstance(one, dict) else enumerate(one) if isinstance(one, list) else ()
        for key, value in items:
            found.append((one, key))
            left.append(value)
    return found


def _somewhere(change: Callable[[Any, Any, random.Random], None]) -> Trees:
    """Changes a copy, at one place of it."""

    def changed(tree: Any, rng: random.Random) -> Any:
        spoilt = copy.deepcopy(tree)
        places = _places(spoilt)
        if places:
            change(*rng.choice(places), rng)
        return spoilt

    return changed


def _replace(holder: Any, key: Any, rng: random.Random) -> None:
    holder[key] = made_up(rng, rng.randrange(3))


def _scalar(holder: Any, key: Any, rng: random.Random) -> None:
    holder[key] = rng.choice((*TEXTS, *NUMBERS, None, True, False))


def _another(tree: Any, rng: random.Random) -> Any:
    """A value in the place of another of its kind: often as sound as before."""
    spoilt = copy.deepcopy(tree)
    places = [(holder, key) for holder, key in _places(spoilt) if not isinstance(holder[key], dict | list)]
    if places:
        holder, key = rng.choice(places)
        kin = [
            one[at] for one, at in places if type(one[at]) is type(holder[key]) and (at == key or rng.random() < 0.1)
        ]
        holder[key] = rng.choice(kin or [holder[key]])
    return spoilt


def _remove(holder: Any, key: Any, _: random.Random) -> None:
    del holder[key]


def _rename(holder: Any, key: Any, rng: random.Random) -> None:
    if isinstance(holder, dict):
        holder[rng.choice((*KEYS, *TEXTS, 1, None, True))] = holder.pop(key)


def _repeat(holder: Any, key: Any, rng: random.Random) -> None:
    if isinstance(holder, list):
        holder.extend(copy.deepcopy(holder[key]) for _ in range(rng.choice([1, 2, 60])))


def _wrap(holder: Any, key: Any, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 1, 2, 30])):
        holder[key] = rng.choice([[holder[key]], {rng.choice(KEYS): holder[key]}, {"any": [holder[key]]}])


def _move(holder: Any, key: Any, rng: random.Random) -> None:
    if isinstance(holder, dict):
        holder[rng.choice(KEYS)] = copy.deepcopy(holder[key])


_CHANGES = (_replace, _scalar, _remove, _rename, _repeat, _wrap, _move)
TREES: tuple[Trees, ...] = (*map(_somewhere, _CHANGES), *[_another] * len(_CHANGES))

"""Characters that a file may not hold: those that some programs show as a new line, or in another order, or not at all.

What an editor shows as a comment must not be a rule to us, nor the other way round.
"""

import re
import unicodedata
from dataclasses import dataclass

_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_LINES = r"\u2028\u2029"
_DIRECTIONS = r"\u202a-\u202e\u2066-\u2069"
_NONE = r"\ufeff\ufffe\uffff\ud800-\udfff"
_FORBIDDEN = re.compile(rf"[{_CONTROLS}{_LINES}{_DIRECTIONS}{_NONE}]|\r(?!\n)")


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The first such character and where it stands, both counted from 1."""

    line: int
    column: int
    problem: str


def forbidden(text: str) -> Forbidden | None:
    """The first character that may not be there. A line ends with LF, or CR and LF."""
    found = _FORBIDDEN.search(text)
    if found is None:
        return None
    before = text[: found.start()]
    name = f"U+{ord(found[0]):04X} ({unicodedata.name(found[0], 'a control character').lower()})"
    yaml = unicodedata.category(found[0]) in {"Cf", "Zl", "Zp"}
    problem = f"holds {name}, which not every program shows" if yaml else f"is not YAML: it holds {name}"
    return Forbidden(before.count("\n") + 1, len(before) - before.rfind("\n"), problem)


def shown(text: str, most: int = 200) -> str:
    """The text on one line of a terminal, whatever it holds: what cannot be printed is spelt out, what is long cut."""
    cut = text if len(text) <= most else f"{text[:most]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)

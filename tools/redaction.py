"""Takes secrets out of what comes back, and makes the rest safe to store and show.

Every lent secret is removed exactly, also in the forms it is sent in; what merely looks like one is removed by pattern.
"""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from domain.canonical import Json
from tools.sandbox.port import plain

MAX_TEXT = 64 << 10  # characters in one text
MAX_ITEMS = 2000  # entries in one list or object
MAX_DEPTH = 12
_SHORTEST = 4  # characters of a secret that can be told from ordinary text
_CUT = " [cut]"
_HIDDEN = "[redacted]"
_LOOKS_SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}\b|\bgithub_pat_[A-Za-z0-9_]{30,}\b|\bglpat-[A-Za-z0-9_-]{20,}\b"
    r"|\bxox[abeprs]-[A-Za-z0-9-]{10,}\b|\bxapp-[A-Za-z0-9-]{10,}\b"
    r"|\bsk-[A-Za-z0-9_-]{20,}\b|\bAIza[0-9A-Za-z_-]{35}\b"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
    r"|(?<=://)[^/\s:@]{1,100}:[^/\s@]{1,200}(?=@)"
    r"|(?i:(?<=bearer )[A-Za-z0-9._~+/=-]{16,})"
    r"|(?i:(?:password|passwd|secret|token|api_key|apikey)\s*[=:]\s*\"?)(?P<value>[^\s\"',;]{8,})"
)


@dataclass(slots=True, kw_only=True)
class Redaction:
    """One call's redaction; `count` says how much was taken out."""

    count: int = 0
    _forms: tuple[str, ...] = ()  # every spelling of every secret, longest first
    _places: tuple[tuple[str, str], ...] = ()

    def learn(self, secrets: Iterable[str], places: Iterable[tuple[str, str]] = ()) -> None:
        """From now on take these out too; `places` are paths of this machine and what to call them instead."""
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _spellings(secret)}
        self._forms = tuple(sorted({*self._forms, *forms}, key=len, reverse=True))
        self._places = tuple(sorted({*self._places, *places}, key=lambda place: len(place[0]), reverse=True))

    def text(self, value: str) -> str:
        """The text without secrets, escapes and control characters, and not longer than allowed."""
        value = plain(value)  # first: an escape in the middle would hide a secret from the comparison
        for form in self._forms:
            self.count += value.count(form)
            value = value.replace(form, _HIDDEN)
        for path, name in self._places:
            value = value.replace(path, name)
        value = _LOOKS_SECRET.sub(self._hide, value)
        return value if len(value) <= MAX_TEXT else value[: MAX_TEXT - len(_CUT)] + _CUT

    def json(self, value: Json, depth: int = 0) -> Json:
        """The same for a whole value, keys included."""
        if depth > MAX_DEPTH:
            return _CUT.strip()
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(k)): self.json(v, depth + 1) for k, v in list(value.items())[:MAX_ITEMS]}
        if isinstance(value, Sequence):
            return [self.json(item, depth + 1) for item in value[:MAX_ITEMS]]
        return value

    def _hide(self, match: re.Match[str]) -> str:
        self.count += 1
        value = match["value"]
        return _HIDDEN if value is None else match[0].removesuffix(value) + _HIDDEN


def _spellings(secret: str) -> Iterable[str]:
    yield secret
    yield quote(secret, safe="")
    yield base64.b64encode(secret.encode()).decode()

"""Phrases: how people ask. `(fix|mend) [the] finding {finding} in {repository}`.

`{name}` is one word, read into the input of that name; `[...]` may be left out; `(a|b)` is one of several. Case,
politeness, quotes and the last full stop do not matter. Nothing else is understood: a request fits a phrase or it does
not.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

LONGEST_REQUEST = 500  # characters; what is longer fits no phrase
_LONGEST_TIDIED = 2_000  # what is longer is left as it is: taking it apart costs time, and it would fit nothing

_TOKEN = re.compile(
    r"\{(?P<input>[a-z][a-z0-9_]*)\}|\[(?P<optional>[^\[\](){}]+)\]|\((?P<choice>[^\[\](){}]+)\)|(?P<word>[^\s\[\](){}]+)|(?P<space>\s+)"
)
_MENTION = re.compile(r"^(?:<@[A-Z0-9]+(?:\|[^>]*)?>[\s,:]*)+")
_POLITE_START = re.compile(
    r"^(?:(?:please|pls|hey|hi|hello|ok|okay|(?:can|could|would|will)\s+you)\b[\s,]*)+", re.IGNORECASE
)
_POLITE_END = re.compile(r"\b(?:please|pls|thanks|thank\s+you|now)$", re.IGNORECASE)
_STOPS = " \t\r\n.!?…,"
_STRAIGHT = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " "})
_AROUND = "`'\"*_~<>,;:.!?()"  # what people and chat programs put around a word


class PhraseFault(ValueError):
    """The phrase cannot be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """`text` as written; `words` counts what must be there, so that the more specific of two phrases wins."""

    text: str
    pattern: re.Pattern[str]
    inputs: tuple[str, ...]
    words: int
    plain: str  # without what may be left out, `{name}` still in it


def parse_phrase(text: str) -> Phrase:
    """Raises PhraseFault."""
    plain: list[str] = []
    inputs: list[str] = []
    pattern, words, position = "", 0, 0
    said = text.rstrip(_STOPS)
    while position < len(said):
        found = _TOKEN.match(said, position)
        if found is None:
            raise PhraseFault(f"the phrase cannot be read from `{said[position:]}` on")
        position = found.end()
        if name := found["input"]:
            pattern += rf"\s+(?P<{name}>\S+)"
            inputs.append(name)
            plain.append(f"{{{name}}}")
        elif optional := found["optional"]:
            pattern += rf"(?:{_any_of(optional)})?"
        elif choice := found["choice"]:
            pattern += rf"(?:{_any_of(choice)})"
            plain.append(choice.split("|")[0].strip())
            words += 1
        elif word := found["word"]:
            pattern += _spaced(word)
            plain.append(word)
            words += 1
    if not words:
        raise PhraseFault("a phrase needs at least one word that must be said")
    if len(set(inputs)) < len(inputs):
        raise PhraseFault("a phrase names each input once")
    compiled = re.compile(pattern, re.IGNORECASE)
    return Phrase(
        text=text, pattern=compiled, inputs=tuple(inputs), words=words, plain=" ".join(plain) + text[len(said) :]
    )


def tidy(request: str) -> str:
    """The request without mentions, politeness, curly quotes and the last full stop."""
    if len(request) > _LONGEST_TIDIED:
        return request
    text = _MENTION.sub("", request.translate(_STRAIGHT).strip())
    text, longer = _POLITE_START.sub("", text), ""
    while text != longer:
        text, longer = _POLITE_END.sub("", text.rstrip(_STOPS)), text
    return " ".join(text.split())


def read(phrase: Phrase, request: str) -> dict[str, str] | None:
    """The words that stand for the inputs, or None where the (tidied) request does not fit."""
    if len(request) > LONGEST_REQUEST:
        return None
    found = phrase.pattern.fullmatch(" " + request)
    if found is None:
        return None
    return {name: found[name].strip(_AROUND) for name in phrase.inputs}


def shown(phrase: Phrase, examples: Mapping[str, str]) -> str:
    """The phrase as one would type it."""
    return re.sub(r"\{([a-z0-9_]+)\}", lambda found: examples.get(found[1]) or found[0], phrase.plain)


def nearest(request: str, offers: Mapping[str, str], most: int = 3) -> tuple[str, ...]:
    """The offers (as typed -> as compared) most like the request, the best first."""
    asked = tidy(request)[:LONGEST_REQUEST].lower()
    ranked = sorted(offers, key=lambda offer: (-_likeness(asked, offers[offer].lower(), offer.lower()), offer))
    return tuple(ranked[:most])


def _likeness(asked: str, plain: str, offer: str) -> float:
    """Of the letters and of the words."""
    words, best = set(asked.split()), 0.0
    for said in (plain, offer):
        others = set(said.split())
        shared = 2 * len(words & others) / max(1, len(words) + len(others))
        best = max(best, SequenceMatcher(None, asked, said).ratio() + shared)
    return best


def _any_of(choices: str) -> str:
    return "|".join(_spaced(choice.strip()) for choice in choices.split("|") if choice.strip())


def _spaced(words: str) -> str:
    return "".join(rf"\s+{re.escape(word)}" for word in words.split())

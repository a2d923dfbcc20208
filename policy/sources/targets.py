"""From the words of a person to what they mean of the catalogue. Doubt freezes nothing, and says what is known.

`prod/*` and `prod/web` are resources, `env=prod` is a label, `prod` is an environment, `web` the short name of a
resource, `shop` a label's value, `repository:acme/infra` whatever runs about that repository change; `everything` is.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from itertools import islice

from domain.freezes import Target, Unclear
from policy.globs import exact, matches
from policy.matching import LABEL
from policy.sources.catalogue import Catalogue

_EVERYTHING = frozenset({"everything", "all", "*"})
_NAME = re.compile(r"[A-Za-z0-9_.:@/#*-]{1,200}")
_REPOSITORY = re.compile(r"(?:repository|repo)[: ]\s*([A-Za-z0-9_.*-]+/[A-Za-z0-9_.*-]+)", re.IGNORECASE)
_LABEL = re.compile(r"(?:label:)?([A-Za-z0-9_.-]+)=([A-Za-z0-9_.:@/*-]+)")
ENVIRONMENT = "env"  # the label of environments
_MOST_CHOICES = 6

Labels = Mapping[str, Mapping[str, str]]  # entry -> its labels, inherited ones too


def find(said: str, catalogue: Catalogue) -> Target | Unclear:
    """What these words mean."""
    what = said.strip().strip("\"'`“”").strip()
    labels = {entry.pattern: catalogue.labels(entry.pattern) or {} for entry in catalogue.entries}
    if what.casefold() in _EVERYTHING:
        return Target(where=(), words="everything", fits=tuple(sorted(labels)))
    repository, label = _REPOSITORY.fullmatch(what), _LABEL.fullmatch(what)
    if repository:
        name = repository[1]
        return Target(where=(("repository", (name,)),), words=f"what runs about the repository {name} change")
    if label:
        return _labelled(label[1], label[2], labels, what)
    if not _NAME.fullmatch(what):
        return _unknown(what, labels)
    if "/" in what or not exact(what) or what in labels:
        return _resource(what, labels)
    return _short(what, labels)


def _resource(pattern: str, labels: Labels) -> Target | Unclear:
    """A resource, or a pattern of resources, of which the catalogue has at least one."""
    fits = [name for name in labels if matches(pattern, name) or matches(name, pattern)]
    if not fits:
        return _unknown(pattern, labels)
    return Target(where=(("resource", (pattern,)),), words=pattern, fits=tuple(sorted(fits)))


def _labelled(name: str, value: str, labels: Labels, said: str) -> Target | Unclear:
    fits = [entry for entry, held in labels.items() if name in held and matches(value, held[name])]
    if not fits:
        return _unknown(said, labels)
    return Target(where=((LABEL + name, (value,)),), words=f"{name}={value}", fits=tuple(sorted(fits)))


def _short(what: str, labels: Labels) -> Target | Unclear:
    """An environment, else the end of a resource's name, else a label's value, else the beginning of names."""
    held = sorted({(name, value) for each in labels.values() for name, value in each.items() if value == what})
    if (ENVIRONMENT, what) in held:
        return _labelled(ENVIRONMENT, what, labels, what)
    resources = sorted(name for name in labels if name.rpartition("/")[2] == what)
    for choices in (resources, [f"{name}={value}" for name, value in held]):
        if len(choices) > 1:
            return Unclear(why=f"“{what}” may be {' or '.join(choices)}", choices=tuple(choices))
        if choices:
            return _resource(choices[0], labels) if choices is resources else _labelled(*held[0], labels, what)
    if any(name.startswith(f"{what}/") for name in labels):
        return _resource(f"{what}/*", labels)
    return _unknown(what, labels)


def _unknown(said: str, labels: Labels) -> Unclear:
    """What is known, the nearest first."""
    known = [*_known(labels)]
    folded = {word.casefold(): word for word in known}
    near = difflib.get_close_matches(said.casefold(), folded, n=3, cutoff=0.5)
    choices = dict.fromkeys([folded[word] for word in near] or islice(known, _MOST_CHOICES))
    return Unclear(why=f"“{said[:80]}” is nothing that the catalogue knows", choices=(*choices, "everything"))


def _known(labels: Labels) -> Iterable[str]:
    pairs = sorted({(name, value) for each in labels.values() for name, value in each.items()})
    yield from (value for name, value in pairs if name == ENVIRONMENT)
    yield from sorted(labels)
    yield from sorted({name.rpartition("/")[2] for name in labels if exact(name)})
    yield from (f"{name}={value}" for name, value in pairs)

"""Secrets are named in the configuration, never written there: `${env:NAME}` or `${file:PATH}`.

A text that looks like a secret is refused wherever it stands. What a reference names may be absent while rules are
checked; whoever needs the value asks `reveal`, and is told the file, line and key.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from policy.reading.files import Fault, Faults, Invalid, Node

_REFERENCE = re.compile(r"\$\{(env|file):([^{}\s]{1,500})\}")
_KNOWN = re.compile(
    r"xox[a-z]-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,}|gh[pousr]_[A-Za-z0-9]{20,}|glpat-[\w-]{16,}|AKIA[A-Z0-9]{16}"
    r"|sk-[A-Za-z0-9_-]{20,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_WORD = re.compile(r"[A-Za-z0-9+_=-]{24,}")
_RANDOM = 3.6  # bits a character; words and identifiers stay below
LARGEST = 64 * 1024
HINT = "write ${env:NAME} or ${file:PATH} instead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret by its reference. Its value is not shown by `repr`."""

    reference: str
    file: str
    line: int
    key: str
    problem: str = ""
    _value: str | None = field(default=None, repr=False)

    @property
    def present(self) -> bool:
        """Whether what the reference names is there."""
        return self._value is not None

    @property
    def fault(self) -> Fault:
        """What to say where it is not."""
        return Fault(file=self.file, line=self.line, column=1, key=self.key, problem=self.problem)

    def reveal(self) -> str:
        """The value. Raises Invalid where what the reference names is not there."""
        if self._value is None:
            raise Invalid([self.fault])
        return self._value


@dataclass(frozen=True, slots=True)
class ReadSecret:
    """A reader of references to secrets. Without `environ` it looks nothing up: neither there nor in files."""

    environ: Mapping[str, str] | None
    directory: Path

    def __call__(self, node: Node, faults: Faults) -> Secret | None:
        found = _REFERENCE.fullmatch(node.value) if isinstance(node.value, str) else None
        if found is None:
            faults.at(node, "must name where the secret is, not say it", HINT)
            return None
        kind, name = found.groups()
        value, problem = self._looked_up(kind, name)
        return Secret(reference=found[0], file=node.file, line=node.line, key=node.key, problem=problem, _value=value)

    def _looked_up(self, kind: str, name: str) -> tuple[str | None, str]:
        if self.environ is None:
            return None, "is not looked up here"
        return self._variable(name, self.environ) if kind == "env" else self._file(name)

    def _variable(self, name: str, environ: Mapping[str, str]) -> tuple[str | None, str]:
        value = environ.get(name)
        return (value, "") if value else (None, f"the environment variable {name} is not set")

    def _file(self, name: str) -> tuple[str | None, str]:
        try:
            with (self.directory / name).open("rb") as opened:
                value = opened.read(LARGEST + 1)
            said = value.decode("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            return None, f"the file {name} cannot be read: {type(error).__name__}"
        if len(value) > LARGEST or not said:
            return None, f"the file {name} is empty or too large for a secret"
        return said, ""


def looks_secret(text: str) -> bool:
    """Whether a text is a known kind of token, or a long random word. A directory that is there is neither."""
    if _KNOWN.search(text):
        return True
    if text.startswith("/") and Path(text).parent != Path("/") and Path(text).parent.is_dir():
        text = Path(text).name
    return any(_random(word) for word in _WORD.findall(text))


def _random(word: str) -> bool:
    if not (any(c.isdigit() for c in word) and any(c.isalpha() for c in word)):
        return False
    counts = Counter(word)
    return -sum(n / len(word) * math.log2(n / len(word)) for n in counts.values()) >= _RANDOM


def refuse_secrets(node: Node, faults: Faults) -> None:
    """A fault for every text below `node` that looks like a secret."""
    left = [node]
    while left:
        one = left.pop()
        if isinstance(one.value, tuple):
            left += one.value
        elif isinstance(one.value, Mapping):
            left += one.value.values()
        elif isinstance(one.value, str) and looks_secret(one.value):
            faults.at(one, "looks like a secret", HINT)


def refuse_references(node: Node, faults: Faults) -> None:
    """A fault for every reference below `node`: only the fields of secrets are resolved."""
    left = [node]
    while left:
        one = left.pop()
        if isinstance(one.value, tuple):
            left += one.value
        elif isinstance(one.value, Mapping):
            left += one.value.values()
        elif isinstance(one.value, str) and "${" in one.value:
            faults.at(one, "is not a secret, and only secrets are read from elsewhere", "write the value itself")

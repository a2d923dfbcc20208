"""A configuration that somebody proposes: read, checked as at a start, and its cases run. Nothing of it is trusted.

It is parsed and nothing else: no secret is looked up, no file outside it is opened, nothing that it names is run.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.configuration import Configuration, load
from bot.rulebook import lay_down
from bot.systems import catalog_for, known_tools
from policy.analysis.cases import CaseResult, run_cases
from policy.reading.files import Fault, Invalid
from tools.git.runner import Git

MOST_FILES = 4_000
MOST_BYTES = 32 << 20
_KINDS = {"120000": "a symbolic link", "160000": "a submodule"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What is proposed, without faults, and what came of its cases."""

    configuration: Configuration
    cases: tuple[CaseResult, ...]

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        """The cases that were answered otherwise than expected."""
        return tuple(case for case in self.cases if not case.passed)


def read_candidate(directory: Path, now: datetime) -> Candidate | tuple[Fault, ...]:
    """The candidate, or all that is wrong with it. May take a while: call it in a thread."""
    try:
        configuration = load(directory, None, tools=known_tools())
        catalog = catalog_for(configuration)
        lay_down(configuration, catalog)
    except Invalid as invalid:
        return tuple(invalid.faults)
    people = configuration.snapshot(now)
    cases = run_cases(configuration.policies, people=people, catalog=catalog, now=now)
    return Candidate(configuration=configuration, cases=tuple(cases))


async def refused(git: Git, bare: Path, head: str) -> str | None:
    """Why the tree of this commit is not even laid out; None if it may be."""
    listed = await git.attempt("--git-dir=.", "ls-tree", "-r", "-l", "-z", head, workspace=bare, max_output=4 << 20)
    if listed.truncated:
        return f"it holds more than {MOST_FILES} files"
    if not listed.ok:
        return f"git cannot list it: {listed.stderr.strip()[:300]}"
    entries = [entry.partition("\t")[0].split() for entry in listed.stdout.split("\0") if entry]
    if len(entries) > MOST_FILES:
        return f"it holds {len(entries)} files, more than {MOST_FILES}"
    return _odd(entries)


def _odd(entries: list[list[str]]) -> str | None:
    """Each entry is `[mode, kind, object, size]`."""
    for mode, *_ in entries:
        if mode in _KINDS:
            return f"it holds {_KINDS[mode]}; only plain files are read"
    size = sum(int(entry[3]) for entry in entries if entry[3].isdigit())
    return f"it holds {size >> 20} MB, more than {MOST_BYTES >> 20}" if size > MOST_BYTES else None

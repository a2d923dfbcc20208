"""Policy files as nobody would write them: each ends in rules that answer, or in faults that say where.

    python -m tests.fuzz.policy_files --seconds 60              # `make fuzz`
    python -m tests.fuzz.policy_files --replay fuzz-failures/x  # one input again, with its traceback

An input is a configuration directory: a sound one, mutated; or made of our own words at random; or of bytes.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from bot.commands.policy.loaded import ground_of
from bot.configuration import load
from bot.systems import catalog_for, known_tools
from policy.analysis.cases import run_cases
from policy.analysis.coverage import coverage
from policy.analysis.diagnosis import diagnose
from policy.analysis.skeletons import skeleton
from policy.explaining.explain import as_json, explain
from policy.reading.files import Faults, Invalid
from policy.reading.nodes import from_plain
from policy.sources.subjects import Subject, read_subject
from tests.fuzz.mutations import BYTES, TREES, made_up

ROOT = Path(__file__).parents[2]
SOUND = (ROOT / "examples/acme/config", ROOT / "tests/cases/policy/organizations/small")
CASES = ROOT / "tests/cases/policy"
LONGEST = 20  # seconds for one input: a hang is a failure
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
Files = dict[str, bytes]
ASKED: tuple[Mapping[str, Any], ...] = (
    {"task": {}},
    {"task": {"type": "chat", "requester": "user:U1", "trigger": {"source": "alert"}}},
    {"task": {"requester": "user:U0CONTRACT"}, "call": {"tool": "service.restart", "arguments": {"service": "web"}}},
    {"task": {}, "call": {"tool": "git.push", "tainted": ["repository"]}, "at": "2031-12-24T00:00:00Z"},
    {"task": {"context": {"agent_slug": "operator"}}, "call": {"tool": "nobody.knows"}},
)


class Broken(Exception):
    """Neither an answer nor a clean fault; the message says what came instead."""


# ── Inputs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def sound() -> list[Files]:
    """Sound configurations: the sample, and one for each case of the suite that has rules of its own."""
    found = [_files(directory) for directory in SOUND]
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            files = dict(found[1])
            for key, section in (("rules", "policies"), ("freezes", "freezes")):
                if key in case:
                    files[f"policies/{section}.yaml"] = f"version: 1\n{section}:\n{case[key]}".encode()
            found.append(files)
    return found


def mutated(files: Files, rng: random.Random) -> Files:
    """One file of it, or a few, changed a little or a lot."""
    changed = dict(files)
    for name in rng.choices(
        sorted(files, key=lambda one: (not one.startswith("policies"), one)), k=rng.choice([1, 1, 2])
    ):
        kind = rng.random()
        if kind < 0.55:
            changed[name] = _through_trees(changed[name], rng)
        elif kind < 0.90:
            for _ in range(rng.choice([1, 1, 2, 5])):
                changed[name] = rng.choice(BYTES)(changed[name], rng)
        elif kind < 0.97:
            changed[name] = yaml.safe_dump(made_up(rng), allow_unicode=rng.random() < 0.5).encode()
        else:
            changed[name] = rng.randbytes(rng.choice([0, 1, 50, 5_000]))
    return changed


def _through_trees(content: bytes, rng: random.Random) -> bytes:
    try:
        tree = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError):
        return content
    for _ in range(rng.choice([1, 1, 2, 4])):
        tree = rng.choice(TREES)(tree, rng)
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=rng.random() < 0.5, width=200).encode()


def _files(directory: Path) -> Files:
    return {str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*.yaml"))}


# ── Judging ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def judge(directory: Path) -> str:
    """`answers` or `faults`. Raises Broken, or whatever the code under test raised."""
    try:
        configuration = load(directory, {}, tools=known_tools())
    except Invalid as invalid:
        _check_faults(invalid, directory)
        return "faults"
    catalog, policies = catalog_for(configuration), configuration.policies
    people = configuration.snapshot(NOW)
    for subject in subjects():
        said = as_json(explain(policies, subject, people=people, catalog=catalog, now=NOW))
        if not isinstance(said["allowed"], bool) or not said["reason"]:
            raise Broken(f"no answer: {said}")
        if said["allowed"] and said.get("verdict") == "deny":
            raise Broken(f"an answer that contradicts itself: {said}")
    run_cases(policies, people=people, catalog=catalog, now=NOW)
    ground = ground_of(configuration, catalog)
    for one in diagnose(ground):
        _check_place(one.file, one.line, directory, str(one))
    for gap in coverage(policies, people=people, catalog=catalog, now=NOW).gaps:
        _check_place(gap.file, gap.line, directory, str(gap))
    for rule in policies.rules[:5]:
        skeleton(rule, ground)
    return "answers"


def subjects() -> Iterator[Subject]:
    """What is asked of every set of rules that loads."""
    for asked in ASKED:
        faults = Faults()
        subject = read_subject(from_plain("asked", asked), faults)
        faults.check()
        assert subject is not None
        yield subject


def _check_faults(invalid: Invalid, directory: Path) -> None:
    if not invalid.faults:
        raise Broken("refused without a fault")
    for fault in invalid.faults:
        if not fault.problem or not str(fault).isprintable():
            raise Broken(f"a fault that cannot be shown: {fault!r}")
        _check_place(fault.file, fault.line, directory, str(fault))


def _check_place(file: str, line: int, directory: Path, said: str) -> None:
    path = directory / file
    if not path.exists():
        raise Broken(f"there is no such file: {said}")
    lines = path.read_bytes().rstrip(b"\n").count(b"\n") + 1 if path.is_file() else 1
    if not 1 <= line <= max(lines, 1):
        raise Broken(f"there is no such line, of {lines}: {said}")


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raises Broken in the middle of whatever takes longer."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise Broken(f"took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# ── The run ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def run(seed: int, more: Callable[[int], bool], kept: Path) -> tuple[Counter[str], list[str]]:
    """Judge inputs while `more(number)`; what was answered, and for each failure the command that repeats it."""
    counts: Counter[str] = Counter()
    commands: list[str] = []
    bases = sound()
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "input"
        number = 0
        while more(number):
            rng = random.Random(f"{seed}/{number}")
            files = mutated(rng.choice(bases), rng)
            write(files, directory)
            try:
                with at_most(LONGEST):
                    counts[judge(directory)] += 1
            except Exception:  # whatever it is: the input is kept, and the run goes on
                where = kept / f"{seed}-{number}"
                write(files, where)
                (where / "traceback.txt").write_text(traceback.format_exc())
                commands.append(f"python -m tests.fuzz.policy_files --replay {where}")
                counts["broken"] += 1
            number += 1
    return counts, commands


def write(files: Mapping[str, bytes], directory: Path) -> None:
    """The input as a directory of its own."""
    shutil.rmtree(directory, ignore_errors=True)
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options.add_argument("--kept", type=Path, default=Path("fuzz-failures"), help="where failing inputs are written")
    options.add_argument("--replay", type=Path, help="judge this directory only")
    given = options.parse_args()
    if given.replay is not None:
        with at_most(LONGEST):
            sys.stdout.write(f"{judge(given.replay)}\n")
        return 0
    end = time.monotonic() + given.seconds
    counts, commands = run(given.seed, lambda _: time.monotonic() < end, given.kept)
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    sys.stdout.write(f"seed {given.seed}: {sum(counts.values())} inputs in {given.seconds} s: {said}\n")
    for command in commands:
        sys.stdout.write(f"{command}\n")
    return 1 if commands else 0


if __name__ == "__main__":
    sys.exit(main())

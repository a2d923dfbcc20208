"""The trial of mutants: in forks of one process that holds everything, and where that will not do, by a fresh import.

Runs in a copy of the tree (see `__main__`). A mutant is *killed* when a test fails, *timeout* when its tests take many
times longer than they should, *survived* when those that run its line pass, the likeliest first and up to a number of
seconds, and *unreached* when no test runs it. *Broken* is a fault of this harness.
"""

import gc
import importlib
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.mutation.forks import BROKEN, ELSEWHERE, KILLED, SURVIVED, Forks, patience, quietly
from tests.mutation.fresh import PLAIN, afresh, module_of
from tests.mutation.grafts import Grafts
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.reach import Reach, measured, passes

ALIVE = frozenset({"survived", "unreached", "broken"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is tried, by what, and how long."""

    files: Sequence[str]
    tests: Sequence[str]
    sample: float = 1.0  # of the mutants of each file
    seed: int = 0
    jobs: int = 2
    slowest: float = 6.0  # seconds: a slower test judges nothing
    enough: float = 12.0  # seconds of tests for one mutant, the likeliest first
    found: str = "mutants.jsonl"
    again: frozenset[str] | None = None  # names: only these


@dataclass(slots=True)
class Bench:
    """What has been learnt so far: who killed what, which makes the next kill quicker."""

    reach: Reach
    kills: Counter[tuple[Any, str]] = field(default_factory=Counter)

    def tests(self, mutant: Mutant, extent: tuple[int, int] | None, enough: float) -> list[str]:
        """Who runs the line, else the function, else the file: the likeliest and the quickest first."""
        tests = self.reach.of_lines(mutant.file, mutant.line, mutant.line) if mutant.scope else set()
        tests = tests or (self.reach.of_lines(mutant.file, *extent) if extent else set())
        tests = tests or self.reach.of_file(mutant.file)
        here, seconds, named = (mutant.file, mutant.scope), self.reach.seconds, Path(mutant.file).stem

        def likely(test: str) -> tuple[int, bool, float, str]:
            akin = named in test.partition("::")[0]  # test_freezes.py knows more of freezes.py than its users do
            return -self.kills[here, test], not akin, seconds[test] / (1 + self.kills[mutant.file, test]), test

        order = sorted(tests, key=likely)
        chosen: list[str] = []
        spent = 0.0
        for test in order:
            spent += seconds[test]
            if chosen and spent > enough:
                break
            chosen.append(test)
        return chosen

    def killed(self, mutant: Mutant, test: str) -> None:
        """Remember the killer."""
        self.kills[(mutant.file, mutant.scope), test] += 1
        self.kills[mutant.file, test] += 1


def chosen_mutants(plan: Plan) -> list[Mutant]:
    """A seeded part of each file's mutants, all of them where the sample is 1."""
    chosen: list[Mutant] = []
    for file in plan.files:
        mutants = [
            one
            for one in mutants_of(file, Path(file).read_text(encoding="utf-8"))
            if plan.again is None or one.name in plan.again
        ]
        count = len(mutants) if plan.sample >= 1 else round(len(mutants) * plan.sample)
        chosen += random.Random(f"{plan.seed}/{file}").sample(mutants, count)
    return chosen


def trial(plan: Plan) -> None:
    """Try every mutant of `plan`; a line of JSON for each goes to `plan.found` as soon as it is known."""
    mutants = chosen_mutants(plan)
    importlib.import_module("bot.cli" if Path("bot/cli.py").exists() else "json")
    for name in [name for name in sys.modules if _ours(name)]:
        del sys.modules[name]  # what remains is what others wrote: forks import ours afresh
    pid = os.fork()
    if pid == 0:
        status = quietly(lambda: int(pytest.main([*PLAIN, *plan.tests], plugins=[_Warm(plan, mutants)])))
        os._exit(status)
    os.waitpid(pid, 0)
    warm = Path(f"{plan.found}.warm")
    if not warm.exists():
        raise SystemExit("the tests could not be collected, or the sound code could not be measured")
    doubtful, order = json.loads(warm.read_text(encoding="utf-8")), {one.name: one for one in mutants}
    forks = Forks(plan.jobs)
    for name, judges, spent in doubtful:
        mutant = order[name]
        forks.run(mutant, *afresh(mutant, judges, spent), lambda m, status, by: record(plan, m, _fate(status), by))
    forks.finish()
    warm.unlink()


def _ours(name: str) -> bool:
    top = name.partition(".")[0]
    return top != "tests" and Path(top).is_dir() and name not in {"__main__"}


class _Warm:
    """Takes the place of pytest's own loop: measure, then fork for each mutant."""

    def __init__(self, plan: Plan, mutants: list[Mutant]) -> None:
        self.plan, self.mutants = plan, mutants
        self.doubtful: list[tuple[str, list[str], list[float]]] = []  # what only a fresh import can show

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            return True
        began = time.monotonic()
        sources = {file: Path(file).read_text(encoding="utf-8") for file in self.plan.files}
        modules = {file: importlib.import_module(module_of(file)) for file in self.plan.files}
        reach = measured(session, {str(m.__file__): file for file, m in modules.items()}, self.plan.slowest)
        say(f"{len(reach.seconds)} tests, {sum(reach.seconds.values()):.0f} s traced")
        for test, why in reach.left_out.items():
            say(f"judges nothing: {test} ({why})")
        self.grafts, self.bench = Grafts(modules, sources), Bench(reach)
        self.extents = {file: _extents(file, source) for file, source in sources.items()}
        self.items = {item.nodeid: item for item in session.items}
        forks = Forks(self.plan.jobs)
        gc.collect()
        gc.freeze()  # else the first collection in each fork copies all that the parent holds
        for number, mutant in enumerate(self.mutants):
            if number % 500 == 0:
                say(f"{timed(began)}: {number} of {len(self.mutants)}")
            judges = self._judges(mutant)
            seconds = sum(reach.seconds[test] for test in judges)
            forks.run(mutant, partial(self._try, mutant, judges), 10 + 4 * seconds, self._ended)
        forks.finish()
        say(f"{timed(began)}: {len(self.mutants)} mutants, of which {len(self.doubtful)} are imported afresh")
        Path(f"{self.plan.found}.warm").write_text(json.dumps(self.doubtful), encoding="utf-8")
        return True

    def _judges(self, mutant: Mutant) -> list[str]:
        return self.bench.tests(mutant, self.extents[mutant.file].get(mutant.scope), self.plan.enough)

    def _reached(self, mutant: Mutant) -> bool:
        extent = self.extents[mutant.file].get(mutant.scope)
        return extent is None or bool(self.bench.reach.of_lines(mutant.file, *extent))

    def _try(self, mutant: Mutant, judges: list[str]) -> tuple[int, str]:
        """In a fork: be the mutant, and ask."""
        if not self.grafts.graft(mutant):
            return ELSEWHERE, ""
        for test in judges:
            patience(self.bench.reach.seconds[test])
            if not passes(self.items[test]):
                return KILLED, test
        return SURVIVED, ""

    def _ended(self, mutant: Mutant, status: int, word: str) -> None:
        if status == KILLED and word:
            self.bench.killed(mutant, word)
        if status == ELSEWHERE or (status == SURVIVED and mutant.scope is None):
            judges = self._judges(mutant)
            self.doubtful.append((mutant.name, judges, [self.bench.reach.seconds[test] for test in judges]))
        else:
            record(self.plan, mutant, _fate(status, reached=self._reached(mutant)), word)


# ── What is written down ──────────────────────────────────────────────────────────────────────────────────────────────


def _fate(status: int, *, reached: bool = True) -> str:
    if status == SURVIVED:
        return "survived" if reached else "unreached"
    return {KILLED: "killed", BROKEN: "broken"}.get(status, "timeout")


def record(plan: Plan, mutant: Mutant, fate: str, by: str) -> None:
    """One line for one mutant."""
    said = {"file": mutant.file, "line": mutant.line, "start": mutant.start, "end": mutant.end, "text": mutant.text}
    said |= {"what": mutant.what, "fate": fate, "by": by}
    with Path(plan.found).open("a", encoding="utf-8") as file:
        file.write(json.dumps(said) + "\n")


TOLD = os.dup(2)  # where people look, whatever a fork does with its own output


def say(text: str) -> None:
    """To whoever waits."""
    os.write(TOLD, f"{text}\n".encode())


def _extents(file: str, source: str) -> dict[tuple[str, int] | None, tuple[int, int]]:
    """First and last line of each function that has mutants."""
    lines: dict[tuple[str, int] | None, tuple[int, int]] = {}
    for mutant in mutants_of(file, source):
        if mutant.scope is not None:
            first, last = lines.get(mutant.scope, (mutant.line, mutant.line))
            lines[mutant.scope] = min(first, mutant.line), max(last, mutant.line)
    return lines


def laws() -> None:
    """Properties look at the same examples each time, and do not look for smaller ones once one has failed."""
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    checks = list(hypothesis.HealthCheck)
    hypothesis.settings.register_profile(
        "mutants", derandomize=True, database=None, deadline=None, phases=phases, suppress_health_check=checks
    )
    hypothesis.settings.load_profile("mutants")


def timed(began: float) -> str:
    """Minutes since `began`."""
    return f"{(time.monotonic() - began) / 60:.0f} min"


def survivors(kept: Path) -> frozenset[str]:
    """Names of the mutants that an earlier run, kept there, did not kill."""
    return frozenset(
        f"{one['file']}:{one['line']}:{one['start']}-{one['end']}: {one['what']}"
        for one in lines_of(kept / "mutants.jsonl")
        if one["fate"] in ALIVE
    )


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """What was recorded."""
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)

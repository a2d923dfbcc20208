"""Which test runs which line: each test is run once, traced, before anything is mutated."""

import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

Place = tuple[str, int]  # file, line


@dataclass(slots=True)
class Reach:
    """What the sound code showed: seconds for each test that passed, and who runs each line."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[Place, set[str]] = field(default_factory=dict)
    files: dict[str, set[str]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)  # test -> why it judges no mutant

    def of_lines(self, file: str, first: int, last: int) -> set[str]:
        """Who runs any of these lines."""
        return {test for line in range(first, last + 1) for test in self.lines.get((file, line), ())}

    def of_file(self, file: str) -> set[str]:
        """Who runs anything of this file."""
        return self.files.get(file, set())


def measured(session: pytest.Session, files: Mapping[str, str], slowest: float) -> Reach:
    """Run every test of `session`, watching `files` (absolute path to name). Slow or failing ones judge nothing."""
    reach = Reach()
    for item in session.items:
        lines: set[Place] = set()
        began = time.perf_counter()
        with _traced(files, lines):
            sound = passes(item)
        seconds = time.perf_counter() - began
        if not sound or seconds > slowest:
            reach.left_out[item.nodeid] = f"took {seconds:.1f} s" if sound else "does not pass"
            continue
        reach.seconds[item.nodeid] = seconds
        for place in lines:
            reach.lines.setdefault(place, set()).add(item.nodeid)
            reach.files.setdefault(place[0], set()).add(item.nodeid)
    return reach


def passes(item: pytest.Item) -> bool:
    """Run one test, by itself. A skipped one says nothing, so it passes."""
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


@contextmanager
def _traced(files: Mapping[str, str], lines: set[Place]) -> Iterator[None]:
    watched: Collection[str] = files.keys()

    def line(frame: FrameType, event: str, _arg: Any) -> Any:
        if event == "line":
            lines.add((files[frame.f_code.co_filename], frame.f_lineno))
        return line

    def call(frame: FrameType, _event: str, _arg: Any) -> Any:
        return line if frame.f_code.co_filename in watched else None

    threading.settrace(call)
    sys.settrace(call)
    try:
        yield
    finally:
        sys.settrace(None)
        threading.settrace(None)

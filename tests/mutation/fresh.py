"""A mutant by a fresh import: what a fork of a process that has imported everything cannot show."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutation.forks import KILLED, SURVIVED, Body, patience
from tests.mutation.mutants import Mutant

PLAIN = (
    *("-p", "no:randomly", "-p", "no:cacheprovider", "-o", "timeout=0", "--capture=sys", "-q", "--no-header"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # hypothesis is set up before pytest starts
)


def afresh(mutant: Mutant, judges: list[str], spent: list[float]) -> tuple[Body, float]:
    """What a fork does that imports everything with `mutant` in it, and the seconds that it may take."""
    seconds = dict(zip(judges, spent, strict=True))

    def body() -> tuple[int, str]:
        sys.meta_path.insert(0, _Importer(mutant))
        for some in (judges[:15], judges[15:]):
            if not some:
                continue
            plugin = _Chosen({test: seconds[test] for test in some})
            files = dict.fromkeys(test.partition("::")[0] for test in some)
            status = pytest.main([*PLAIN, "--maxfail=1", *files], plugins=[plugin])
            if status != pytest.ExitCode.OK:
                return KILLED, plugin.failed or "while importing"
        return SURVIVED, ""

    return body, 30 + 4 * sum(spent)


class _Chosen:
    """Runs these tests only, in this order."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds, self.failed = seconds, ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        order = {test: number for number, test in enumerate(self.seconds)}
        items[:] = sorted((item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        patience(self.seconds[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = report.nodeid


class _Importer(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutated text where the module of its file is imported."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant, self.module = mutant, module_of(mutant.file)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.module:
            return None
        return importlib.util.spec_from_file_location(name, Path(self.mutant.file).absolute(), loader=self)

    def exec_module(self, module: ModuleType) -> None:
        source = self.mutant.applied(Path(self.mutant.file).read_text(encoding="utf-8"))
        exec(compile(source, str(module.__file__), "exec", dont_inherit=True), module.__dict__)  # noqa: S102


def module_of(file: str) -> str:
    """The name by which this file is imported."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

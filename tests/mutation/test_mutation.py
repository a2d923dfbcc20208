"""The harness itself: it kills what is tested, lists what is not, and leaves the tree alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation.mutants import mutants_of
from tests.mutation.trial import lines_of

ROOT = Path(__file__).parents[2]
SAMPLE = "tests/mutation/sample/clamp.py"


def test_it_tells_the_killed_from_the_surviving(tmp_path: Path) -> None:
    before = (ROOT / SAMPLE).read_bytes()
    command = [sys.executable, "-m", "tests.mutation", SAMPLE, "--tests", "tests/mutation/sample/judges.py"]
    done = subprocess.run([*command, "--kept", str(tmp_path)], cwd=ROOT, check=True, capture_output=True, text=True)
    fates = {one["what"]: one["fate"] for one in lines_of(tmp_path / "mutants.jsonl")}
    assert fates == {
        "10 to 11": "killed",  # a constant of the module
        "10 to 9": "killed",
        "0 to 1": "killed",  # a default, which only a fresh import shows
        "0 to -1": "killed",
        "condition always True": "killed",
        "condition always False": "killed",
        "comparison to `<=`": "survived",  # the same at the bound, whatever one asks
        "`min` to `max`": "killed",
        "comparison to `>=`": "unreached",
        "3 to 4": "unreached",
        "3 to 2": "unreached",
    }
    assert f"{SAMPLE}:8: comparison to `<=`\n" in done.stderr
    assert "+    if value <= least:" in (tmp_path / "survivors.diff").read_text()
    assert (ROOT / SAMPLE).read_bytes() == before


@pytest.mark.parametrize(
    ("source", "mutated"),
    [
        ("x = a is None", {"x = a is not None"}),
        ("x = (a) < (b)", {"x = (a) <= (b)"}),
        ("x = a and b", {"x = b", "x = a"}),
        ("x = a or (b or c)", {"x = (b or c)", "x = a", "x = a or (c)", "x = a or (b)"}),
        ("x = not a", {"x = (a)"}),
        ("x = any(f)", {"x = all(f)"}),
        ("x = (a, b, c)", {"x = (b, c)", "x = (a, c)", "x = (a, b)"}),
        ("x = (a, b)", {"x = (b,)", "x = (a,)"}),
        ("x = f(a, k=b)", {"x = f(a)"}),
        ("def f():\n    raise E", {"def f():\n    pass"}),
        ("x = 'of words said'", set()),
        ("x: tuple['a', 'b']", set()),
        ("def f(a: int = 3): ...", {"def f(a: int = (4)): ...", "def f(a: int = (2)): ..."}),
        ("x = [a for a in b if a.c]", {"x = [a for a in b if (True)]"}),
        (
            "match a:\n    case 1 | 2:\n        f()",
            {
                "match a:\n    case 1 | 2 if False:\n        f()",
                "match a:\n    case 2:\n        f()",
                "match a:\n    case 1:\n        f()",
                "match a:\n    case 1 | 2:\n        pass",
            },
        ),
    ],
)
def test_mutants(source: str, mutated: set[str]) -> None:
    assert {one.applied(source) for one in mutants_of("a.py", source)} == mutated

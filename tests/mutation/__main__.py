"""Mutation testing: `make mutants [PATHS="domain policy/lattice.py"]`. The working tree is never touched.

    python -m tests.mutation domain policy --sample 0.2 --seed 7

Each file is changed a little, in a copy of the tree, and the tests that run the changed line are asked. What survives
is listed as `file:line: what`, and with its difference in `survivors.diff` of the directory `--kept`.
"""

import argparse
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.mutation.trial import ALIVE, Plan, laws, lines_of, say, survivors, timed, trial

ROOT = Path(__file__).parents[2]
TESTS = ("tests/domain", "tests/policy", "tests/cases", "tests/changes", "tests/loop", "tests/state/test_codec.py")
EXEMPT = ("domain/events.py",)  # dataclasses without a line of logic


def main() -> int:
    """Runs twice: first to make the copy, then in it."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("paths", nargs="*", default=["domain", "policy"])
    options.add_argument("--tests", nargs="+", default=TESTS, help="who judges")
    options.add_argument("--sample", type=float, default=1.0, help="the part of each file's mutants that is tried")
    options.add_argument("--seed", type=int, default=0, help="which part")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--slowest", type=float, default=6.0, help="a test that takes longer judges nothing")
    options.add_argument("--enough", type=float, default=12.0, help="seconds of tests for one mutant, likeliest first")
    options.add_argument("--kept", type=Path, default=Path(tempfile.gettempdir()) / "countersign-mutants")
    options.add_argument("--again", type=Path, help="only what survived the run that was kept there")
    options.add_argument("--in-copy", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    kept = given.kept.absolute()
    if not given.in_copy:
        kept.mkdir(parents=True, exist_ok=True)
        for old in kept.glob("mutants.jsonl*"):
            old.unlink()
        return _in_copy(["--kept", str(kept), *(["--again", str(given.again.absolute())] if given.again else [])])
    laws()
    began = time.monotonic()
    plan = Plan(
        files=_files(given.paths),
        tests=[*given.tests, f"--basetemp={Path.cwd() / '.mutants'}", "-m", "not slow and not browser"],
        sample=given.sample,
        seed=given.seed,
        jobs=given.jobs,
        slowest=given.slowest,
        enough=given.enough,
        again=survivors(given.again) if given.again else None,
        found=str(kept / "mutants.jsonl"),
    )
    trial(plan)
    _report(kept, f"sample {plan.sample:g}, seed {plan.seed}, {timed(began)}")
    return 0


def _in_copy(options: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        copy = Path(scratch) / "tree"
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(listed, cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
        command = [sys.executable, "-m", "tests.mutation", *sys.argv[1:], "--in-copy", *options]
        return subprocess.run(command, cwd=copy, env=os.environ | {"PYTHONPATH": str(copy)}, check=False).returncode


def _files(paths: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise SystemExit(f"there is no {path}")
        for one in [path] if path.is_file() else sorted(path.rglob("*.py")):
            if str(one) not in EXEMPT:
                found[str(one)] = None
    return list(found)


def _report(kept: Path, how: str) -> None:
    fates: dict[str, Counter[str]] = {}
    alive = []
    for one in lines_of(kept / "mutants.jsonl"):
        fates.setdefault(one["file"], Counter())[one["fate"]] += 1
        if one["fate"] in ALIVE:
            alive.append(one)
    kinds = ("killed", "timeout", "survived", "unreached", "broken")
    say(f"{'file':<36}" + "".join(f"{kind:>10}" for kind in kinds))
    for file, counts in sorted(fates.items()):
        say(f"{file:<36}" + "".join(f"{counts[kind]:>10}" for kind in kinds))
    total = sum(fates.values(), Counter[str]())
    say(f"{f'all ({how})':<36}" + "".join(f"{total[kind]:>10}" for kind in kinds))
    alive.sort(key=lambda one: (one["file"], one["line"], one["start"]))
    with (kept / "survivors.diff").open("w", encoding="utf-8") as listed:
        for one in alive:
            listed.write(f"{one['file']}:{one['line']}: {one['what']} ({one['fate']})\n")
            listed.write(_difference(one) + "\n")
    for one in alive:
        say(f"{one['file']}:{one['line']}: {one['what']}" + ("" if one["fate"] == "survived" else f" ({one['fate']})"))
    say(f"with their differences: {kept / 'survivors.diff'}")


def _difference(one: dict[str, Any]) -> str:
    source = Path(one["file"]).read_text(encoding="utf-8")
    changed = source[: one["start"]] + one["text"] + source[one["end"] :]
    lines = difflib.unified_diff(source.splitlines(), changed.splitlines(), lineterm="", n=0)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


if __name__ == "__main__":
    sys.exit(main())

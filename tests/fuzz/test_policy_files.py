"""A short fuzz run in every test run; `make fuzz` goes on for longer."""

from pathlib import Path

import pytest

from tests.fuzz.policy_files import judge, run, sound, write


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mutated_files_end_in_an_answer_or_a_clean_fault(seed: int, tmp_path: Path) -> None:
    counts, commands = run(seed, lambda number: number < 100, tmp_path)
    assert not commands, "\n".join(path.read_text() for path in tmp_path.glob("*/traceback.txt"))
    assert counts["answers"] > 10  # not everything is spoilt at the first key
    assert counts["faults"] > 10


def test_what_is_not_mutated_answers(tmp_path: Path) -> None:
    for files in sound()[:10]:
        write(files, tmp_path / "input")
        assert judge(tmp_path / "input") == "answers"

"""Every story's log as it once was: the code of today folds it to the same end, and re-derives each of its steps."""

import json

import pytest

from domain.evolve import replay
from loop.replay import rederive
from tests.stories.record import GOLDEN, STORIES, read, summary


@pytest.mark.parametrize("name", STORIES)
def test_a_kept_log_comes_to_the_same_end(name: str) -> None:
    run, log = read(name)
    document = json.loads((GOLDEN / f"{name}.json").read_text())
    assert summary(replay(run, log)) == document["summary"]


@pytest.mark.parametrize("name", STORIES)
def test_every_step_of_a_kept_log_is_rederived(name: str) -> None:
    run, log = read(name)
    replayed = rederive(run, log)
    assert [str(each) for each in replayed.divergences] == []
    assert replayed.steps > 0


@pytest.mark.parametrize("name", STORIES)
def test_every_prefix_of_a_kept_log_folds(name: str) -> None:
    run, log = read(name)
    for end in range(1, len(log) + 1):
        assert replay(run, log[:end]).seq == end, "time travel is a prefix"


def test_the_kept_logs_are_the_five_stories() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(STORIES)
    ends = {name: json.loads((GOLDEN / f"{name}.json").read_text())["summary"]["outcome"] for name in STORIES}
    assert ends == {
        "finding": "succeeded",
        "alert": "succeeded",
        "question": "succeeded",
        "refusal": "denied",
        "override": "stopped",
    }

"""Runs as values: whose turn it is, what is open, what counts as good, and what is told of them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.calls import Observation, ToolCall
from domain.change import changed
from domain.runs import WORKING, CallRecord, CallStatus, Question, Run, Status, Wait
from domain.tiers import Effect

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


def test_only_the_newest_wait_and_question_can_be_open() -> None:
    wait, question = Wait(topic="t", why="", until=NOW), Question(question="?")
    over, answered = replace(wait, what="came"), replace(question, answer="yes")
    run = Run(run_id="r")
    assert (run.waiting_for, run.open_question) == (None, None)
    assert Run(run_id="r", waits=(over, wait), questions=(answered, question)).waiting_for is wait
    assert Run(run_id="r", waits=(over, wait), questions=(answered, question)).open_question is question
    closed = Run(run_id="r", waits=(wait, over), questions=(question, answered))
    assert (closed.waiting_for, closed.open_question) == (None, None)


def test_what_is_true_beside_the_status_is_told_by_name() -> None:
    assert Run(run_id="r").flags == ()
    assert Run(run_id="r", paused=True, held_by="user:U1", stopping="user:U2").flags == (
        "paused", "taken_over", "stopping",
    )  # fmt: skip


def test_a_run_without_a_task_or_a_call_says_so() -> None:
    with pytest.raises(ValueError, match="r has no task yet"):
        _ = Run(run_id="r").received
    with pytest.raises(KeyError, match="no call c1"):
        Run(run_id="r").record("c1")


def test_a_changed_run_is_another_one_and_knows_its_fields() -> None:
    run = Run(run_id="r", tokens=1)
    assert changed(run, tokens=2) == replace(run, tokens=2)
    assert run.tokens == 1
    with pytest.raises(TypeError, match=r"a Run has no token$"):
        changed(run, token=2)


def record(call_id: str, effect: Effect, status: CallStatus = CallStatus.PROPOSED) -> CallRecord:
    return CallRecord(call=ToolCall(call_id=call_id, tool="t", version=1, effect=effect, arguments={}), status=status)


@pytest.mark.parametrize(
    ("batch", "turn"),
    [
        ("rr", "rr"),
        ("rrc", "rr"),
        ("crr", "c"),
        ("cc", "c"),
        ("r", "r"),
        ("rc", "r"),
        ("", ""),
    ],
)
def test_it_is_the_turn_of_adjacent_reads_together_and_of_anything_above_alone(batch: str, turn: str) -> None:
    effects = {"r": Effect.READ, "c": Effect.CHANGE}
    records = tuple(record(str(n), effects[letter]) for n, letter in enumerate(batch))
    over = record("x", Effect.READ, CallStatus.RETURNED)
    run = Run(run_id="r", batch=(over, *records))
    assert run.group == records[: len(turn)]


def test_a_call_is_found_wherever_it_stands_and_the_newest_of_a_name_first() -> None:
    old, new = record("c1", Effect.READ), record("c1", Effect.CHANGE)
    live, offer = record("c2", Effect.READ), record("m", Effect.CHANGE)
    run = Run(run_id="r", past=(old, new), batch=(live,), offer=offer)
    assert (run.record("c1"), run.record("c2"), run.record("m")) == (new, live, offer)
    assert (run.live, run.records) == ((live, offer), (old, new, live, offer))
    assert replace(run, offer=None).live == (live,)


def test_good_is_what_returned_sound_and_as_predicted() -> None:
    done = replace(record("c1", Effect.READ), observation=Observation(ok=True, summary=""))
    assert done.good
    assert replace(done, met=True).good
    assert not record("c1", Effect.READ).good
    for wrong in (
        replace(done, observation=Observation(ok=False, summary="")),
        replace(done, met=False),
        replace(done, problems=("odd",)),
    ):
        assert not wrong.good


def test_actions_are_calls_above_read_that_have_started() -> None:
    started = replace(record("c1", Effect.CHANGE), attempt=1)
    read, waiting = replace(record("c2", Effect.READ), attempt=1), record("c3", Effect.CHANGE)
    assert Run(run_id="r", past=(started,), batch=(read, waiting), offer=replace(started, attempt=2)).actions == 2


def test_time_is_worked_in_these_states() -> None:
    assert set(WORKING) == {Status.DECIDING, Status.REASONING, Status.PROPOSED, Status.APPROVED, Status.ACTING}

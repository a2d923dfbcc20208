"""What makes two tasks the same run, and two runs different ones."""

from dataclasses import replace
from datetime import UTC, datetime

from domain.tasks import Context, Source, Task, Trigger, run_id_of

TASK = Task(
    type="chat",
    goal="Look after it.",
    trigger=Trigger(source=Source.USER, source_id="1", timestamp=datetime(2026, 11, 21, 8, tzinfo=UTC)),
    context=Context(organization_id="acme", repository_id="acme/infra"),
    payload={"a": 1},
)
OTHERS = (
    replace(TASK, type="scan"),
    replace(TASK, trigger=replace(TASK.trigger, source=Source.API)),
    replace(TASK, trigger=replace(TASK.trigger, source_id="2")),
    replace(TASK, context=replace(TASK.context, organization_id="other")),
)


def test_a_run_is_named_by_whose_it_is_by_its_door_its_id_there_and_its_type() -> None:
    assert TASK.dedupe_key == ("acme", "user", "1", "chat")
    ids = {run_id_of(one) for one in (TASK, *OTHERS)}
    assert len(ids) == 5
    again = replace(TASK, goal="Else.", payload={}, requester="user:U1")
    assert run_id_of(again) == run_id_of(TASK)


def test_a_runs_id_is_short_enough_to_type_and_stays_the_same_for_ever() -> None:
    assert run_id_of(TASK) == "r-7jeedhlifg"


def test_a_body_is_what_is_asked_for_not_who_asks_or_when() -> None:
    same = (*OTHERS, replace(TASK, requester="user:U1"))
    assert {one.body_digest for one in same} == {TASK.body_digest}
    elsewhere = replace(TASK, context=replace(TASK.context, repository_id="acme/web"))
    other = (replace(TASK, goal="Else."), replace(TASK, payload={"a": 2}), elsewhere)
    assert len({one.body_digest for one in (TASK, *other)}) == 4

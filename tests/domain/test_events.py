"""The tables hold: every event is folded, classified once, and named by a step if it is an answer."""

from dataclasses import is_dataclass
from typing import get_args

from domain import events as e
from domain.runs import FROM_ANYWHERE, TRANSITIONS, Status
from loop.replay import ANSWERS


def test_every_event_class_is_in_exactly_one_table() -> None:
    tables = [get_args(t) for t in (e.Arrival, e.Answer, e.Consequence, e.OrganizationEvent)]
    classes = [c for c in vars(e).values() if isinstance(c, type) and is_dataclass(c) and c.__module__ == e.__name__]
    values = {e.Cost, e.Recorded}
    for event in set(classes) - values:
        assert sum(event in table for table in tables) == 1, event


def test_every_answer_names_its_step_or_is_judged_beside_one() -> None:
    beside = {
        e.CallDenied,
        e.ProposalDropped,
    }  # a start may be denied as well as a judgement; a dropped one had moved on
    assert set(get_args(e.Answer)) - beside == set(ANSWERS)


def test_every_status_has_a_row_and_every_row_can_be_left() -> None:
    assert set(TRANSITIONS) == set(Status)
    for status, after in TRANSITIONS.items():
        assert status is Status.FINISHED or after | FROM_ANYWHERE
        assert Status.NEW not in after


def test_every_status_can_be_reached() -> None:
    reached, frontier = {Status.NEW}, [Status.NEW]
    while frontier:
        after = TRANSITIONS[frontier.pop()] | {Status.FINISHED}
        frontier += list(after - reached)
        reached |= after
    assert reached == set(Status)

"""The sample's tests: run by the self-test of the harness, not by themselves."""

import pytest

from tests.mutation.sample.clamp import clamp


@pytest.mark.parametrize(("value", "clamped"), [(-1, 0), (5, 5), (11, 10)])
def test_it_clamps(value: int, clamped: int) -> None:
    assert clamp(value) == clamped

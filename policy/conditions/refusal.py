"""Why a text cannot be a condition: every flaw in it, each with its place within the text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong, what would be right, and at which character (from 0) the offending word starts."""

    problem: str
    suggestion: str = ""
    at: int = 0


class ConditionRefused(Exception):
    """The text cannot be a condition. `flaws` says why, in the order of the text; there is at least one."""

    def __init__(self, *flaws: Flaw) -> None:
        self.flaws = tuple(sorted(flaws, key=lambda flaw: flaw.at))
        super().__init__(self.flaws[0].problem)

    @property
    def problem(self) -> str:
        """What is wrong first."""
        return self.flaws[0].problem

    @property
    def suggestion(self) -> str:
        """What would be right there."""
        return self.flaws[0].suggestion

"""A reasoner that says what it was told to say: the test tool for everything around reasoning."""

from collections.abc import Callable, Iterable

from domain.runs import Run
from loop.ports import GiveUp, Proposal

Line = Proposal | Exception | Callable[[Run], Proposal]


class ScriptedReasoner:
    """Proposes `lines` in order: a proposal, a function of the run, or an exception to be raised.

    Like any reasoner it is asked again about the same turn when a worker was lost or its answer dropped: so the line
    follows from `run.iterations`, not from how often it was asked. After the last line it gives up. `asked` keeps
    every run that it was shown, `told` the rules in words that came with it.
    """

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = tuple(lines)
        self.asked: list[Run] = []
        self.told: list[str] = []

    async def reason(self, run: Run, rules: str) -> Proposal:
        """The line of this turn."""
        self.asked.append(run)
        self.told.append(rules)
        if run.iterations >= len(self._lines):
            return GiveUp(why="The script has ended.", by="script")
        line = self._lines[run.iterations]
        if isinstance(line, Exception):
            raise line
        return line(run) if callable(line) else line

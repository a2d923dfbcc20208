"""What a reasoner is told of the rules: made by the trusted half, once for each decision and version of the rules."""

from collections import OrderedDict

from domain.decisions import PolicyDecision
from domain.people import Snapshot
from domain.runs import Run
from loop.rulebook import Rules

_MOST = 1024  # runs


class Briefings:
    """The rules in words for each run that reasons."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[PolicyDecision, Rules, str]] = OrderedDict()

    def kept(self, run: Run, rules: Rules) -> str | None:
        """The words, if neither the run's decision nor the rules have changed since they were made."""
        decision, known, words = self._kept.get(run.run_id, (None, None, None))
        return words if known is rules and decision == run.decision else None

    def of(self, run: Run, rules: Rules, people: Snapshot) -> str:
        """The words; nothing for a run without a decision."""
        if run.decision is None:
            return ""
        said = rules.in_words(run.received, run.agent, run.decision, standing=run.standing, people=people)
        self._kept[run.run_id] = (run.decision, rules, said.text)
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return said.text

"""What a reasoner is told of the rules: made by the trusted half, once for each decision and version of the rules."""

from collections import OrderedDict
from typing import TypeVar

from domain.decisions import PolicyDecision
from domain.people import Snapshot
from domain.runs import Run
from loop.rulebook import Rules

T = TypeVar("T")

_MOST = 1024  # runs, and texts


class Briefings:
    """The rules in words for each run that reasons. Runs that are bound alike share one text, known by its hash."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[PolicyDecision, Rules, str]] = OrderedDict()
        self._texts: OrderedDict[str, str] = OrderedDict()

    def kept(self, run: Run, rules: Rules) -> str | None:
        """The words, if neither the run's decision nor the rules have changed since they were made."""
        decision, known, words = self._kept.get(run.run_id, (None, None, None))
        return words if known is rules and decision == run.decision else None

    def of(self, run: Run, rules: Rules, people: Snapshot) -> str:
        """The words; nothing for a run without a decision."""
        if run.decision is None:
            return ""
        said = rules.in_words(run.received, run.agent, run.decision, standing=run.standing, people=people)
        text = self._texts.get(said.hash)
        if text is None:
            text = _keep(self._texts, said.hash, said.text)
        _keep(self._kept, run.run_id, (run.decision, rules, text))
        return text


def _keep(kept: OrderedDict[str, T], key: str, value: T) -> T:
    kept[key] = value
    if len(kept) > _MOST:
        kept.popitem(last=False)
    return value

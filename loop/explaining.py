"""Why a run was answered as it was: what the log holds, and what the rules of this moment say could change it."""

from collections.abc import Sequence

from domain.runs import CallRecord, Run
from loop.doors import Ways, Why
from loop.engine import Engine
from loop.ports import DirectoryUnavailable

MOST_CALLS = 3  # denied calls, the latest


async def why(engine: Engine, run: Run) -> Why:
    """The rules in words, and ways to another answer for what was denied. Asks the directory, changes nothing."""
    book = engine.rulebook()
    try:
        people = await engine.people()
    except DirectoryUnavailable:
        return Why(
            policy_hash=book.rules.hash, note="The directory cannot be read now: what could change is not known."
        )
    if run.decision is None:
        return Why(policy_hash=book.rules.hash)
    words = book.rules.in_words(run.received, run.agent, run.decision, standing=run.standing, people=people)
    ways = []
    for record in _denied(run):
        found = book.rules.remedies_of(run, record, people=people, catalog=book.catalog, now=engine.now())
        ways.append(Ways(call_id=record.call.call_id if record else None, remedies=found))
    return Why(policy_hash=book.rules.hash, digest=words.hash, words=words.text, ways=tuple(ways))


def _denied(run: Run) -> Sequence[CallRecord | None]:
    """The run itself, if policy refused it; else its calls that were, the latest last."""
    if run.decision is not None and not run.decision.allowed:
        return [None]
    return [record for record in run.records if record.denial is not None][-MOST_CALLS:]

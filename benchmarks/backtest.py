"""The recorded past judged again: 600 runs of ten iterations, a thousand rules on each side.

Beside the floor of only reading the log: decoding every event and folding every run, asking nothing.
"""

import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.loop import Now, runs_per_second
from benchmarks.report import Row, table
from benchmarks.rulebook import policies, rulebook
from domain.events import ORGANIZATION_STREAM
from domain.evolve import evolve
from domain.people import Snapshot
from domain.runs import Run
from loop.backtest import Backtest, Side
from policy.analysis.backtest import Report
from policy.engine import PolicySet
from state.past import SqlitePast
from state.store import Store

RUNS = 600
MORE = """
  - id: nobody-looks
    level: organization
    match: {tool: [bench.look]}
    deny: Nobody looks.
"""


async def folded(past: SqlitePast) -> float:
    """Seconds to decode and fold the log."""
    began, runs = time.perf_counter(), dict[str, Run]()
    async for said in past.events():
        if not isinstance(said, str) and said.stream != ORGANIZATION_STREAM:
            runs[said.stream] = evolve(runs.get(said.stream) or Run(run_id=said.stream), said)
    return time.perf_counter() - began


async def judged(past: SqlitePast, current: PolicySet, candidate: PolicySet) -> tuple[float, Report]:
    """Seconds to judge the log again, and what came of it."""
    book, people = rulebook(1), Snapshot(version="1", at=datetime.now(UTC))
    judge = Backtest(Side(current, book, people), Side(candidate, book, people))
    began = time.perf_counter()
    async for said in past.events():
        if not isinstance(said, str):
            judge.hear(said)
    return time.perf_counter() - began, judge.report()


async def measure() -> list[Row]:
    """The table's rows."""
    with tempfile.TemporaryDirectory() as name:
        await runs_per_second(Path(name), 64, RUNS)
        store = await Store.open(Path(name) / "loop-64.sqlite", clock=Now(), exclusive=False)
        one, same, other = policies(1000), policies(1000), policies(1000, MORE)
        floor = await folded(store.past)
        quiet, report = await judged(store.past, one, same)
        loud, flipped = await judged(store.past, one, other)
        await store.close()
    count = report.judged
    return [
        Row("read and folded only", count / floor, "answers/s", count / floor),
        Row(
            f"{count:,} answers judged by both sides, {len(report.flips)} flip",
            count / quiet,
            "answers/s",
            count / floor,
        ),
        Row(f"the same, {len(flipped.flips):,} flip, each with its rule", count / loud, "answers/s", count / floor),
    ]


def main() -> None:
    """Print the table."""
    print(table("Backtest", asyncio.run(measure())))


if __name__ == "__main__":
    main()

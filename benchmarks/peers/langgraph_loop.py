"""LangGraph on the same work: ten iterations of a no-op reasoner and a no-op tool that returns 1 KB, each durable.

Run by another interpreter, which has LangGraph (`pip install langgraph langgraph-checkpoint-sqlite`); prints
iterations a second. Its honest durable mode: `durability="sync"`, SQLite in WAL with `synchronous=FULL`.

    python benchmarks/peers/langgraph_loop.py CONCURRENT TOTAL
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, TypedDict

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph

ITERATIONS = 10
PAYLOAD = "x" * 1000


class State(TypedDict):
    """What a run carries."""

    n: int
    seen: str


async def reason(state: State) -> dict[str, Any]:
    """Propose the next call."""
    return {"n": state["n"] + 1}


async def act(_state: State) -> dict[str, Any]:
    """Do it."""
    return {"seen": PAYLOAD}


async def main(concurrent: int, total: int) -> float:
    """Iterations a second."""
    graph: Any = StateGraph(State)
    graph.add_node("reason", reason)
    graph.add_node("act", act)
    graph.add_edge(START, "reason")
    graph.add_edge("reason", "act")
    graph.add_conditional_edges("act", lambda state: END if state["n"] >= ITERATIONS else "reason")
    with tempfile.TemporaryDirectory() as folder:
        async with aiosqlite.connect(str(Path(folder) / "peer.sqlite")) as connection:
            await connection.execute("PRAGMA journal_mode=WAL")
            await connection.execute("PRAGMA synchronous=FULL")
            app = graph.compile(checkpointer=AsyncSqliteSaver(connection))
            numbers = iter(range(total))

            async def one_after_another() -> None:
                for number in numbers:
                    config = {"configurable": {"thread_id": str(number)}, "recursion_limit": 100}
                    await app.ainvoke({"n": 0, "seen": ""}, config, durability="sync")

            began = time.perf_counter()
            await asyncio.gather(*(one_after_another() for _ in range(concurrent)))
            return total * ITERATIONS / (time.perf_counter() - began)


if __name__ == "__main__":
    print(asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]))))

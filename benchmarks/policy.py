"""One workload through our engine, cedarpy, pycasbin and three loops: 100, 1,000 and 10,000 rules, door and boundary.

Nine rules in ten are structural, one carries a condition; each question is asked once, of a run of its own, so nothing
kept from an earlier answer helps. Contenders take turns on every slice of the questions. Every answer is compared with
a naive reading of docs/policy.md, ours with verdict and approvals: one that is wrong ends the benchmark with 1.
Peers say yes or no; ours says with each verdict why, how far and whom to ask.

    make bench-policy    # installs cedarpy and pycasbin first; python -m benchmarks policy runs with what is there
"""

import gc
import sys
import time
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from statistics import median

from benchmarks.ours import AGENT, Ours, call_of, spec_of, task_of
from benchmarks.peers.loops import BareIndex, CelLoop, PythonLoop
from benchmarks.workload import Asked, Contender, Entry, entries, questions, when
from bot.collector import calm
from domain.decisions import Allow, Deny, RequireApproval
from tests.policy.reference import Asked as AskedOfReference
from tests.policy.reference import Called, Reference

COUNTS = (100, 1_000, 10_000)
QUESTIONS, SLICE = 240, 40
CONDITIONS = {when(3): lambda values: values["call"]["arguments"].get("count", 0) > 3}


@dataclass(slots=True)
class Measured:
    """One contender over one count of rules; times of single decisions in microseconds."""

    name: str
    contender: Contender
    load_s: float
    door: list[float] = field(default_factory=list)
    boundary: list[float] = field(default_factory=list)
    wrong: int = 0


def main() -> None:
    """Print the tables."""
    calm()  # as the program does
    print("### Policy\n")
    print("| rules | engine | boundary p50 | p99 | verdicts/s | door p50 | load | beside cedarpy |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|")
    wrong = 0
    for count in COUNTS:
        measured = measure(entries(count), questions(count, QUESTIONS))
        wrong += sum(one.wrong for one in measured)
        print("\n".join(rows(count, measured)), flush=True)
    print(f"\n{wrong} wrong of {len(COUNTS) * QUESTIONS * 2} questions to each.\n")
    print(f"Memory: {memory_per_rule(COUNTS[-1]):,.0f} bytes a rule, of {COUNTS[-1]:,}, text not kept.\n")
    if wrong:
        sys.exit(1)


def measure(listed: Sequence[Entry], asked: Sequence[Asked]) -> list[Measured]:
    """Every contender asked every question, in turns."""
    measured = [_loaded(name, of, listed) for name, of in contenders().items()]
    truth = reference(listed)
    ours = measured[0].contender
    assert isinstance(ours, Ours)
    gc.collect()
    gc.freeze()
    for number, start in enumerate(range(0, len(asked), SLICE)):
        some = asked[start : start + SLICE]
        expected = [(truth.door(_asked(one)), truth.boundary(_asked(one), _called(one))) for one in some]
        door, boundary = [not d.denied for d, _ in expected], [b.verdict != "deny" for _, b in expected]
        for one in measured[number % len(measured) :] + measured[: number % len(measured)]:
            one.wrong += _ask(one.contender, some, one.door, door, at_door=True)
            one.wrong += _ask(one.contender, some, one.boundary, boundary, at_door=False)
        measured[0].wrong += sum(
            _differs(ours, one, said.verdict, said.approvals) for one, (_, said) in zip(some, expected, strict=True)
        )
    gc.unfreeze()
    return measured


def contenders() -> Mapping[str, type[Contender]]:
    """Those that are installed, ours first."""
    found: dict[str, type[Contender]] = {"ours": Ours}
    if find_spec("cedarpy"):
        from benchmarks.peers.cedar import Cedar  # noqa: PLC0415 - may not be installed

        found["cedarpy"] = Cedar
    if find_spec("casbin"):
        from benchmarks.peers.pycasbin import Casbin  # noqa: PLC0415 - may not be installed

        found["pycasbin"] = Casbin
    return {**found, "a CEL program a rule": CelLoop, "a Python loop": PythonLoop, "a bare index": BareIndex}


def reference(listed: Sequence[Entry]) -> Reference:
    """The naive reading."""
    return Reference(rules=[entry.rule for entry in listed], conditions=CONDITIONS, tools=AGENT.tools)


def rows(count: int, measured: Sequence[Measured]) -> Iterator[str]:
    """The table's lines for one count of rules."""
    cedar = next((median(one.boundary) for one in measured if one.name == "cedarpy"), None)
    for one in measured:
        p50, p99 = median(one.boundary), sorted(one.boundary)[int(len(one.boundary) * 0.99)]
        beside = "" if cedar is None else f"{cedar / p50:,.1f} x"
        rate = 1e6 / (sum(one.boundary) / len(one.boundary))
        yield (
            f"| {count:,} | {one.name} | {_micro(p50)} | {_micro(p99)} | {rate:,.0f} | {_micro(median(one.door))} "
            f"| {one.load_s * 1000:,.0f} ms | {beside} |"
        )


def memory_per_rule(count: int) -> float:
    """Bytes that stay allocated once so many rules are loaded, by Python's own count."""
    listed = entries(count)
    Ours(listed[:10])
    gc.collect()
    tracemalloc.start()
    held = Ours(listed)
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(held.policies.rules) == count
    return size / count


def _loaded(name: str, of: type[Contender], listed: Sequence[Entry]) -> Measured:
    gc.collect()
    start = time.perf_counter()
    contender = of(listed)
    return Measured(name, contender, time.perf_counter() - start)


def _ask(
    contender: Contender, some: Sequence[Asked], times: list[float], expected: Sequence[bool], *, at_door: bool
) -> int:
    """Time each question; how many answers were wrong."""
    wrong = 0
    prepared = [contender.question(one, at_door=at_door) for one in some]
    for decide, right in zip(prepared, expected, strict=True):
        start = time.perf_counter_ns()
        said = decide()
        times.append((time.perf_counter_ns() - start) / 1000)
        wrong += said is not right
    return wrong


def _differs(ours: Ours, asked: Asked, verdict: str, approvals: Mapping[str, tuple[object, ...]]) -> bool:
    call = call_of(asked)
    match ours.check(ours.run(asked), call, spec_of(call)):
        case Allow():
            return verdict != "allow"
        case Deny():
            return verdict != "deny"
        case RequireApproval(requirements=required):
            terms = {
                one.approvers.text: (one.count, one.within_s, one.use_within_s, one.break_glass) for one in required
            }
            return (verdict, dict(approvals)) != ("require_approval", terms)


def _asked(one: Asked) -> AskedOfReference:
    task = task_of(one)
    return AskedOfReference(
        type=task.type,
        source=one.source,
        agent=AGENT.slug,
        repository=one.repository,
        requester=one.requester,
        groups=one.groups,
    )


def _called(one: Asked) -> Called:
    call = call_of(one)
    return Called(tool=one.tool, effect=one.effect, resource=one.resource, labels=call.labels, arguments=call.arguments)


def _micro(value: float) -> str:
    return f"{value:,.0f} µs" if value >= 100 else f"{value:.1f} µs"


if __name__ == "__main__":
    main()

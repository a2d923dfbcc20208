"""What a backtest found, in words and as JSON: by the rule that flips it, the looser first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.backtesting import Judged
from policy.analysis.backtest import Answer, Direction, Flip
from policy.analysis.differences import Difference

_EXAMPLES = 3
_ORDER = (Direction.LOOSER, Direction.OTHERWISE, Direction.STRICTER)


def summary(judged: Judged) -> str:
    """`1,204 decisions of 312 runs judged again: 3 stricter, 1 looser, 1,200 the same`."""
    report = judged.report
    counts = {name: report.count(direction) for name, direction in _NAMED.items()}
    same = report.judged - len(report.flips)
    parts = [f"{counts['stricter']:,} stricter", f"{counts['looser']:,} looser"]
    parts += [f"{counts['both ways']:,} both ways"] if counts["both ways"] else []
    runs, decisions = _many(report.runs, "run"), _many(report.judged, "decision")
    return f"{decisions} of {runs} judged again: {', '.join(parts)}, {same:,} the same"


_NAMED = {"stricter": Direction.STRICTER, "looser": Direction.LOOSER, "both ways": Direction.OTHERWISE}


def lines(judged: Judged) -> Iterator[str]:
    """The whole report as text: what differs, what flips by rule, what to bear in mind, and the summary."""
    if not judged.report.differences:
        yield "the candidate says nothing otherwise"
    for because, flips in grouped(judged):
        yield because
        for kind, alike in _by_kind(flips):
            runs = list(dict.fromkeys(flip.run_id for flip in alike))
            more = f" and {len(runs) - _EXAMPLES} more" if len(runs) > _EXAMPLES else ""
            one = alike[0]
            yield f"  {one.turn.direction}: {kind}, {_many(len(alike), 'time')}: {' '.join(runs[:_EXAMPLES])}{more}"
            yield f"    {one.of}: {one.candidate.sentence}"
            yield f"    instead of: {one.current.sentence}"
    idle = [piece.text for piece in judged.report.differences if not _used(piece, judged.report.flips)]
    if idle:
        yield f"flips nothing in this past: {', '.join(idle)}"
    yield from (f"note: {note}" for note in notes(judged))
    yield summary(judged)


def notes(judged: Judged) -> Iterator[str]:
    """How far the comparison reaches."""
    report = judged.report
    yield "people and groups are as each configuration names them now, tools as installed now, routing as recorded"
    if report.moved:
        moved = _many(report.moved, "answer")
        yield f"{moved} of today's configuration differ from the recorded ones; the candidate is not the reason"
    if report.unreached:
        unreached = _many(report.unreached, "answer")
        yield f"{unreached} about calls of runs that one of the two would not have let in: not compared"
    if judged.erased:
        yield f"{_many(judged.erased, 'run')} cannot be judged: what they said has been erased"


def grouped(judged: Judged) -> list[tuple[str, list[Flip]]]:
    """The flips by what flips them; whatever permits more comes first."""
    found: dict[str, list[Flip]] = {}
    for flip in judged.report.flips:
        found.setdefault(because(flip), []).append(flip)
    return sorted(found.items(), key=lambda entry: (not any(f.turn.direction.widens for f in entry[1]), entry[0]))


def because(flip: Flip) -> str:
    """`rule no-direct-production (changed, policies/production.yaml:3)`."""
    if not flip.because:
        return "several changes together"
    return ", ".join(_placed(piece) for piece in flip.because)


def as_json(judged: Judged, *, current: str, candidate: str) -> Mapping[str, Any]:
    """Everything, complete. `current` and `candidate` are the hashes of the two versions."""
    report = judged.report
    return {
        "summary": summary(judged),
        "current_hash": current,
        "candidate_hash": candidate,
        "runs": report.runs,
        "decisions": report.judged,
        "same": report.judged - len(report.flips),
        "stricter": report.count(Direction.STRICTER),
        "looser": report.count(Direction.LOOSER),
        "both_ways": report.count(Direction.OTHERWISE),
        "moved": report.moved,
        "unreached": report.unreached,
        "erased_runs": judged.erased,
        "notes": list(notes(judged)),
        "differences": [_piece(piece) for piece in report.differences],
        "by_rule": [
            {
                "because": text,
                "flips": [
                    {
                        "direction": alike[0].turn.direction.value,
                        "kind": kind,
                        "count": len(alike),
                        "runs": list(dict.fromkeys(flip.run_id for flip in alike)),
                    }
                    for kind, alike in _by_kind(flips)
                ],
            }
            for text, flips in grouped(judged)
        ],
        "flips": [_flip(flip) for flip in report.flips],
    }


def _by_kind(flips: Sequence[Flip]) -> list[tuple[str, list[Flip]]]:
    found: dict[tuple[Direction, str], list[Flip]] = {}
    for flip in flips:
        found.setdefault((flip.turn.direction, flip.turn.kind), []).append(flip)
    ordered = sorted(found.items(), key=lambda entry: (_ORDER.index(entry[0][0]), -len(entry[1]), entry[0][1]))
    return [(kind, alike) for (_, kind), alike in ordered]


def _flip(flip: Flip) -> Mapping[str, Any]:
    return {
        "run_id": flip.run_id,
        "seq": flip.seq,
        "at": flip.at.isoformat(),
        "where": flip.where,
        "agent": flip.agent,
        "of": flip.of,
        "direction": flip.turn.direction.value,
        "kind": flip.turn.kind,
        "recorded": _answer(flip.recorded),
        "current": _answer(flip.current),
        "candidate": _answer(flip.candidate),
        "because": [_piece(piece) for piece in flip.because],
    }


def _answer(answer: Answer) -> Mapping[str, Any]:
    return {
        "says": answer.says.value,
        "sentence": answer.sentence,
        "tier": None if answer.tier is None else answer.tier.label,
        "approvals": [
            {"from": one.approvers.text, "count": one.count, "within_s": one.within_s} for one in answer.approvals
        ],
        "policies": sorted({one.policy for one in answer.reasons}),
    }


def _piece(piece: Difference) -> Mapping[str, Any]:
    return {
        "kind": piece.kind,
        "name": piece.name,
        "change": piece.change,
        "file": piece.file,
        "line": piece.line,
    }


def _placed(piece: Difference) -> str:
    where = f", {piece.file}:{piece.line}" if piece.file else ""
    return f"{piece.text[:-1]}{where})"


def _used(piece: Difference, flips: Sequence[Flip]) -> bool:
    return any(piece in flip.because for flip in flips)


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

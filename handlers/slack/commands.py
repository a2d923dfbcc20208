"""`/ops …`, and the same words in a mention: text in, intent out. Doubt does nothing and says what would do."""

import re
from datetime import datetime

from domain.signals import SignalKind
from handlers.slack import freezes
from handlers.slack.words import Again, Climb, Forced, Intent, Misspoken, Reload, Request, Seat, Steer, Switch, Told

RUN_ID = re.compile(r"r-[a-z0-9]{4,40}", re.IGNORECASE)
_VERBS = {
    "pause": SignalKind.PAUSE,
    "resume": SignalKind.RESUME,
    "redirect": SignalKind.REDIRECT,
    "answer": SignalKind.ANSWER,
    "takeover": SignalKind.TAKE_OVER,
    "handback": SignalKind.HAND_BACK,
    "stop": SignalKind.STOP,
}
NEEDS_TEXT = frozenset({SignalKind.REDIRECT, SignalKind.ANSWER})
_SAYS = {SignalKind.REDIRECT: "what to do instead", SignalKind.ANSWER: "the answer"}
_SHOWS = ("status", "why")
_LISTS = ("approvals", "budgets")
_MOVES = ("promote", "demote")
_NOT_YET = ("undo",)

HELP = """\
What I understand:
/ops REQUEST  (or mention me): do something, as far as policy lets me
/ops status [RUN] · /ops why RUN · /ops approvals · /ops budgets
/ops pause|resume|stop|takeover|handback|retry RUN
/ops redirect RUN NEW REQUEST · /ops answer RUN TEXT
/ops autonomy [AGENT] · /ops autonomy promote AGENT · /ops autonomy demote AGENT WHY
/ops freeze WHAT until WHEN [because WHY] · /ops unfreeze ID · /ops freezes
/ops break-glass RUN WHY: countersign alone, where the rule permits it
/ops stop-all [WHY] · /ops resume-all [WHY] · /ops reload
In a run's thread: reply to talk to it; “pause” or “stop” alone do just that."""


def parse(text: str, seat: Seat, *, occurrence: str, at: datetime, here: str | None = None) -> Intent:
    """What `/ops TEXT` asks. `here` is the run whose thread it was said in, for verbs that name none."""
    text = text.strip()
    word, _, rest = text.partition(" ")
    verb, rest = word.casefold().rstrip(":"), rest.strip()
    if not text or (verb in ("help", "?") and not rest):
        return Told(seat=seat, what="help")
    if verb in ("stop-all", "resume-all", "stopall", "resumeall"):
        return Switch(seat=seat, stop=verb.startswith("stop"), why=rest)
    if verb == "reload" and not rest:
        return Reload(seat=seat)
    frozen = freezes.parse(verb, rest, seat)
    if frozen is not None:
        return frozen
    if verb in _LISTS and not rest:
        return Told(seat=seat, what=verb)
    if verb == "autonomy":
        return _climb(seat, rest, occurrence)
    run_id, tail = _run(rest)
    if verb in _SHOWS and (run_id or not rest):
        return _show(verb, seat, run_id or here)
    if verb in _VERBS:
        return _steer(_VERBS[verb], seat, run_id, rest if run_id is None else tail, here)
    if verb in ("break-glass", "breakglass"):
        return _forced(seat, run_id, rest if run_id is None else tail, here)
    if verb == "retry":
        return _retry(seat, run_id, rest, occurrence)
    if run_id is not None and not tail and word.isalpha():
        return _unknown(seat, verb, run_id)
    if RUN_ID.fullmatch(word) and not rest:
        return Told(seat=seat, what="status", run_id=word.lower())
    return Request(seat=seat, goal=text, occurrence=occurrence, at=at)


def is_command(text: str) -> bool:
    """Whether these words begin as a command does, so that in a thread they are not just said to the run."""
    word, _, rest = text.strip().partition(" ")
    verb = word.casefold().rstrip(":")
    if freezes.is_freeze(verb, rest.strip()) or verb in ("break-glass", "breakglass"):
        return True
    known = verb in (*_VERBS, *_SHOWS, *_LISTS, "help", "retry", "reload", "autonomy", "stop-all", "resume-all")
    return known and (len(text.split()) == 1 or _run(rest.strip())[0] is not None)


def signal_of(text: str) -> SignalKind | None:
    """`stop`, `pause` and `resume` alone, as people write them in a thread."""
    word = text.strip().rstrip(".!").strip().casefold()
    return {"stop": SignalKind.STOP, "pause": SignalKind.PAUSE, "resume": SignalKind.RESUME}.get(word)


def _run(rest: str) -> tuple[str | None, str]:
    first, _, tail = rest.partition(" ")
    return (first.lower(), tail.strip()) if RUN_ID.fullmatch(first) else (None, rest)


def _show(verb: str, seat: Seat, run_id: str | None) -> Intent:
    if verb == "why" and run_id is None:
        return Misspoken(seat=seat, text="Say of which run: /ops why RUN. /ops status lists them.")
    return Told(seat=seat, what=verb, run_id=run_id)


def _steer(kind: SignalKind, seat: Seat, run_id: str | None, text: str, here: str | None) -> Intent:
    run_id = run_id or here
    if run_id is None:
        tail = f" {_SAYS[kind].upper()}" if kind in NEEDS_TEXT else ""
        given = f"“{text}” is not a run. " if text else ""
        return Misspoken(
            seat=seat,
            text=f"{given}Say which run: /ops {kind.value} RUN{tail}. /ops status lists them. Nothing was changed.",
        )
    if kind in NEEDS_TEXT and not text:
        return Misspoken(
            seat=seat, text=f"Say {_SAYS[kind]}: /ops {kind.value} {run_id} {_SAYS[kind].upper()}. Nothing was changed."
        )
    return Steer(seat=seat, run_id=run_id, kind=kind, text=text)


def _climb(seat: Seat, rest: str, occurrence: str) -> Intent:
    """`autonomy`, `autonomy AGENT`, `autonomy promote AGENT`, `autonomy demote AGENT WHY`."""
    move, _, tail = rest.partition(" ")
    if move not in _MOVES:
        return Climb(seat=seat, move="show", agent=rest)
    agent, _, why = tail.strip().partition(" ")
    if not agent or (move == "demote" and not why.strip()):
        said = "AGENT WHY" if move == "demote" else "AGENT"
        return Misspoken(seat=seat, text=f"Say /ops autonomy {move} {said}. /ops autonomy lists the agents.")
    return Climb(seat=seat, move=move, agent=agent, why=why.strip(), occurrence=occurrence)


def _retry(seat: Seat, run_id: str | None, rest: str, occurrence: str) -> Intent:
    if run_id is None:
        given = f"“{rest}” is not a run. " if rest else ""
        return Misspoken(seat=seat, text=f"{given}Say which run: /ops retry RUN. Nothing was changed.")
    return Again(seat=seat, run_id=run_id, occurrence=occurrence)


def _forced(seat: Seat, run_id: str | None, why: str, here: str | None) -> Intent:
    run_id = run_id or here
    if run_id is None or not why:
        what = "which run, and why" if run_id is None else "why"
        return Misspoken(seat=seat, text=f"Say {what}: /ops break-glass RUN WHY. Nothing was countersigned.")
    return Forced(seat=seat, run_id=run_id, why=why)


def _unknown(seat: Seat, verb: str, run_id: str) -> Intent:
    if verb in _NOT_YET:
        return Misspoken(seat=seat, text=f"“{verb}” is not available yet. Nothing was changed.")
    return Misspoken(seat=seat, text=f"I do not know “{verb}”; nothing was done to {run_id}.\n{HELP}")

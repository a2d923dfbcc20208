"""App Home: what waits for somebody, what is mine, and whether everything is stopped."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.freezes import Frozen
from domain.runs import Run
from handlers.slack.show import freezes, kit
from handlers.slack.show.card import doing, headline
from handlers.slack.show.message import banner
from handlers.slack.show.text import brief

_MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One run to list; `url` leads to its card. `approval` is the call that waits, where one does."""

    run: Run
    url: str | None = None
    waits_for: str = ""


def home(
    waiting: Sequence[Row],
    mine: Sequence[Row],
    *,
    stopped: bool,
    frozen: Sequence[Frozen] = (),
    unconfined: bool = False,
    rules: str = "",
) -> dict[str, object]:
    """The home view of one person: only what that person may read is given."""
    switch = kit.lines(kit.say("■ Everything is stopped: nothing starts until somebody resumes it.", bold=True))
    blocks = [
        *(switch if stopped else []),
        *banner(unconfined=unconfined),
        *([*kit.header("❄ Frozen now"), *freezes.listing(frozen), *kit.divider()] if frozen else []),
        *kit.header("Waiting for a countersignature"),
        *listing(waiting, "Nothing waits."),
        *kit.divider(),
        *kit.header("Your runs"),
        *listing(mine, "None yet. In a channel, /ops help says what to ask for."),
        *([] if stopped else kit.context("Everything runs. /ops stop-all stops it.")),
        *kit.context(rules),
    ]
    return {"type": "home", "blocks": blocks}


def listing(rows: Sequence[Row], none: str) -> list[kit.Block]:
    """Two lines each, with a link to the card."""
    if not rows:
        return kit.lines(kit.say(none))
    shown = [block for row in rows[:_MOST] for block in kit.lines(*line(row))]
    more = kit.context(f"and {len(rows) - _MOST} more: /ops status") if len(rows) > _MOST else []
    return shown + more


def line(row: Row) -> list[list[kit.Element]]:
    """The goal, its state, and what it does now or came to."""
    run = row.run
    goal = brief(run.received.goal or run.received.type, 140)
    name = kit.link(row.url, goal) if row.url else kit.say(goal, bold=True)
    now = brief(row.waits_for or doing(run), 200)
    return [name + kit.say(f" · {headline(run)} · ") + kit.say(run.run_id, code=True), kit.say(now)]

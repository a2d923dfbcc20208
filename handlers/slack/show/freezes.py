"""The freezes that hold, and those to come: what, until when, whose, and how each is lifted."""

from collections.abc import Sequence

from domain.freezes import Frozen, spell_moment, spell_until
from handlers.slack.show import kit
from handlers.slack.show.message import Message
from handlers.slack.show.text import brief

_MOST = 20
_LINE = 300


def freezes(found: Sequence[Frozen]) -> Message:
    """The answer to `/ops freezes`."""
    now, to_come = [one for one in found if one.holds], [one for one in found if not one.holds]
    blocks = [*kit.header("Freezes"), *(listing(now) or kit.lines(kit.say("Nothing is frozen.")))]
    if to_come:
        blocks += [*kit.lines(kit.say("To come:", bold=True)), *listing(to_come)]
    blocks += kit.context("/ops freeze WHAT until WHEN [because WHY] · /ops unfreeze ID")
    return Message(text=f"Freezes: {len(now)}", blocks=blocks)


def listing(found: Sequence[Frozen]) -> list[kit.Block]:
    """Two lines each."""
    shown = [block for one in found[:_MOST] for block in kit.lines(*_lines(one))]
    return shown + (kit.context(f"and {len(found) - _MOST} more") if len(found) > _MOST else [])


def _lines(one: Frozen) -> list[list[kit.Element]]:
    head = kit.say(brief(one.covers, _LINE), bold=True) + kit.say(f" · {_when(one)} · ") + kit.say(one.id, code=True)
    why = f": {brief(one.why, _LINE)}" if one.why else ""
    by = kit.say("by ") + kit.who(one.by) + kit.say(why) if one.by else kit.say(brief(one.what, _LINE))
    spared = kit.say(f" · excepted: {brief(', '.join(one.spared), _LINE)}") if one.spared and one.by else []
    lift = f" · /ops unfreeze {one.id} lifts it" if not one.place else f" · in {one.place}"
    return [head, by + spared + kit.say(lift)]


def _when(one: Frozen) -> str:
    if one.holds and one.until is not None:
        return spell_until(one.until, one.zone)
    return f"from {spell_moment(one.next, one.zone)}" if one.next is not None else ""

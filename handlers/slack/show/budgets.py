"""What is used of the budgets: how much of how much, whose, and when there is more."""

from collections.abc import Sequence

from domain.budgets import Balance, spell_amount, spell_owner
from handlers.slack.show import kit
from handlers.slack.show.message import Message
from handlers.slack.show.text import brief

_MOST = 20
_LINE = 300


def budgets(found: Sequence[Balance]) -> Message:
    """The answer to `/ops budgets`. Empty accounts first, then by how much of them is used."""
    ordered = sorted(found, key=lambda one: (-one.share, one.budget, one.whose))
    blocks = kit.header("Budgets")
    for one in ordered[:_MOST]:
        blocks += kit.lines(*_lines(one))
    if not ordered:
        blocks += kit.lines(kit.say("Nothing that you can see has been drawn from a budget."))
    if len(ordered) > _MOST:
        blocks += kit.context(f"and {len(ordered) - _MOST} more: countersign budgets")
    return Message(text=f"Budgets: {len(ordered)}", blocks=blocks)


def _lines(one: Balance) -> list[list[kit.Element]]:
    whose = spell_owner(one.whose)
    head = kit.say(spell_amount(one), bold=True)
    head += kit.say(f" · {brief(whose, _LINE)} · " if whose else " · ") + kit.say(one.budget, code=True)
    renews = f" · {'more' if one.share >= 1 else 'anew'} at {one.renews:%Y-%m-%d %H:%M} UTC" if one.renews else ""
    return [head, kit.say(f"{brief(one.describe, _LINE)}{renews}".removeprefix(" · "))]

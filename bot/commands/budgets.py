"""`countersign budgets`: what is used of each budget, read beside a running `serve`."""

from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.clock import SystemClock
from bot.commands.opened import AsJson, Config, print_json, with_store
from bot.rulebook import configured
from domain.budgets import Balance, spell_amount, spell_owner
from loop.balances import balances


def budgets(config: Config = None, *, as_json: AsJson = False) -> None:
    """Every account in use: how much is used of how much, whose it is, and when there is more."""
    policies = configured(config).policies
    found = with_store(config, lambda store: balances(store.journal, policies, SystemClock()))
    if as_json:
        print_json({"budgets": [_plain(one) for one in found]})
        return
    table = Table("budget", "used", "of whom", "renews", "file", box=None)
    for one in found:
        renews = f"{one.renews:%Y-%m-%d %H:%M} UTC" if one.renews else ""
        whose = spell_owner(one.whose) or "the organization"
        table.add_row(one.budget, spell_amount(one), Text(whose), renews, f"{one.file}:{one.line}")
    Console().print(table if found else "nothing has been drawn from a budget")


def _plain(one: Balance) -> dict[str, Any]:
    return {
        "budget": one.budget,
        "of": one.of.value,
        "per": dict(one.whose),
        "used": one.used,
        "most": one.most,
        "renews_at": _moment(one.renews),
        "file": one.file,
        "line": one.line,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

"""`countersign policy ...`: what the rules say, and whether they say what was meant. One file a command."""

import typer

from bot.commands.policy.backtest import backtest_
from bot.commands.policy.cases import run_tests
from bot.commands.policy.check import check
from bot.commands.policy.digest import digest
from bot.commands.policy.explain import explain_
from bot.commands.policy.status import status

app = typer.Typer(no_args_is_help=True, help="What the rules say, and whether they say what was meant.")
app.command("check")(check)
app.command("test")(run_tests)
app.command("explain")(explain_)
app.command("backtest")(backtest_)
app.command("status")(status)
app.command("digest")(digest)

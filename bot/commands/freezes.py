"""`countersign freeze`, `unfreeze` and `freezes`: written straight into the log, like the switch, and read from it.

They work beside a `serve` that runs or hangs: the transaction that starts an action refuses one that has not seen them.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, NoReturn

import typer

from bot.clock import SystemClock
from bot.commands.opened import AsJson, Config, print_json, with_store
from bot.commands.switch import Why, who
from bot.rulebook import configured
from domain.events import ORGANIZATION_STREAM
from domain.freezes import Frozen, Unclear, spell_moment, spell_until
from domain.organization import replay_organization
from handlers.slack.when import LIKE, read_when, zone_of
from loop.freezing import freeze_directly, lifting, unfit
from loop.organization import answer_organization
from policy.reading.characters import shown
from state.store import Store

Until = Annotated[str, typer.Option("--until", help=f"{LIKE.replace('`', '')}; read in --zone.")]
Zone = Annotated[str, typer.Option("--zone", help="The time zone of --until, like Europe/Berlin.")]


def freeze(what: str, until: Until, config: Config = None, zone: Zone = "UTC", why: Why = "") -> None:
    """Freeze a resource (prod/*), a label (env=prod), an environment (prod), or everything: nothing of it changes."""
    now, place = SystemClock().now(), zone_of(zone)
    if place.key != zone:
        _refuse(f"there is no time zone {zone!r}; like Europe/Berlin", code=2)
    moment = read_when(until, now, place)
    if moment is None:
        _refuse(f"{until!r} is not a time; say {LIKE}", code=2)
    target = configured(config).policies.find(what)
    problem = unfit(target, moment, now)
    if problem is not None or isinstance(target, Unclear):
        _refuse(f"{problem} Nothing was frozen.")
    reply = with_store(
        config,
        lambda store: freeze_directly(store.journal, target, by=who(), until=moment, why=why, zone=place.key),
    )
    if not reply.ok:
        _refuse(reply.text)
    typer.echo(reply.text)


def unfreeze(name: str, config: Config = None, why: Why = "") -> None:
    """Lift a freeze that was declared. Those of the policy files are lifted there."""
    event = with_store(config, lambda store: answer_organization(store.journal, lifting(name, by=who(), why=why)))
    if event is None:
        _refuse(f"there is no declared freeze {name}; `countersign freezes` lists them")
    typer.echo(f"{name} is lifted")


def freezes(config: Config = None, as_json: AsJson = False) -> None:  # noqa: FBT002 - a flag of the shell
    """The freezes that hold, and those to come: declared ones and those of the policy files."""
    policies, now = configured(config).policies, SystemClock().now()

    async def read(store: Store) -> tuple[Frozen, ...]:
        organization = replay_organization(await store.journal.read(ORGANIZATION_STREAM))
        return policies.under(organization).frozen(now)

    found = with_store(config, read)
    if as_json:
        print_json([_plain(one) for one in found])
        return
    for one in found:
        typer.echo(_line(one))
    if not found:
        typer.echo("nothing is frozen")


def _line(one: Frozen) -> str:
    start = f"from {spell_moment(one.next, one.zone)}" if one.next else ""
    when = spell_until(one.until, one.zone) if one.until else start
    said = f"by {one.by}{f': {one.why}' if one.why else ''}" if one.by else one.place
    return shown(f"{'frozen' if one.holds else 'later '}  {one.id}  {one.covers}  {when}  {said}", most=2_000)


def _plain(one: Frozen) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(one).items()}


def _refuse(text: str, code: int = 1) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(code)

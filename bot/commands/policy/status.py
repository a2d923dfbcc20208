"""`countersign policy status`: which version of the rules is in force, and whether it is the one on disk."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from bot.commands.opened import with_store
from bot.commands.policy.loaded import HERE, NO, OK, AsJson, Config, loaded, print_json
from bot.editions import short
from domain.events import ORGANIZATION_STREAM, InstanceStarted, PolicyLoaded
from policy.reading.files import Invalid

if TYPE_CHECKING:
    from state.store import Store


def status(config: Config = HERE, *, as_json_: AsJson = False) -> None:
    """Say which version is in force, as the log has it, and which is on disk. Exit 1 if they differ."""
    found = with_store(config, _recorded)
    try:
        disk, faults = loaded(config).configuration.policies.hash, []
    except Invalid as invalid:
        disk, faults = None, [str(fault) for fault in invalid.faults]
    same = found is not None and disk == found[0]
    if as_json_:
        print_json({**_json(found), "on_disk": disk, "faults": faults, "same": same})
    else:
        said = (
            "nothing has been in force yet" if found is None else f"in force: {short(found[0])} since {found[1]:%F %T}"
        )
        typer.echo(f"{said}{f' ({found[2]})' if found and found[2] else ''}")
        for fault in faults:
            typer.echo(f"on disk, at fault: {fault}")
        if disk is not None:
            typer.echo(f"on disk:  {short(disk)}{', the same' if same else ', not in force'}")
    raise typer.Exit(OK if same else NO)


async def _recorded(store: "Store") -> tuple[str, datetime, str] | None:
    """(hash, since when, why) of the version that the log names last."""
    log = await store.journal.read(ORGANIZATION_STREAM)
    for recorded in reversed(log):
        match recorded.event:
            case PolicyLoaded(policy_hash=policy_hash, why=why):
                return policy_hash, recorded.at, why
            case InstanceStarted(policy_hash=policy_hash):
                return policy_hash, recorded.at, "a start"
            case _:
                continue
    return None


def _json(found: tuple[str, datetime, str] | None) -> dict[str, Any]:
    if found is None:
        return {"in_force": None, "since": None, "why": None}
    return {"in_force": found[0], "since": found[1].isoformat(), "why": found[2]}

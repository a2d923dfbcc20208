"""`countersign doctor`: is everything there that serving needs, and if not, how to mend it."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import typer
import yaml
from slack_sdk.errors import SlackApiError

from bot.clock import SystemClock
from bot.commands.opened import AsJson, Config, print_json
from bot.commands.policy.loaded import ground_of
from bot.configuration import Configuration
from bot.rulebook import configured, lay_down
from bot.sample.directory import MANIFEST
from bot.slack import SLACK_API
from bot.systems import catalog_for, known_tools
from handlers.slack.gateway import web_client
from policy.analysis.diagnosis import diagnose
from policy.analysis.ground import Kind
from policy.reading.files import Invalid
from state.errors import StoreError
from state.store import Store
from tools.catalog import ToolCatalog
from tools.sandbox.probe import probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at."""

    what: str
    ok: bool
    says: str


def doctor(config: Config = None, *, as_json: AsJson = False) -> None:
    """Check configuration, secrets, Slack, database and sandbox; say how to mend each. Exit 1 if anything is wrong."""
    findings = asyncio.run(_examine(config))
    if as_json:
        print_json({"findings": [{"what": f.what, "ok": f.ok, "says": f.says} for f in findings]})
    else:
        for finding in findings:
            typer.echo(f"{'ok  ' if finding.ok else 'BAD '} {finding.what}: {finding.says}")
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


async def _examine(config: Path | None) -> list[Finding]:
    try:
        configuration = configured(config, tools=known_tools())
        catalog = catalog_for(configuration)
        lay_down(configuration, catalog)
    except Invalid as invalid:
        return [Finding(what="configuration", ok=False, says=str(fault)) for fault in invalid.faults]
    rules = len(configuration.policies.rules)
    says = f"{configuration.organization}: {len(configuration.agents)} agents, {rules} policies"
    found = [Finding(what="configuration", ok=True, says=says)]
    found += _approvals(configuration, catalog)
    found += [Finding(what="secret", ok=False, says=str(fault)) for fault in configuration.missing_secrets()]
    found += [finding async for finding in _slack(configuration)]
    found.append(await _database(configuration))
    found.append(await _sandbox())
    return found


def _approvals(configuration: Configuration, catalog: ToolCatalog) -> list[Finding]:
    """The approvals that nobody can give: what needs them can never start."""
    diagnostics = diagnose(ground_of(configuration, catalog))
    return [Finding(what="approvals", ok=False, says=str(one)) for one in diagnostics if one.kind is Kind.NOBODY]


async def _slack(configuration: Configuration) -> AsyncIterator[Finding]:
    token = configuration.slack.bot_token
    if token is None or not token.present:
        yield Finding(what="slack", ok=False, says="no bot token: set `slack: {bot_token: ${env:SLACK_BOT_TOKEN}}`")
        return
    async with aiohttp.ClientSession() as session:
        client = web_client(token.reveal(), session, configuration.slack.api_url or SLACK_API)
        try:
            who = await client.auth_test()
        except SlackApiError as error:
            yield Finding(
                what="slack", ok=False, says=f"{error.response.get('error')}: install the app, copy its token"
            )
            return
        except (aiohttp.ClientError, OSError) as error:
            yield Finding(what="slack", ok=False, says=f"not reached: {error}")
            return
        yield Finding(what="slack", ok=True, says=f"{who.get('user')} in {who.get('team')}")
        yield _scopes(str(who.headers.get("x-oauth-scopes") or ""))
        for channel in sorted(_channels(configuration)):
            try:
                info: dict[str, object] = (await client.conversations_info(channel=channel)).get("channel", {})
            except SlackApiError as error:
                yield Finding(what=f"channel {channel}", ok=False, says=f"{error.response.get('error')}: check its id")
                continue
            inside = bool(info.get("is_member"))
            says = f"#{info.get('name')}" + ("" if inside else ": invite the app there with /invite")
            yield Finding(what=f"channel {channel}", ok=inside, says=says)


def _scopes(granted: str) -> Finding:
    manifest = yaml.safe_load(MANIFEST.read_text())
    wanted = set(manifest["oauth_config"]["scopes"]["bot"])
    missing = sorted(wanted - {scope.strip() for scope in granted.split(",")})
    if not granted:
        return Finding(what="scopes", ok=True, says="Slack did not name them; manifest.yml asks for the right ones")
    says = f"missing {', '.join(missing)}: install the app again from manifest.yml" if missing else "all granted"
    return Finding(what="scopes", ok=not missing, says=says)


def _channels(configuration: Configuration) -> set[str]:
    placed = {channel for channels in configuration.places.values() for channel in channels}
    return placed | {source.channel for source in configuration.sources.values()}


async def _database(configuration: Configuration) -> Finding:
    path = configuration.storage
    if not path.exists():
        parent = next(p for p in path.parents if p.exists())
        ok = os.access(parent, os.W_OK)
        return Finding(what="database", ok=ok, says=f"{path} will be made" if ok else f"{parent} cannot be written")
    try:
        store = await Store.open(path, clock=SystemClock(), exclusive=False)
    except StoreError as error:
        return Finding(what="database", ok=False, says=str(error))
    await store.close()
    return Finding(what="database", ok=True, says=f"{path} opens; `countersign audit verify` checks what is in it")


async def _sandbox() -> Finding:
    _, report = await probe()
    ok = report.kind not in ("none", "unconfined")
    says = f"{report.kind} {report.version}: {report.details}"
    return Finding(what="sandbox", ok=ok, says=says if ok else f"{says}; install bubblewrap, or allow user namespaces")

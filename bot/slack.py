"""Slack, put together: the client, who people are, the way in, and what is shown."""

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.configuration import Configuration
from bot.configuration.sections import Group
from bot.thread.composer import Places
from handlers.inbox import Consumer
from handlers.slack.app import Intake, SocketMode, build_app
from handlers.slack.directory import FileGroup, GroupSource, SlackDirectory, UserGroup
from handlers.slack.gateway import Gateway, web_client
from handlers.slack.rooms import SlackRooms
from loop.ports import Clock

SLACK_API = "https://slack.com/api/"


class Unreachable(Exception):
    """Nobody answers where Slack should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The workspace as the operator reaches it."""

    client: AsyncWebClient
    gateway: Gateway
    directory: SlackDirectory
    rooms: SlackRooms
    url: str  # of the workspace's own pages, with a slash at its end

    def link(self, channel: str, ts: str) -> str:
        """Where people see this message."""
        return f"{self.url}archives/{channel}/p{ts.replace('.', '')}"


async def reach(configuration: Configuration, session: aiohttp.ClientSession, clock: Clock) -> Workspace:
    """The configured workspace. Raises SlackApiError where the token is not good, Unreachable where nobody answers."""
    slack = configuration.slack
    token = slack.bot_token.reveal() if slack.bot_token is not None else ""
    client = web_client(token, session, slack.api_url or SLACK_API)
    gateway = Gateway(client, session, clock)
    try:
        who = await client.auth_test()
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Unreachable(f"{client.base_url} does not answer: {type(error).__name__} {error}".rstrip()) from error
    directory = SlackDirectory(gateway, clock, groups=groups_of(configuration.groups))
    rooms = SlackRooms(gateway, directory, clock)
    return Workspace(client=client, gateway=gateway, directory=directory, rooms=rooms, url=str(who.get("url") or ""))


def way_in(configuration: Configuration, workspace: Workspace, consumer: Consumer, clock: Clock) -> AsyncApp:
    """The Bolt app that commits what comes from Slack to the inbox."""

    def changed(_event: str, channel: str) -> None:
        workspace.directory.forget()
        workspace.rooms.forget(channel or None)

    secret = configuration.slack.signing_secret
    intake = Intake(consumer=consumer, clock=clock, changed=changed)
    http = configuration.slack.mode == "http" and secret is not None
    return build_app(workspace.client, intake, signing_secret=secret.reveal() if http and secret else None)


def socket_of(configuration: Configuration, app: AsyncApp, workspace: Workspace) -> SocketMode | None:
    """The connection that needs no public address; None in HTTP mode."""
    token = configuration.slack.app_token
    if configuration.slack.mode != "socket":
        return None
    return SocketMode(app, token.reveal() if token is not None else "", workspace.client)


def places_of(configuration: Configuration, *, unconfined: bool) -> Places:
    """Where things are shown. What no door placed is shown where approvers meet, or nobody could countersign it."""
    places = configuration.places
    approvals, default = (next(iter(places.get(name, ())), None) for name in ("approvals", "default"))
    return Places(
        approvals=approvals,
        default=default or approvals,
        notices=places.get("approvals", ()) or places.get("default", ()),
        unconfined=unconfined,
    )


def groups_of(groups: Mapping[str, Group]) -> Mapping[str, GroupSource]:
    """The groups as the directory looks them up."""
    return {
        name: UserGroup(slack=group.slack)
        if group.slack is not None
        else FileGroup(members=tuple(sorted(group.members or ())))
        for name, group in groups.items()
    }

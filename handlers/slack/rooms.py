"""Who can see a conversation, and whether its clicks count. In doubt: nobody, and no."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.canonical import Json
from domain.tasks import Principal
from handlers.slack.gateway import Gateway
from handlers.slack.wire import SlackTrouble
from loop.ports import Clock, Directory, DirectoryUnavailable

MAX_AGE_S = 60.0
_MOST = 1_000  # rooms remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    at: float
    info: Mapping[str, Json]
    members: frozenset[str] | None = None


class SlackRooms:
    """Implements loop.ports.Rooms."""

    def __init__(self, gateway: Gateway, directory: Directory, clock: Clock) -> None:
        self._gateway = gateway
        self._directory = directory
        self._clock = clock
        self._rooms: dict[str, _Room] = {}

    async def sees(self, principal: Principal, channel: str) -> bool:
        """See Rooms.sees. Every full member of the team, and a token, sees public channels; guests only their own."""
        kind, _, user = principal.partition(":")
        try:
            room = await self._room(channel)
            if _public(room.info) and (kind == "token" or await self._full(principal)):
                return True
            return kind == "user" and user in await self._members(channel, room)
        except SlackTrouble:
            return False

    async def takes_approvals(self, channel: str) -> bool:
        """See Rooms.takes_approvals."""
        try:
            info = (await self._room(channel)).info
        except SlackTrouble:
            return False
        return bool(info) and not any(info.get(name) for name in _SHARED)

    async def public(self, channel: str) -> bool:
        """Whether everybody of the team can see what is said there; False when in doubt."""
        try:
            return _public((await self._room(channel)).info)
        except SlackTrouble:
            return False

    def forget(self, channel: str | None = None) -> None:
        """A room, or any, has changed."""
        if channel is None:
            self._rooms.clear()
        else:
            self._rooms.pop(channel, None)

    async def _room(self, channel: str) -> _Room:
        now = self._clock.now().timestamp()
        room = self._rooms.get(channel)
        if room is None or not 0 <= now - room.at <= MAX_AGE_S:
            room = self._keep(channel, _Room(at=now, info=await self._gateway.channel(channel)))
        return room

    async def _members(self, channel: str, room: _Room) -> frozenset[str]:
        if room.members is None:
            members = await self._gateway.members(channel)
            room = self._keep(channel, _Room(at=room.at, info=room.info, members=members))
        return room.members or frozenset()

    def _keep(self, channel: str, room: _Room) -> _Room:
        if len(self._rooms) >= _MOST:
            self._rooms.clear()
        self._rooms[channel] = room
        return room

    async def _full(self, principal: Principal) -> bool:
        try:
            person = (await self._directory.snapshot()).people.get(principal)
        except DirectoryUnavailable:
            return False
        return person is not None and person.counts


_SHARED = ("is_ext_shared", "is_pending_ext_shared", "pending_connected_team_ids")


def _public(info: Mapping[str, Json]) -> bool:
    return bool(info.get("is_channel")) and not any(info.get(name) for name in ("is_private", "is_im", "is_mpim"))

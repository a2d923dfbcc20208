"""One Web API call: who calls, with which arguments, and the lookups that every method shares."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from playground.errors import Json, SlackError
from playground.hub import Hub
from playground.workspace import App
from playground.world import World

_SCOPE_KIND = {"im": "im", "mpim": "mpim", "group": "groups", "channel": "channels"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    hub: Hub
    app: App
    args: Json
    host: str

    @property
    def world(self) -> World:
        return self.hub.world

    @property
    def me(self) -> str:
        return self.app.bot_user_id

    # arguments

    def get(self, name: str, default: str = "") -> str:
        value = self.args.get(name)
        if value is None:
            return default
        return value if isinstance(value, str) else json.dumps(value)

    def need(self, name: str) -> str:
        value = self.get(name)
        if not value:
            raise SlackError("invalid_arguments", messages=[f"[ERROR] missing required field: {name}"])
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.args.get(name)
        return default if value is None else str(value).lower() in ("1", "true")

    def number(self, name: str, default: int, most: int) -> int:
        try:
            value = int(self.args.get(name) or default)
        except (TypeError, ValueError):
            raise SlackError("invalid_arguments", messages=[f"[ERROR] {name} must be an integer"]) from None
        return max(1, min(value, most))

    def structure(self, name: str) -> Any:
        """A JSON argument: given as such, or as a string of JSON. Raises invalid_arguments."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError("invalid_arguments", messages=[f"[ERROR] {name} is not JSON"]) from None

    # rights

    def need_scope(self, *any_of: str) -> None:
        """Raises missing_scope unless the manifest grants one of these."""
        if not set(any_of) & set(self.app.manifest.scopes):
            raise SlackError("missing_scope", needed=any_of[0], provided=",".join(self.app.manifest.scopes))

    def has_scope(self, scope: str) -> bool:
        return scope in self.app.manifest.scopes

    # lookups

    def channel(self, name: str = "channel", *, right: str | None = None, member: bool = False) -> Json:
        """The channel named by id, `#name` or a user's id (its direct message channel).

        `right` is a scope's last part (`history`, `read`): the scope of the channel's own kind is needed. Private
        channels that the bot is not in do not exist for it. Raises channel_not_found, missing_scope, not_in_channel.
        """
        given = self.need(name)
        row = self.world.channel(given) or self._by_name(given) or self._direct(given)
        if row is None or (row["is_private"] and self.me not in row["members"]):
            raise SlackError("channel_not_found")
        if right:
            self.need_scope(f"{_SCOPE_KIND[kind_of(row)]}:{right}")
        if member and self.me not in row["members"]:
            raise SlackError("not_in_channel")
        return row

    def _by_name(self, given: str) -> Json | None:
        name = given.removeprefix("#")
        return next((row for row in self.world.channels() if row["name"] == name and not row["is_im"]), None)

    def _direct(self, given: str) -> Json | None:
        user = self.world.user(given)
        return self.world.direct(self.me, given) if user and given != self.me else None

    def user(self, name: str = "user") -> Json:
        row = self.world.user(self.need(name))
        if row is None:
            raise SlackError("user_not_found")
        return row

    def message(self, channel: Json, name: str = "ts") -> Json:
        row = self.world.message(channel["id"], self.need(name))
        if row is None:
            raise SlackError("message_not_found")
        return row

    def page(self, rows: list[Any], *, default: int = 100, most: int = 1000) -> tuple[list[Any], str]:
        """The part of `rows` that cursor and limit ask for, and the next cursor ("" at the end)."""
        size, start = self.number("limit", default, most), _start(self.get("cursor"))
        cursor = f"next:{start + size}" if start + size < len(rows) else ""
        return rows[start : start + size], base64.b64encode(cursor.encode()).decode()


def _start(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except (binascii.Error, ValueError):
        raise SlackError("invalid_cursor") from None


def kind_of(channel: Json) -> str:
    if channel["is_im"]:
        return "im"
    return "mpim" if channel["is_mpim"] else "group" if channel["is_private"] else "channel"

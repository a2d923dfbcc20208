"""What happened, as events for the apps that subscribed and may see it."""

import asyncio

from playground import shapes, text
from playground.delivery import Ack, Delivery
from playground.errors import Json
from playground.workspace import App
from playground.world import World

Sent = list[asyncio.Task[Ack]]


class Events:
    """Every method starts deliveries and returns them; who need not wait forgets the result."""

    def __init__(self, world: World, delivery: Delivery) -> None:
        self._world = world
        self._delivery = delivery

    def posted(self, row: Json) -> Sent:
        """A message: message.* for every app in the channel, app_mention beside it for the apps mentioned."""
        channel = self._channel(row)
        event = self._message_event(row, channel)
        sent = self._in_channel(channel, f"message.{channel_type_event(channel)}", event)
        for user_id in text.mentioned(row["text"]):
            app = self._world.app_of(user_id)
            if app and user_id in channel["members"] and not channel["is_im"] and row["user"] != user_id:
                keys = {"user", "ts", "client_msg_id", "text", "team", "blocks", "channel", "event_ts", "thread_ts",
                        "bot_id", "app_id", "user_team", "source_team", "files"}  # fmt: skip
                mention = {key: value for key, value in event.items() if key in keys} | {"type": "app_mention"}
                sent += self._to(app, "app_mention", mention, channel)
        return sent

    def changed(self, before: Json, after: Json) -> Sent:
        channel = self._channel(after)
        event = self._around(channel, "message_changed") | {
            "message": shapes.message(after),
            "previous_message": shapes.message(before),
        }
        return self._in_channel(channel, f"message.{channel_type_event(channel)}", event)

    def deleted(self, before: Json) -> Sent:
        channel = self._channel(before)
        event = self._around(channel, "message_deleted") | {
            "previous_message": shapes.message(before),
            "deleted_ts": before["ts"],
        }
        return self._in_channel(channel, f"message.{channel_type_event(channel)}", event)

    def reacted(self, row: Json, user: str, name: str, *, added: bool) -> Sent:
        channel = self._channel(row)
        kind = "reaction_added" if added else "reaction_removed"
        event = {
            "type": kind,
            "user": user,
            "reaction": name,
            "item": {"type": "message", "channel": row["channel"], "ts": row["ts"]},
            "item_user": row["user"],
            "event_ts": self._world.next_ts(),
        }
        return self._in_channel(channel, kind, event)

    def membership(self, channel: Json, user: str, *, joined: bool, inviter: str | None = None) -> Sent:
        kind = "member_joined_channel" if joined else "member_left_channel"
        event = {
            "type": kind,
            "user": user,
            "channel": channel["id"],
            "channel_type": "G" if channel["is_private"] else "C",
            "team": self._world.team["id"],
            "event_ts": self._world.next_ts(),
        }
        event |= {"inviter": inviter} if inviter else {}
        sent = self._in_channel(channel, kind, event)
        left = self._world.app_of(user)
        return sent + (self._to(left, kind, event, channel) if left and not joined else [])

    def in_channel(self, channel: Json, kind: str, /, **fields: object) -> Sent:
        return self._in_channel(channel, kind, {"type": kind, **fields, "event_ts": self._world.next_ts()})

    def everywhere(self, kind: str, /, **fields: object) -> Sent:
        """An event of the whole workspace (user_change, subteam_updated)."""
        event = {"type": kind, **fields, "event_ts": self._world.next_ts()}
        return [task for app in self._world.apps.values() for task in self._to(app, kind, event, None)]

    def to_app(self, app: App, kind: str, channel: Json | None = None, /, **fields: object) -> Sent:
        return self._to(app, kind, {"type": kind, **fields, "event_ts": self._world.next_ts()}, channel)

    def _channel(self, row: Json) -> Json:
        channel = self._world.channel(row["channel"])
        assert channel is not None  # noqa: S101 (a message lives in a channel)
        return channel

    def _message_event(self, row: Json, channel: Json) -> Json:
        event = shapes.message(row) | {
            "channel": row["channel"],
            "event_ts": row["ts"],
            "channel_type": channel_type(channel),
        }
        root = self._world.message(row["channel"], row["thread_ts"]) if row.get("thread_ts") else None
        return event | ({"parent_user_id": root["user"]} if root and root["ts"] != row["ts"] else {})

    def _around(self, channel: Json, subtype: str) -> Json:
        ts = self._world.next_ts()
        return {
            "type": "message",
            "subtype": subtype,
            "channel": channel["id"],
            "hidden": True,
            "ts": ts,
            "event_ts": ts,
            "channel_type": channel_type(channel),
        }

    def _in_channel(self, channel: Json, subscription: str, event: Json) -> Sent:
        apps = [app for app in self._world.apps.values() if app.bot_user_id in channel["members"]]
        return [task for app in apps for task in self._to(app, subscription, event, channel)]

    def _to(self, app: App, subscription: str, event: Json, channel: Json | None) -> Sent:
        if subscription not in app.manifest.events:
            return []
        return [self._delivery.event(app, self._wrapped(app, event, channel))]

    def _wrapped(self, app: App, event: Json, channel: Json | None) -> Json:
        team = self._world.team["id"]
        authorization = {
            "enterprise_id": None,
            "team_id": team,
            "user_id": app.bot_user_id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        return {
            "token": "playground",
            "team_id": team,
            "context_team_id": team,
            "context_enterprise_id": None,
            "api_app_id": app.id,
            "event": event,
            "type": "event_callback",
            "event_id": self._world.new_id("Ev"),
            "event_time": int(self._world.now()),
            "authorizations": [authorization],
            "is_ext_shared_channel": bool(channel and channel["is_ext_shared"]),
            "event_context": "4-" + self._world.new_id("EC", 20),
        }


def channel_type(channel: Json) -> str:
    if channel["is_im"]:
        return "im"
    return "mpim" if channel["is_mpim"] else "group" if channel["is_private"] else "channel"


def channel_type_event(channel: Json) -> str:
    return {"im": "im", "mpim": "mpim", "group": "groups", "channel": "channels"}[channel_type(channel)]

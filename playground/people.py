"""What people do to the workspace itself: talk, edit, react, join, leave. Raises Refused as Slack would refuse them."""

import base64
import binascii
from typing import Any

from playground import compose, shapes, text
from playground.errors import Json, Malformed, Refused
from playground.events import Sent
from playground.hub import Hub
from playground.methods.chat import remove
from playground.methods.files import new_file, shared_in
from playground.reacting import with_reaction, without_reaction


class People:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._world = hub.world

    # lookups

    def acting(self, user_id: str) -> Json:
        """Somebody who can sign in. Raises user_not_found, account_inactive."""
        row = self.known(user_id)
        if row["deleted"]:
            raise Refused("account_inactive")
        return row

    def known(self, user_id: str) -> Json:
        row = self._world.user(user_id)
        if row is None:
            raise Refused("user_not_found")
        return row

    def channel(self, name: str, user: Json | None = None) -> Json:
        """By id, name, or the id of the other one in a direct message. Raises channel_not_found, not_in_channel."""
        rows = self._world.channels()
        row = self._world.channel(name) or next((each for each in rows if each["name"] == name.removeprefix("#")), None)
        if row is None and user is not None and self._world.user(name) is not None:
            row = self._world.direct(name, user["id"])
        if row is None:
            raise Refused("channel_not_found")
        if user is not None and user["id"] not in row["members"]:
            raise Refused("not_in_channel")
        return row

    def message(self, channel: Json, ts: str, user: Json | None = None) -> Json:
        """Also ephemeral ones, for those who see them. Raises message_not_found."""
        row = self._world.message(channel["id"], ts) or self._world.ephemeral(channel["id"], ts)
        if row is None or (row.get("ephemeral_to") and user is not None and row["ephemeral_to"] != user["id"]):
            raise Refused("message_not_found")
        return row

    # acts

    async def say(
        self, user: Json, channel: Json, typed: str, thread_ts: str | None, files: list[Json]
    ) -> tuple[Json, Sent]:
        if channel["is_archived"]:
            raise Refused("is_archived")
        if not typed.strip() and not files:
            raise Refused("no_text")
        if len(typed) > 40_000:
            raise Refused("msg_too_long")
        thread: Json = {}
        if thread_ts:
            root = self._world.message(channel["id"], thread_ts)
            if root is None:
                raise Refused("thread_not_found")
            thread = {"thread_ts": root.get("thread_ts") or root["ts"]}
        row = compose.by_person(self._world, user, channel, self._content(typed), **thread)
        if files:
            row |= {
                "subtype": "file_share",
                "files": [await self._file(user, channel, each, row["ts"]) for each in files],
            }
        self._world.put_message(row)
        return row, self._hub.events.posted(row)

    def edit(self, user: Json, channel: Json, ts: str, typed: str) -> Sent:
        before = self.message(channel, ts)
        if before["user"] != user["id"]:
            raise Refused("cant_update_message")
        edited = {"edited": {"user": user["id"], "ts": self._world.next_ts()}}
        after = self._world.put_message(before | self._content(typed) | edited)
        return self._hub.events.changed(before, after)

    def delete(self, user: Json, channel: Json, ts: str) -> Sent:
        """Own messages; admins those of others too."""
        row = self.message(channel, ts, user)
        if row.get("ephemeral_to"):
            self._world.drop_message(row)
            return []
        if row["user"] != user["id"] and not user["is_admin"]:
            raise Refused("cant_delete_message")
        remove(self._world, row)
        return self._hub.events.deleted(row)

    def react(self, user: Json, channel: Json, ts: str, name: str, *, remove: bool | None) -> Sent:
        """Toggles when `remove` is None, as a click on the reaction does."""
        row = self.message(channel, ts, user)
        if row.get("ephemeral_to"):
            raise Refused("message_not_found")
        after = None if remove else with_reaction(row, user["id"], name)
        added = after is not None
        if after is None:
            after = None if remove is False else without_reaction(row, user["id"], name)
        if after is None:
            raise Refused("no_reaction" if remove else "already_reacted")
        self._world.put_message(after)
        return self._hub.events.reacted(after, user["id"], name, added=added)

    def join(self, user: Json, channel: Json, inviter: str | None = None) -> Sent:
        if user["id"] in channel["members"]:
            raise Refused("already_in_channel")
        if channel["is_im"] or (channel["is_private"] and inviter is None):
            raise Refused("channel_not_found")
        row = self._world.change_channel(channel["id"], members=[*channel["members"], user["id"]])
        return self._hub.events.membership(row, user["id"], joined=True, inviter=inviter)

    def leave(self, user: Json, channel: Json) -> Sent:
        if user["id"] not in channel["members"]:
            raise Refused("not_in_channel")
        members = [each for each in channel["members"] if each != user["id"]]
        row = self._world.change_channel(channel["id"], members=members)
        return self._hub.events.membership(row, user["id"], joined=False)

    def change_user(self, user_id: str, **fields: Any) -> Sent:
        """Deactivation, becoming a guest, ...; the app hears user_change."""
        row = self._world.store.put("users", user_id, self.known(user_id) | fields)
        return self._hub.events.everywhere(
            "user_change", user=shapes.user(row, email=True), cache_ts=int(self._world.now())
        )

    def change_usergroup(self, group_id: str, users: list[str] | None, disabled: bool | None) -> Sent:  # noqa: FBT001
        before = self._world.store.get("usergroups", group_id)
        if before is None:
            raise Refused("no_such_subteam")
        given: Json = {"users": users, "disabled": disabled}
        fields = {name: value for name, value in given.items() if value is not None}
        for each in fields.get("users", []):
            self.known(each)
        row = self._world.store.put("usergroups", group_id, before | fields | {"date_update": int(self._world.now())})
        sent = self._hub.events.everywhere(
            "subteam_updated", subteam=shapes.usergroup(row, self._world, users=True, count=True)
        )
        added = [each for each in row["users"] if each not in before["users"]]
        gone = [each for each in before["users"] if each not in row["users"]]
        if added or gone:
            fields = {
                "subteam_id": group_id,
                "team_id": self._world.team["id"],
                "added_users": added,
                "removed_users": gone,
            }
            sent += self._hub.events.everywhere("subteam_members_changed", **fields)
        return sent

    def change_channel(self, channel: Json, fields: Json) -> Sent:
        """`is_archived`, `is_ext_shared`, `topic`; apps in it hear channel_archive, channel_shared, ..."""
        known = {"is_archived", "is_ext_shared", "topic", "purpose"}
        if unknown := set(fields) - known:
            raise Malformed(f"unknown {sorted(unknown)}; a channel's {sorted(known)} can be changed")
        row = self._world.change_channel(channel["id"], **fields)
        names = {
            "is_archived": ("channel_archive", "channel_unarchive"),
            "is_ext_shared": ("channel_shared", "channel_unshared"),
        }
        sent: Sent = []
        for name, (on, off) in names.items():
            if row[name] != channel[name]:
                sent += self._hub.events.in_channel(row, on if row[name] else off, channel=row["id"])
        return sent

    def _content(self, typed: str) -> Json:
        stored = text.typed(typed, self._world.users(), self._world.usergroups())
        return {"text": stored, "blocks": text.rich_text(stored, self._world.new_id("b", 4)) if stored else []}

    async def _file(self, user: Json, channel: Json, given: Json, ts: str) -> Json:
        """`{name, content}` (text) or `{name, base64}`."""
        try:
            data = base64.b64decode(given["base64"]) if "base64" in given else str(given["content"]).encode()
            name = str(given["name"])
        except (KeyError, binascii.Error) as error:
            raise Malformed("a file is {name, content} or {name, base64}") from error
        row = new_file(self._world, self._hub.url, name, len(data), user=user["id"])
        await self._hub.blobs.put(row["id"], data)
        self._world.store.put("files", row["id"], row | {"uploaded": True})
        return shapes.file(shared_in(self._world, row | {"uploaded": True}, channel, ts))

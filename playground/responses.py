"""What an app answers to an interaction: the body of a command's ack, and posts to its response_url."""

import json

from aiohttp import web

from playground import compose
from playground.errors import Json, SlackError
from playground.hub import Hub
from playground.methods.chat import remove
from playground.workspace import App


class Responses:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._world = hub.world

    def address(self, secret: str) -> str:
        return f"{self._hub.url}/response/{self._world.team['id']}/{secret}"

    async def serve(self, request: web.Request) -> web.Response:
        """POST /response/{team}/{secret}: five times within thirty minutes."""
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            return web.Response(text="invalid_payload", status=400)
        try:
            url = self._hub.triggers.spend_url(request.match_info["secret"])
            self._respond(url, body)
        except SlackError as error:
            self._hub.traffic.add("in", "response_url", "response_url", body, error.body(), status=404)
            return web.json_response(error.body(), status=404 if error.code.endswith("_url") else 400)
        self._hub.traffic.add("in", "response_url", "response_url", body, "ok", status=200)
        return web.Response(text="ok")

    def shown(self, app: App, user: str, channel: Json, body: Json) -> Json:
        """A new message: to everyone for `in_channel`, else to this user only."""
        content = compose.content(str(body.get("text") or ""), body.get("blocks"), body.get("attachments"))
        fields: Json = {}
        if body.get("thread_ts"):
            fields["thread_ts"] = body["thread_ts"]
        if body.get("response_type") != "in_channel":
            fields["ephemeral_to"] = user
        row = self._world.put_message(compose.by_app(self._world, app, channel, content, **fields))
        if not row.get("ephemeral_to"):
            self._hub.events.posted(row)
        return row

    def _respond(self, url: Json, body: Json) -> None:
        app = self._world.apps.get(url["app"])
        channel = self._world.channel(url["channel"])
        if app is None or channel is None:
            raise SlackError("expired_url")
        source = None
        if url["ts"]:
            source = self._world.message(channel["id"], url["ts"]) or self._world.ephemeral(channel["id"], url["ts"])
        if body.get("delete_original") and source:
            self._delete(source)
        elif body.get("replace_original") and source:
            self._replace(source, body)
        else:
            thread = {"thread_ts": source["thread_ts"]} if source and source.get("thread_ts") else {}
            self.shown(app, url["user"], channel, thread | body)

    def _delete(self, row: Json) -> None:
        if row.get("ephemeral_to"):
            self._world.drop_message(row)
        else:
            remove(self._world, row)
            self._hub.events.deleted(row)

    def _replace(self, row: Json, body: Json) -> None:
        content = compose.content(str(body.get("text") or ""), body.get("blocks"), body.get("attachments"))
        edited = {} if row.get("ephemeral_to") else {"edited": {"user": row["user"], "ts": self._world.next_ts()}}
        after = self._world.put_message(row | content | edited)
        if not after.get("ephemeral_to"):
            self._hub.events.changed(row, after)

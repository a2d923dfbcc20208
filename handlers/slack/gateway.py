"""The one object that talks to Slack. Everything that is shown goes out here, without unfurling, with its metadata."""

from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from domain.canonical import Json
from handlers.slack.show.message import Message
from handlers.slack.wire import SlackSaid, SlackTrouble, SlackUncertain, Wire
from loop.ports import Clock

_PAGES = 20  # of a listing, at most; beyond that the answer is an error, never half a list
_LOOK_BACK = 3  # pages in which a lost message is looked for
_QUIET = {"unfurl_links": False, "unfurl_media": False}


class TooMuch(SlackTrouble):
    """A listing is longer than we read."""


def web_client(token: str, session: aiohttp.ClientSession, base_url: str = "https://slack.com/api/") -> AsyncWebClient:
    """The SDK's client over a shared session, without retries of its own: it would send posts twice."""
    url = base_url if base_url.endswith("/") else base_url + "/"
    return AsyncWebClient(token=token, base_url=url, session=session, retry_handlers=[])


class Gateway:
    """Posts, updates, views, files and look-ups. Every method may raise SlackTrouble."""

    def __init__(self, client: AsyncWebClient, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._wire = Wire(client, clock)
        self._session = session
        self._host = urlsplit(client.base_url).netloc
        self._directs: dict[str, str] = {}

    # ── Messages ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def post(self, channel: str, body: Mapping[str, Json], *, thread_ts: str | None = None) -> tuple[str, str]:
        """A new message; where it is. Never repeated by itself: SlackUncertain says that it may be out."""
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        answer = await self._wire.call("chat.postMessage", body={"channel": channel, **body, **thread, **_QUIET})
        return str(answer.get("channel") or channel), str(answer["ts"])

    async def update(self, channel: str, ts: str, body: Mapping[str, Json]) -> None:
        """Show `body` instead, whole. Metadata stays as it was unless `body` has some."""
        await self._wire.call("chat.update", body={"channel": channel, "ts": ts, **body}, repeatable=True)

    async def find(self, channel: str, key: str, *, thread_ts: str | None = None) -> str | None:
        """The ts of our message with this key in its metadata, if it is there."""
        async for message in self._recent(channel, thread_ts):
            metadata = message.get("metadata")
            payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
            if isinstance(payload, dict) and payload.get("key") == key:
                return str(message["ts"])
        return None

    async def find_file(self, channel: str, name: str, *, thread_ts: str | None = None) -> str | None:
        """The ts of the message that carries the file of this name."""
        async for message in self._recent(channel, thread_ts):
            files = message.get("files")
            if isinstance(files, list) and any(each.get("name") == name for each in files if isinstance(each, dict)):
                return str(message["ts"])
        return None

    async def upload(self, channel: str, name: str, text: str, *, thread_ts: str | None = None) -> str:
        """Share `text` as a file; its id. The sharing itself is never repeated: SlackUncertain."""
        data = text.encode("utf-8")
        size = {"filename": name, "length": str(len(data))}
        place = await self._wire.call("files.getUploadURLExternal", query=size, repeatable=True)
        await self._send_bytes(str(place["upload_url"]), data)
        files = {"files": [{"id": place["file_id"], "title": name}], "channel_id": channel}
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        await self._wire.call("files.completeUploadExternal", body=files | thread)
        return str(place["file_id"])

    async def link(self, channel: str, ts: str) -> str | None:
        """The address of a message; None where Slack does not say."""
        try:
            answer = await self._wire.call("chat.getPermalink", query={"channel": channel, "message_ts": ts})
        except SlackTrouble:
            return None
        return str(answer.get("permalink") or "") or None

    async def session_status(self, channel: str, thread_ts: str, status: str) -> None:
        """What Slack shows of an agent's session: `processing` (with the Stop button), `active`, `closed`."""
        fields = {"channel_id": channel, "thread_ts": thread_ts, "status": status}
        await self._wire.call("agents.sessions.setStatus", body=fields, repeatable=True)

    # ── To one person ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def whisper(self, channel: str, user: str, message: Message, *, thread_ts: str | None = None) -> None:
        """Only this person sees it, there."""
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        await self._wire.call("chat.postEphemeral", body={"channel": channel, "user": user, **message.body(), **thread})

    async def respond(self, url: str, message: Message) -> None:
        """Answer to the address that an interaction lent; only that person sees it."""
        host = urlsplit(url).netloc
        if host != self._host and not host.endswith(".slack.com"):
            raise SlackSaid("response_url", "not_an_address_of_slack")
        body = {"response_type": "ephemeral", "replace_original": False, **message.body()}
        try:
            async with self._session.post(url, json=body, timeout=aiohttp.ClientTimeout(total=10)) as answer:
                if answer.status != 200:
                    raise SlackSaid("response_url", f"http_{answer.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SlackUncertain(f"response_url: {type(error).__name__}") from error

    async def direct(self, user: str, message: Message) -> None:
        """A direct message."""
        await self.post(await self.conversation(user), message.body())

    async def conversation(self, user: str) -> str:
        """The channel of our direct messages with somebody."""
        if user not in self._directs:
            answer = await self._wire.call("conversations.open", body={"users": user}, repeatable=True)
            channel = answer.get("channel")
            self._directs[user] = str(channel["id"]) if isinstance(channel, dict) else ""
        return self._directs[user]

    async def open_view(self, trigger_id: str, view: Mapping[str, Json]) -> Mapping[str, Json]:
        """A modal. The trigger lives three seconds and works once, so nothing is waited for."""
        return _view(await self._wire.call("views.open", body={"trigger_id": trigger_id, "view": view}, patient=False))

    async def update_view(self, view_id: str, view: Mapping[str, Json]) -> None:
        await self._wire.call("views.update", body={"view_id": view_id, "view": view}, repeatable=True)

    async def publish_home(self, user: str, view: Mapping[str, Json]) -> None:
        await self._wire.call("views.publish", body={"user_id": user, "view": view}, repeatable=True)

    # ── Who and where ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def team(self) -> str:
        """The workspace's id."""
        return str((await self._wire.call("auth.test", body={}, repeatable=True)).get("team_id") or "")

    async def users(self) -> list[Mapping[str, Json]]:
        """Everybody."""
        return await self._listing("users.list", "members", {"limit": "1000"})

    async def user(self, user: str) -> Mapping[str, Json]:
        """What Slack knows of a person."""
        found = (await self._wire.call("users.info", query={"user": user}, repeatable=True)).get("user")
        return found if isinstance(found, dict) else {}

    async def group_members(self, group: str) -> list[str]:
        """The ids of a user group. Raises SlackSaid for one that is disabled or not there."""
        answer = await self._wire.call("usergroups.users.list", query={"usergroup": group}, repeatable=True)
        return [str(user) for user in answer["users"]]

    async def channel(self, channel: str) -> Mapping[str, Json]:
        """What Slack knows of a conversation."""
        answer = await self._wire.call("conversations.info", query={"channel": channel}, repeatable=True)
        found = answer["channel"]
        return found if isinstance(found, dict) else {}

    async def members(self, channel: str) -> frozenset[str]:
        """The ids of those in a conversation."""
        rows = await self._listing("conversations.members", "members", {"channel": channel, "limit": "500"})
        return frozenset(str(row) for row in rows)

    # ── Underneath ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _listing(self, method: str, name: str, query: Mapping[str, Json]) -> list[Mapping[str, Json]]:
        found: list[Mapping[str, Json]] = []
        cursor = ""
        for _ in range(_PAGES):
            more = {"cursor": cursor} if cursor else {}
            answer = await self._wire.call(method, query={**query, **more}, repeatable=True)
            rows = answer.get(name)
            found += rows if isinstance(rows, list) else []
            cursor = _cursor(answer)
            if not cursor:
                return found
        raise TooMuch(f"{method}: more than {_PAGES} pages")

    async def _recent(self, channel: str, thread_ts: str | None) -> AsyncIterator[Mapping[str, Json]]:
        """Messages of a thread, or of a channel, as far back as one looks for a lost one."""
        method = "conversations.replies" if thread_ts else "conversations.history"
        query: dict[str, Json] = {"channel": channel, "include_all_metadata": "true", "limit": "200"}
        query |= {"ts": thread_ts} if thread_ts else {}
        cursor = ""
        for _ in range(_LOOK_BACK if thread_ts is None else _PAGES):
            more = {"cursor": cursor} if cursor else {}
            answer = await self._wire.call(method, query={**query, **more}, repeatable=True)
            rows = answer.get("messages")
            for message in rows if isinstance(rows, list) else []:
                yield message
            cursor = _cursor(answer)
            if not cursor:
                return

    async def _send_bytes(self, url: str, data: bytes) -> None:
        try:
            async with self._session.post(url, data=data, timeout=aiohttp.ClientTimeout(total=60)) as answer:
                if answer.status != 200:
                    raise SlackSaid("upload", f"http_{answer.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SlackUncertain(f"upload: {type(error).__name__}") from error


def _cursor(answer: Mapping[str, Json]) -> str:
    metadata = answer.get("response_metadata")
    return str(metadata.get("next_cursor") or "") if isinstance(metadata, dict) else ""


def _view(answer: Mapping[str, Json]) -> Mapping[str, Json]:
    view = answer.get("view")
    return view if isinstance(view, dict) else {}

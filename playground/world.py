"""What is in the workspace: reads and the few writes that everyone shares. Knows no protocol and delivers nothing."""

import hashlib
import secrets
from collections.abc import Callable, Iterable

from playground.errors import Json
from playground.store import Store
from playground.workspace import App, Workspace

_SEEDED = ("users", "channels", "usergroups")


class World:
    def __init__(self, workspace: Workspace, store: Store, now: Callable[[], float]) -> None:
        self.workspace = workspace
        self.store = store
        self.now = now
        self.team: Json = workspace.team
        self.apps: dict[str, App] = {app.id: app for app in workspace.apps}

    def seed(self) -> None:
        """Adds what the workspace file names and the store does not yet have; what people changed stays."""
        for table in _SEEDED:
            rows: Iterable[Json] = getattr(self.workspace, table)
            for row in rows:
                if self.store.get(table, row["id"]) is None:
                    self.store.put(table, row["id"], row | self._dates(table))
        for app in self.apps.values():
            for user in self.users():
                if not user["is_bot"] and user["id"] != "USLACKBOT":
                    self.direct(app.bot_user_id, user["id"])

    def moved(self, url: str) -> None:
        """Files and the messages that carry them name our address, which may differ from the last start's."""
        old = (self.store.get("meta", "url") or {"url": url})["url"]
        self.store.put("meta", "url", {"url": url})
        if old == url:
            return
        for table in ("files", *self.store.names("messages/"), *self.store.names("ephemerals/")):
            for key, row in self.store.items(table):
                if table == "files":
                    self.store.put(table, key, _readdressed(row, old, url))
                elif row.get("files"):
                    self.store.put(table, key, row | {"files": [_readdressed(each, old, url) for each in row["files"]]})

    def _dates(self, table: str) -> Json:
        return {"created": int(self.now()), "creator": "", "updated": int(self.now())} if table == "channels" else {}

    def reset(self) -> None:
        """Back to the seed; time goes on, so that no ts is ever used twice."""
        self.store.clear(keep=("meta",))
        self.seed()

    # people

    def users(self) -> list[Json]:
        return self.store.rows("users")

    def user(self, user_id: str) -> Json | None:
        return self.store.get("users", user_id)

    def app_of(self, user_id: str) -> App | None:
        return next((app for app in self.apps.values() if app.bot_user_id == user_id), None)

    def usergroups(self) -> list[Json]:
        return self.store.rows("usergroups")

    # places

    def channels(self) -> list[Json]:
        return self.store.rows("channels")

    def channel(self, channel_id: str) -> Json | None:
        return self.store.get("channels", channel_id)

    def change_channel(self, channel_id: str, **fields: object) -> Json:
        channel = self.channel(channel_id)
        assert channel is not None, channel_id  # noqa: S101 (callers have looked it up)
        return self.store.put("channels", channel_id, channel | fields | {"updated": int(self.now())})

    def direct(self, bot: str, user: str) -> Json:
        """The direct message channel of two users, made when it does not exist; its id follows from theirs."""
        digest = hashlib.sha256(":".join(sorted((bot, user))).encode()).hexdigest()
        channel_id = "D" + digest[:9].upper()
        return self.channel(channel_id) or self.add_channel(
            channel_id, name=channel_id.lower(), members=[bot, user], user=user, is_im=True, is_private=True
        )

    def add_channel(self, channel_id: str, *, name: str, members: list[str], **fields: object) -> Json:
        flags = dict.fromkeys(("is_private", "is_ext_shared", "is_archived", "is_im", "is_mpim"), False)
        row: Json = {"id": channel_id, "name": name, "members": members, "topic": "", "purpose": "", **flags, **fields}
        return self.store.put("channels", channel_id, row | self._dates("channels"))

    # time and names

    def next_ts(self) -> str:
        """Strictly increasing, unique over restarts and resets."""
        last = (self.store.get("meta", "ts") or {"micros": 0})["micros"]
        micros = max(int(self.now() * 1_000_000), last + 1)
        self.store.put("meta", "ts", {"micros": micros})
        return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

    @staticmethod
    def new_id(prefix: str, length: int = 10) -> str:
        """Random and never repeated: apps keep event ids over our restarts."""
        alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
        return prefix + "".join(secrets.choice(alphabet) for _ in range(length))

    # messages; `ephemerals` beside them, so that no history can show them

    def messages(self, channel_id: str) -> list[Json]:
        """Oldest first."""
        return sorted(self.store.rows(f"messages/{channel_id}"), key=lambda message: message["ts"])

    def message(self, channel_id: str, ts: str) -> Json | None:
        return self.store.get(f"messages/{channel_id}", ts)

    def ephemeral(self, channel_id: str, ts: str) -> Json | None:
        return self.store.get(f"ephemerals/{channel_id}", ts)

    def put_message(self, message: Json) -> Json:
        kind = "ephemerals" if message.get("ephemeral_to") else "messages"
        return self.store.put(f"{kind}/{message['channel']}", message["ts"], message)

    def drop_message(self, message: Json) -> None:
        kind = "ephemerals" if message.get("ephemeral_to") else "messages"
        self.store.drop(f"{kind}/{message['channel']}", message["ts"])

    def thread(self, channel_id: str, root_ts: str) -> list[Json]:
        """The replies, oldest first, without the root."""
        return [m for m in self.messages(channel_id) if m.get("thread_ts") == root_ts and m["ts"] != root_ts]

    def root_of(self, row: Json) -> str | None:
        """The thread that a message is in, also when it is the thread's root."""
        if row.get("thread_ts"):
            return str(row["thread_ts"])
        return str(row["ts"]) if self.thread(row["channel"], row["ts"]) else None

    # sessions of an agent, by thread

    def session(self, channel_id: str, thread_ts: str) -> Json:
        empty: Json = {"channel": channel_id, "thread_ts": thread_ts, "status": None, "title": None, "prompts": []}
        return self.store.get("sessions", f"{channel_id}:{thread_ts}") or empty

    def change_session(self, channel_id: str, thread_ts: str, **fields: object) -> Json:
        row = self.session(channel_id, thread_ts) | fields
        return self.store.put("sessions", f"{channel_id}:{thread_ts}", row)

    def open_views(self, user: str | None = None) -> list[Json]:
        rows = self.store.rows("views")
        return [view for view in rows if user is None or view["user"] == user]


def _readdressed(file: Json, old: str, url: str) -> Json:
    return {
        name: url + value.removeprefix(old) if isinstance(value, str) and value.startswith(old + "/") else value
        for name, value in file.items()
    }

"""The control API: `POST /playground/ACTION`, all that a person can do, and a little that only tests need."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from playground.errors import Json, Malformed, Refused, SlackError
from playground.events import Sent
from playground.hub import Hub
from playground.interactivity import Interactivity
from playground.people import People
from playground.snapshot import state

Action = Callable[[Json], Awaitable[Json]]


class Control:
    def __init__(self, hub: Hub, people: People, acts: Interactivity) -> None:
        self._hub = hub
        self._people = people
        self._acts = acts
        self._actions: dict[str, Action] = {
            "say": self._say,
            "edit": self._edit,
            "delete": self._delete,
            "react": self._react,
            "command": self._command,
            "click": self._click,
            "options": self._options,
            "submit": self._submit,
            "close": self._close,
            "shortcut": self._shortcut,
            "open_home": self._open_home,
            "open_im": self._open_im,
            "stop_agent": self._stop_agent,
            "join": self._join,
            "invite": self._invite,
            "leave": self._leave,
            "deactivate": self._deactivate,
            "change_user": self._change_user,
            "usergroup": self._usergroup,
            "channel": self._channel,
            "run_function": self._run_function,
            "faults": self._faults,
            "disconnect": self._disconnect,
            "reset": self._reset,
        }

    async def serve(self, request: web.Request) -> web.Response:
        """POST /playground/{action}"""
        action = self._actions.get(request.match_info["action"])
        if action is None:
            known = ", ".join(sorted(self._actions))
            return _no("unknown_action", status=404, hint=f"known are {known}")
        try:
            given = json.loads(await request.text() or "{}")
            if not isinstance(given, dict):
                return _no("malformed", status=400, hint="the body is a JSON object")
            return web.json_response({"ok": True} | await action(given))
        except Refused as refusal:
            return web.json_response({"ok": False, "error": refusal.code} | refusal.detail)
        except SlackError as error:
            return web.json_response(error.body())
        except Malformed as error:
            return _no("malformed", status=400, hint=str(error))
        except ValueError as error:
            return _no("malformed", status=400, hint=f"not JSON: {error}")

    async def state(self, _request: web.Request) -> web.Response:
        """GET /playground/state"""
        return web.json_response(state(self._hub))

    async def traffic(self, request: web.Request) -> web.Response:
        """GET /playground/traffic?after=ID"""
        after = request.query.get("after", "0")
        if not after.isdigit():
            return _no("malformed", status=400, hint="after is the id of the last entry seen")
        return web.json_response({"ok": True, "traffic": self._hub.traffic.after(int(after))})

    # talk

    async def _say(self, given: Json) -> Json:
        user, channel = self._in_channel(given)
        files = _listed(given, "files", dict)
        row, sent = await self._people.say(user, channel, _text(given, "text", ""), given.get("thread_ts"), files)
        return {"ts": row["ts"], "channel": row["channel"], "deliveries": await _delivered(sent)}

    async def _edit(self, given: Json) -> Json:
        user, channel = self._in_channel(given)
        return await _after(self._people.edit(user, channel, _text(given, "ts"), _text(given, "text")))

    async def _delete(self, given: Json) -> Json:
        user, channel = self._in_channel(given)
        return await _after(self._people.delete(user, channel, _text(given, "ts")))

    async def _react(self, given: Json) -> Json:
        user, channel = self._in_channel(given)
        name = _text(given, "name").strip(":")
        return await _after(self._people.react(user, channel, _text(given, "ts"), name, remove=given.get("remove")))

    # talk to the app

    async def _command(self, given: Json) -> Json:
        user, channel = self._in_channel(given)
        return await self._acts.command(user, channel, _text(given, "command"), _text(given, "text", ""))

    async def _click(self, given: Json) -> Json:
        user, place = self._place(given)
        _text(given, "action_id")
        _object(_object(given, "state"), "values")
        return await self._acts.click(user, place, given)

    async def _options(self, given: Json) -> Json:
        user, place = self._place(given)
        _text(given, "action_id")
        return await self._acts.options(user, place, given)

    async def _submit(self, given: Json) -> Json:
        values = _object(given, "values")
        user = self._user(given)
        return await self._acts.submit(user, self._view(user, given, modal=True), values)

    async def _close(self, given: Json) -> Json:
        user = self._user(given)
        return await self._acts.close(user, self._view(user, given, modal=True))

    async def _shortcut(self, given: Json) -> Json:
        user, message = self._user(given), None
        if given.get("ts"):
            user, channel = self._in_channel(given)
            message = self._people.message(channel, _text(given, "ts"), user)
        return await self._acts.shortcut(user, _text(given, "callback_id"), message)

    async def _open_home(self, given: Json) -> Json:
        tab = _text(given, "tab", "home")
        wanted = given.get("app")
        apps = [a for a in self._hub.world.apps.values() if wanted in (None, a.id, a.bot_user_id)]
        if not apps:
            raise Refused("app_not_found")
        return await _after(self._acts.open_home(self._user(given), apps[0], tab))

    async def _open_im(self, given: Json) -> Json:
        user, other = self._user(given), self._people.known(_text(given, "with"))
        return {"channel": self._hub.world.direct(other["id"], user["id"])["id"]}

    async def _stop_agent(self, given: Json) -> Json:
        user, channel = self._in_channel(given)
        answer, sent = self._acts.stop_agent(user, channel, _text(given, "thread_ts"), stale=bool(given.get("stale")))
        return answer | await _after(sent)

    async def _run_function(self, given: Json) -> Json:
        answer, sent = self._acts.run_function(_text(given, "callback_id"), _object(given, "inputs"))
        return answer | await _after(sent)

    # administer

    async def _join(self, given: Json) -> Json:
        return await _after(self._people.join(self._user(given), self._people.channel(_text(given, "channel"))))

    async def _invite(self, given: Json) -> Json:
        user, channel = self._in_channel(given)
        return await _after(self._people.join(self._people.known(_text(given, "invited")), channel, inviter=user["id"]))

    async def _leave(self, given: Json) -> Json:
        return await _after(
            self._people.leave(self._people.known(_text(given, "user")), self._people.channel(_text(given, "channel")))
        )

    async def _deactivate(self, given: Json) -> Json:
        off = given.get("deleted", True)
        return await _after(self._people.change_user(_text(given, "user"), deleted=bool(off)))

    async def _change_user(self, given: Json) -> Json:
        known = {
            "deleted",
            "is_restricted",
            "is_ultra_restricted",
            "is_stranger",
            "is_admin",
            "role",
            "real_name",
            "team_id",
        }
        fields = {name: value for name, value in given.items() if name != "user"}
        if unknown := set(fields) - known:
            raise Malformed(f"unknown {sorted(unknown)}; a user's {sorted(known)} can be changed")
        return await _after(self._people.change_user(_text(given, "user"), **fields))

    async def _usergroup(self, given: Json) -> Json:
        users = _listed(given, "users", str) if "users" in given else None
        return await _after(self._people.change_usergroup(_text(given, "id"), users, given.get("disabled")))

    async def _channel(self, given: Json) -> Json:
        channel = self._people.channel(_text(given, "channel"))
        fields = {name: value for name, value in given.items() if name != "channel"}
        return await _after(self._people.change_channel(channel, fields))

    async def _faults(self, given: Json) -> Json:
        self._hub.faults.set(given)
        self._hub.world.store.touch()
        return {"faults": self._hub.faults.shown()}

    async def _disconnect(self, given: Json) -> Json:
        return {"sockets": await self._hub.sockets.disconnect(_text(given, "reason", "refresh_requested"))}

    async def _reset(self, _given: Json) -> Json:
        self._hub.faults.clear()
        self._hub.delivery.forget()
        self._hub.limiter.clear()
        self._hub.traffic.clear()
        self._hub.blobs.clear()
        self._hub.world.reset()
        return {}

    # what the request names

    def _user(self, given: Json) -> Json:
        return self._people.acting(_text(given, "user"))

    def _in_channel(self, given: Json) -> tuple[Json, Json]:
        user = self._user(given)
        return user, self._people.channel(_text(given, "channel"), user)

    def _place(self, given: Json) -> tuple[Json, Json]:
        """The message or view that holds an element."""
        if given.get("view_id"):
            user = self._user(given)
            return user, self._view(user, given, modal=False)
        if given.get("stale"):  # an old copy: whoever once saw it
            user = self._people.known(_text(given, "user"))
            channel = self._people.channel(_text(given, "channel"))
        else:
            user, channel = self._in_channel(given)
        return user, self._people.message(channel, _text(given, "ts"), user)

    def _view(self, user: Json, given: Json, *, modal: bool) -> Json:
        """Raises view_not_found also for the views of others."""
        rows = self._hub.world.open_views(user["id"])
        if not modal:
            rows += [row for row in self._hub.world.store.rows("homes") if row["user"] == user["id"]]
        view_id = _text(given, "view_id")
        row = next((each for each in rows if each["id"] == view_id), None)
        if row is None:
            raise Refused("view_not_found")
        return row


def _text(given: Json, name: str, default: str | None = None) -> str:
    value: Any = given.get(name, default)
    if value is None and default is not None:
        value = default
    if not isinstance(value, str) or (default is None and not value):
        raise Malformed(f"{name} is needed, a string" if default is None else f"{name} is a string")
    return value


def _object(given: Json, name: str) -> Json:
    value = given.get(name)
    if value is not None and not isinstance(value, dict):
        raise Malformed(f"{name} is an object")
    return value or {}


def _listed(given: Json, name: str, kind: type) -> list[Any]:
    value = given.get(name)
    if value is not None and not (isinstance(value, list) and all(isinstance(each, kind) for each in value)):
        raise Malformed(f"{name} is a list of {'objects' if kind is dict else 'strings'}")
    return value or []


def _no(error: str, *, status: int, hint: str) -> web.Response:
    return web.json_response({"ok": False, "error": error, "hint": hint}, status=status)


async def _after(sent: Sent) -> Json:
    return {"deliveries": await _delivered(sent)}


async def _delivered(sent: Sent) -> list[Json]:
    """One entry per app and event: what came of the first attempt."""
    acks = await asyncio.gather(*sent, return_exceptions=True)
    return [
        {"delivered": False, "acked": False, "error": "cancelled"} if isinstance(ack, BaseException)
        else {"delivered": ack.delivered, "acked": ack.acked, "error": ack.error}
        for ack in acks
    ]  # fmt: skip

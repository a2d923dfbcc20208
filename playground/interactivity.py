"""What people do to an app: commands, clicks, forms, shortcuts, the home tab, Stop."""

from playground import payloads, shapes, surfaces, targets, text, values
from playground.delivery import Ack, Kind
from playground.errors import Json, Malformed, Refused
from playground.events import Sent
from playground.hub import Hub
from playground.manifest import Shortcut
from playground.people import People
from playground.responses import Responses
from playground.submission import Submission
from playground.workspace import App


class Interactivity:
    """Each method returns the answer of the control API, without `ok`. Raises Refused, Malformed."""

    def __init__(self, hub: Hub, people: People, responses: Responses) -> None:
        self._hub = hub
        self._world = hub.world
        self._people = people
        self._responses = responses
        self._submission = Submission(hub)

    async def command(self, user: Json, channel: Json, name: str, typed: str) -> Json:
        found = [(a, c) for a in self._world.apps.values() for c in a.manifest.commands if c.command == name]
        if not found:
            raise Refused("unknown_command")
        app, command = found[0]
        users, groups = self._world.users(), self._world.usergroups()
        stored = text.typed(typed, users, groups)
        given = text.for_command(
            stored, escape=command.should_escape, users=users, channels=self._world.channels(), groups=groups
        )
        url = self._hub.triggers.new_url(app=app.id, user=user["id"], channel=channel["id"], ts=None)
        trigger = self._hub.triggers.new(app.id, user["id"])
        payload = payloads.command(self._world, app, user, channel, name, given)
        payload |= {"response_url": self._responses.address(url), "trigger_id": trigger}
        ack = await self._send(app, "slash_commands", payload, accepts_response=True)
        row = None
        if ack.payload and (ack.payload.get("text") or ack.payload.get("blocks")):
            row = self._responses.shown(app, user["id"], channel, ack.payload)
        return {
            "acked": True,
            "text": (ack.payload or {}).get("text"),
            "response": ack.payload,
            "ts": row["ts"] if row else None,
            "trigger_id": trigger,
        }

    async def click(self, user: Json, place: Json, request: Json) -> Json:
        """`place` is the message or view that holds the element."""
        block_id, element = targets.element(user, place, request)
        app = self._owner(place)
        action = payloads.action(self._world, element, block_id, targets.value(element, request))
        in_view = "callback_id" in place
        trigger = self._hub.triggers.new(
            app.id, user["id"], place["id"] if in_view and place["type"] == "modal" else None
        )
        typed = (request.get("state") or {}).get("values") or {}
        payload = payloads.base(self._world, app, user, "block_actions") | {"trigger_id": trigger, "actions": [action]}
        if in_view:
            place = self._remember(place, block_id, element, action, typed)
            payload |= {
                "container": {"type": "view", "view_id": place["id"]},
                "view": shapes.view(place),
                "state": place["state"],
            }
        else:
            payload |= self._around_message(app, user, place, block_id, element, action, typed)
        ack = await self._send(app, "interactive", payload)
        return {"acked": ack.acked, "trigger_id": trigger, "action": action}

    async def options(self, user: Json, place: Json, request: Json) -> Json:
        """block_suggestion of an external select."""
        block_id, element = targets.element(user, place, request)
        app = self._owner(place)
        payload = payloads.base(self._world, app, user, "block_suggestion") | {
            "action_id": element["action_id"],
            "block_id": block_id,
            "value": str(request.get("value") or ""),
        }
        if "callback_id" in place:
            payload |= {"container": {"type": "view", "view_id": place["id"]}, "view": shapes.view(place)}
        else:
            payload |= {"container": payloads.message_container(self._world, place), "message": self._shown(place)}
        ack = await self._send(app, "interactive", payload, accepts_response=True)
        found = ack.payload or {}
        return {"options": found.get("options", []), "option_groups": found.get("option_groups", [])}

    async def submit(self, user: Json, view: Json, given: Json) -> Json:
        """view_submission; carries out the acknowledgement's response_action."""
        filled = values.filled(view["blocks"], given, view["state"]["values"])
        if errors := values.missing(view["blocks"], filled):
            raise Refused("invalid_input", errors=errors)
        app = self._owner(view)
        view = self._world.store.put("views", view["id"], view | {"state": {"values": filled}, "errors": {}})
        payload = payloads.base(self._world, app, user, "view_submission") | {
            "trigger_id": self._hub.triggers.new(app.id, user["id"], view["id"]),
            "view": shapes.view(view),
            "response_urls": [],
        }
        ack = await self._send(app, "interactive", payload, accepts_response=True)
        return self._submission.carry_out(app, view["id"], ack.payload or {})

    async def close(self, user: Json, view: Json) -> Json:
        """The X of a modal; `clear_on_close` takes the whole stack. view_closed goes out when asked for."""
        app = self._owner(view)
        gone = surfaces.stack_of(self._world, view) if view["clear_on_close"] else [view]
        for each in gone:
            self._world.store.drop("views", each["id"])
        acked = []
        for each in [each for each in gone if each["notify_on_close"]]:
            payload = payloads.base(self._world, app, user, "view_closed")
            payload |= {"view": shapes.view(each), "is_cleared": len(gone) > 1}
            acked.append((await self._hub.delivery.interaction(app, "interactive", payload)).acked)
        return {"notified": bool(acked), "acked": all(acked)}

    async def shortcut(self, user: Json, callback_id: str, message: Json | None) -> Json:
        app, shortcut = self._shortcut(callback_id)
        if (shortcut.type == "message") != (message is not None):
            raise Malformed(
                f"{callback_id} is a {shortcut.type} shortcut: {'give' if message is None else 'omit'} channel and ts"
            )
        kind = "shortcut" if message is None else "message_action"
        payload = payloads.base(self._world, app, user, kind) | {
            "callback_id": callback_id,
            "trigger_id": self._hub.triggers.new(app.id, user["id"]),
            "action_ts": self._world.next_ts(),
        }
        if message is not None:
            channel = self._people.channel(message["channel"])
            url = self._hub.triggers.new_url(app=app.id, user=user["id"], channel=channel["id"], ts=None)
            payload |= {
                "message": self._shown(message),
                "message_ts": message["ts"],
                "channel": shapes.short_channel(channel),
                "response_url": self._responses.address(url),
            }
        ack = await self._send(app, "interactive", payload)
        return {"acked": ack.acked, "trigger_id": payload["trigger_id"]}

    def open_home(self, user: Json, app: App, tab: str) -> Sent:
        channel = self._world.direct(app.bot_user_id, user["id"])
        home = surfaces.home_of(self._world, app, user["id"]) if tab == "home" else None
        extra = {"view": shapes.view(home)} if home else {}
        return self._hub.events.to_app(
            app, "app_home_opened", channel, user=user["id"], channel=channel["id"], tab=tab, **extra
        )

    def stop_agent(self, user: Json, channel: Json, thread_ts: str, *, stale: bool) -> tuple[Json, Sent]:
        """Slack's own Stop: streams of the thread end at once, the app is told. Raises no_stop_button."""
        session = self._world.session(channel["id"], thread_ts)
        rows = [
            m
            for m in self._world.thread(channel["id"], thread_ts)
            if (m.get("stream") or {}).get("state") == "streaming"
        ]
        apps = [a for a in self._world.apps.values() if "agent_session_stopped" in a.manifest.events]
        owner = session.get("app_id") or next((row["app_id"] for row in rows), None)
        app = next((each for each in apps if each.id == owner), apps[0] if stale and apps else None)
        if app is None or not (rows or stale or session["status"] not in (None, "closed")):
            raise Refused(
                "no_stop_button", hint="Slack shows Stop while a session or stream is live and the app listens"
            )
        for row in rows:
            self._world.put_message(row | {"stream": row["stream"] | {"state": "stopped_by_user"}})
        stopped = [row["ts"] for row in rows]
        sent = self._hub.events.to_app(
            app,
            "agent_session_stopped",
            channel,
            channel=channel["id"],
            thread_ts=thread_ts,
            user=user["id"],
            streaming_message_ts=stopped,
        )
        return {"streaming_message_ts": stopped}, sent

    def run_function(self, callback_id: str, inputs: Json) -> tuple[Json, Sent]:
        """A custom step of a workflow."""
        app = next((each for each in self._world.apps.values() if callback_id in each.manifest.functions), None)
        if app is None:
            raise Refused("function_not_found")
        definition = app.manifest.functions[callback_id]
        key = self._world.new_id("Fx")
        self._world.store.put("executions", key, {"id": key, "app_id": app.id, "status": "running", "inputs": inputs})
        function = {"id": "Fn" + app.id[1:], "callback_id": callback_id, "title": definition.get("title", callback_id),
                    "description": definition.get("description", ""), "type": "app", "app_id": app.id}  # fmt: skip
        sent = self._hub.events.to_app(
            app, "function_executed", function=function, inputs=inputs, function_execution_id=key,
            workflow_execution_id=self._world.new_id("Wx"), bot_access_token=app.bot_token,
        )  # fmt: skip
        return {"function_execution_id": key}, sent

    async def _send(self, app: App, kind: Kind, payload: Json, *, accepts_response: bool = False) -> Ack:
        """Raises Refused with what the person sees: dispatch_failed (nobody there), operation_timeout (no ack)."""
        if kind == "interactive" and not app.manifest.interactivity:
            raise Refused("interactivity_disabled")
        ack = await self._hub.delivery.interaction(app, kind, payload, accepts_response=accepts_response)
        if not ack.acked:
            raise Refused(ack.error or "operation_timeout", delivered=ack.delivered)
        return ack

    def _shown(self, row: Json) -> Json:
        return shapes.with_thread(row, self._world.thread(row["channel"], row["ts"]))

    def _owner(self, place: Json) -> App:
        app = self._world.apps.get(place.get("app_id", ""))
        if app is None:
            raise Refused("action_not_found")
        return app

    def _shortcut(self, callback_id: str) -> tuple[App, Shortcut]:
        for app in self._world.apps.values():
            for each in app.manifest.shortcuts:
                if each.callback_id == callback_id:
                    return app, each
        raise Refused("unknown_shortcut")

    def _remember(self, view: Json, block_id: str, element: Json, action: Json, typed: Json) -> Json:
        """A view keeps what was chosen, so that later payloads show it."""
        filled = values.filled(view["blocks"], typed, view["state"]["values"])
        if element["action_id"] in filled.get(block_id, {}):
            chosen = {key: action[key] for key in action if key not in ("action_id", "block_id", "action_ts")}
            filled[block_id][element["action_id"]] = chosen
        view = view | {"state": {"values": filled}}
        table, key = ("homes", f"{view['app_id']}:{view['user']}") if view["type"] == "home" else ("views", view["id"])
        return self._world.store.put(table, key, view)

    def _around_message(
        self, app: App, user: Json, row: Json, block_id: str, element: Json, action: Json, typed: Json
    ) -> Json:
        channel = self._people.channel(row["channel"])
        state = values.filled(row["blocks"], typed, {})
        if element["action_id"] in state.get(block_id, {}):
            state[block_id][element["action_id"]] = {
                k: v for k, v in action.items() if k not in ("action_id", "block_id", "action_ts")
            }
        url = self._hub.triggers.new_url(
            app=app.id, user=user["id"], channel=channel["id"], ts=row["ts"], ephemeral=bool(row.get("ephemeral_to"))
        )
        shown: Json = {
            "container": payloads.message_container(self._world, row),
            "channel": shapes.short_channel(channel),
            "state": {"values": state},
            "response_url": self._responses.address(url),
        }
        return shown if row.get("ephemeral_to") else shown | {"message": self._shown(row)}

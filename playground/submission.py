"""What an acknowledgement of view_submission does to the stack of modals."""

from playground import limits, surfaces
from playground.errors import Json, Refused, SlackError
from playground.hub import Hub
from playground.workspace import App


class Submission:
    def __init__(self, hub: Hub) -> None:
        self._world = hub.world

    def carry_out(self, app: App, view_id: str, ack: Json) -> Json:
        """Returns {response_action, errors, view_id}. Raises Refused when the app's answer is not usable."""
        action = ack.get("response_action")
        view = self._world.store.get("views", view_id)
        answer: Json = {"response_action": action, "errors": None, "view_id": None}
        if view is None:  # the app replaced it meanwhile
            return answer
        if action == "errors":
            errors: Json = ack.get("errors") or {}
            known = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
            if not errors or set(errors) - known:
                raise Refused("invalid_errors", errors=errors, hint="errors are keyed by block_id of input blocks")
            self._world.store.put("views", view_id, view | {"errors": errors})
            return answer | {"errors": errors}
        if action in ("update", "push"):
            return answer | {"view_id": self._next(app, view, ack, push=action == "push")}
        gone = surfaces.stack_of(self._world, view) if action == "clear" else [view]
        for each in gone:
            self._world.store.drop("views", each["id"])
        return answer

    def _next(self, app: App, view: Json, ack: Json, *, push: bool) -> str:
        try:
            given = surfaces.checked(ack.get("view"))
        except SlackError as error:
            raise Refused("invalid_view", **error.fields) from error
        if not push:
            row = surfaces.new_view(self._world, app, view["user"], given, replaces=view) | {"opened": view["opened"]}
        elif len(surfaces.stack_of(self._world, view)) >= limits.VIEW_STACK:
            raise Refused("push_limit_reached")
        else:
            row = surfaces.new_view(self._world, app, view["user"], given, previous=view)
        self._world.store.put("views", row["id"], row)
        return str(row["id"])

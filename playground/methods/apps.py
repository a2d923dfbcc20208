"""api.test, auth.test, apps.connections.open, blocks.validate, functions.complete*."""

from playground import blocks, surfaces
from playground.call import Call
from playground.errors import Json, SlackError


async def test(call: Call) -> Json:
    args = {name: value for name, value in call.args.items() if name != "token"}
    if error := call.get("error"):
        raise SlackError(error, args=args)
    return {"args": args} if args else {}


async def auth_test(call: Call) -> Json:
    team = call.world.team
    return {
        "url": f"{call.hub.url}/",
        "team": team["name"],
        "user": call.app.bot_name,
        "team_id": team["id"],
        "user_id": call.me,
        "bot_id": call.app.bot_id,
        "is_enterprise_install": False,
    }


async def open_connection(call: Call) -> Json:
    return {"url": call.hub.sockets.ticket(call.app, call.host)}


async def validate(call: Call) -> Json:
    """blocks.validate: `blocks`, or a whole `message` or `view`."""
    if (view := call.structure("view")) is not None:
        surfaces.checked(view, home=isinstance(view, dict) and view.get("type") == "home")
        return {}
    message = call.structure("message")
    given = message.get("blocks") if isinstance(message, dict) else call.structure("blocks")
    if given is None:
        raise SlackError("invalid_arguments", messages=["[ERROR] one of blocks, message, view is needed"])
    blocks.for_message(given)
    return {}


async def complete_function(call: Call) -> Json:
    return _complete(call, outputs=call.structure("outputs") or {}, status="success")


async def fail_function(call: Call) -> Json:
    return _complete(call, error=call.need("error"), status="error")


def _complete(call: Call, **result: object) -> Json:
    """Raises function_execution_not_found (unknown, of another app, or completed already)."""
    key = call.need("function_execution_id")
    row = call.world.store.get("executions", key)
    if row is None or row["app_id"] != call.app.id or row["status"] != "running":
        raise SlackError("function_execution_not_found")
    call.world.store.put("executions", key, row | result)
    return {}

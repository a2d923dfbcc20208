"""reactions.*"""

from playground import shapes
from playground.call import Call
from playground.errors import Json, SlackError
from playground.reacting import with_reaction, without_reaction


async def add(call: Call) -> Json:
    row = _message(call)
    after = with_reaction(row, call.me, call.need("name"))
    if after is None:
        raise SlackError("already_reacted")
    call.world.put_message(after)
    call.hub.events.reacted(after, call.me, call.need("name"), added=True)
    return {}


async def remove(call: Call) -> Json:
    row = _message(call)
    after = without_reaction(row, call.me, call.need("name"))
    if after is None:
        raise SlackError("no_reaction")
    call.world.put_message(after)
    call.hub.events.reacted(after, call.me, call.need("name"), added=False)
    return {}


async def get(call: Call) -> Json:
    row = _message(call)
    return {"type": "message", "channel": row["channel"], "message": shapes.message(row)}


def _message(call: Call) -> Json:
    channel = call.channel(member=True)
    return call.message(channel, "timestamp")

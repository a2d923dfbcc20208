"""conversations.*: channels, their members and their history."""

import re

from playground import shapes
from playground.call import Call, kind_of
from playground.errors import Json, SlackError

_TYPE_OF = {"channel": "public_channel", "group": "private_channel", "im": "im", "mpim": "mpim"}
_SCOPE = {
    "public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read", "mpim": "mpim:read",
}  # fmt: skip
_NAME = re.compile(r"[a-z0-9_\-]{1,80}")


async def list_all(call: Call) -> Json:
    rows = [row for row in _listed(call) if not row["is_private"] or call.me in row["members"]]
    return _channels(call, rows)


async def of_user(call: Call) -> Json:
    """users.conversations: those that a user (the bot by default) is in, as far as the bot may see them."""
    user = call.get("user", call.me)
    rows = [
        row for row in _listed(call) if user in row["members"] and (not row["is_private"] or call.me in row["members"])
    ]
    return _channels(call, rows)


def _listed(call: Call) -> list[Json]:
    types = call.get("types", "public_channel").replace(" ", "").split(",")
    for each in types:
        if each not in _SCOPE:
            raise SlackError("invalid_types")
        call.need_scope(_SCOPE[each])
    skip = call.flag("exclude_archived")
    rows = call.world.channels()
    return [row for row in rows if _TYPE_OF[kind_of(row)] in types and not (skip and row["is_archived"])]


def _channels(call: Call, rows: list[Json]) -> Json:
    page, cursor = call.page(rows)
    shown = [shapes.channel(row, call.world, call.me, members=True) for row in page]
    return {"channels": shown, "response_metadata": {"next_cursor": cursor}}


async def info(call: Call) -> Json:
    row = call.channel(right="read")
    return {"channel": shapes.channel(row, call.world, call.me, members=call.flag("include_num_members"))}


async def members(call: Call) -> Json:
    page, cursor = call.page(call.channel(right="read")["members"])
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


async def history(call: Call) -> Json:
    """Newest first, without replies (broadcast ones excepted) and without ephemerals."""
    channel = call.channel(right="history", member=True)
    rows = call.world.messages(channel["id"])
    threads = _threads(rows)
    top = [row for row in rows if row.get("thread_ts") in (None, row["ts"]) or row.get("subtype") == "thread_broadcast"]
    page, cursor = call.page(_between(call, top)[::-1], default=100, most=999)
    metadata = call.flag("include_all_metadata")
    shown = [shapes.with_thread(row, threads.get(row["ts"], []), metadata=metadata) for row in page]
    answer: Json = {"messages": shown, "has_more": bool(cursor), "pin_count": 0}
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


async def replies(call: Call) -> Json:
    """The root, then its replies, oldest first."""
    channel = call.channel(right="history", member=True)
    asked = call.world.message(channel["id"], call.need("ts"))
    if asked is None:
        raise SlackError("thread_not_found")
    root = call.world.message(channel["id"], asked.get("thread_ts") or asked["ts"]) or asked
    answers = call.world.thread(channel["id"], root["ts"])
    metadata = call.flag("include_all_metadata")
    page, cursor = call.page(_between(call, answers), default=1000, most=1000)
    parent = root["user"]
    shown = [shapes.message(row, metadata=metadata) | {"parent_user_id": parent} for row in page]
    first = [shapes.with_thread(root, answers, metadata=metadata)] if not call.get("cursor") else []
    answer: Json = {"messages": first + shown, "has_more": bool(cursor)}
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def _threads(rows: list[Json]) -> dict[str, list[Json]]:
    threads: dict[str, list[Json]] = {}
    for row in rows:
        if row.get("thread_ts") not in (None, row["ts"]):
            threads.setdefault(row["thread_ts"], []).append(row)
    return threads


def _between(call: Call, rows: list[Json]) -> list[Json]:
    oldest, latest, inclusive = call.get("oldest", "0"), call.get("latest"), call.flag("inclusive")
    try:
        low, high = float(oldest or 0), float(latest or "inf")
    except ValueError:
        raise SlackError("invalid_ts_oldest" if latest else "invalid_ts_latest") from None
    if inclusive:
        return [row for row in rows if low <= float(row["ts"]) <= high]
    return [row for row in rows if low < float(row["ts"]) < high]


async def open_direct(call: Call) -> Json:
    """conversations.open: `users` (one: a direct message; several: a group of them) or an existing `channel`."""
    if "channel" in call.args:
        row = call.channel()
        return {"no_op": True, "already_open": True, "channel": _short(row)}
    users = [each for each in call.need("users").replace(" ", "").split(",") if each != call.me]
    if any(call.world.user(each) is None for each in users):
        raise SlackError("user_not_found")
    if any((call.world.user(each) or {})["deleted"] for each in users):
        raise SlackError("user_disabled")
    call.need_scope("im:write" if len(users) == 1 else "mpim:write")
    there = {row["id"] for row in call.world.channels()}
    row = call.world.direct(call.me, users[0]) if len(users) == 1 else _group(call, users)
    already = {"no_op": True, "already_open": True} if row["id"] in there else {}
    return already | {"channel": shapes.channel(row, call.world, call.me) if call.flag("return_im") else _short(row)}


def _short(row: Json) -> Json:
    return {"id": row["id"]}


def _group(call: Call, users: list[str]) -> Json:
    members = sorted({*users, call.me})
    same = [row for row in call.world.channels() if row["is_mpim"] and sorted(row["members"]) == members]
    names = [(call.world.user(each) or {})["name"] for each in members]
    if same:
        return same[0]
    name = "mpdm-" + "--".join(names) + "-1"
    return call.world.add_channel(
        call.world.new_id("G", 8), name=name, members=members, is_mpim=True, is_private=True, creator=call.me
    )


async def create(call: Call) -> Json:
    name, private = call.need("name"), call.flag("is_private")
    call.need_scope("groups:write" if private else "channels:manage")
    if not _NAME.fullmatch(name):
        raise SlackError("invalid_name_specials" if len(name) <= 80 else "invalid_name_maxlength")
    if any(row["name"] == name for row in call.world.channels()):
        raise SlackError("name_taken")
    row = call.world.add_channel(
        call.world.new_id("C", 8), name=name, members=[call.me], is_private=private, creator=call.me
    )
    return {"channel": shapes.channel(row, call.world, call.me)}


async def join(call: Call) -> Json:
    row = call.channel()
    if row["is_private"]:
        raise SlackError("method_not_supported_for_channel_type")
    if row["is_archived"]:
        raise SlackError("is_archived")
    if call.me in row["members"]:
        shown = shapes.channel(row, call.world, call.me)
        return {
            "channel": shown,
            "warning": "already_in_channel",
            "response_metadata": {"warnings": ["already_in_channel"]},
        }
    row = call.world.change_channel(row["id"], members=[*row["members"], call.me])
    call.hub.events.membership(row, call.me, joined=True)
    return {"channel": shapes.channel(row, call.world, call.me)}


async def invite(call: Call) -> Json:
    row = call.channel(member=True)
    call.need_scope("groups:write" if row["is_private"] else "channels:manage")
    users = call.need("users").replace(" ", "").split(",")
    for each in users:
        person = call.world.user(each)
        if person is None or person["deleted"]:
            raise SlackError("user_not_found")
        if each == call.me:
            raise SlackError("cant_invite_self")
        if each in row["members"]:
            raise SlackError("already_in_channel")
    row = call.world.change_channel(row["id"], members=[*row["members"], *users])
    for each in users:
        call.hub.events.membership(row, each, joined=True, inviter=call.me)
    return {"channel": shapes.channel(row, call.world, call.me)}


async def set_topic(call: Call) -> Json:
    row = call.channel(member=True)
    call.need_scope("groups:write" if row["is_private"] else "channels:manage")
    topic = call.get("topic")
    if len(topic) > 250:
        raise SlackError("too_long")
    row = call.world.change_channel(row["id"], topic=topic)
    return {"channel": shapes.channel(row, call.world, call.me), "topic": topic}

"""users.*, usergroups.*, team.info, bots.info: who is here."""

from playground import shapes
from playground.call import Call
from playground.errors import Json, SlackError


async def list_all(call: Call) -> Json:
    page, cursor = call.page(call.world.users(), default=1000)
    email = call.has_scope("users:read.email")
    shown = [shapes.user(row, email=email) for row in page]
    return {"members": shown, "cache_ts": int(call.world.now()), "response_metadata": {"next_cursor": cursor}}


async def info(call: Call) -> Json:
    return {"user": shapes.user(call.user(), email=call.has_scope("users:read.email"))}


async def lookup_by_email(call: Call) -> Json:
    email = call.need("email").lower()
    for row in call.world.users():
        if row["email"].lower() == email and not (row["is_bot"] or row["deleted"] or row["is_stranger"]):
            return {"user": shapes.user(row, email=True)}
    raise SlackError("users_not_found")


async def groups(call: Call) -> Json:
    disabled, users, count = call.flag("include_disabled"), call.flag("include_users"), call.flag("include_count")
    rows = [row for row in call.world.usergroups() if disabled or not row["disabled"]]
    return {"usergroups": [shapes.usergroup(row, call.world, users=users, count=count) for row in rows]}


async def group_members(call: Call) -> Json:
    """Deactivated members linger, as in Slack."""
    row = call.world.store.get("usergroups", call.need("usergroup"))
    if row is None:
        raise SlackError("no_such_subteam")
    if row["disabled"] and not call.flag("include_disabled"):
        raise SlackError("subteam_disabled")
    return {"users": row["users"]}


async def team(call: Call) -> Json:
    team = call.world.team
    icons = {"image_default": True}
    shown = {"id": team["id"], "name": team["name"], "url": f"{call.hub.url}/", "domain": team["domain"]}
    return {"team": shown | {"email_domain": "", "icon": icons, "avatar_base_url": ""}}


async def bot(call: Call) -> Json:
    wanted = call.get("bot", call.app.bot_id)
    for app in call.world.apps.values():
        if app.bot_id == wanted:
            return {"bot": {k: v for k, v in shapes.bot_profile(call.world, app).items() if k != "team_id"}}
    raise SlackError("bot_not_found")

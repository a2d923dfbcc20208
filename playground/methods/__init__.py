"""The Web API: every method, the scope it needs (any of those named), its rate tier, and whether it writes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playground.call import Call
from playground.errors import Json
from playground.methods import agents, apps, chat, conversations, files, reactions, streams, users, views


@dataclass(frozen=True, slots=True)
class Method:
    run: Callable[[Call], Awaitable[Json]]
    scopes: tuple[str, ...]
    tier: int
    writes: bool = False


_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
_CHAT = ("chat:write",)
_MANAGE = ("channels:manage", "groups:write")

METHODS: dict[str, Method] = {
    "api.test": Method(apps.test, (), 4),
    "auth.test": Method(apps.auth_test, (), 5),
    "apps.connections.open": Method(apps.open_connection, ("connections:write",), 3),
    "team.info": Method(users.team, ("team:read",), 3),
    "bots.info": Method(users.bot, ("users:read",), 3),
    "blocks.validate": Method(apps.validate, (), 4),
    "chat.postMessage": Method(chat.post_message, _CHAT, 5, writes=True),
    "chat.postEphemeral": Method(chat.post_ephemeral, _CHAT, 4, writes=True),
    "chat.meMessage": Method(chat.me_message, _CHAT, 3, writes=True),
    "chat.update": Method(chat.update, _CHAT, 3, writes=True),
    "chat.delete": Method(chat.delete, _CHAT, 3, writes=True),
    "chat.getPermalink": Method(chat.get_permalink, (), 5),
    "chat.startStream": Method(streams.start, _CHAT, 2, writes=True),
    "chat.appendStream": Method(streams.append, _CHAT, 4, writes=True),
    "chat.stopStream": Method(streams.stop, _CHAT, 2, writes=True),
    "conversations.list": Method(conversations.list_all, _READ, 2),
    "conversations.info": Method(conversations.info, _READ, 3),
    "conversations.history": Method(conversations.history, _HISTORY, 3),
    "conversations.replies": Method(conversations.replies, _HISTORY, 3),
    "conversations.members": Method(conversations.members, _READ, 4),
    "conversations.open": Method(conversations.open_direct, ("im:write", "mpim:write"), 3, writes=True),
    "conversations.create": Method(conversations.create, _MANAGE, 2, writes=True),
    "conversations.join": Method(conversations.join, ("channels:join",), 3, writes=True),
    "conversations.invite": Method(conversations.invite, _MANAGE, 3, writes=True),
    "conversations.setTopic": Method(conversations.set_topic, _MANAGE, 2, writes=True),
    "users.list": Method(users.list_all, ("users:read",), 2),
    "users.info": Method(users.info, ("users:read",), 4),
    "users.lookupByEmail": Method(users.lookup_by_email, ("users:read.email",), 3),
    "users.conversations": Method(conversations.of_user, _READ, 3),
    "usergroups.list": Method(users.groups, ("usergroups:read",), 2),
    "usergroups.users.list": Method(users.group_members, ("usergroups:read",), 2),
    "reactions.add": Method(reactions.add, ("reactions:write",), 3, writes=True),
    "reactions.get": Method(reactions.get, ("reactions:read",), 3),
    "reactions.remove": Method(reactions.remove, ("reactions:write",), 2, writes=True),
    "views.open": Method(views.open_modal, (), 4, writes=True),
    "views.push": Method(views.push, (), 4, writes=True),
    "views.update": Method(views.update, (), 4, writes=True),
    "views.publish": Method(views.publish, (), 4, writes=True),
    "files.getUploadURLExternal": Method(files.get_upload_url, ("files:write",), 4, writes=True),
    "files.completeUploadExternal": Method(files.complete_upload, ("files:write",), 4, writes=True),
    "files.info": Method(files.info, ("files:read",), 4),
    "assistant.threads.setStatus": Method(agents.set_thread_status, ("chat:write", "assistant:write"), 5, writes=True),
    "assistant.threads.setSuggestedPrompts": Method(agents.set_suggested_prompts, ("assistant:write",), 4, writes=True),
    "assistant.threads.setTitle": Method(agents.set_title, ("assistant:write",), 4, writes=True),
    "agents.sessions.setStatus": Method(agents.set_status, _CHAT, 3, writes=True),
    "agents.sessions.rename": Method(agents.rename, _CHAT, 3, writes=True),
    "functions.completeSuccess": Method(apps.complete_function, (), 3, writes=True),
    "functions.completeError": Method(apps.fail_function, (), 3, writes=True),
}

"""What we listen for: the one table that the app registers and that `manifest.yml` is held to."""

COMMAND = "/ops"
EVENTS = ("app_mention", "message", "app_home_opened", "agent_session_stopped")
# These change nothing but what we remember of people and rooms: heard, not kept.
CHANGES = (
    "user_change",
    "subteam_updated",
    "subteam_members_changed",
    "member_joined_channel",
    "member_left_channel",
    "channel_shared",
    "channel_unshared",
)
ACTIONS = ("approve", "deny", "break_glass", "ask", "details", "pause", "resume", "redirect", "stop", "merge", "answer")
PAGING = ("page_back", "page_next")
FORMS = ("deny", "break_glass", "redirect", "ask", "answer", "task")
SHORTCUTS = ("task_from_message", "explain_decision")

# Web API methods the gateway calls, each with the scopes of which one must be granted (none: any token may).
METHODS: dict[str, tuple[str, ...]] = {
    "auth.test": (),
    "chat.postMessage": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.update": ("chat:write",),
    "chat.getPermalink": (),
    "conversations.info": ("channels:read", "groups:read", "im:read", "mpim:read"),
    "conversations.members": ("channels:read", "groups:read", "im:read", "mpim:read"),
    "conversations.history": ("channels:history", "groups:history", "im:history", "mpim:history"),
    "conversations.replies": ("channels:history", "groups:history", "im:history", "mpim:history"),
    "conversations.open": ("im:write",),
    "users.info": ("users:read",),
    "users.list": ("users:read",),
    "usergroups.users.list": ("usergroups:read",),
    "views.open": (),
    "views.update": (),
    "views.publish": (),
    "files.getUploadURLExternal": ("files:write",),
    "files.completeUploadExternal": ("files:write",),
    "agents.sessions.setStatus": ("chat:write",),
}

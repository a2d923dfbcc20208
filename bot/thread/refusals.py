"""What Slack's refusals of a post mean, hence what the courier does next."""

# Nobody will ever see it there: dropped, and the requester is told.
GONE = frozenset(
    (
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "restricted_action",
        "restricted_action_read_only_channel",
        "no_permission",
        "user_not_found",
        "cannot_dm_bot",
        "messages_tab_disabled",
    )
)
# The message that was to be changed is gone, or not ours to change any more: posted anew.
LOST = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
# Our own mistake: said in words instead.
BAD = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text"})
# Somebody must mend the installation: kept, and tried again.
SETUP = frozenset({"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"})
# This workspace or app has no agent sessions: not asked again.
NO_SESSIONS = frozenset({"unknown_method", "not_agent_app", "missing_scope", "feature_not_enabled"})
